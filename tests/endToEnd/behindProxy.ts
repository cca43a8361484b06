/** A registry on two machines behind a proxy of docs/proxy.md: real zots, a bucket, a redis, hardened by the program. */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";

import program = require("../../index");

import { outgoing, type Transport } from "../../clients/http/outgoing";
import { RegistryClient } from "../../clients/zot/registry";
import { ZotSession } from "../../clients/zot/session";
import { findToolchain, readMachine, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { type Load, startLoad } from "../../testbed/site/load";
import { type Machine, settingsOnMachines, startMachine } from "../../testbed/site/machines";
import { freePort } from "../../testbed/site/ports";
import { noProxy, PROXIES, type ProxyKind, type RunningProxy, startProxy } from "../../testbed/site/proxy";
import { createScratchStack, type ScratchStack } from "../../testbed/site/scratchStack";
import { noSharedState, startSharedState } from "../../testbed/site/sharedState";
import { selfSigned } from "../support/certificates";

export const INSTALLED = PROXIES.filter((kind) => noProxy(kind) === undefined);

/** Why it cannot be had here. */
export const missing =
    findToolchain().reason ??
    noSharedState() ??
    (readMachine().zot.kind === "real" ? undefined : "there is no real zot in ZOT or on the PATH") ??
    (INSTALLED.length === 0 ? PROXIES.map(noProxy).join("; ") : undefined);

export interface BehindProxy {
    site: Site;
    scratch: ScratchStack;
    machines: [Machine, Machine];
    /** Where the proxy is; one of them at a time. */
    url: string;
    /** How requests reach it: its certificate is trusted. */
    transport: Transport;
    /** CI's key after the first update. */
    key: string;
    startProxy(kind: ProxyKind): Promise<RunningProxy>;
    /** As a member of admins, through the proxy. */
    logIn(): Promise<ZotSession>;
    /** Pulls and pushes of an administrator, through the proxy, until what is answered is called. */
    startLoad(): Promise<() => Promise<Load>>;
    stop(): Promise<void>;
}

/** Repository of the load. */
export const REPOSITORY = "team/app";

/** Starts it, with a first update that logs in through a proxy; none is left running. */
export async function startBehindProxy(): Promise<BehindProxy> {
    const undo: (() => Promise<void> | void)[] = [];
    const stop = async () => {
        for (const step of undo.splice(0).reverse()) await step();
    };
    try {
        const shared = await startSharedState();
        undo.push(() => shared.stop());
        const site = await startSite({ before: "nothing" });
        undo.push(() => site.stop());
        const begin = async (name: string) => {
            const machine = await startMachine(site, shared, name);
            undo.push(() => machine.stop());
            return machine;
        };
        const machines: [Machine, Machine] = [await begin("one"), await begin("two")];
        const port = await freePort();
        const url = `https://127.0.0.1:${port}`;
        const certificate = selfSigned(site.folder, "registry", "IP:127.0.0.1");
        const transport = outgoing({ caCertificateFile: certificate.cert });
        // The engine and its providers have it from this process.
        process.env.NODE_EXTRA_CA_CERTS = certificate.cert;
        undo.push(() => void delete process.env.NODE_EXTRA_CA_CERTS);
        const root = resolve(__dirname, "../..");
        const start = (kind: ProxyKind) =>
            startProxy(kind, {
                root,
                folder: join(site.folder, kind),
                port,
                machines: machines.map((machine) => new URL(machine.url).host),
                certificate,
            });
        const scratch = await createScratchStack(site, root, program);
        scratch.changeSettings(settingsOnMachines(shared, url));
        scratch.changeSettings({ host: { members: machines.map(({ member }) => member) } });
        const proxy = await start(INSTALLED[0]!);
        const up = await scratch.stack.up({ color: "never" }).finally(() => proxy.stop());
        const key = up.outputs.ciApiKey!.value as string;
        const password = await site.authentik.appPassword(site.authentik.adminUser);
        const logIn = () =>
            ZotSession.login(
                url,
                { username: site.authentik.adminUser, password },
                { transport, identityProvider: [site.issuer] },
            );
        async function beginLoad() {
            const session = await logIn();
            const made = await session.apiKeys.create("load", new Date(Date.now() + 3_600_000));
            const credentials = { username: session.username, key: made.key };
            const pushed = await new RegistryClient(url, credentials, transport).push(REPOSITORY, "load", "x");
            if (pushed !== 201 && pushed !== 403) throw new Error(`The load's image was answered with ${pushed}.`);
            return startLoad({
                url,
                credentials,
                repository: REPOSITORY,
                tag: "load",
                pullers: 2,
                pushers: 1,
                pause: 20,
                transport,
            });
        }
        return { site, scratch, machines, url, transport, key, startProxy: start, logIn, startLoad: beginLoad, stop };
    } catch (error) {
        await stop();
        throw error;
    }
}

/** A proxy for the tests of a block, which it answers by their title; they are skipped where it is not installed. */
export function testsBehind(kind: ProxyKind, behind: () => BehindProxy) {
    const absent = noProxy(kind);
    let running: RunningProxy | undefined;
    beforeAll(async () => {
        if (!absent) running = await behind().startProxy(kind);
    });
    afterAll(() => running?.stop());
    return (title: string, work: () => Promise<void>) => (absent ? test.skip : test)(skippable(title, absent), work);
}

/** What a machine's zot has written down. */
export const logOf = ({ zot }: Machine) => readFileSync(zot.logFile, "utf8");

export const pause = (milliseconds: number) => new Promise((passed) => setTimeout(passed, milliseconds));
