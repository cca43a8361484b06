/** A site on a host: zot under a service manager, a user who deploys with certain rights, and the declared settings. */
import * as http from "node:http";
import { createServer, type Server } from "node:net";
import { declaredState } from "../../components/declaredState";
import { observationSettings, plannedDeployment } from "../../components/hostObservation";
import { type HostVerb, hostCommand } from "../../components/hostPayload";
import { hostRights } from "../../components/hostRights";
import type { PropertyMap } from "../../providers/protocol";
import { hostObservation } from "../../providers/zot/hostObservation";
import { type Deployed, deployedOf } from "../faults/host";
import { Issuer } from "../faults/issuer";
import { type Ran, runOverSsh } from "../faults/overSsh";
import { servedBy } from "../faults/watch";
import { freePort } from "../site/ports";
import { ofUser, type Rights, type SetUp } from "./setUps";
import { type Supervisor, supervisors } from "./supervisors";
import type { SystemdHost } from "./systemdHost";

export interface Preparation {
    /** Lines of the unit's [Service] besides ExecStart and User; default: Restart=always. */
    service?: string[];
    /** Lines of its [Unit]; default: StartLimitIntervalSec=0. */
    unit?: string[];
    /** Default: the folder /var/lib/zot, of the user that zot runs as. */
    storage?: "folder" | "link" | "dynamic user" | "root's";
    /** Whether zot runs before; default: true, but for a unit that the deployment writes. */
    runs?: boolean;
    /** Whether the unit is enabled; default: true. */
    enabled?: boolean;
    /** The target that it is enabled for; default: the one that a start of the manager reaches. */
    wantedBy?: string;
    /** Whether the user lingers, for a user's service; default: true. */
    lingers?: boolean;
    /** Whether the rights that host-rights prints are granted; default: true. */
    given?: boolean;
    /** Further lines of sudoers. */
    sudoers?: string[];
    /** Lines for a shell of root's, after all else and before zot is started. */
    also?: string[];
}

/** Settings over those of the set-up. */
export interface Changes {
    zot?: Record<string, unknown>;
    host?: Record<string, unknown>;
    identity?: Record<string, unknown>;
    registry?: Record<string, unknown>;
}

export interface Looked {
    /** Why the host refuses, if it does. */
    refused?: string;
    warnings: string[];
    /** Whether a deployment would follow. */
    differs: boolean;
}

const USER_OF: Record<Rights, string> = {
    root: "root",
    "sudo all": "deployer",
    "sudo service": "zot",
    polkit: "zot",
    own: "zot",
};
const CONFIG = "/etc/zot/config.json";
export const STATE = `${CONFIG}.zot-hardening`;
const STORAGE = "/var/lib/zot";

export class Site {
    readonly user: string;
    private readonly taken: Server[] = [];

    private constructor(
        readonly host: SystemdHost,
        readonly setUp: SetUp,
        readonly port: number,
        readonly issuer: Issuer,
    ) {
        this.user = USER_OF[setUp.rights];
    }

    /** The users that every site has. */
    static async prepareHost(host: SystemdHost): Promise<void> {
        await host.sh("useradd --create-home --shell /bin/bash deployer && useradd --create-home --shell /bin/sh zot");
    }

    /** A site that is yet to be prepared, and has to be ended, whatever becomes of it. */
    static async make(host: SystemdHost, setUp: SetUp): Promise<Site> {
        return new Site(host, setUp, await freePort(), await Issuer.start());
    }

    get url(): string {
        return `http://127.0.0.1:${this.port}`;
    }

    /** Whether zot's unit is one of its user's. */
    get ofUser(): boolean {
        return ofUser(this.setUp);
    }

    /** `systemctl` of the manager that zot's unit is of, for a shell of root's. */
    get systemctl(): string {
        return this.ofUser ? "systemctl --user --machine zot@.host" : "systemctl";
    }

    get unitFile(): string {
        return this.ofUser ? "/home/zot/.config/systemd/user/zot.service" : "/etc/systemd/system/zot.service";
    }

    get supervisor(): Supervisor | undefined {
        const { behind } = this.setUp;
        return behind && behind !== "systemd-user" ? supervisors[behind] : undefined;
    }

    /** The settings of this site, as they stand in a stack's file. */
    groups(name: string, changes: Changes = {}): Record<string, Record<string, unknown>> {
        const { manager, rights: by, managed } = this.setUp;
        return {
            registry: { url: this.url, ...changes.registry },
            zot: {
                binary: "/usr/local/bin/zot",
                configFile: CONFIG,
                rootDirectory: STORAGE,
                port: this.port,
                vulnerabilityUpdateInterval: "off",
                ...changes.zot,
            },
            identity: { issuer: this.issuer.url, clientId: `zot-${name}`, ...changes.identity },
            host: {
                address: "127.0.0.1",
                port: this.host.port,
                user: this.user,
                hostKey: this.host.hostPublicKey,
                serviceManager: manager,
                restartCommand:
                    manager === "command"
                        ? (this.supervisor?.restart ?? `systemctl ${this.ofUser ? "--user " : ""}restart zot`)
                        : undefined,
                ...(managed ? { manageService: true } : {}),
                sudo: by === "sudo all" ? "all" : by === "sudo service" ? "service" : "off",
                readyTimeout: 20,
                pushTimeout: 120,
                ...changes.host,
            },
        };
    }

    declare(name: string, changes: Changes = {}): Deployed {
        return deployedOf(name, declaredState({ groups: this.groups(name, changes) }).settings);
    }

    deploy(deployed: Deployed, verb: HostVerb = "deploy"): Promise<Ran> {
        return runOverSsh(this.host.login(this.user), hostCommand(verb), deployed.payload);
    }

    /** As preview does: of a host that was deployed before, or of one that never was. */
    async preview(declared: Deployed, before?: Deployed): Promise<Looked> {
        const warnings: string[] = [];
        const context = {
            urn: "",
            log: async (_severity: string, message: string) => void warnings.push(message),
            cancelled: new AbortController().signal,
        };
        const handler = hostObservation({ environment: {} });
        const { privateKeyPem: privateKey, ...login } = this.host.login(this.user);
        const checked = async ({ settings, config, files }: Deployed, oldInputs?: PropertyMap) => {
            const given = {
                connection: { ...login, hostKey: this.host.hostPublicKey, privateKey },
                config,
                secretFiles: files.map(({ path }) => path),
                ...observationSettings(settings),
                ...plannedDeployment(settings),
            };
            const { inputs, failures } = await handler.check!(
                { inputs: given as unknown as PropertyMap, oldInputs, randomSeed: new Uint8Array() },
                context,
            );
            if (failures?.length) throw new Error(failures.map(({ reason }) => reason).join(" "));
            return inputs;
        };
        try {
            if (!before) {
                await handler.create({ inputs: await checked(declared), preview: true, name: "registry" }, context);
                return { warnings, differs: false };
            }
            const oldInputs = await checked(before);
            const old = { id: "registry", oldInputs, oldOutputs: { pushes: 0 } };
            const inputs = await checked(declared, oldInputs);
            const { changes } = await handler.diff({ ...old, inputs }, context);
            if (changes) await handler.update({ ...old, inputs, preview: true }, context);
            return { warnings, differs: changes };
        } catch (error) {
            return { refused: (error as Error).message, warnings, differs: false };
        }
    }

    /** What is served, by the names of deployments; `open`, `read-only`, `down`. */
    serves(...known: Deployed[]): Promise<string> {
        return servedBy(this.url, known);
    }

    async ready(milliseconds = 30_000): Promise<void> {
        const deadline = Date.now() + milliseconds;
        while ((await get(`${this.url}/readyz`)) !== 200) {
            if (Date.now() > deadline)
                throw new Error(
                    `zot is not ready after ${milliseconds / 1000} seconds: ` +
                        `${await this.host.sh(`${this.supervisor?.status ?? `${this.systemctl} status zot --no-pager --lines 5`} 2>&1; true`)}`,
                );
            await pause(30);
        }
    }

    /** While something is done: the longest time between two answered reads, in milliseconds. */
    async gapDuring(work: () => Promise<unknown>): Promise<number> {
        let last = performance.now();
        let longest = 0;
        let over = false;
        const reading = (async () => {
            while (!over) {
                if ((await get(`${this.url}/v2/_catalog?n=1`)) === 200) {
                    longest = Math.max(longest, performance.now() - last);
                    last = performance.now();
                }
                await pause(10);
            }
            longest = Math.max(longest, performance.now() - last);
        })();
        try {
            await work();
        } finally {
            over = true;
            await reading;
        }
        return Math.round(longest);
    }

    /**
     * Another program takes a port of loopback, until the site ends; on a port of zot's, zot verifies and does not
     * start.
     */
    async takePort(): Promise<number> {
        const server = createServer((socket) => socket.destroy());
        this.taken.push(server);
        return new Promise((resolve, reject) => {
            server.once("error", reject);
            server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
        });
    }

    /** The process of the unit; 0 if none runs. */
    async pid(): Promise<string> {
        return (await this.host.sh(`${this.systemctl} show --property=MainPID --value zot`)).trim();
    }

    /** Removes everything that a site has left, whether it failed or not. */
    async end(): Promise<void> {
        for (const server of this.taken) server.close();
        await this.issuer.stop();
        await this.host.sh(
            `
            systemctl --user --machine zot@.host unmask zot; systemctl --user --machine zot@.host stop zot
            systemctl unmask zot; systemctl stop zot; systemctl disable zot
            loginctl disable-linger zot; systemctl stop user@$(id -u zot)
            chattr -i /etc/zot/* /etc/zot
            rm -rf /etc/systemd/system/zot.service* /home/zot/.config /etc/zot /var/lib/zot /var/lib/private/zot /srv/zot
            rm -f /etc/sudoers.d/zot-hardening /etc/sudoers.d/more /etc/polkit-1/rules.d/50-zot-hardening.rules
            gpasswd --delete zot systemd-journal
            ${this.supervisor?.remove ?? ""}
            systemctl daemon-reload; systemctl reset-failed
            true`.replaceAll("\n            ", " 2>/dev/null\n"),
        );
    }

    /** The open registry of before the first deployment. */
    async prepare(prepared: Preparation = {}): Promise<void> {
        const { rights: by, managed } = this.setUp;
        const { storage = "folder", enabled = true, lingers = true, given = true, runs = !managed } = prepared;
        const { ofUser } = this;
        // The config belongs to the user who deploys it, as after any deployment.
        const owner = by === "root" || by === "sudo all" ? "root" : "zot";
        const config = {
            distSpecVersion: "1.1.1",
            storage: { rootDirectory: STORAGE },
            http: { address: "127.0.0.1", port: `${this.port}` },
            log: { level: "info" },
        };
        const lines = [
            `mkdir -p /etc/zot && cat >${CONFIG} <<'END'`,
            JSON.stringify(config, null, 4),
            "END",
            `chown -R ${owner}: /etc/zot && chmod 0755 /etc/zot && chmod 0644 ${CONFIG}`,
        ];
        if (storage === "folder") lines.push(`mkdir ${STORAGE} && chown zot: ${STORAGE}`);
        if (storage === "root's") lines.push(`mkdir ${STORAGE}`);
        if (storage === "link") lines.push(`mkdir -p /srv/zot && chown zot: /srv/zot && ln -s /srv/zot ${STORAGE}`);
        const identity =
            storage === "dynamic user" ? ["DynamicUser=yes", "StateDirectory=zot"] : ofUser ? [] : ["User=zot"];
        const unit = [
            ...["[Unit]", ...(prepared.unit ?? ["StartLimitIntervalSec=0"])],
            ...[
                "[Service]",
                `ExecStart=/usr/local/bin/zot serve ${CONFIG}`,
                ...identity,
                ...(prepared.service ?? ["Restart=always"]),
            ],
            ...["[Install]", `WantedBy=${prepared.wantedBy ?? (ofUser ? "default.target" : "multi-user.target")}`],
        ];
        if (this.supervisor) lines.push(...this.supervisor.install);
        else if (!managed)
            lines.push(
                `mkdir -p ${this.unitFile.replace(/\/[^/]*$/, "")} && cat >${this.unitFile} <<'END'`,
                ...unit,
                "END",
            );
        if (ofUser)
            lines.push(
                "if [ -d /home/zot/.config ]; then chown -R zot: /home/zot/.config; fi",
                lingers ? "loginctl enable-linger zot" : "true",
            );
        lines.push(
            ...this.grants(given),
            ...(prepared.sudoers
                ? [
                      "cat >/etc/sudoers.d/more <<'END'",
                      ...prepared.sudoers,
                      "END",
                      "chmod 0440 /etc/sudoers.d/more && visudo -cq",
                  ]
                : []),
        );
        lines.push(...(prepared.also ?? []));
        await this.host.sh(`set -e\n${lines.join("\n")}\n`);
        // logind may still be ending the manager of the user of before, and then starts none for the one who lingers.
        if (ofUser && lingers)
            await this.host.sh(`tries=0
until [ -S "/run/user/$(id -u zot)/bus" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 300 ] || { echo "The service manager of the user zot does not start, although the user lingers." >&2; exit 1; }
    [ $((tries % 20)) -ne 0 ] || loginctl enable-linger zot
    sleep 0.1
done`);
        if (this.supervisor) {
            await this.host.sh(`set -e\n${this.supervisor.start}\n`);
            await this.ready();
            return;
        }
        if (managed) return;
        const onto = ofUser && !lingers ? undefined : this.systemctl;
        if (onto)
            await this.host.sh(
                `set -e\n${onto} daemon-reload\n${enabled ? `${onto} enable zot 2>&1\n` : ""}${runs ? `${onto} start zot\n` : ""}`,
            );
        if (onto && runs) await this.ready();
    }

    /** As `npm run host-rights` prints them. */
    private grants(given: boolean): string[] {
        const { settings } = this.declare("rights");
        if (!given) return [];
        return hostRights(settings).flatMap((right) => {
            if (right.kind === "command") return this.ofUser ? [] : [right.command];
            const check = right.kind === "sudoers" ? " && visudo -cq" : "";
            return [
                `cat >${right.path} <<'END'`,
                right.text.trimEnd(),
                "END",
                `chmod ${right.mode} ${right.path}${check}`,
            ];
        });
    }
}

function get(url: string): Promise<number> {
    return new Promise((resolve) => {
        const outgoing = http.get(url, { agent: false, timeout: 3000 }, (incoming) => {
            incoming.resume();
            incoming.on("end", () => resolve(incoming.statusCode ?? 0));
            incoming.on("error", () => resolve(0));
        });
        outgoing.on("timeout", () => outgoing.destroy());
        outgoing.on("error", () => resolve(0));
    });
}

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
