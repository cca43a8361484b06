/** The matrix host x service manager x rights x case: what is tried, and the results. */
import { findExecutable, readMachine } from "../bootstrap/toolchain.cjs";
import { cases } from "./cases";
import type { Case } from "./cases/case";
import { Unexpected } from "./expectations";
import { type Distribution, distributions, rootTree } from "./rootTree";
import { type SetUp, setUps } from "./setUps";
import { Site } from "./site";
import { type Shown, SystemdHost } from "./systemdHost";

export interface Cell {
    host: string;
    /** The service manager, and whose unit it is. */
    manager: string;
    rights: string;
    case: string;
}

export interface Outcome extends Cell {
    result: "ok" | "failed" | "skipped";
    /** Why it failed or was skipped. */
    reason?: string;
    /** What was measured, if it succeeded. */
    measured?: string;
    seconds: number;
}

export interface PlannedCell extends Cell {
    distribution: Distribution;
    setUp: SetUp;
    what: Case;
}

export const managerName = ({ manager, managed, behind }: SetUp): string =>
    managed ? `${manager} (unit ours)` : behind ? `${manager} (${behind})` : manager;

const hasWhatIsBehind = ({ supervisors }: Distribution, behind: SetUp["behind"]) =>
    behind === undefined || behind === "systemd-user" || supervisors.includes(behind);

/** Every cell, in the order in which they are tried. */
export function plan(): PlannedCell[] {
    return distributions.flatMap((distribution) =>
        setUps
            .filter(({ behind }) => hasWhatIsBehind(distribution, behind))
            .flatMap((setUp) =>
                cases
                    .filter(({ on }) => on(setUp))
                    .map((what) => ({
                        distribution,
                        setUp,
                        what,
                        host: distribution.name,
                        manager: managerName(setUp),
                        rights: setUp.rights,
                        case: what.name,
                    })),
            ),
    );
}

export const titleOf = ({ host, manager, rights, case: name }: Cell): string =>
    `${host}  ${manager}  ${rights}  ${name}`;

/** The hosts of a run: each distribution is booted once, when its first cell comes. */
export class Hosts {
    private interrupted = false;
    private readonly booted = new Map<string, SystemdHost>();

    constructor(
        private readonly say: (line: string) => void,
        private readonly root: string,
    ) {}

    async try(cell: PlannedCell): Promise<Outcome> {
        const since = performance.now();
        const { host, manager, rights, case: name } = cell;
        const outcome = (result: Outcome["result"], more: Partial<Outcome> = {}): Outcome => ({
            host,
            manager,
            rights,
            case: name,
            result,
            ...more,
            seconds: Math.round((performance.now() - since) / 100) / 10,
        });
        const lacking = cell.what.lacks?.();
        if (lacking) return outcome("skipped", { reason: lacking });
        const told = (error: unknown) =>
            error instanceof Unexpected ? error.message : `${(error as Error).stack ?? error}`;
        let site: Site | undefined;
        let result: Outcome;
        try {
            site = await Site.make(await this.hostOf(cell.distribution), cell.setUp);
            await site.prepare(cell.what.prepared);
            const measured = await cell.what.run(site);
            result = outcome("ok", measured ? { measured } : {});
        } catch (error) {
            result = outcome("failed", { reason: told(error) });
        }
        try {
            await site?.end();
        } catch (error) {
            if (result.result === "ok")
                result = outcome("failed", { reason: `The host could not be cleared up: ${told(error)}` });
        }
        // Who interrupts ends the process.
        if (this.interrupted) await new Promise(() => undefined);
        return result;
    }

    /** Ends the hosts, also while something is tried on them. */
    async interrupt(): Promise<void> {
        this.interrupted = true;
        await this.stop();
    }

    async stop(): Promise<void> {
        const hosts = [...this.booted.values()];
        this.booted.clear();
        await Promise.all(hosts.map((host) => host.stop()));
    }

    private async hostOf(distribution: Distribution): Promise<SystemdHost> {
        const running = this.booted.get(distribution.name);
        if (running) return running;
        // One at a time: they share this machine.
        await this.stop();
        const host = await SystemdHost.boot(
            distribution.name,
            await rootTree(distribution, this.say),
            zotOf(this.root),
        );
        this.booted.set(distribution.name, host);
        await host.sh("[ -e /usr/local/bin/zot ] || ln -s /opt/zot-hardening/testbed/zot/zot /usr/local/bin/zot");
        await Site.prepareHost(host);
        return host;
    }
}

/** What the hosts see of this machine: the zot, and what the stand-in needs to run. */
function zotOf(root: string): Shown[] {
    const { zot } = readMachine();
    if (zot.kind === "real") return [{ from: zot.path, to: "/usr/local/bin/zot" }];
    return [
        { from: root, to: "/opt/zot-hardening" },
        { from: findExecutable("node") ?? process.execPath, to: "/usr/local/bin/node" },
    ];
}
