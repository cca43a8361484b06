/**
 * A whole site on loopback, as an operator finds it before the first `pulumi up`: Authentik with an `admins` group, a
 * host that is reached by SSH, and on it a zot that anyone may change. For the demo and the end-to-end tests.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readMachine } from "../bootstrap/toolchain.cjs";
import { type SshHost, startSshHost } from "../sshHost";
import { type AuthentikSite, connectAuthentik, containAuthentik, startAuthentik } from "./authentik";
import { freePort } from "./ports";
import { startZotService, type ZotService } from "./zotService";

export interface SitePart {
    name: "Authentik" | "zot" | "SSH host";
    kind: "real" | "stand-in";
    detail: string;
}

export interface SiteOptions {
    /** Whether zot serves an open config before the first deployment, or nothing at all. Default: open. */
    before?: "open" | "nothing";
    /** Which SSH host; default: sshd if there is one. */
    ssh?: "openssh" | "embedded";
    /** `container`: the official Authentik, by a container engine. Default: as the environment names one. */
    authentik?: "container";
    /** What zot's process has in its environment besides. Default: nothing. */
    zotEnvironment?: Record<string, string>;
    /** What runs the commands that come over SSH, in place of the user's login shell. */
    sshShell?: string;
}

export interface Site {
    parts: SitePart[];
    folder: string;
    authentik: AuthentikSite;
    ssh: SshHost;
    zot: ZotService;
    registryUrl: string;
    issuer: string;
    /** Groups of settings over those of Pulumi.demo.yaml: this site's addresses and paths. Not secret. */
    settings: Record<string, Record<string, unknown>>;
    /** Settings by full name, and provider configuration, that are secret. */
    secrets: Record<string, string>;
    /** Ends every process and removes every file and every object that the site itself made. */
    stop(): Promise<void>;
}

/**
 * Starts the site; real parts where they are at hand (ZOT or a zot on PATH, AUTHENTIK_URL and AUTHENTIK_TOKEN, sshd),
 * else stand-ins.
 */
export async function startSite(options: SiteOptions = {}): Promise<Site> {
    const folder = mkdtempSync(join(tmpdir(), "zot-hardening-site-"));
    const undo: (() => Promise<void> | void)[] = [() => rmSync(folder, { recursive: true, force: true })];
    const stop = async () => {
        for (const step of undo.splice(0).reverse()) await step();
    };
    try {
        const machine = readMachine();
        const isContained = options.authentik === "container";
        const begin = isContained
            ? containAuthentik(folder)
            : machine.authentik === "real"
              ? connectAuthentik()
              : startAuthentik(folder);
        // Each is taken down, though the other does not come up.
        const [authentik, ssh] = await bothOrNone(
            begin,
            startSshHost({ kind: options.ssh, shell: options.sshShell }),
            undo,
        );

        const images = join(folder, "images");
        const configFolder = join(folder, "zot");
        for (const made of [images, configFolder]) mkdirSync(made);
        const port = await freePort();
        const registryUrl = `http://127.0.0.1:${port}`;
        const configFile = join(configFolder, "config.json");
        const service = { folder, configFile, url: registryUrl, environment: options.zotEnvironment };
        const zot = startZotService({ ...service, binary: machine.zot.path });
        undo.push(() => zot.stop());
        if (options.before !== "nothing") {
            writeFileSync(configFile, `${JSON.stringify(openConfig(images, port), null, 2)}\n`, { mode: 0o644 });
            await zot.restart();
        }

        return {
            parts: [
                {
                    name: "Authentik",
                    kind: isContained ? "real" : machine.authentik,
                    detail: `${authentik.url}${isContained ? ", in containers" : ""}`,
                },
                { name: "zot", kind: machine.zot.kind, detail: machine.zot.path },
                {
                    name: "SSH host",
                    kind: ssh.kind === "openssh" ? "real" : "stand-in",
                    detail: `${ssh.user}@127.0.0.1 port ${ssh.port}`,
                },
            ],
            folder,
            authentik,
            ssh,
            zot,
            registryUrl,
            issuer: `${authentik.url}/application/o/zot/`,
            settings: {
                registry: { url: registryUrl },
                zot: { binary: machine.zot.path, configFile, rootDirectory: images, port, mirrors: [] },
                identity: { issuer: `${authentik.url}/application/o/zot/` },
                host: {
                    address: ssh.host,
                    port: ssh.port,
                    user: ssh.user,
                    hostKey: ssh.hostPublicKey,
                    serviceManager: "command",
                    restartCommand: zot.restartCommand,
                    readyTimeout: 20,
                },
            },
            secrets: { "host.privateKey": ssh.privateKeyPem, "authentik:token": authentik.token },
            stop,
        };
    } catch (error) {
        await stop();
        throw error;
    }
}

type Stoppable = { stop(): Promise<void> };

async function bothOrNone<A extends Stoppable, B extends Stoppable>(
    one: Promise<A>,
    other: Promise<B>,
    undo: (() => Promise<void> | void)[],
): Promise<[A, B]> {
    const started = await Promise.allSettled([one, other]);
    for (const result of started) if (result.status === "fulfilled") undo.push(() => result.value.stop());
    return Promise.all([one, other]);
}

/** The registry as it is before it is hardened: no login, and anyone may change everything. */
export function openConfig(rootDirectory: string, port: number) {
    return {
        distSpecVersion: "1.1.1",
        storage: { rootDirectory },
        http: { address: "127.0.0.1", port: String(port) },
        log: { level: "info" },
    };
}
