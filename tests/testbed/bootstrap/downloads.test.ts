import { execFileSync } from "node:child_process";
import * as crypto from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { scratchFolder } from "./scratch";

interface Origins {
    pulumi: string;
}
interface Limits {
    answerMilliseconds: number;
    stallMilliseconds: number;
}
interface Source {
    archive: string;
    sha256: string | undefined;
}
interface Official {
    archive: string;
    sha256: string | undefined;
}
const pins = require("../../../testbed/bootstrap/pins.cjs") as {
    platform: string;
    archivesFile: string;
    random: { official: Official };
    command: { official: Official };
};
const downloads = require("../../../testbed/bootstrap/downloads.cjs") as {
    download(source: Source, folder: string, options: { log: string; strip?: number; limits?: Limits }): Promise<void>;
    pluginSource(pin: { official: Official }, origins?: Origins): Source;
    pulumiSource(origins?: Origins): Source;
    whyUnreachable(origins: Origins, limits?: Limits): Promise<string | undefined>;
};

/** An origin on loopback whose answers are given by path. */
async function origin(
    answer: (url: string, response: http.ServerResponse) => void,
): Promise<{ url: string; close(): Promise<void> }> {
    const server = http.createServer((request, response) => answer(request.url ?? "", response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        close: () =>
            new Promise((resolve) => {
                server.close(() => resolve());
                server.closeAllConnections();
            }),
    };
}

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
    for (const close of closers.splice(0)) await close();
});
async function serve(answer: (url: string, response: http.ServerResponse) => void): Promise<string> {
    const { url, close } = await origin(answer);
    closers.push(close);
    return url;
}

function archive(): Buffer {
    const folder = scratchFolder();
    fs.mkdirSync(path.join(folder, "pulumi"));
    fs.writeFileSync(path.join(folder, "pulumi", "pulumi"), "the CLI", { mode: 0o755 });
    return execFileSync("tar", ["-cz", "-C", folder, "pulumi"]);
}

const sha256 = (bytes: Buffer) => crypto.createHash("sha256").update(bytes).digest("hex");

describe("where the official releases are", () => {
    const origins = { pulumi: "https://downloads.example" };
    const linesOf = () => fs.readFileSync(pins.archivesFile, "utf8").trimEnd().split("\n");

    test("the CLI, with the checksum that is pinned for this platform", () => {
        const name = `pulumi-v3.259.0-${process.platform}-${process.arch}.tar.gz`;
        const { archive, sha256 } = downloads.pulumiSource(origins);
        expect(archive).toBe(`https://downloads.example/releases/sdk/${name}`);
        expect(linesOf()).toContain(`${sha256}  ${name}`);
    });

    test("a plugin, with its checksum where there is one", () => {
        const architecture = process.arch === "x64" ? "amd64" : process.arch;
        const name = `pulumi-resource-random-v4.21.2-${process.platform}-${architecture}.tar.gz`;
        const pinned = linesOf().find((line) => line.endsWith(`  ${name}`));
        expect(downloads.pluginSource(pins.random, origins)).toEqual({
            archive: `https://downloads.example/releases/plugins/${name}`,
            sha256: pinned?.slice(0, 64),
        });
    });

    test("every line is a sha256 and the name of an archive, each named once", () => {
        const lines = linesOf();
        expect(lines.filter((line) => !/^[0-9a-f]{64} {2}pulumi-[\w.-]+\.tar\.gz$/.test(line))).toEqual([]);
        expect(new Set(lines.map((line) => line.slice(66))).size).toBe(lines.length);
    });

    test("the CLI is pinned for every platform that Node is pinned for", () => {
        const platforms = linesOf().map((line) => /pulumi-v3\.259\.0-(.*)\.tar\.gz$/.exec(line)?.[1]);
        expect(platforms.filter(Boolean).sort()).toEqual(["darwin-arm64", "darwin-x64", "linux-arm64", "linux-x64"]);
    });
});

describe("download", () => {
    const log = (folder: string) => path.join(folder, "download.log");

    test("unpacks what has the pinned checksum, through a redirect", async () => {
        const bytes = archive();
        const url = await serve((path_, response) => {
            if (path_ === "/moved") response.writeHead(302, { location: "/cli.tar.gz" }).end();
            else response.end(bytes);
        });
        const folder = scratchFolder();
        await downloads.download({ archive: `${url}/moved`, sha256: sha256(bytes) }, folder, {
            log: log(scratchFolder()),
            strip: 1,
        });
        expect(fs.readdirSync(folder)).toEqual(["pulumi"]);
        expect(fs.readFileSync(path.join(folder, "pulumi"), "utf8")).toBe("the CLI");
    });

    test(
        "refuses other bytes than pinned, and unpacks none of them, " + "whatever checksum is published beside them",
        async () => {
            const bytes = archive();
            const asked: string[] = [];
            const url = await serve((path_, response) => {
                asked.push(path_);
                response.end(path_ === "/a.tar.gz" ? bytes : `${sha256(bytes)}  a.tar.gz\n`);
            });
            const folder = scratchFolder();
            const refused = downloads.download({ archive: `${url}/a.tar.gz`, sha256: "0".repeat(64) }, folder, {
                log: log(scratchFolder()),
            });
            await expect(refused).rejects.toThrow(
                `a.tar.gz has the sha256 ${sha256(bytes)}, pinned is ${"0".repeat(64)}`,
            );
            expect(fs.existsSync(path.join(folder, "pulumi"))).toBe(false);
            expect(asked).toEqual(["/a.tar.gz"]);
        },
    );

    test("refuses an archive whose checksum is not pinned, without fetching anything", async () => {
        const asked: string[] = [];
        const url = await serve((path_, response) => {
            asked.push(path_);
            response.end(archive());
        });
        const refused = downloads.download({ archive: `${url}/a.tar.gz`, sha256: undefined }, scratchFolder(), {
            log: log(scratchFolder()),
        });
        await expect(refused).rejects.toThrow("a.tar.gz has no checksum in testbed/toolchain/archives.sha256");
        expect(asked).toEqual([]);
    });

    test("gives up a transfer that breaks off or stands still", async () => {
        const bytes = archive();
        const url = await serve((path_, response) => {
            response.writeHead(200, { "content-length": bytes.length });
            response.write(bytes.subarray(0, 10), () => {
                if (path_ === "/a.tar.gz") response.destroy();
            });
        });
        const limits = { answerMilliseconds: 5000, stallMilliseconds: 60 };
        for (const [name, reason] of [
            ["a.tar.gz", /broke off|sent 10 of|cannot be reached/],
            ["b.tar.gz", /sent nothing for 0\.06 s/],
        ] as const) {
            const source = { archive: `${url}/${name}`, sha256: sha256(bytes) };
            await expect(
                downloads.download(source, scratchFolder(), { log: log(scratchFolder()), limits }),
            ).rejects.toThrow(reason);
        }
    });
});

describe("whyUnreachable", () => {
    const limits = { answerMilliseconds: 60, stallMilliseconds: 60 };

    test("says nothing where there is any answer, a refusal too", async () => {
        const url = await serve((_, response) => response.writeHead(403).end());
        expect(
            await downloads.whyUnreachable({ pulumi: url }, { ...limits, answerMilliseconds: 5000 }),
        ).toBeUndefined();
    });
    test("names a host that does not answer in time", async () => {
        const url = await serve(() => undefined);
        expect(await downloads.whyUnreachable({ pulumi: url }, limits)).toMatch(
            /^127\.0\.0\.1:\d+ did not answer within 0\.06 s$/,
        );
    });
    test("names a host that cannot be reached, and why", async () => {
        const { url, close } = await origin(() => undefined);
        await close();
        const answer = downloads.whyUnreachable({ pulumi: url }, { ...limits, answerMilliseconds: 5000 });
        expect(await answer).toMatch(/^127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)$/);
    });
});
