/** What a deployment as root does not trust: whatever zot's user, or anybody else, may write. */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import lock from "../../host/lock.sh";
import { inspectionScript } from "../../host/scripts";
import zotLog from "../../host/zotLog.sh";
import observation from "../../providers/zot/hostObservation.sh";
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

    it("is not held up by a pipe that zot is to log to, and leaves no process behind", async () => {
        const pipe = join(logs, "zot.log");
        spawnSync("mkfifo", [pipe]);
        fs.chownSync(pipe, ZOT, ZOT);
        const waits = host.declare(
            "a",
            { zot: { extraConfig: { log: { output: pipe } } } },
            { host: { readyTimeout: 5, pushTimeout: 8 } },
        );
        const ran = await host.deploy(waits);
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toMatch(/took longer than 8 seconds .*\nNothing on the host was changed/);
        expect(spawnSync("ps", ["-A", "-ww", "-o", "args="], { encoding: "utf8" }).stdout).not.toContain(
            ` verify ${host.state}`,
        );
        expect(await served()).toBe(OPEN);
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
                /^zot-hardening: The deployment runs as root, but others than root may write in .*chown root FOLDER/,
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

    it.each([
        ["another user calls zot", "$( = $) = $g; $< = $> = $u;"],
        ["a program of root's is that another user has started, as sudo waiting for a password", "$< = $u;"],
    ])("takes no notice of a process that %s", async (_name, become) => {
        const folder = fs.mkdtempSync(join(host.folder, "loud-"));
        fs.chmodSync(folder, 0o755);
        // Started as `zot serve CONFIG`, to the letter.
        fs.writeFileSync(join(folder, "serve"), "sleep 60;");
        const loud = spawn(
            "perl",
            ["-e", `($u, $g) = (${OTHER}, ${OTHER}); ${become} exec {$^X} "zot", "serve", @ARGV`, host.configFile],
            { stdio: "ignore", cwd: folder },
        );
        try {
            while (!fs.readFileSync(`/proc/${loud.pid}/cmdline`, "utf8").startsWith("zot\0serve\0")) await sleep(20);
            expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        } finally {
            loud.kill("SIGKILL");
        }
    });

    it("is looked at by nobody who would read as root what others have put there", () => {
        const folder = fs.mkdtempSync(join(host.folder, "etc-"));
        fs.chownSync(folder, ZOT, ZOT);
        const config = join(folder, "config.json");
        const state = `${config}.zot-hardening`;
        const secret = join(host.folder, "of-root-alone");
        fs.writeFileSync(secret, "a secret of root's\n", { mode: 0o600 });
        fs.mkdirSync(join(state, "pushes/1"), { recursive: true });
        fs.symlinkSync(secret, join(state, "pushes/1/config.json"));
        spawnSync("mkfifo", [join(state, "serving"), config]);
        const { output, errors } = runIn(
            shell,
            `${inspectionScript}\n${observation}\nconfig='${config}'; sudo=off; problem=; observe`,
        );
        expect(errors).toBe("");
        expect(output).toMatch(/^zot-hardening-observation\nrefused=.*others than root may write in .*\n$/);
    });
});

(reason ? describe.skip : describe)(skippable("by what root tells who zot's user is", reason), () => {
    const ask = (script: string) => runIn(shell, `${inspectionScript}\n${zotLog}\nset -u; ${script}`).output;
    const folderOf = (user: number, name = "registry") => {
        const folder = scratchFolder();
        fs.chmodSync(folder, 0o755);
        fs.mkdirSync(join(folder, name));
        fs.chownSync(join(folder, name), user, user);
        return { folder, inside: join(folder, name) };
    };

    it("is the owner of the storage", () => {
        for (const user of [0, ZOT]) {
            const { inside } = folderOf(user);
            expect(ask(`data='${inside}'; owner_of_storage`)).toBe(`${user}\n`);
            const link = join(scratchFolder(), "link");
            fs.symlinkSync(inside, link);
            expect(ask(`data='${link}'; owner_of_storage`)).toBe(`${user}\n`);
        }
        // In a folder of zot's own.
        const { folder, inside } = folderOf(ZOT);
        fs.chownSync(folder, ZOT, ZOT);
        expect(ask(`data='${inside}'; owner_of_storage`)).toBe(`${ZOT}\n`);
    });

    it("is nobody where zot's user, or another one, could have led its path to a folder of root's", () => {
        for (const target of ["/", folderOf(OTHER).inside]) {
            const { folder } = folderOf(ZOT);
            fs.chownSync(folder, ZOT, ZOT);
            fs.symlinkSync(target, join(folder, "led"));
            expect(ask(`data='${folder}/led'; owner_of_storage`)).toBe("");
        }
        const { folder, inside } = folderOf(0);
        fs.chownSync(folder, 0, ZOT);
        fs.chmodSync(folder, 0o775);
        expect(ask(`data='${inside}'; owner_of_storage`)).toBe("");
    });

    it("a program that others may write is not run while that is not known", () => {
        const { folder, inside } = folderOf(ZOT);
        const program = (where: string) => {
            fs.writeFileSync(join(where, "zot"), "#!/bin/sh\necho ran as $(id -u)\n", { mode: 0o755 });
            return join(where, "zot");
        };
        expect(ask(`owner=; as_zot '${program(folder)}'`)).toBe("ran as 0\n");
        expect(ask(`owner=; as_zot '${program(inside)}'`)).toBe("");
        fs.chownSync(join(folder, "zot"), ZOT, ZOT);
        expect(ask(`owner=; as_zot '${join(folder, "zot")}'`)).toBe("");
        expect(ask(`owner=${ZOT}; as_zot '${program(inside)}'`)).toBe(`ran as ${ZOT}\n`);
    });

    it("a log in a folder of others is read where zot runs as root, and nothing that stands in its place", () => {
        const { folder, inside } = folderOf(ZOT, "logs");
        const secret = join(folder, "of-root-alone");
        fs.writeFileSync(secret, "a secret of root's\n", { mode: 0o600 });
        const log = join(inside, "zot.log");
        const read = () => ask(`owner=0; folder=/; log_length '${log}'; echo; log_lengths=' ${log}:4'; new_log_lines`);
        fs.writeFileSync(log, "one\ntwo\n");
        expect(read()).toBe("8\ntwo\n");
        // A second name of a file of root's, a link to it, one in the folder's place, a pipe, a device.
        const others: [string, () => void][] = [
            ["a second name", () => fs.linkSync(secret, log)],
            ["a link", () => fs.symlinkSync(secret, log)],
            ["a link by way of the kernel", () => fs.symlinkSync(`/proc/self/root${secret}`, log)],
            ["a pipe", () => void spawnSync("mkfifo", [log])],
            ["a device", () => void spawnSync("mknod", [log, "c", "1", "5"])],
        ];
        for (const [name, put] of others) {
            fs.rmSync(log, { force: true });
            put();
            expect({ name, said: read() }).toEqual({ name, said: "0\n" });
        }
    });
});

describe("an access control list on a folder of root's", () => {
    // The plus sign is what ls has to say of it; by the group's bits stands what the list allows at most.
    const others = (mode: string) => {
        const ls = join(scratchFolder(), "ls");
        fs.writeFileSync(ls, `#!/bin/sh\necho '${mode} 2 0 0 4096 Nov 29 2026 /etc'\n`, { mode: 0o755 });
        return runIn(shell, `${inspectionScript}\nuntrusted_folders /etc`, { path: [join(ls, "..")] }).output;
    };

    it("that may let another user write is not trusted", () => {
        expect(others("drwxrwxr-x+")).toContain("/etc (drwxrwxr-x+, user 0, group 0)\n");
    });

    it("that lets nobody else write is, and so is a plain folder", () => {
        for (const mode of ["drwxr-xr-x+", "drwxrwxr-x", "drwxrwxr-x."]) expect(others(mode)).toBe("");
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
