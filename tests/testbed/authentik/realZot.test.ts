import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import * as path from "node:path";

import { FlowError, LoginError, ZotSession } from "../../../clients/zot/session";
import { call, Target } from "./target";

// A real zot is the client that counts: it takes the issuer, the keys, the tokens and the claims as they are, or
// panics.

const zot = process.env.ZOT || "zot";
const hasZot = spawnSync(zot, ["--version"]).status === 0;

jest.setTimeout(120_000);

async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}

(hasZot ? describe : describe.skip)(`a real zot (${hasZot ? zot : "skipped: no zot in ZOT or on PATH"})`, () => {
    let target: Target;
    let site: Awaited<ReturnType<Target["makeApplication"]>>;
    let server: ChildProcess | undefined;
    let registry: string;
    const folder = mkdtempSync(path.join(tmpdir(), "zot-with-authentik-"));

    beforeAll(async () => {
        target = await Target.start();
        const port = await freePort();
        registry = `http://127.0.0.1:${port}`;
        site = await target.makeApplication({
            provider: { redirect_uris: [{ matching_mode: "strict", url: `${registry}/zot/auth/callback/oidc` }] },
        });
        const credentials = path.join(folder, "credentials.json");
        writeFileSync(credentials, JSON.stringify({ clientid: site.slug, clientsecret: "a client's secret" }), {
            mode: 0o600,
        });
        const config = path.join(folder, "config.json");
        const policies = [{ groups: [site.group.name], actions: ["read", "create"] }];
        writeFileSync(
            config,
            JSON.stringify({
                distSpecVersion: "1.1.1",
                storage: { rootDirectory: path.join(folder, "images") },
                http: {
                    address: "127.0.0.1",
                    port: String(port),
                    externalUrl: registry,
                    auth: {
                        apikey: true,
                        openid: {
                            providers: {
                                oidc: {
                                    name: "Authentik",
                                    credentialsFile: credentials,
                                    issuer: `${target.url}/application/o/${site.slug}/`,
                                    scopes: ["openid", "profile", "email"],
                                    claimMapping: { username: "preferred_username" },
                                },
                            },
                        },
                    },
                    accessControl: {
                        repositories: { "**": { anonymousPolicy: ["read"], defaultPolicy: ["read"], policies } },
                    },
                },
                log: { level: "error" },
            }),
        );
        server = spawn(zot, ["serve", config], { stdio: "ignore" });
        for (let count = 0; count < 100; count++) {
            const ready = await call(`${registry}/readyz`).catch(() => undefined);
            if (ready?.status === 200) return;
            await new Promise((resolve) => setTimeout(resolve, 100));
        }
        throw new Error("zot did not start");
    });

    afterAll(async () => {
        if (server) {
            const ended = new Promise((resolve) => server?.once("exit", resolve));
            server.kill("SIGTERM");
            await ended;
        }
        await target.stop();
        rmSync(folder, { recursive: true, force: true });
    });

    test("logs the service account in by an app password, and mints a key that may push", async () => {
        const password = await target.makeToken(site.user.pk, "app_password");
        const session = await ZotSession.login(
            registry,
            { username: site.user.username, password },
            { identityProvider: [target.url] },
        );
        expect(session.username).toBe(site.user.username);
        const { key } = await session.createApiKey("test", new Date(Date.now() + 3_600_000));
        await session.end();
        const authorization = `Basic ${Buffer.from(`${site.user.username}:${key}`).toString("base64")}`;
        const probe = (headers: Record<string, string>) =>
            call(`${registry}/v2/some/repository/manifests/v1`, {
                method: "PUT",
                text: "x",
                headers: { "content-type": "text/plain", ...headers },
            });
        expect((await probe({ authorization })).status).toBe(415);
        expect((await probe({})).status).toBe(401);
        if (target.standIn) expect(target.standIn.loggedInSessions()).toBe(0);
    });

    test("a wrong password is the flow's error, a missing group is Authentik's page", async () => {
        const wrong = ZotSession.login(
            registry,
            { username: site.user.username, password: "wrong" },
            { identityProvider: [target.url] },
        );
        await expect(wrong).rejects.toThrow(FlowError);
        const stranger = await target.make("/core/users/", { username: target.name("stranger"), name: "" });
        const password = await target.makeToken(stranger.pk, "app_password");
        await expect(
            ZotSession.login(registry, { username: stranger.username, password }, { identityProvider: [target.url] }),
        ).rejects.toThrow(LoginError);
    });
});
