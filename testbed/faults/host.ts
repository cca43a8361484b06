/**
 * A registry's host to break: zot with its service, its issuer, the disk that its config is on, and SSH to all of it.
 */
import { spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { declaredState } from "../../components/declaredState";
import { type HostVerb, hostArrival, hostCommand, hostPayload } from "../../components/hostPayload";
import type { Settings } from "../../components/settings";
import { configText, readOnlyConfig, renderZotConfig, secretFiles } from "../../components/zotConfig";
import { readMachine } from "../bootstrap/toolchain.cjs";
import { freePort } from "../site/ports";
import { type SshHost, startSshHost } from "../sshHost";
import { Issuer } from "./issuer";
import { type Ran, runOverSsh } from "./overSsh";
import { ZotService } from "./service";
import { onPath, Steps } from "./steps";

/** What is deployed: configs whose differences are visible from outside. */
export interface Deployed {
    name: string;
    /** The OAuth2 client id of logins. */
    clientId: string;
    settings: Settings;
    config: string;
    readOnly: string;
    files: { path: string; content: string }[];
    payload: string;
}

/** Settings that replace the checked ones, for values that the checks refuse. */
type Overrides = { [Group in "host" | "zot" | "identity"]?: Partial<Settings[Group]> };

export interface FaultHostOptions {
    /** Shell that runs the script instead of /bin/sh. */
    shell?: string;
    ssh?: "openssh" | "embedded";
    /** Size of the config's disk, if this process may mount one. Default: no separate disk. */
    diskKilobytes?: number;
    /** Whether the tools that the script calls are watched (see Steps). */
    steps?: boolean;
    /** Prepended to the PATH of the script. */
    path?: string;
    settings?: Overrides;
    /** Further variables of the script. */
    environment?: Record<string, string>;
    /**
     * User id that zot runs as, if this process may become it; its storage then is a symbolic link, as to a separate
     * disk. Default: this process's user.
     */
    zotUser?: number;
}

export class FaultHost {
    readonly images: string;
    readonly configFolder: string;
    readonly configFile: string;
    readonly temporary: string;
    readonly machine = readMachine();
    private mounted = false;

    private constructor(
        readonly folder: string,
        readonly port: number,
        readonly issuer: Issuer,
        private readonly options: FaultHostOptions,
    ) {
        this.images = join(folder, "images");
        this.configFolder = join(folder, "etc");
        this.configFile = join(this.configFolder, "config.json");
        this.temporary = join(folder, "tmp");
    }

    ssh!: SshHost;
    service!: ZotService;
    steps: Steps | undefined;

    static async start(options: FaultHostOptions = {}): Promise<FaultHost> {
        const folder = fs.mkdtempSync(join(tmpdir(), "zot-faults-"));
        const host = new FaultHost(folder, await freePort(), await Issuer.start(), options);
        const uid = host.zotUser;
        if (uid === undefined) {
            fs.mkdirSync(host.images);
        } else {
            fs.chmodSync(folder, 0o755);
            fs.mkdirSync(join(folder, "disk"));
            fs.chownSync(join(folder, "disk"), uid, uid);
            fs.symlinkSync(join(folder, "disk"), host.images);
        }
        for (const needed of [host.configFolder, host.temporary]) fs.mkdirSync(needed);
        try {
            if (options.diskKilobytes !== undefined) host.mount(options.diskKilobytes);
            host.service = new ZotService(folder, {
                zot: host.machine.zot.path,
                configFile: host.configFile,
                start: `${host.state}/start`,
                port: host.port,
                uid,
            });
            if (options.steps) {
                host.steps = new Steps(
                    folder,
                    { [host.configFolder]: "ETC", [folder]: "HOST", [`:${host.port}`]: ":PORT" },
                    { zot: host.machine.zot.path, "restart-zot": host.service.restartCommand },
                );
            }
            host.ssh = await startSshHost({
                kind: options.ssh,
                // The start-up files of the user's own shell are not part of the deployment.
                home: host.temporary,
                environment: {
                    PATH: [host.steps?.folder, options.path, process.env.PATH].filter(Boolean).join(":"),
                    TMPDIR: host.temporary,
                    ...options.environment,
                },
            });
            return host;
        } catch (error) {
            await host.stop();
            throw error;
        }
    }

    get url(): string {
        return `http://127.0.0.1:${this.port}`;
    }

    /** The user id that zot runs as, if it is not this process's. */
    get zotUser(): number | undefined {
        return process.getuid?.() === 0 && onPath("setpriv") ? this.options.zotUser : undefined;
    }

    /** Where the deployment keeps its records. */
    get state(): string {
        return `${this.configFile}.zot-hardening`;
    }

    get hasDisk(): boolean {
        return this.mounted;
    }

    /**
     * What a deployment of these settings sends; the same for the same name, but for the secrets' content, which is
     * random once.
     */
    declare(
        name: string,
        settings: {
            zot?: Record<string, unknown>;
            identity?: Record<string, unknown>;
            host?: Record<string, unknown>;
        } = {},
        overrides: Overrides = {},
    ): Deployed {
        const clientId = `zot-${name}`;
        const raw = {
            registry: { url: this.url },
            zot: {
                binary: this.steps ? join(this.steps.folder, "zot") : this.machine.zot.path,
                configFile: this.configFile,
                rootDirectory: this.images,
                port: this.port,
                vulnerabilityUpdateInterval: "off",
                ...settings.zot,
            },
            identity: { issuer: this.issuer.url, clientId, ...settings.identity },
            host: {
                address: this.ssh.host,
                port: this.ssh.port,
                user: this.ssh.user,
                hostKey: this.ssh.hostPublicKey,
                serviceManager: "command",
                restartCommand: this.steps ? join(this.steps.folder, "restart-zot") : this.service.restartCommand,
                readyTimeout: 8,
                ...settings.host,
            },
        };
        const declared = declaredState({ groups: raw }).settings;
        const own = this.options.settings;
        const whole = {
            ...declared,
            host: { ...declared.host, pushTimeout: 30, logFile: this.service.logFile, ...own?.host, ...overrides.host },
            zot: { ...declared.zot, ...own?.zot, ...overrides.zot },
            identity: { ...declared.identity, ...own?.identity, ...overrides.identity },
        } as Settings;
        return deployedOf(name, whole);
    }

    /** The registry as it was before the first deployment: anyone may change everything. */
    openConfig(extra: Record<string, unknown> = {}): string {
        return `${JSON.stringify({ distSpecVersion: "1.1.1", storage: { rootDirectory: this.images }, http: { address: "127.0.0.1", port: `${this.port}` }, log: { level: "info" }, ...extra }, null, 4)}\n`;
    }

    /** Nothing of any deployment, and this config in force, if one is given. */
    reset(config?: string): void {
        this.service.stop();
        for (const name of fs.readdirSync(this.configFolder))
            fs.rmSync(join(this.configFolder, name), { recursive: true, force: true });
        if (config === undefined) return;
        fs.writeFileSync(this.configFile, config, { mode: 0o644 });
        this.service.start();
    }

    /** The result of a deployment; from its answer only the word, if the answer has the mark of what was sent. */
    async deploy(deployed: Deployed, verb: HostVerb = "deploy"): Promise<Ran> {
        const command = hostCommand(verb);
        const { shell } = this.options;
        const sent = shell
            ? deployed.payload.replace(hostArrival, () => hostArrival.replaceAll("/bin/sh", shell))
            : deployed.payload;
        const ran = await runOverSsh(this.ssh, shell ? command.replaceAll("/bin/sh", shell) : command, sent);
        return { ...ran, output: ran.output.replace(` ${/^mark=([0-9a-f]+)$/m.exec(deployed.payload)?.[1]}\n`, "\n") };
    }

    /** The shells of deployments that are running, parents first. */
    scripts(): number[] {
        const found = spawnSync("ps", ["-A", "-ww", "-o", "pid=", "-o", "args="], { encoding: "utf8" }).stdout;
        return found
            .split("\n")
            .filter((line) => line.includes(`${this.temporary}/zot-hardening.`) && line.includes("/payload "))
            .map((line) => Number(line.trim().split(/\s+/)[0]));
    }

    /** Waits until no deployment runs any more. */
    async scriptsEnded(milliseconds = 60_000): Promise<void> {
        const deadline = Date.now() + milliseconds;
        while (this.scripts().length > 0) {
            if (Date.now() > deadline) throw new Error(`A deployment still runs after ${milliseconds / 1000} seconds.`);
            await pause(30);
        }
    }

    async ready(milliseconds = 15_000): Promise<void> {
        const deadline = Date.now() + milliseconds;
        for (;;) {
            const status = await fetch(`${this.url}/readyz`)
                .then((answer) => answer.status)
                .catch(() => 0);
            if (status === 200) return;
            if (Date.now() > deadline)
                throw new Error(
                    `zot is not ready after ${milliseconds / 1000} seconds; ` +
                        `its log ends:\n${this.zotLog().slice(-1500)}`,
                );
            await pause(20);
        }
    }

    zotLog(): string {
        return fs.existsSync(this.service.logFile) ? fs.readFileSync(this.service.logFile, "utf8") : "";
    }

    // --- the disk of the config ---------------------------------------------------------------------------------

    fillDisk(): void {
        const file = fs.openSync(join(this.configFolder, "filler"), "w");
        const block = Buffer.alloc(4096);
        try {
            for (;;) fs.writeSync(file, block);
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
        } finally {
            fs.closeSync(file);
        }
    }

    emptyDisk(): void {
        fs.rmSync(join(this.configFolder, "filler"), { force: true });
    }

    setReadOnly(readOnly: boolean): void {
        const { status, stderr } = spawnSync("mount", ["-o", `remount,${readOnly ? "ro" : "rw"}`, this.configFolder], {
            encoding: "utf8",
        });
        if (status !== 0) throw new Error(`The disk of the host cannot be mounted again: ${stderr}`);
    }

    private mount(kilobytes: number): void {
        if (process.getuid?.() !== 0) return;
        const { status } = spawnSync("mount", [
            "-t",
            "tmpfs",
            "-o",
            `size=${kilobytes}k,mode=0755`,
            "tmpfs",
            this.configFolder,
        ]);
        this.mounted = status === 0;
    }

    async stop(): Promise<void> {
        this.steps?.end();
        for (const pid of this.scripts()) {
            try {
                process.kill(pid, "SIGKILL");
            } catch {
                // It has ended.
            }
        }
        await this.ssh?.stop();
        this.service?.stop("kill");
        await this.issuer.stop();
        if (this.mounted) spawnSync("umount", ["-l", this.configFolder]);
        fs.rmSync(this.folder, { recursive: true, force: true });
    }
}

/**
 * What a deployment of these settings sends; the same for the same name, but for the secrets' content, which is random
 * once.
 */
export function deployedOf(name: string, settings: Settings): Deployed {
    const { clientId } = settings.identity;
    const credentials = `${JSON.stringify({ clientid: clientId, clientsecret: secretOf(name, 40) })}\n`;
    const sessionKeys = `${JSON.stringify({ hashKey: secretOf("hash", 64), encryptKey: secretOf("encrypt", 32) })}\n`;
    const files = secretFiles(settings, { credentials: sha256(credentials), sessionKeys: sha256(sessionKeys) });
    const config = renderZotConfig(settings, files);
    const readOnly = readOnlyConfig(settings);
    return {
        name,
        clientId,
        settings,
        config: configText(config),
        readOnly: configText(readOnly),
        files: [
            { path: files.credentials, content: credentials },
            { path: files.sessionKeys, content: sessionKeys },
        ],
        payload: hostPayload({ settings, files, config, readOnlyConfig: readOnly, credentials, sessionKeys }),
    };
}

const secrets = new Map<string, string>();

function secretOf(name: string, length: number): string {
    const known = secrets.get(name) ?? randomBytes(length).toString("hex").slice(0, length);
    secrets.set(name, known);
    return known;
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
