/**
 * Statements about zot that no other file of cases has at its centre: reload, keys and users, races, mirrors.
 */
import * as fs from "node:fs";
import * as http from "node:http";
import * as path from "node:path";
import { tiers } from "./hardened";
import {
    Browser,
    keyFor,
    type LoginOptions,
    type NewKey,
    person,
    provider,
    providerForAll,
    startWithLogin,
} from "./logins";
import {
    type Credentials,
    image,
    jsonOf,
    manifestType,
    push,
    pushBlob,
    putManifest,
    type RunningZot,
    scratch,
    type Zot,
    zots,
} from "./zots";

jest.setTimeout(60_000);

providerForAll();

const ci = person("zot-ci", "artifact-workloads");

const { repositories } = tiers;
const start = (zot: Zot, options: LoginOptions = {}) =>
    startWithLogin(zot, provider, { http: { accessControl: { repositories } }, ...options });

/** Changes a config file in place and waits until it has been read. */
async function reload(server: RunningZot, change: (config: { http: Record<string, unknown> }) => void): Promise<void> {
    const config = JSON.parse(fs.readFileSync(server.configFile, "utf8")) as { http: Record<string, unknown> };
    change(config);
    const before = server.log.split("loaded new configuration settings").length;
    fs.writeFileSync(server.configFile, JSON.stringify(config));
    for (
        let attempt = 0;
        attempt < 200 && server.log.split("loaded new configuration settings").length === before;
        attempt++
    ) {
        await new Promise((resolve) => setTimeout(resolve, 25));
    }
}

async function openLogin(server: RunningZot): Promise<URL> {
    return new URL((await server.request("GET", "/zot/auth/login?provider=oidc")).headers.location ?? "");
}

describe.each(zots)("$name", (zot) => {
    describe("a config file that is written in place", () => {
        test(
            "moves neither the address nor the realm nor the issuer [fact: " +
                "`externalUrl`, realm and issuer do not reload]",
            async () => {
                const server = await start(zot);
                const before = await openLogin(server);
                await reload(server, ({ http: settings }) => {
                    settings["externalUrl"] = "http://elsewhere.example.org";
                    settings["realm"] = "elsewhere";
                    const { oidc } = (settings["auth"] as { openid: { providers: { oidc: Record<string, unknown> } } })
                        .openid.providers;
                    oidc!["issuer"] = "http://127.0.0.1:1/";
                });
                expect(server.log).toContain("loaded new configuration settings");
                const after = await openLogin(server);
                expect([after.origin, after.pathname, after.searchParams.get("redirect_uri")]).toEqual([
                    before.origin,
                    before.pathname,
                    before.searchParams.get("redirect_uri"),
                ]);
                expect((await server.request("GET", "/v2/", { as: ["a", "b"] })).headers["www-authenticate"]).toBe(
                    'Basic realm="Authorization Required"',
                );
            },
        );

        test(
            "changes the claim that names a user, and whether cookies are Secure [fact: " +
                "It reloads `accessControl` and some auth keys when the config file is written in place]",
            async () => {
                const server = await start(zot);
                await reload(server, ({ http: settings }) => {
                    const auth = settings["auth"] as {
                        secureSession?: boolean;
                        openid: { providers: { oidc: Record<string, unknown> } };
                    };
                    auth.openid.providers.oidc["claimMapping"] = { username: "email" };
                });
                await provider.becomes(ci);
                const browser = new Browser();
                await browser.login(server);
                expect((await browser.jar.getCookies(server.url)).find(({ key }) => key === "user")?.value).toBe(
                    "zot-ci@example.org",
                );
                await reload(
                    server,
                    ({ http: settings }) =>
                        void ((settings["auth"] as { secureSession?: boolean }).secureSession = true),
                );
                const begun = await server.request("GET", "/zot/auth/login?provider=oidc");
                expect(begun.headers["set-cookie"]?.find((cookie) => cookie.startsWith("statecookie="))).toContain(
                    "; Secure",
                );
            },
        );
    });

    describe("API keys", () => {
        test("may do whatever their owner may [fact: `scopes` are not enforced]", async () => {
            const server = await start(zot);
            await provider.becomes(ci);
            const browser = new Browser();
            await browser.login(server);
            const made = await browser.page(server, "POST", "/zot/auth/apikey", {
                label: "narrow",
                scopes: ["other/**"],
            });
            expect(jsonOf(made)).toMatchObject({ scopes: ["other/**"] });
            expect(await push(server, "any", "v1", "x", ["zot-ci", jsonOf<NewKey>(made).apiKey])).toBe(201);
        });

        test(
            "pass to whoever has the name later [fact: Keys belong to the user *name*; " +
                "A recreated user inherits the old keys: revoke before deleting]",
            async () => {
                const server = await start(zot);
                const [, key] = await keyFor(provider, server, ci);
                await provider.becomes({ ...person("zot-ci"), sub: "id of another account with that name" });
                const another = new Browser();
                await another.login(server);
                const { apiKeys } = jsonOf<{ apiKeys: { label: string }[] }>(
                    await another.page(server, "GET", "/zot/auth/apikey"),
                );
                expect(apiKeys.map(({ label }) => label)).toEqual(["tests"]);
                expect((await server.request("GET", "/v2/", { as: ["zot-ci", key] })).status).toBe(200);
                // And the groups are those of the newcomer.
                expect(await push(server, "any", "v1", "x", ["zot-ci", key])).toBe(403);
            },
        );
    });

    test.each([16, 24, 32])(
        'an encryption key of %d characters keeps sessions over a restart [fact: a JSON file `{"hashKey": ' +
            '64 characters, "encryptKey": 32 characters}` works; encrypt key 16, 24 or 32]',
        async (length) => {
            const sessionKeysFile = path.join(scratch(), "keys.json");
            fs.writeFileSync(
                sessionKeysFile,
                JSON.stringify({ hashKey: "h".repeat(64), encryptKey: "e".repeat(length) }),
            );
            const server = await start(zot, { auth: { sessionKeysFile } });
            await provider.becomes(ci);
            const browser = new Browser();
            await browser.login(server);
            await server.restart();
            expect((await browser.page(server, "GET", "/zot/auth/apikey")).status).toBe(200);
        },
    );

    test(
        "whoever is logged in may do everything, and nobody else anything [fact: No `accessControl` at all: " +
            "every logged-in user may do everything]",
        async () => {
            const server = await start(zot, { http: {} });
            const key = await keyFor(provider, server, person("visitor"));
            for (const text of ["first", "second"]) expect(await push(server, "any", "v1", text, key)).toBe(201);
            expect((await server.request("DELETE", "/v2/any/manifests/v1", { as: key })).status).toBe(202);
            expect((await server.request("GET", "/v2/")).status).toBe(401);
            expect((await server.request("GET", "/v2/any/tags/list")).status).toBe(401);
        },
    );

    describe("tags", () => {
        let server: RunningZot;
        let key: Credentials;
        beforeAll(async () => {
            server = await start(zot);
            key = await keyFor(provider, server, ci);
        });

        test(
            "of a job that runs again [fact: A CI job that is run twice fails on its second push: " +
                "check for the tag first]",
            async () => {
                const statuses: number[] = [];
                for (let time = 0; time < 2; time++) statuses.push(await push(server, "job", "v1", "the same", key));
                expect(statuses).toEqual([201, 403]);
                expect((await server.request("HEAD", "/v2/job/manifests/v1", { as: key })).status).toBe(200);
            },
        );

        test(
            "can be overwritten by a push that began before they were there [fact: " +
                "A create-only user can hold a PUT open for up to 60 s and so overwrite a tag pushed meanwhile]",
            async () => {
                const [slow, quick] = [image("slow"), image("quick")];
                for (const blob of [slow.config, slow.layer]) await pushBlob(server, "held", blob, key);
                const authorization = `Basic ${Buffer.from(key.join(":")).toString("base64")}`;
                const headers = {
                    "Content-Type": manifestType,
                    "Content-Length": slow.manifest.length,
                    Authorization: authorization,
                };
                const held = http.request(`${server.url}/v2/held/manifests/v1`, {
                    method: "PUT",
                    agent: false,
                    headers,
                });
                const ended = new Promise<number>((resolve, reject) =>
                    held.on("error", reject).on("response", (answer) => resolve(answer.resume().statusCode ?? 0)),
                );
                held.flushHeaders();
                await new Promise((resolve) => setTimeout(resolve, 300));
                expect(await push(server, "held", "v1", "quick", key)).toBe(201);
                held.end(slow.manifest);
                expect(await ended).toBe(201);
                const { headers: found } = await server.request("HEAD", "/v2/held/manifests/v1");
                expect([found["docker-content-digest"], quick.digest === slow.digest]).toEqual([slow.digest, false]);
            },
        );

        test(
            "that twenty push at once have one owner in the end [fact: " + "In ordinary bursts one of twenty wins]",
            async () => {
                const texts = Array.from({ length: 20 }, (_, index) => `burst ${index}`);
                for (const text of texts)
                    for (const blob of [image(text).config, image(text).layer])
                        await pushBlob(server, "burst", blob, key);
                const statuses = await Promise.all(texts.map((text) => push(server, "burst", "v1", text, key)));
                // How many get in before the first is stored is a matter of moments; the rest is refused.
                expect(new Set(statuses)).toEqual(new Set(statuses.includes(403) ? [201, 403] : [201]));
                const winner = (await server.request("HEAD", "/v2/burst/manifests/v1")).headers[
                    "docker-content-digest"
                ];
                expect(texts.filter((_, index) => statuses[index] === 201).map((text) => image(text).digest)).toContain(
                    winner,
                );
            },
        );
    });

    test(
        "CI may push where a cache stores [fact: " +
            "CI with `create` on `**` can push into the mirrored prefixes (`docker.io/**`, …), " +
            "so give CI its own prefixes or deny it these]",
        async () => {
            const sync = {
                enable: true,
                registries: [
                    {
                        urls: ["http://127.0.0.1:1"],
                        onDemand: true,
                        content: [{ prefix: "**", destination: "/docker.io" }],
                    },
                ],
            };
            const server = await start(zot, { more: { extensions: { sync } } });
            expect(
                await push(server, "docker.io/library/app", "v1", "not from there", await keyFor(provider, server, ci)),
            ).toBe(201);
        },
    );

    test(
        "only latest moves [fact: `conditions` (CEL) refine a policy, " +
            'with a message that reaches the client: `update` where `req.tag == "latest"` lets only `latest` move]',
        async () => {
            const conditions = [
                { expression: 'req.action != "update" || req.tag == "latest"', message: "only latest moves" },
            ];
            const policies = [{ groups: ["artifact-workloads"], actions: ["read", "create", "update"], conditions }];
            const server = await start(zot, { http: { accessControl: { repositories: { "**": { policies } } } } });
            const key = await keyFor(provider, server, ci);
            for (const text of ["first", "second"]) expect(await push(server, "any", "latest", text, key)).toBe(201);
            expect(await push(server, "any", "v1", "first", key)).toBe(201);
            const refused = await putManifest(server, "any", "v1", image("second").manifest, key);
            expect([
                refused.status,
                jsonOf<{ errors: { detail: { reason: string } }[] }>(refused).errors[0]?.detail.reason,
            ]).toEqual([403, "only latest moves"]);
        },
    );
});
