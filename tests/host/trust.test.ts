/** What a deployment as root does not trust: whatever zot's user, or anybody else, may write. */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import lock from "../../host/lock.sh";
import { inspectionScript } from "../../host/scripts";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Deployed, FaultHost } from "../../testbed/faults/host";
import { OPEN, servedBy } from "../../testbed/faults/watch";
import { notAsOthers, OTHER, ZOT } from "./otherUser";
import { runIn, scratchFolder, shells } from "./shells";

jest.setTimeout(120_000);

const shell = shells.find(({ reason }) => reason === undefined)!;
const reason = notAsOthers;

(reason ? describe.skip : describe)(skippable("a deployment as root", reason), () => {
    let host: FaultHost;
    let a: Deployed;
    let logs: string;

    beforeAll(async () => {
        host = await FaultHost.start({ zotUser: ZOT });
        a = host.declare("a");
        logs = join(host.folder, "logs");
    });
    afterAll(() => host?.stop());
    beforeEach(async () => {
        fs.rmSync(logs, { recursive: true, force: true });
        fs.mkdirSync(logs);
        fs.chownSync(logs, ZOT, ZOT);
        host.reset(host.openConfig());
        await host.ready();
    });

    const served = () => servedBy(host.url, [a, { name: OPEN, config: "" }]);
    const failing = async (logFile: string, times = {}) => {
        host.service.serveFault({ how: "dies", where: { holds: a.files[0]!.path } });
        const ran = await host.deploy(
            host.declare("a", {}, { host: { logFile, readyTimeout: 40, pushTimeout: 200, ...times } }),
        );
        host.service.serveFault(undefined);
        return ran;
    };

    it("is not held up by a pipe in the log's place", async () => {
        const pipe = join(logs, "zot.log");
        spawnSync("mkfifo", [pipe]);
        fs.chownSync(pipe, ZOT, ZOT);
        const ran = await failing(pipe);
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toMatch(
            /zot (ended after|was not ready within \d+ seconds of) its restart[\s\S]*The config that was in force before is back, and zot is ready with it\. \[ZH-ROLLBACK-DONE\]\n$/,
        );
        expect(fs.readdirSync(host.configFolder)).toEqual(["config.json"]);
    });

    it("shows nothing of a file that a link in the log's place leads to", async () => {
        const secret = join(host.folder, "of-root-alone");
        fs.writeFileSync(secret, "Error: a secret of root's\n".repeat(3), { mode: 0o600 });
        fs.symlinkSync(secret, join(logs, "zot.log"));
        const ran = await failing(join(logs, "zot.log"));
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).not.toContain("a secret of root's");
    });

    it("reads a log in a folder of zot's user", async () => {
        fs.writeFileSync(join(logs, "zot.log"), "", { mode: 0o600 });
        fs.chownSync(join(logs, "zot.log"), ZOT, ZOT);
        const log = join(logs, "zot.log");
        const restart = join(host.folder, "restart-and-log");
        fs.writeFileSync(
            restart,
            `#!/bin/sh\n'${host.service.restartCommand}'\necho 'Error: said in the log' >>'${log}'\n`,
            { mode: 0o755 },
        );
        host.service.serveFault({ how: "dies", where: { holds: a.files[0]!.path } });
        const ran = await host.deploy(
            host.declare(
                "a",
                { host: { restartCommand: restart } },
                { host: { logFile: log, readyTimeout: 40, pushTimeout: 200 } },
            ),
        );
        host.service.serveFault(undefined);
        expect(ran.errors).toContain("Error: said in the log");
    });

    it.each([
        [
            "of zot's user",
            () => fs.chownSync(host.configFolder, ZOT, ZOT),
            /\/etc \(drwxr-xr-x, user 65534, group 65534\)/,
        ],
        [
            "that a group may write",
            () => (fs.chownSync(host.configFolder, 0, ZOT), fs.chmodSync(host.configFolder, 0o775)),
            /\/etc \(drwxrwxr-x, user 0, group 65534\)/,
        ],
        [
            "that anybody may write, sticky or not",
            () => fs.chmodSync(host.configFolder, 0o1777),
            /\/etc \(drwxrwxrwt, user 0/,
        ],
        [
            "below one of another's",
            () => fs.chownSync(host.folder, OTHER, OTHER),
            /zot-faults-\w+ \(drwxr-xr-x, user 4711/,
        ],
    ])("refuses a config folder %s, and writes nothing", async (_name, disturb, named) => {
        const victim = join(host.folder, "victim");
        fs.rmSync(victim, { recursive: true, force: true });
        fs.mkdirSync(victim);
        disturb();
        fs.symlinkSync(victim, host.state);
        try {
            const ran = await host.deploy(a);
            expect(ran).toMatchObject({ exitCode: 1, output: "" });
            expect(ran.errors).toMatch(named);
            expect(ran.errors).toMatch(
                /^zot-hardening: The deployment runs as root, and others than root may write in .*chown root FOLDER/,
            );
            expect(fs.readdirSync(victim)).toEqual([]);
            expect(await served()).toBe(OPEN);
        } finally {
            fs.rmSync(host.state);
            for (const folder of [host.configFolder, host.folder]) {
                fs.chownSync(folder, 0, 0);
                fs.chmodSync(folder, 0o755);
            }
        }
    });

    it("refuses a folder of its own that is a link", async () => {
        const victim = join(host.folder, "victim");
        fs.mkdirSync(victim, { recursive: true });
        fs.symlinkSync(victim, host.state);
        expect((await host.deploy(a)).errors).toContain("config.json.zot-hardening (a symbolic link)");
        fs.rmSync(host.state);
    });

    it("takes no notice of a process that another user calls zot", async () => {
        const loud = spawn(
            "setpriv",
            [
                "--reuid",
                `${OTHER}`,
                "--regid",
                `${OTHER}`,
                "--clear-groups",
                "/bin/sh",
                "-c",
                "sleep 60; :",
                "zot",
                "serve",
                host.configFile,
            ],
            { stdio: "ignore" },
        );
        try {
            expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        } finally {
            loud.kill("SIGKILL");
        }
    });
});

describe("what others leave in the folder for temporary files", () => {
    (reason ? it.skip : it)(skippable("is not looked at one by one, nor removed", reason), () => {
        const folder = scratchFolder();
        for (let index = 0; index < 300; index++) {
            const left = join(folder, `zot-hardening.${index + 900000000}.abcdefgh`);
            fs.mkdirSync(left);
            if (index > 0) fs.chownSync(left, OTHER, OTHER);
        }
        fs.mkdirSync(join(folder, "zot-hardening.1.own"));
        const script =
            `${inspectionScript}\n${lock}\nis_deployment() { echo "looked at $1" >&2; return 1; ` +
            `}\nfolder=${folder}/zot-hardening.1.own; clear_payloads`;
        expect(runIn(shell, script).errors).toBe("looked at 900000000\n");
        expect(fs.readdirSync(folder)).toHaveLength(300);
    });
});

describe("the limit of time", () => {
    it("ends a tool that waits for ever, and what it was called by goes on", () => {
        const folder = scratchFolder();
        spawnSync("mkfifo", [join(folder, "pipe")]);
        const end = fs.readFileSync(join(__dirname, "../../host/end.sh"), "utf8");
        const script =
            `${inspectionScript}\n${lock}\n${end}\nset -u; folder=${folder}; ` +
            "identity=$(identity_of $$); trap 'stop_for late' ALRM; start_clock 1; " +
            `said=$(cat ${folder}/pipe | wc -c); stop_clock; echo "went on: $stopped"`;
        expect(runIn(shell, script).output).toBe("went on: late\n");
    });
});
