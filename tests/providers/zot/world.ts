/**
 * An Authentik and a hardened zot, each behind a gate, with a service account that may push: what the provider finds.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import type { ApiKeyRecord } from "../../../clients/zot/apiKeys";
import { ZotSession } from "../../../clients/zot/session";
import { readMachine } from "../../../testbed/bootstrap/toolchain.cjs";
import { type AuthentikSite, connectAuthentik, startAuthentik } from "../../../testbed/site/authentik";
import { freePort } from "../../../testbed/site/ports";
import { type Gate, startGate } from "./gate";

export interface World {
    kinds: { authentik: string; zot: string };
    authentik: AuthentikSite;
    /** As the provider and zot see Authentik. */
    authentikGate: Gate;
    /** As everyone sees the registry. */
    registryGate: Gate;
    registryUrl: string;
    issuer: string;
    ciUser: string;
    ciUserPk: number;
    groupPk: string;
    clientId: string;
    provider: number;
    applicationPk: string;
    /** A repository to which CI may push. */
    repository: string;
    folder: string;
    startZot(change?: (config: Record<string, any>) => void): Promise<void>;
    stopZot(): Promise<void>;
    /** Every key of CI's account, seen through a login of its own. */
    keys(): Promise<ApiKeyRecord[]>;
    /** A key as an administrator makes one in the browser. */
    makeByHand(label: string, expires: Date): Promise<{ key: string; record: ApiKeyRecord }>;
    /** A key that never expires, as whoever holds a key of the account can make one. */
    makeEndless(key: string, label?: string): Promise<{ key: string; uuid: string }>;
    revokeAllByHand(): Promise<void>;
    /** Removes the object of a path in Authentik's API when the world ends. */
    made(path: string): void;
    stop(): Promise<void>;
}

export async function startWorld(): Promise<World> {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "zot-provider-"));
    const machine = readMachine();
    const authentik = machine.authentik === "real" ? await connectAuthentik() : await startAuthentik(folder);
    const zotPort = await freePort();
    const authentikGate = await startGate(() => authentik.url);
    const registryGate = await startGate(() => `http://127.0.0.1:${zotPort}`);
    const suffix = randomBytes(4).toString("hex");
    const made: string[] = [];
    const post = async <T>(path: string, body: unknown, pathOf: (made: T) => string) => {
        const object = await authentik.api<T>("POST", path, body);
        made.push(pathOf(object));
        return object;
    };
    const first = async <T>(path: string) => (await authentik.api<{ results: T[] }>("GET", path)).results;

    const group = await post<{ pk: string }>(
        "/core/groups/",
        { name: `workloads-${suffix}` },
        ({ pk }) => `/core/groups/${pk}/`,
    );
    const ciUser = `ci-${suffix}`;
    const user = await post<{ pk: number }>(
        "/core/users/",
        { username: ciUser, name: ciUser, type: "service_account", path: "users", groups: [group.pk], attributes: {} },
        ({ pk }) => `/core/users/${pk}/`,
    );
    const [authorization] = await first<{ pk: string }>(
        "/flows/instances/?slug=default-provider-authorization-implicit-consent",
    );
    const [invalidation] = await first<{ pk: string }>("/flows/instances/?slug=default-provider-invalidation-flow");
    const [certificate] = await first<{ pk: string }>(
        "/crypto/certificatekeypairs/?name=authentik+Self-signed+Certificate",
    );
    const mappings: string[] = [];
    for (const scope of ["openid", "email", "profile"])
        mappings.push(
            (
                await first<{ pk: string }>(
                    `/propertymappings/provider/scope/?managed=goauthentik.io/providers/oauth2/scope-${scope}`,
                )
            )[0]!.pk,
        );
    const clientId = `zot-${suffix}`;
    const clientSecret = randomBytes(24).toString("hex");
    const registryUrl = registryGate.url;
    const provider = await post<{ pk: number }>(
        "/providers/oauth2/",
        {
            name: clientId,
            authorization_flow: authorization!.pk,
            invalidation_flow: invalidation!.pk,
            client_type: "confidential",
            client_id: clientId,
            client_secret: clientSecret,
            redirect_uris: [{ matching_mode: "strict", url: `${registryUrl}/zot/auth/callback/oidc` }],
            signing_key: certificate!.pk,
            property_mappings: mappings,
            sub_mode: "hashed_user_id",
            include_claims_in_id_token: true,
            issuer_mode: "per_provider",
            // Known to newer servers only, which have none unless told.
            grant_types: ["authorization_code", "refresh_token"],
        },
        ({ pk }) => `/providers/oauth2/${pk}/`,
    );
    const application = await post<{ pk: string }>(
        "/core/applications/",
        { name: clientId, slug: clientId, provider: provider.pk, policy_engine_mode: "any" },
        () => `/core/applications/${clientId}/`,
    );
    await authentik.api("POST", "/policies/bindings/", { target: application.pk, group: group.pk, order: 0 });
    const issuer = `${authentikGate.url}/application/o/${clientId}/`;

    const credentials = path.join(folder, "credentials.json");
    fs.writeFileSync(credentials, JSON.stringify({ clientid: clientId, clientsecret: clientSecret }), { mode: 0o600 });
    const configFile = path.join(folder, "config.json");
    const config = () => ({
        distSpecVersion: "1.1.1",
        storage: { rootDirectory: path.join(folder, "images"), gc: false },
        http: {
            address: "127.0.0.1",
            port: String(zotPort),
            externalUrl: registryUrl,
            auth: {
                openid: {
                    providers: {
                        oidc: {
                            name: "Authentik",
                            credentialsFile: credentials,
                            issuer,
                            scopes: ["openid", "profile", "email"],
                            claimMapping: { username: "preferred_username" },
                        },
                    },
                },
                apikey: true,
            },
            accessControl: {
                repositories: {
                    "**": {
                        policies: [{ groups: [`workloads-${suffix}`], actions: ["read", "create"] }],
                        anonymousPolicy: ["read"],
                        defaultPolicy: ["read"],
                    },
                },
            },
        },
        log: { level: "info" },
        extensions: { search: { enable: true }, ui: { enable: true } },
    });
    let zot: ChildProcess | undefined;
    const stopZot = async () => {
        const running = zot;
        zot = undefined;
        if (!running || running.exitCode !== null) return;
        const ended = new Promise((resolve) => running.once("exit", resolve));
        running.kill("SIGTERM");
        await ended;
    };
    const startZot = async (change: (config: Record<string, any>) => void = () => {}) => {
        await stopZot();
        const wanted = config();
        change(wanted);
        fs.writeFileSync(configFile, JSON.stringify(wanted, null, 2));
        const log = fs.openSync(path.join(folder, "zot.log"), "a");
        const child = spawn(machine.zot.path, ["serve", configFile], { stdio: ["ignore", log, log] });
        fs.closeSync(log);
        zot = child;
        const deadline = Date.now() + 120_000;
        for (;;) {
            const ready = await fetch(`http://127.0.0.1:${zotPort}/readyz`).then(
                (answer) => answer.ok,
                () => false,
            );
            if (ready) return;
            if (Date.now() > deadline || child.exitCode !== null)
                throw new Error(
                    `zot did not start:\n${fs.readFileSync(path.join(folder, "zot.log"), "utf8").slice(-2000)}`,
                );
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
    };
    const asCi = async <T>(work: (session: ZotSession) => Promise<T>): Promise<T> => {
        const session = await ZotSession.login(
            registryUrl,
            { username: ciUser, password: await patiently(() => authentik.appPassword(ciUser)) },
            { identityProvider: [authentik.url, issuer] },
        );
        try {
            return await work(session);
        } finally {
            await session.end();
        }
    };
    await startZot();
    return {
        kinds: { authentik: machine.authentik, zot: machine.zot.kind },
        authentik,
        authentikGate,
        registryGate,
        registryUrl,
        issuer,
        ciUser,
        ciUserPk: user.pk,
        groupPk: group.pk,
        clientId,
        provider: provider.pk,
        applicationPk: application.pk,
        repository: "team/probe",
        folder,
        startZot,
        stopZot,
        keys: () => asCi((session) => session.listApiKeys()),
        makeByHand: (label, expires) => asCi((session) => session.createApiKey(label, expires)),
        async makeEndless(key, label = "endless") {
            const answer = await fetch(`${registryGate.url}/zot/auth/apikey`, {
                method: "POST",
                headers: {
                    "X-ZOT-API-CLIENT": "zot-ui",
                    "content-type": "application/json",
                    authorization: `Basic ${Buffer.from(`${ciUser}:${key}`).toString("base64")}`,
                },
                body: JSON.stringify({ label, scopes: [] }),
            });
            if (answer.status !== 201) throw new Error(`zot answered ${answer.status} to the making of a key.`);
            const { apiKey, uuid } = (await answer.json()) as { apiKey: string; uuid: string };
            return { key: apiKey, uuid };
        },
        revokeAllByHand: () =>
            asCi(async (session) => {
                for (const key of await session.listApiKeys()) await session.revokeApiKey(key.uuid);
            }),
        made: (path) => void made.push(path),
        async stop() {
            await stopZot();
            for (const path of made.splice(0).reverse()) await authentik.api("DELETE", path).catch(() => undefined);
            await authentik.stop();
            await authentikGate.stop();
            await registryGate.stop();
            fs.rmSync(folder, { recursive: true, force: true });
        },
    };
}

/** An Authentik answers 500 now and then, when it recycles a worker. */
async function patiently<T>(work: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
        try {
            return await work();
        } catch (error) {
            if (attempt >= 4 || !/answered 500/.test(String(error))) throw error;
            await new Promise((resolve) => setTimeout(resolve, 300 * attempt));
        }
    }
}
