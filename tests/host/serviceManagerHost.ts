/** A host with stand-ins for systemd and launchd, for the tests of a file; empty again after each. */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { type Deployed, FaultHost } from "../../testbed/faults/host";
import { servedBy } from "../../testbed/faults/watch";

export const standIns = resolve(__dirname, "../../testbed/serviceManagers");
export const uid = process.getuid?.() ?? 0;
export let host: FaultHost;
export let manager: string;

beforeAll(async () => {
    const folder = fs.mkdtempSync("/tmp/service-manager-");
    manager = join(folder, "manager");
    fs.mkdirSync(join(manager, "system"), { recursive: true });
    host = await FaultHost.start({
        path: standIns,
        environment: { SERVICE_MANAGER_FOLDER: manager, XDG_RUNTIME_DIR: folder },
        settings: { zot: { user: userInfo().username } },
    });
    fs.mkdirSync(join(host.temporary, ".config/systemd/user"), { recursive: true });
    fs.mkdirSync(join(host.temporary, "Library/LaunchAgents"), { recursive: true });
    fs.mkdirSync(join(host.temporary, "Library/Logs"), { recursive: true });
});

afterEach(async () => {
    await host.issuer.become("ours");
    for (const name of fs.readdirSync(manager).filter((entry) => entry.endsWith(".service"))) {
        const supervisor = read(join(manager, name, "supervisor"));
        const pid = read(join(manager, name, "pid"));
        for (const number of [supervisor, pid]) if (number.trim()) spawnSync("kill", ["-9", number.trim()]);
    }
    // What a manager has lost sight of, because a test changed what it knows of its job.
    spawnSync("pkill", ["-9", "-f", host.configFile]);
    for (const entry of fs.readdirSync(manager))
        if (entry !== "system") fs.rmSync(join(manager, entry), { recursive: true });
    for (const folder of [".config/systemd/user", "Library/LaunchAgents"]) {
        for (const entry of fs.readdirSync(join(host.temporary, folder)))
            fs.rmSync(join(host.temporary, folder, entry), { recursive: true });
    }
    host.reset();
});

afterAll(async () => {
    await host?.stop();
    if (manager) fs.rmSync(resolve(manager, ".."), { recursive: true, force: true });
});

export const read = (file: string) => (fs.existsSync(file) ? fs.readFileSync(file, "utf8") : "");
/** What was told to a manager, but for questions. */
export const orders = () =>
    read(join(manager, "calls"))
        .split("\n")
        .filter(
            (line) =>
                line && !/^(systemctl( --user)?( --property=\w+)* show( |$)|launchctl print(-disabled)? )/.test(line),
        );
export const served = (...known: Deployed[]) => servedBy(host.url, known);

export async function until(what: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!(await what())) {
        if (Date.now() > deadline)
            throw new Error(
                `It did not happen. zot said: ${fs
                    .readdirSync(manager)
                    .map((entry) => read(join(manager, entry, "log")).slice(-800))
                    .join("\n")}`,
            );
        await new Promise((done) => setTimeout(done, 30));
    }
}
