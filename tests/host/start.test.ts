/**
 * The start that waits for the issuer, run as a service would run it: what it serves, when it changes over, and how it
 * ends.
 */
import { type ChildProcess, spawn } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { zotStartScript } from "../../host/scripts";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Deployed, FaultHost } from "../../testbed/faults/host";
import { DOWN, type Known, READ_ONLY, servedBy, Watch } from "../../testbed/faults/watch";
import { processTable } from "../../testbed/sshHost/processes";
import { shells } from "./shells";

jest.setTimeout(120_000);

let host: FaultHost;
let a: Deployed;
let known: Known[];
let running: ChildProcess | undefined;

beforeAll(async () => {
    host = await FaultHost.start({ settings: { host: { startWithoutIssuer: true } } });
    a = host.declare("a");
    known = [a];
    host.reset(host.openConfig());
    await host.ready();
    const ran = await host.deploy(a);
    expect(ran).toMatchObject({ exitCode: 0, output: "deployed\n" });
    // The service is the site's own, and does not know of the start yet.
    expect(ran.errors).toBe(
        `zot-hardening: The service does not start zot with ${host.state}/start yet, ` +
            "so zot could not start while its issuer is away. " +
            `Let the service run: /bin/sh ${host.state}/start [ZH-START-NOT-USED]\n`,
    );
    host.service.stop();
});
afterEach(async () => {
    await end("SIGTERM");
    await host.issuer.become("ours");
});
afterAll(() => host?.stop());

const served = () => servedBy(host.url, known);
const serving = () => fs.readFileSync(join(host.state, "serving"), "utf8");

/** As a service manager runs it; its waits are shorter, so that the test is. */
function start(shell = ["/bin/sh"]): { log: () => string; exit: Promise<number | null> } {
    const script = join(host.folder, "start");
    fs.writeFileSync(
        script,
        fs
            .readFileSync(join(host.state, "start"), "utf8")
            .replace(/^interval=5$/m, "interval=0.3")
            .replace("nap 1 &&", "nap 0.1 &&"),
    );
    const child = spawn(shell[0]!, [...shell.slice(1), script], { stdio: ["ignore", "pipe", "pipe"], detached: true });
    let log = "";
    child.stdout.on("data", (chunk) => (log += String(chunk)));
    child.stderr.on("data", (chunk) => (log += String(chunk)));
    running = child;
    return { log: () => log, exit: new Promise((resolve) => child.once("close", resolve)) };
}

async function end(signal: NodeJS.Signals): Promise<number | null | undefined> {
    const child = running;
    running = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode;
    const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
    child.kill(signal);
    return ended;
}

async function until(what: () => Promise<boolean>, seconds = 20): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while (!(await what())) {
        if (Date.now() > deadline) throw new Error(`It did not happen within ${seconds} seconds.`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

it("is on the host as it is here, with the host's paths above it", () => {
    const text = fs.readFileSync(join(host.state, "start"), "utf8");
    expect(text).toBe(
        `#!/bin/sh\nbinary='${host.machine.zot.path}'\nconfig='${host.configFile}'\nstate='${host.state}'\nauthorities=''\n${zotStartScript}`,
    );
});

for (const shell of shells) {
    (shell.reason ? it.skip : it)(
        skippable(
            `serves read-only while the issuer is away, and changes over when it comes: ${shell.name}`,
            shell.reason,
        ),
        async () => {
            await host.issuer.become("down");
            const { log } = start(shell.command);
            await until(async () => (await served()) === READ_ONLY);
            expect(log()).toMatch(/zot-hardening: zot starts read-only http.*could not be fetched on this host/);
            expect(serving()).toMatch(/^read-only since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ: http/);

            const watch = new Watch(host, [a, { name: READ_ONLY, config: a.readOnly }], "/v2/_catalog");
            await host.issuer.become("ours");
            await until(async () => (await served()) === "a");
            await watch.sees("a");
            const history = await watch.end();
            expect(history.served.map(({ what }) => what).filter((what) => what !== DOWN)).toEqual([READ_ONLY, "a"]);
            expect(serving()).toMatch(/^with its config since [^:]*:\d\d:\d\dZ\n$/);
            // The shell has made way for zot, which the service manager now looks after itself.
            expect(processTable().find(({ pid }) => pid === running!.pid)?.name).not.toMatch(/sh$/);
        },
    );
}

it("serves the config at once where the issuer answers", async () => {
    const { log } = start();
    await until(async () => (await served()) === "a");
    expect(log()).not.toContain("read-only");
});

it("waits for an issuer that is another, or does not answer", async () => {
    await host.issuer.become("different");
    start();
    await until(async () => (await served()) === READ_ONLY);
    expect(serving()).toContain("both have to be the same to the letter");
    await host.issuer.become("hangs");
    await new Promise((resolve) => setTimeout(resolve, 800));
    expect(await served()).toBe(READ_ONLY);
    await host.issuer.become("ours");
    await until(async () => (await served()) === "a");
});

it.each(["SIGTERM", "SIGINT"] as const)("ends with everything that it started at %s", async (signal) => {
    await host.issuer.become("down");
    start();
    await until(async () => (await served()) === READ_ONLY);
    expect(await end(signal)).toBe(0);
    expect(await served()).toBe(DOWN);
    const left = processTable().filter(
        ({ pid }) => commandLine(pid).includes(host.folder) && !commandLine(pid).includes("sshd"),
    );
    expect(left.map(({ pid }) => commandLine(pid))).toEqual([]);
});

it("ends when zot ends, so that the service manager starts it again", async () => {
    await host.issuer.become("down");
    const { exit, log } = start();
    await until(async () => (await served()) === READ_ONLY);
    const zot = processTable().find(
        ({ pid }) =>
            / serve \S*$/.test(commandLine(pid).trim()) &&
            commandLine(pid).includes(host.folder) &&
            !/^\S*sh /.test(commandLine(pid)),
    )!;
    process.kill(zot.pid, "SIGKILL");
    expect(await exit).toBe(137);
    expect(log()).toContain("zot, which served read-only, ended with 137");
});

it("starts a config that needs no issuer, whatever the issuer does", async () => {
    await host.issuer.become("down");
    const before = fs.readFileSync(host.configFile);
    fs.writeFileSync(host.configFile, a.readOnly);
    start();
    await until(async () => (await served()) === READ_ONLY);
    expect(serving()).toMatch(/^with its config/);
    fs.writeFileSync(host.configFile, before);
});

it("starts the config all the same where nothing is known of a read-only one", async () => {
    const pushes = join(host.state, "pushes");
    fs.renameSync(pushes, `${pushes}.away`);
    start();
    await until(async () => (await served()) === "a");
    fs.renameSync(`${pushes}.away`, pushes);
});

it("is part of a deployment, of a reboot without the issuer, and of the return of the issuer", async () => {
    host.service.useStart(true);
    host.service.start();
    await until(async () => (await served()) === "a");
    const b = host.declare("b", { zot: { garbageCollectionDelay: "2h" } });
    known.push(b);
    expect(await host.deploy(b)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
    // The power goes, and Authentik comes back later than the registry.
    await host.issuer.become("down");
    host.service.stop("kill");
    host.service.start();
    await until(async () => (await served()) === READ_ONLY);
    expect((await host.deploy(b)).errors).toContain("[ZH-ISSUER-NEEDED]");
    expect(await served()).toBe(READ_ONLY);
    await host.issuer.become("ours");
    await until(async () => (await served()) === "b");
    expect(await host.deploy(b)).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
    host.service.stop();
    host.service.useStart(false);
});

function commandLine(pid: number): string {
    try {
        return fs.readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
        return "";
    }
}
