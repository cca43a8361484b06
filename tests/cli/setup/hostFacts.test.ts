/** What setup runs on a host: nothing that another user has put there, but with that user's own rights. */
import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hostFactsIn } from "../../../cli/setup/hostFacts";
import factsScript from "../../../cli/setup/hostFacts.sh";
import { inspectionScript } from "../../../host/scripts";
import { findExecutable, skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { runIn, scratchFolder, shells } from "../../host/shells";

const OTHER = 65534;
const reason = [
    process.getuid?.() === 0 ? undefined : "it becomes another user, which root alone can",
    existsSync("/proc/self/cmdline") ? undefined : "it goes by /proc",
    findExecutable("setpriv") ? undefined : "no setpriv here",
].find((why) => why !== undefined);

(reason ? describe.skip : describe)(skippable("programs that are called zot", reason), () => {
    const dash = shells.find(({ name }) => name === "dash")!;
    const started: ChildProcess[] = [];
    let folder: string;

    beforeEach(() => {
        folder = scratchFolder();
        chmodSync(folder, 0o755);
    });
    afterEach(() => {
        for (const child of started.splice(0)) child.kill("SIGKILL");
    });

    /** A program that notes who ran it, in a folder and of a user. */
    function program(user: number): { path: string; runners: () => string[] } {
        const own = join(folder, `of-${user}`);
        mkdirSync(own);
        const path = join(own, "zot");
        const note = join(folder, "ran");
        writeFileSync(note, "");
        chmodSync(note, 0o666);
        writeFileSync(path, `#!/bin/sh\nid -u >>${note}\necho '{"commit":"v2.1.20-0-g3b5796d"}'\n`);
        chmodSync(path, 0o755);
        for (const place of [path, own]) chownSync(place, user, user);
        return { path, runners: () => readFileSync(note, "utf8").split("\n").filter(Boolean) };
    }

    /** A process whose arguments are those of a zot, and the config by which it is found. */
    async function processCalled(path: string, user: number): Promise<string> {
        const config = join(folder, "config.json");
        writeFileSync(config, "{}");
        const child = spawn(
            "setpriv",
            [
                "--reuid",
                `${user}`,
                "--clear-groups",
                "bash",
                "-c",
                'exec -a "$0" sh -c "echo; exec 1>&-; read -r end" serve "$1"',
                path,
                config,
            ],
            { stdio: ["pipe", "pipe", "ignore"] },
        );
        started.push(child);
        await new Promise((resolve) => child.stdout!.once("data", resolve));
        return config;
    }

    function lookedAt(config: string, by?: number) {
        const whole = `${inspectionScript}\n${factsScript}\nwanted=${config}\nfind_zot`;
        const shell =
            by === undefined
                ? dash
                : { ...dash, command: ["setpriv", "--reuid", `${by}`, "--clear-groups", ...dash.command] };
        const { output, errors } = runIn(shell, whole);
        const facts = hostFactsIn(output);
        if (facts?.zots.length !== 1) throw new Error(`${output}\n${errors}`);
        return facts.zots[0]!;
    }

    test("another user's is run with that user's rights", async () => {
        const zot = program(OTHER);
        expect(lookedAt(await processCalled(zot.path, OTHER))).toMatchObject({
            binary: zot.path,
            version: expect.stringContaining("v2.1.20"),
        });
        expect(zot.runners()).toEqual([`${OTHER}`]);
    });

    test("one that root's process names, in a folder of another user, is not run", async () => {
        const zot = program(OTHER);
        const found = lookedAt(await processCalled(zot.path, 0));
        expect(found).toMatchObject({ binary: zot.path, binaryThere: true });
        expect(found.version).toBeUndefined();
        expect(zot.runners()).toEqual([]);
    });

    test("one of another user is not run by a user who is not root", async () => {
        const zot = program(OTHER);
        expect(lookedAt(await processCalled(zot.path, OTHER), 1).version).toBeUndefined();
        expect(zot.runners()).toEqual([]);
    });

    test("one's own is run", async () => {
        const zot = program(OTHER);
        expect(lookedAt(await processCalled(zot.path, OTHER), OTHER).version).toContain("v2.1.20");
        expect(zot.runners()).toEqual([`${OTHER}`]);
    });
});
