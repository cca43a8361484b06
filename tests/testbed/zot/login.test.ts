/** Login by OpenID Connect, sessions and API keys: what clients of zot rely on, step by step. */

import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { ciPushes } from "./hardened";
import {
    Browser,
    IdentityProvider,
    keyFor,
    type LoginOptions,
    type NewKey,
    person,
    provider,
    providerForAll,
    startWithLogin,
} from "./logins";
import { type Answer, jsonOf, push, type RunningZot, type Zot, zots } from "./zots";

jest.setTimeout(60_000);

providerForAll();

const start = (zot: Zot, { http, ...rest }: LoginOptions = {}) =>
    startWithLogin(zot, provider, { http: { accessControl: ciPushes, ...http }, ...rest });

/** The attributes of a cookie, without its value and its date. */
function attributesOf(answer: Answer, name: string): string[] | undefined {
    const cookie = answer.headers["set-cookie"]?.find((candidate) => candidate.startsWith(`${name}=`));
    return cookie
        ?.split("; ")
        .slice(1)
        .filter((attribute) => !attribute.startsWith("Expires="))
        .sort();
}

const ci = person("zot-ci", "artifact-workloads");

describe.each(zots)("$name", (zot) => {
    let server: RunningZot;
    beforeAll(async () => {
        server = await start(zot);
    });

    describe("login", () => {
        test(
            "goes to the provider with cookies that must come back [fact: " +
                "`GET /zot/auth/login?provider=oidc&callback_ui=%2F` -> 302 to the provider. " +
                "Cookies: `statecookie` (Path `/zot/auth/callback`, HttpOnly), `state` (HttpOnly, " +
                "**always Secure**, SameSite=Lax, 120 s)]",
            async () => {
                const answer = await server.request("GET", "/zot/auth/login?provider=oidc&callback_ui=%2F");
                expect(answer.status).toBe(302);
                const target = new URL(answer.headers.location ?? "");
                expect(`${target.origin}${target.pathname}`).toBe(`${provider.issuer}auth`);
                expect(Object.fromEntries(target.searchParams)).toEqual({
                    client_id: "zot",
                    redirect_uri: `${server.url}/zot/auth/callback/oidc`,
                    response_type: "code",
                    scope: "openid profile email",
                    state: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
                });
                expect(attributesOf(answer, "statecookie")).toEqual([
                    "HttpOnly",
                    "Max-Age=7200",
                    "Path=/zot/auth/callback",
                ]);
                expect(attributesOf(answer, "state")).toEqual([
                    "HttpOnly",
                    "Max-Age=120",
                    "Path=/",
                    "SameSite=Lax",
                    "Secure",
                ]);
            },
        );

        test(
            "comes back with a session [fact: Callback -> 302, cookies `session` (HttpOnly, " + "7200 s) and `user`]",
            async () => {
                await provider.becomes(ci);
                const browser = new Browser();
                const answer = await browser.login(server);
                expect(answer.status).toBe(302);
                expect(answer.headers.location).toBe("/");
                expect(attributesOf(answer, "session")).toEqual(["HttpOnly", "Max-Age=7200", "Path=/"]);
                expect(attributesOf(answer, "user")).toEqual(["Max-Age=7200", "Path=/"]);
                const user = await browser.jar.getCookies(server.url);
                expect(user.find((cookie) => cookie.key === "user")?.value).toBe("zot-ci");
            },
        );

        test("that the provider refuses is 500", async () => {
            await provider.becomes({ ...ci, refuses: true } as typeof ci);
            const answer = await new Browser().login(server);
            expect(answer.status).toBe(500);
            expect(answer.body.toString()).toBe("access_denied: not allowed\n");
        });

        test(
            "without scope profile silently names the user by e-mail address, without groups [fact: " +
                "Without scope `profile`, or without the claim mapping, " +
                "the user name silently becomes the e-mail address, there are no groups, and pushes get 403]",
            async () => {
                const narrow = await start(zot, { openid: { scopes: ["openid", "email"] } });
                await provider.becomes(ci);
                const browser = new Browser();
                await browser.login(narrow);
                const key = jsonOf<NewKey>(
                    await browser.page(narrow, "POST", "/zot/auth/apikey", { label: "x" }),
                ).apiKey;
                expect((await narrow.request("GET", "/v2/", { as: ["zot-ci", key] })).status).toBe(401);
                expect((await narrow.request("GET", "/v2/", { as: ["zot-ci@example.org", key] })).status).toBe(200);
                expect(await push(narrow, "any", "v1", "x", ["zot-ci@example.org", key])).toBe(403);
            },
        );

        test("ends with a logout", async () => {
            await provider.becomes(ci);
            const browser = new Browser();
            await browser.login(server);
            expect((await browser.page(server, "POST", "/zot/auth/logout")).status).toBe(200);
            expect((await browser.page(server, "GET", "/zot/auth/apikey")).status).toBe(500);
        });
    });

    describe("API keys", () => {
        let browser: Browser;
        beforeAll(async () => {
            await provider.becomes(ci);
            browser = new Browser();
            await browser.login(server);
        });

        const create = (body: unknown) => browser.page(server, "POST", "/zot/auth/apikey", body);
        const list = async () =>
            jsonOf<{ apiKeys: (NewKey & Record<string, unknown>)[] }>(
                await browser.page(server, "GET", "/zot/auth/apikey"),
            ).apiKeys;

        test(
            "are made by the web page [fact: `POST /zot/auth/apikey`, the cookies, header `X-ZOT-API-CLIENT: " +
                'zot-ui` -> 201 with `apiKey: "zak_<32 hex>"`]',
            async () => {
                const expirationDate = "2126-12-31T00:00:00Z";
                const answer = await create({ label: "ci", scopes: [], expirationDate });
                expect(answer.status).toBe(201);
                expect(answer.headers["content-type"]).toBe("application/json");
                expect(jsonOf(answer)).toEqual({
                    apiKey: expect.stringMatching(/^zak_[0-9a-f]{32}$/) as string,
                    uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
                    createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
                    expirationDate,
                    isExpired: false,
                    label: "ci",
                    scopes: [],
                    lastUsed: "0001-01-01T00:00:00Z",
                    creatorUa: "",
                    generatedBy: "manual",
                });
            },
        );

        test(
            "are not made without the header of the web page [fact: header `X-ZOT-API-CLIENT: " +
                "zot-ui` (without it 500)]",
            async () => {
                const answer = await browser.request("POST", `${server.url}/zot/auth/apikey`, { body: "{}" });
                expect(answer.status).toBe(500);
                expect((await server.request("GET", "/zot/auth/apikey")).status).toBe(500);
                expect((await server.request("DELETE", "/zot/auth/apikey?id=x")).status).toBe(500);
            },
        );

        test(
            "never expire when nothing is said of it [fact: " +
                "**left out, the key never expires** (`0001-01-01T00:00:00Z`)]",
            async () => {
                expect(jsonOf(await create({ label: "forever" }))).toMatchObject({
                    expirationDate: "0001-01-01T00:00:00Z",
                    scopes: null,
                });
            },
        );

        test.each([
            ["an empty body", ""],
            ["bad JSON", "{"],
            ["a date alone", { expirationDate: "2126-12-31" }],
            ["a time in the past", { expirationDate: "2020-12-31T00:00:00Z" }],
        ])(
            "are refused for %s with 400 [fact: `expirationDate` is RFC 3339; " +
                "a date alone or one in the past is 400; Empty or bad JSON is 400]",
            async (_, body) => {
                expect((await create(body)).status).toBe(400);
            },
        );

        test(
            "are listed without their secrets, a label twice if it was given twice [fact: " +
                '`GET /zot/auth/apikey` -> `{"apiKeys":[…]}` without secrets; a repeated label is accepted]',
            async () => {
                for (let count = 0; count < 2; count++) await create({ label: "twice" });
                const keys = await list();
                expect(keys.filter(({ label }) => label === "twice")).toHaveLength(2);
                expect(JSON.stringify(keys)).not.toContain("zak_");
            },
        );

        test(
            "are revoked by id; an unknown one is fine, none is not [fact: " +
                "`DELETE /zot/auth/apikey?id=<uuid>` -> 200, also for an unknown id; without id 400]",
            async () => {
                const { apiKey, uuid } = jsonOf<NewKey>(await create({ label: "short" }));
                const works = () =>
                    server.request("GET", "/v2/", { as: ["zot-ci", apiKey] }).then((answer) => answer.status);
                expect(await works()).toBe(200);
                const revoke = (query: string) =>
                    browser.page(server, "DELETE", `/zot/auth/apikey${query}`).then((answer) => answer.status);
                expect(await revoke(`?id=${uuid}`)).toBe(200);
                expect(await works()).toBe(401);
                expect(await revoke(`?id=${uuid}`)).toBe(200);
                expect(await revoke("?id=nobody")).toBe(200);
                expect(await revoke("")).toBe(400);
            },
        );

        test(
            "may list, make and revoke their owner's keys [fact: " +
                "An API key, as the password of basic auth, may itself list, " +
                "create and revoke its owner's keys; **a stolen one can mint a key that never expires**]",
            async () => {
                const first = jsonOf<NewKey>(await create({ label: "first" }));
                const as: [string, string] = ["zot-ci", first.apiKey];
                const made = await server.request("POST", "/zot/auth/apikey", {
                    as,
                    body: JSON.stringify({ label: "successor" }),
                });
                expect(made.status).toBe(201);
                expect(jsonOf(made)).toMatchObject({ expirationDate: "0001-01-01T00:00:00Z" });
                const second: [string, string] = ["zot-ci", jsonOf<NewKey>(made).apiKey];
                expect(
                    (await server.request("DELETE", `/zot/auth/apikey?id=${first.uuid}`, { as: second })).status,
                ).toBe(200);
                expect((await server.request("GET", "/zot/auth/apikey", { as })).status).toBe(401);
                expect((await server.request("GET", "/zot/auth/apikey", { as: second })).status).toBe(200);
            },
        );

        test(
            "that are wrong, expired or someone else's are 401 everywhere, even where anyone may read [fact: " +
                "An expired, revoked or wrong key is 401 everywhere, even where anonymous may read]",
            async () => {
                const { apiKey } = jsonOf<NewKey>(
                    await create({ label: "brief", expirationDate: new Date(Date.now() + 1500).toISOString() }),
                );
                const status = (userName: string, key: string) =>
                    server.request("GET", "/v2/any/tags/list", { as: [userName, key] }).then((answer) => answer.status);
                expect(await status("zot-ci", apiKey)).toBe(404);
                expect(await status("root", apiKey)).toBe(401);
                expect(await status("zot-ci", "a password")).toBe(401);
                expect(await status("zot-ci", `${apiKey.slice(0, -1)}x`)).toBe(401);
                await new Promise((resolve) => setTimeout(resolve, 1600));
                expect(await status("zot-ci", apiKey)).toBe(401);
                expect((await list()).find(({ label }) => label === "brief")).toMatchObject({ isExpired: true });
            },
        );
    });

    test(
        "a key has the groups of its user's last login [fact: groups are those seen **at the last login**. " +
            "Removed from the group at the provider, a key keeps its rights until that user logs in again]",
        async () => {
            const own = await start(zot);
            const member = person("mover", "artifact-workloads");
            const key = await keyFor(provider, own, member);
            expect(await push(own, "any", "v1", "x", key)).toBe(201);
            // Removed from the group at the provider: nothing changes until the next login.
            await provider.becomes(person("mover"));
            expect(await push(own, "any", "v2", "x", key)).toBe(201);
            await new Browser().login(own);
            expect(await push(own, "any", "v3", "x", key)).toBe(403);
        },
    );

    test(
        "keys survive a restart, as SHA-256, and are lost with meta.db; sessions end [fact: " +
            "Keys live in `<rootDirectory>/meta.db` as SHA-256; they survive restarts and are lost with that file]",
        async () => {
            const own = await start(zot);
            const as = await keyFor(provider, own, ci);
            const browser = new Browser();
            await browser.login(own);
            await own.restart();
            expect((await own.request("GET", "/v2/", { as })).status).toBe(200);
            expect((await browser.page(own, "GET", "/zot/auth/apikey")).status).toBe(500);
            const database = fs.readFileSync(path.join(own.root, "meta.db"), "latin1");
            const secret = as[1].slice("zak_".length);
            expect(database).not.toContain(secret);
            expect(database).toContain(createHash("sha256").update(secret).digest("hex"));
            await own.stop();
            fs.rmSync(path.join(own.root, "meta.db"));
            await own.launch();
            expect((await own.request("GET", "/v2/", { as })).status).toBe(401);
        },
    );

    test(
        "apikey is on with openid, whatever the config says [fact: " +
            "With openid set, `apikey` is on whatever the config says]",
        async () => {
            const own = await start(zot, { auth: { apikey: false } });
            expect(await push(own, "any", "v1", "x", await keyFor(provider, own, ci))).toBe(201);
        },
    );

    test(
        "the provider may be gone while the registry runs, but not when it starts [fact: " +
            "With the identity provider unreachable zot **cannot start**; A zot that is already running is unaffected]",
        async () => {
            const other = await IdentityProvider.start();
            const own = await startWithLogin(zot, other, { http: { accessControl: ciPushes } });
            const as = await keyFor(other, own, ci);
            await other.stop();
            expect((await own.request("GET", "/v2/", { as })).status).toBe(200);
            expect((await own.request("GET", "/v2/")).status).toBe(200);
            await own.stop();
            await expect(own.launch()).rejects.toThrow("zot did not start");
        },
    );
});
