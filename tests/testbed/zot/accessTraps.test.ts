/** The traps of access control, and what becomes of a config file that changes under a running registry. */
import * as fs from "node:fs";
import { startHardened, tiers } from "./hardened";
import { Browser, person, provider, providerForAll } from "./logins";
import { type Credentials, jsonOf, push, RunningZot, zots } from "./zots";

jest.setTimeout(60_000);
providerForAll();

describe.each(zots)("$name", (zot) => {
    describe("traps", () => {
        test(
            "only the longest matching pattern counts, and nothing is inherited [fact: " +
                "Only the **longest matching pattern** applies; nothing is inherited]",
            async () => {
                const { server, credentials } = await startHardened(zot, {
                    repositories: {
                        ...tiers.repositories,
                        "team/**": { policies: [{ groups: ["artifact-workloads"], actions: ["read"] }] },
                    },
                });
                const read = (as: Credentials | undefined) =>
                    server.request("GET", "/v2/team/app/tags/list", { as }).then((answer) => answer.status);
                expect(await read(credentials.anonymous)).toBe(401);
                expect(await read(credentials.admin)).toBe(403);
                expect(await read(credentials.ci)).toBe(404);
                expect(await push(server, "team/app", "v1", "x", credentials.ci)).toBe(403);
                expect(await push(server, "team", "v1", "x", credentials.ci)).toBe(403);
                expect(await push(server, "teams/app", "v1", "x", credentials.ci)).toBe(201);
            },
        );

        test(
            "adminPolicy reaches everywhere, but not the metrics [fact: " +
                "`adminPolicy` is the exception that reaches everywhere (but not metrics)]",
            async () => {
                const { server, credentials } = await startHardened(zot, {
                    repositories: { "**": { anonymousPolicy: ["read"] }, "team/**": { policies: [] } },
                    adminPolicy: { groups: ["admins"], actions: ["read", "create", "update", "delete"] },
                });
                for (const text of ["first", "second"])
                    expect(await push(server, "team/app", "v1", text, credentials.admin)).toBe(201);
                expect(
                    (await server.request("DELETE", "/v2/team/app/manifests/v1", { as: credentials.admin })).status,
                ).toBe(202);
                expect((await server.request("GET", "/metrics", { as: credentials.admin })).status).toBe(403);
                expect(
                    (await server.request("GET", "/v2/team/app/tags/list", { as: credentials.loggedIn })).status,
                ).toBe(403);
                // Logged in without a default policy: less than anonymous has.
                expect((await server.request("GET", "/v2/any/tags/list", { as: credentials.loggedIn })).status).toBe(
                    403,
                );
                expect((await server.request("GET", "/v2/any/tags/list")).status).toBe(404);
                expect(jsonOf(await server.request("GET", "/v2/_catalog", { as: credentials.admin }))).toEqual({
                    repositories: ["team/app"],
                });
                expect(jsonOf(await server.request("GET", "/v2/_catalog"))).toEqual({ repositories: [] });
            },
        );

        test(
            "metrics.users lets the named in [fact: `metrics.users: " +
                '[""]` no longer lets an anonymous scraper in; `metrics.anonymousPolicy: ["read"]` does]',
            async () => {
                const { server, credentials } = await startHardened(zot, {
                    ...tiers,
                    metrics: { users: ["visitor", ""] },
                });
                expect((await server.request("GET", "/metrics", { as: credentials.loggedIn })).status).toBe(200);
                expect((await server.request("GET", "/metrics", { as: credentials.admin })).status).toBe(403);
                expect((await server.request("GET", "/metrics")).status).toBe(401);
            },
        );

        test('users: [""] in a policy means anonymous [fact: `users: [""]` in a policy means anonymous]', async () => {
            const { server } = await startHardened(zot, {
                repositories: { "**": { policies: [{ users: [""], actions: ["create"] }], anonymousPolicy: ["read"] } },
            });
            expect(await push(server, "open", "v1", "x")).toBe(201);
        });

        test.each([
            ["no access control at all", null],
            ["no rule at all", { repositories: {} }],
            ["an empty rule", { repositories: { "**": {} } }],
        ])(
            '%s lets whoever is logged in do everything [fact: `repositories: {}` or `{"**": ' +
                "{}}` is as if there were no accessControl: **any logged-in user may do everything**]",
            async (_, accessControl) => {
                const { server, credentials } = await startHardened(zot, accessControl);
                for (const text of ["first", "second"])
                    expect(await push(server, "any", "v1", text, credentials.loggedIn)).toBe(201);
                expect(
                    (await server.request("DELETE", "/v2/any/manifests/v1", { as: credentials.loggedIn })).status,
                ).toBe(202);
                expect((await server.request("GET", "/v2/")).status).toBe(401);
            },
        );

        test('an empty list of policies denies [fact: `{"**": {"policies": []}}` denies]', async () => {
            const { server, credentials } = await startHardened(zot, { repositories: { "**": { policies: [] } } });
            expect(await push(server, "any", "v1", "x", credentials.admin)).toBe(403);
            expect((await server.request("GET", "/v2/any/tags/list", { as: credentials.admin })).status).toBe(403);
        });

        test("patterns are in lower case, whatever the file says [fact: Patterns are lower-cased]", async () => {
            const { server, credentials } = await startHardened(zot, {
                repositories: { ...tiers.repositories, "TEAM/**": { policies: [] } },
            });
            expect(await push(server, "team/app", "v1", "x", credentials.ci)).toBe(403);
        });
    });

    test(
        "a config without authentication is a registry that anyone may read and nobody write [fact: " +
            'No `http.auth`, and `accessControl.repositories = {"**": {"anonymousPolicy": ["read"]}}`: ' +
            "valid, starts without the issuer, reads 200, every write 401]",
        async () => {
            const server = await RunningZot.start(zot, () => ({
                http: { accessControl: { repositories: { "**": { anonymousPolicy: ["read"] } } } },
            }));
            expect((await server.request("GET", "/v2/")).status).toBe(200);
            expect((await server.request("GET", "/v2/_catalog")).status).toBe(200);
            expect((await server.request("GET", "/v2/", { headers: { "User-Agent": "docker/27" } })).status).toBe(200);
            expect((await server.request("GET", "/v2/any/tags/list")).status).toBe(404);
            expect(await push(server, "any", "v1", "x")).toBe(401);
            expect((await server.request("DELETE", "/v2/any/manifests/v1")).status).toBe(401);
            // Credentials are not looked at.
            expect((await server.request("GET", "/v2/", { as: ["someone", "anything"] })).status).toBe(200);
        },
    );

    test("a session of the web page has the rights of its user", async () => {
        const { server } = await startHardened(zot);
        await provider.becomes(person("root", "admins"));
        const browser = new Browser();
        await browser.login(server);
        expect((await browser.page(server, "DELETE", "/v2/none/manifests/v1")).status).toBe(400);
        // Without the header of the page the cookie is not looked at.
        expect((await browser.request("DELETE", `${server.url}/v2/none/manifests/v1`)).status).toBe(401);
    });

    describe("a config file that changes under a running registry", () => {
        const read = (server: RunningZot, as?: Credentials) =>
            server.request("GET", "/v2/any/tags/list", { as }).then((answer) => answer.status);

        /** Waits until reading gives a status, or says what it gives instead. */
        async function settled(expected: number, server: RunningZot, as?: Credentials): Promise<number> {
            for (let attempt = 0; attempt < 100 && (await read(server, as)) !== expected; attempt++) {
                await new Promise((resolve) => setTimeout(resolve, 50));
            }
            return read(server, as);
        }

        function changed(server: RunningZot, accessControl: object | undefined): string {
            const config = JSON.parse(fs.readFileSync(server.configFile, "utf8")) as { http: object };
            return JSON.stringify({ ...config, http: { ...config.http, accessControl } });
        }

        const adminsOnly = { repositories: { "**": { policies: [{ groups: ["admins"], actions: ["read"] }] } } };

        test(
            "is followed when it is written in place, and not when it is renamed into place [fact: " +
                "It reloads `accessControl` when the config file is written in place. " +
                "A rename into place is never noticed, and neither are later writes]",
            async () => {
                const { server, credentials } = await startHardened(zot);
                expect(await read(server)).toBe(404);
                fs.writeFileSync(server.configFile, changed(server, adminsOnly));
                expect(await settled(401, server)).toBe(401);
                expect(await read(server, credentials.admin)).toBe(404);
                fs.writeFileSync(`${server.configFile}.new`, changed(server, tiers));
                fs.renameSync(`${server.configFile}.new`, server.configFile);
                await new Promise((resolve) => setTimeout(resolve, 500));
                expect(await read(server)).toBe(401);
                fs.writeFileSync(server.configFile, changed(server, tiers));
                await new Promise((resolve) => setTimeout(resolve, 500));
                expect(await read(server)).toBe(401);
            },
        );

        test("opens nothing when access control goes", async () => {
            const { server, credentials } = await startHardened(zot);
            fs.writeFileSync(server.configFile, changed(server, undefined));
            expect(await settled(403, server, credentials.admin)).toBe(403);
            expect(await read(server)).toBe(401);
        });

        test(
            "protects nothing when access control comes [fact: " +
                "`accessControl` that was absent at start is **not enforced** after a reload]",
            async () => {
                const server = await RunningZot.start(zot, () => ({}));
                const policy = { repositories: { "team/**": { anonymousPolicy: ["read"] } } };
                fs.writeFileSync(server.configFile, changed(server, policy));
                for (
                    let attempt = 0;
                    attempt < 100 && !server.log.includes("loaded new configuration settings");
                    attempt++
                ) {
                    await new Promise((resolve) => setTimeout(resolve, 50));
                }
                expect(server.log).toContain("loaded new configuration settings");
                expect(await push(server, "any", "v1", "x")).toBe(201);
            },
        );
    });
});
