/** Several machines of one registry: hosts over SSH, each with its own zot, and the storage that they share. */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mergeExtra } from "../../components/zotConfig/merge";
import { type SshHost, startSshHost } from "../sshHost";
import { openConfig, type Site } from "./index";
import { freePort } from "./ports";
import type { SharedState } from "./sharedState";
import { startZotService, type ZotService } from "./zotService";

/** One of the machines. */
export interface Machine {
    ssh: SshHost;
    zot: ZotService;
    folder: string;
    configFile: string;
    url: string;
    /** As an entry of `host.members`. */
    member: Record<string, unknown> & { zot: Record<string, unknown> };
    stop(): Promise<void>;
}

/**
 * Starts a machine that lets in who may log in at the site's host, with an open zot over the shared bucket and redis.
 *
 * @param name of its folder in that of the site
 */
export async function startMachine(site: Site, shared: SharedState, name: string): Promise<Machine> {
    const ssh = await startSshHost({});
    try {
        appendFileSync(ssh.authorizedKeysFile, readFileSync(site.ssh.authorizedKeysFile));
        const folder = join(site.folder, name);
        mkdirSync(join(folder, "zot"), { recursive: true });
        mkdirSync(join(folder, "images"));
        const port = await freePort();
        const url = `http://127.0.0.1:${port}`;
        const [configFile, rootDirectory] = [join(folder, "zot", "config.json"), join(folder, "images")];
        const binary = site.settings.zot!.binary as string;
        const zot = startZotService({ folder, binary, configFile, url, environment: shared.environment });
        const { config } = mergeExtra(openConfig(rootDirectory, port), shared.config);
        writeFileSync(configFile, JSON.stringify(config));
        const stop = async () => {
            zot.stop();
            await ssh.stop();
        };
        try {
            await zot.restart();
        } catch (error) {
            zot.stop();
            throw error;
        }
        const member = {
            address: ssh.host,
            port: ssh.port,
            hostKey: ssh.hostPublicKey,
            restartCommand: zot.restartCommand,
            zot: { configFile, rootDirectory, port },
        };
        return { ssh, zot, folder, configFile, url, member, stop };
    } catch (error) {
        await ssh.stop();
        throw error;
    }
}

/** Settings of a stack on several machines with shared storage, besides `host.members`. */
export const settingsOnMachines = (shared: SharedState, registryUrl: string) => ({
    registry: { url: registryUrl },
    ...shared.settings,
    zot: { vulnerabilityUpdateInterval: "off" },
    host: { address: "", hostKey: "", restartCommand: "true" },
});
