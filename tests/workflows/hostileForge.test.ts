/** forge.cjs and a forge, or what stands in front of it, that answers with what no forge does. */
import { spawn } from "node:child_process";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { scripts } from "./steps";

jest.setTimeout(120_000);

async function published(answer: http.RequestListener): Promise<{ status: number | null; said: string }> {
    const server = http.createServer(answer);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const child = spawn(process.execPath, [path.join(scripts, "forge.cjs"), "issue", "Title"], {
        env: {
            PATH: process.env.PATH,
            FORGE_TOKEN: "canary-token-of-the-bot",
            FORGE_USER: "zot-bot",
            GITHUB_API_URL: `http://127.0.0.1:${port}`,
            GITHUB_REPOSITORY: "o/r",
        },
        stdio: ["pipe", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk) => (said += String(chunk)));
    child.stdin.end("text");
    const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
    server.closeAllConnections();
    server.close();
    return { status, said };
}

/** Writes for as long as it is read. */
const endless = (status: number, part: string) => (_request: unknown, response: http.ServerResponse) => {
    const more = () => {
        while (!response.destroyed && response.write(part));
    };
    response.writeHead(status, { "content-type": "application/json" }).on("drain", more);
    more();
};

const CASES: [string, http.RequestListener, RegExp][] = [
    [
        "a list without an end",
        endless(200, `[${"1,".repeat(30_000)}`),
        /^127\.0\.0\.1:\d+ sent more than 16 MiB to GET issues\?\S+\.\n$/,
    ],
    ["a refusal without an end", endless(403, "x".repeat(60_000)), /^127\.0\.0\.1:\d+ answered 403 to GET \S+\. .*\n$/],
    [
        "a page of a login",
        (_request, response) => void response.end("<html>log in</html>"),
        /something else than JSON: is a login in front of it\?\n$/,
    ],
    [
        "no list",
        (_request, response) => void response.end('{"message":"hello"}'),
        /answered issues\?\S+ with something else than a list\.\n$/,
    ],
    [
        "words that a terminal obeys, and the token",
        (_request, response) =>
            void response
                .writeHead(500)
                .end(JSON.stringify({ message: "a\u001b[2Jb\u009bc\u202ed\r\ne canary-token-of-the-bot" })),
        /^127\.0\.0\.1:\d+ answered 500 to GET \S+, "a\\u001b\[2Jb\?c\?d\\r\\ne \*\*\*"\.\n$/,
    ],
    [
        "another place",
        (request, response) => void response.writeHead(302, { location: `http://localhost${request.url}` }).end(),
        /^127\.0\.0\.1:\d+ gave no answer to GET \S+: unexpected redirect\n$/,
    ],
];

test.each(CASES)("%s ends it in a sentence", async (_what, answer, words) => {
    const { status, said } = await published(answer);
    expect(said).toMatch(words);
    expect(said).not.toContain("canary");
    expect(status).toBe(1);
});
