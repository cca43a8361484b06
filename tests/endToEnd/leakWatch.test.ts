/** The search for leaks finds what is planted: leaks.test.ts rests on it. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { Canaries } from "./leaks/canaries";
import { filesBelow } from "./leaks/files";
import { nameOf, noWatch, watchProcesses } from "./leaks/processWatch";
import { leaksOf } from "./leaks/whoMayKnow";

jest.setTimeout(120_000);

const secret = randomBytes(20).toString("hex");
const canaries = new Canaries();
canaries.add("the state's passphrase", secret);
let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "leak-watch-"))));
afterAll(() => rmSync(folder, { recursive: true }));

/** A program that says when it runs, and then waits for its end. */
async function running(program: string, args: string[], env: Record<string, string>): Promise<ChildProcess> {
    const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ["pipe", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    return child;
}
const shell = (env: Record<string, string>, ...args: string[]) =>
    running("/bin/sh", ["-c", "echo runs; read -r end; :", ...args], env);

/** What is found of what a process shows, while it runs. */
async function found(start: () => Promise<ChildProcess>): Promise<string[]> {
    const watch = await watchProcesses(folder);
    const child = await start();
    await watch.pass();
    child.kill("SIGKILL");
    const seen = await watch.stop();
    return leaksOf(canaries, { ...seen, processes: seen.processes.filter(({ pid }) => pid === child.pid) });
}

(noWatch ? describe.skip : describe)(skippable("what a process shows", noWatch), () => {
    test.each<[form: string, value: string]>([
        ["as it is", secret],
        ["in base64 of a text around it", Buffer.from(`zot-ci:${secret}!`).toString("base64")],
        ["in hexadecimal digits", Buffer.from(secret).toString("hex")],
    ])("a secret %s in an argument is found, whose ever it is; what it is, is not said", async (_form, value) => {
        const leaks = await found(() => shell({}, `--password=${value}`));
        expect(leaks).toEqual([
            expect.stringMatching(/^the state's passphrase is an argument of sh \(process \d+\), started by node /),
        ]);
        expect(leaks.join()).not.toContain(value);
    });

    test("in the environment of whom it is not for, by the variable that it is for", async () => {
        const leaks = await found(() => shell({ PULUMI_CONFIG_PASSPHRASE: secret }));
        expect(leaks).toEqual([
            expect.stringMatching(
                /^the state's passphrase is in the environment \(PULUMI_CONFIG_PASSPHRASE\) of sh \(process \d+\), started/,
            ),
        ]);
        expect(leaks.join()).not.toContain(secret);
    });

    test("in another variable of whom it is for", async () => {
        const bash = (env: Record<string, string>) =>
            running("bash", ["--norc", "-c", "echo runs; read -r end; :"], env);
        expect(await found(() => bash({ PULUMI_CONFIG_PASSPHRASE: secret }))).toEqual([]);
        expect(await found(() => bash({ OTHER: secret }))).toHaveLength(1);
    });

    test("a program that a process becomes is looked at anew, and a file that is gone at the end is remembered", async () => {
        const file = join(folder, "passing");
        const watch = await watchProcesses(folder);
        const child = await shell({}, "before");
        await watch.pass();
        child.kill("SIGKILL");
        const becomes = await running(
            "/bin/sh",
            ["-c", `echo runs; read -r go; exec sh -c 'echo again; read -r end; :' ${secret}`],
            {},
        );
        await watch.pass();
        writeFileSync(file, `text ${secret}`, { mode: 0o644 });
        const again = new Promise((resolve) => becomes.stdout!.once("data", resolve));
        becomes.stdin!.write("\n");
        await again;
        await watch.pass();
        rmSync(file);
        becomes.kill("SIGKILL");
        const { processes, files } = await watch.stop();
        const ours = processes.filter(({ pid, args }) => pid === becomes.pid && args.at(-1) === secret);
        expect(leaksOf(canaries, { processes: ours, files })).toEqual([
            expect.stringContaining("is an argument of sh"),
            `the state's passphrase is in the file ${file}, of mode 644`,
        ]);
    });
});

test("files: where nobody may know it, and where only its owner may; a link is not followed", () => {
    const canary = new Canaries();
    canary.add("the client secret", secret);
    const own = `oidc-credentials.${"0".repeat(64)}.json`;
    const at = (name: string, mode: number) => ({ file: `/etc/zot/${name}`, content: secret, mode });
    const leaks = (file: ReturnType<typeof at>) => leaksOf(canary, { processes: [], files: [file] });
    expect(leaks(at(own, 0o600))).toEqual([]);
    expect(leaks(at(own, 0o640))).toEqual([`the client secret is in the file /etc/zot/${own}, of mode 640`]);
    expect(leaks(at("config.json", 0o600))).toHaveLength(1);
    expect(leaks(at("zot.log", 0o600))).toHaveLength(1);

    const deep = join(folder, "deep");
    mkdirSync(deep);
    writeFileSync(join(deep, "file"), secret);
    symlinkSync(deep, join(folder, "link"));
    expect(filesBelow(folder).map(({ file }) => file)).toEqual([join(deep, "file")]);
    expect(filesBelow(folder, { since: Date.now() + 60_000 })).toEqual([]);
});

test("a private key is found by any of its lines, and what is short is refused", () => {
    const key = ["-----BEGIN X-----", ..."abc".split("").map((letter) => letter.repeat(64)), "-----END X-----"].join(
        "\n",
    );
    const canary = new Canaries();
    canary.add("the SSH key", key);
    for (const text of [key, JSON.stringify(key), "b".repeat(64), Buffer.from(key).toString("base64")])
        expect(canary.in(`x${text}x`)).toEqual(["the SSH key"]);
    expect(canary.in("-----BEGIN X-----")).toEqual([]);
    expect(() => canary.add("short", "abc")).toThrow("short is too short");
});

test.each([
    [["/usr/bin/node", "/p/node_modules/@pulumi/pulumi/cmd/run/index.js", "x"], "node @pulumi/pulumi/cmd/run/index.js"],
    [["node", "build/run.cjs", "cli/rotate.ts", "--stack", "x"], "node cli/rotate.ts"],
    [["sh", "-c", "node build/run.cjs cli/rotate.ts --stack x"], "sh -c node cli/rotate.ts"],
    [["npm run rotate"], "npm"],
    [["node", "-e", "secret"], "node -e"],
    [["/usr/local/bin/pulumi", "up"], "pulumi"],
])("%j is called %s", (args, name) => expect(nameOf(args)).toBe(name));
