/** npm run verify -- --integrity, as an operator runs it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Report } from "../../../../cli/verify/report/report";
import { cleanUp, type RunningZot, zots } from "../../../testbed/zot/zots";
import { startVerify } from "../verifyProcess";
import { forget, type Pushed, pushVersion, startOpen } from "./registry";

jest.setTimeout(120_000);

let server: RunningZot;
let whole: Pushed;

beforeAll(async () => {
    server = await startOpen(zots[0]!);
    whole = await pushVersion(server, "team/app", "v1");
    await pushVersion(server, "docker.io/library/copied", "v1");
    for (let n = 0; n < 6; n++) await pushVersion(server, `many/${n}`, "v1");
});
afterAll(cleanUp);

const run = (...args: string[]) => startVerify(["--registry", server.url, "--integrity", ...args]).ended;

test("0: every part is there; no login, no other check, and caches are passed over", async () => {
    const { code, stdout, stderr } = await run();
    expect({ code, stdout }).toEqual({
        code: 0,
        stdout: expect.stringMatching(/No weakness was found\. 1 passed\.\n$/),
    });
    expect(stdout.replace(/\s+/g, " ")).toMatch(
        /^PASS version-parts .*Nothing is missing of 7 versions in 7 repositories\. Left out as copies of upstream: docker\.io\/library\/copied\./,
    );
    expect(stderr).toMatch(/run \S+, read-only\n\[1\/1\] pass +version-parts/);
});

test("a sample says by what it is chosen again", async () => {
    const seedOf = async (...args: string[]) => {
        const { code, stdout } = await run("--sample", "3", ...args);
        expect(code).toBe(0);
        return /of 3 versions in 3 repositories \(a sample; --seed (\S+) chooses it again/.exec(
            stdout.replace(/\s+/g, " "),
        )![1];
    };
    expect(await seedOf("--seed", "monday")).toBe("monday");
    expect(await seedOf()).toMatch(/^[0-9a-f]{6}$/);
});

test("1: a version with a missing part is named while it goes on, in the table and in the JSON", async () => {
    await forget(server, "team/app", whole.arm64);
    const { code, stdout, stderr } = await run();
    const named = `team/app:v1 (${whole.index}): the platform linux/arm64 (${whole.arm64}) is forgotten by zot`;
    expect(code).toBe(1);
    expect(stderr).toContain(`MISSING: ${named}`);
    expect(stdout.replace(/\s+/g, " ")).toContain(`1 has a missing part.`);
    expect(stdout.replace(/\s+/g, " ")).toContain(`- ${named}`);
    expect(stdout.replace(/\s+/g, " ")).toContain("-> Push each forgotten manifest again by its digest");
    const [check] = (JSON.parse((await run("--json")).stdout) as Report).checks;
    expect(check).toMatchObject({ id: "version-parts", verdict: "fail", details: [expect.stringContaining(named)] });
});

test("in a repository in which tags move it is a warning", async () => {
    const { code, stdout } = await run("--channels", "team/**");
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/1 warned of/) });
    expect(stdout.replace(/\s+/g, " ")).toContain("whose tag CI may move, so parts can get lost");
});

test.each([
    [["--only", "health"], "--integrity is a run of its own, without --only and --browser."],
    [["--seed", "1"], "--seed chooses a sample; give --sample too."],
    [["--sample", "0"], "It has to be a number of at least 1."],
])("2: %j", async (args, message) => {
    const { code, stderr } = await run(...args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
});

test.each([
    [["--stack", "prod", "--all", "--integrity"], "which are the same for each identity; leave --all out."],
    [["--stack", "prod", "--all", "--workload", "charts"], "--workload and --all do not go together"],
    [["--stack", "prod", "--all", "--html", "a.html"], "--html is the page of one run"],
    [["--registry", "http://127.0.0.1:1", "--all"], "--all looks as each of a stack's identities of CI"],
])("2: one run for each identity: %j", async (args, message) => {
    const { code, stderr } = await startVerify(args).ended;
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(message) });
});

test("2: what is for --integrity alone", async () => {
    const { code, stderr } = await startVerify(["--registry", server.url, "--signed"]).ended;
    expect({ code, stderr }).toEqual({
        code: 2,
        stderr: expect.stringContaining("are for --integrity; give that too."),
    });
});

test("3: a registry that does not let anyone read, or fails in between, is not said to be whole", async () => {
    let answered = 0;
    const proxy = createServer((request, response) => {
        const isBlob = request.url!.includes("/many/1/blobs/");
        if (isBlob) answered++;
        if (request.url!.includes("/many/0/")) return void response.writeHead(403).end();
        // Once only: what fails in passing is asked again.
        if (isBlob && answered === 1) return void response.writeHead(503).end();
        void fetch(`${server.url}${request.url}`, { method: request.method! }).then(async (answer) => {
            const length = answer.headers.get("content-length");
            response.writeHead(answer.status, {
                ...(length ? { "content-length": length } : {}),
                "docker-content-digest": answer.headers.get("docker-content-digest") ?? "",
            });
            response.end(Buffer.from(await answer.arrayBuffer()));
        });
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => proxy.once("listening", resolve));
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const { code, stdout } = await startVerify([
        "--registry",
        url,
        "--integrity",
        "--channels",
        "team/**",
        "--mirror",
        "team",
    ]).ended;
    proxy.close();
    const said = stdout.replace(/\s+/g, " ");
    expect({ code, said }).toEqual({
        code: 3,
        said: expect.stringContaining(
            "Not checked: many/0: /v2/many/0/tags/list was answered with 403, so that not everyone may read it.",
        ),
    });
    expect(said).toContain("Nothing is missing of 6 versions in 6 repositories.");
    expect(answered).toBeGreaterThan(1);
});

test("130: Ctrl-C ends it at once", async () => {
    let sent = false;
    const slow = createServer((_request, response) => {
        response.writeHead(200, { "content-type": "application/json" });
        setTimeout(() => response.end(JSON.stringify({ repositories: ["a", "b"], tags: ["v1"] })), 300);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => slow.once("listening", resolve));
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
    const { code, stderr } = await startVerify(
        ["--registry", url, "--integrity"],
        {},
        {
            during: (child, said) => {
                if (sent || !said.includes("read-only")) return;
                sent = true;
                child.kill("SIGINT");
            },
        },
    ).ended;
    slow.close();
    expect({ code, stderr }).toEqual({ code: 130, stderr: expect.stringContaining("SIGINT: ending") });
});
