/** Accounts of before the claim mapping: they are listed, and end, as docs/operations.md says it. */
import * as fs from "node:fs";
import * as path from "node:path";
import { Browser, IdentityProvider, keyFor, person } from "../../testbed/zot/logins";
import { cleanUp, jsonOf, push, RunningZot, scratch, zots } from "../../testbed/zot/zots";
import { keys } from "./command";

jest.setTimeout(120_000);
afterAll(cleanUp);

const repositories = {
    "**": {
        anonymousPolicy: ["read"],
        defaultPolicy: ["read"],
        policies: [{ groups: ["admins"], actions: ["read", "create", "delete"] }],
    },
};

const PASSWORD_HASH = "$2b$04$Yd3EftPu.RhqWoulvH4j6e0dxkr3qY7fPLCMUf/nZhHJy75PU04qu";
const realZots = zots.filter((zot) => !zot.isStandIn);
if (realZots.length === 0) test.skip("a real zot: there is none in ZOT or on the PATH", () => undefined);

for (const zot of realZots)
    describe(zot.name, () => {
        test("accounts of before keep rights and keys, are listed while it runs, and end with meta.db", async () => {
            const folder = scratch();
            const htpasswd = path.join(folder, "htpasswd");
            fs.writeFileSync(htpasswd, `alice@example.org:${PASSWORD_HASH}\n`);
            const before = {
                auth: { htpasswd: { path: htpasswd }, apikey: true },
                accessControl: { repositories, groups: { admins: { users: ["alice@example.org"] } } },
            };
            const first = await RunningZot.start(zot, () => ({ http: before }), folder);
            const made = await first.request("POST", "/zot/auth/apikey", {
                as: ["alice@example.org", "x"],
                headers: { "X-ZOT-API-CLIENT": "zot-ui" },
                body: '{"label":"forever","scopes":[]}',
            });
            expect(made.status).toBe(201);
            const { apiKey } = JSON.parse(String(made.body)) as { apiKey: string };
            await first.stop();

            // The login is gone; its account is not.
            const after = { auth: { apikey: true }, accessControl: { repositories } };
            const second = await RunningZot.start(zot, () => ({ http: after }), folder);
            const as: [string, string] = ["alice@example.org", apiKey];
            expect(await push(second, "team/app", "1", "first", as)).toBe(201);
            const metaDb = path.join(folder, "root", "meta.db");
            const listed = JSON.parse(keys(["--from", metaDb, "--json"]).stdout) as { accounts: object[] };
            expect(listed.accounts).toEqual([
                expect.objectContaining({
                    name: "alice@example.org",
                    groups: ["admins"],
                    keys: [expect.objectContaining({ label: "forever" })],
                }),
            ]);
            expect(keys(["--from", "-"], fs.readFileSync(metaDb)).stdout).not.toContain(apiKey.slice(4));
            await second.stop();

            fs.rmSync(metaDb);
            const third = await RunningZot.start(zot, () => ({ http: after }), folder);
            expect((await third.request("GET", "/v2/_catalog", { as })).status).toBe(401);
            // Images stay: zot reads them again from its storage.
            expect((await third.request("GET", "/v2/team/app/tags/list")).body.toString()).toContain('"1"');
            await third.stop();
        });
    });

// As docs/operations.md says it under "Accounts of before".
describe.each(zots)("$name", (zot) => {
    test("an account of before the claim mapping ends by a login of its name", async () => {
        const provider = await IdentityProvider.start();
        try {
            const folder = scratch();
            const start = (extra: object) =>
                RunningZot.start(
                    zot,
                    (url) => ({
                        http: {
                            externalUrl: url,
                            auth: { ...provider.auth(folder, extra), apikey: true },
                            accessControl: { repositories },
                        },
                    }),
                    folder,
                );
            const first = await start({ claimMapping: { groups: "groups" } });
            await provider.allows(first.url);
            const [, apiKey] = await keyFor(provider, first, person("alice", "admins"));
            const as: [string, string] = ["alice@example.org", apiKey];
            expect(await push(first, "team/app", "1", "first", as)).toBe(201);
            await first.stop();

            // With the declared mapping nobody is alice@example.org any more, and her key deletes.
            const second = await start({});
            await provider.allows(second.url);
            await keyFor(provider, second, person("alice"));
            expect((await second.request("DELETE", "/v2/team/app/manifests/1", { as })).status).toBe(202);

            // A user of that name, in no group, logs in once: its groups of now take the place of the remembered ones.
            await provider.becomes(person("alice@example.org"));
            const browser = new Browser();
            await browser.login(second);
            expect(await push(second, "team/app", "2", "second", as)).toBe(403);
            const { apiKeys } = jsonOf<{ apiKeys: { uuid: string }[] }>(
                await browser.page(second, "GET", "/zot/auth/apikey"),
            );
            expect(apiKeys).toHaveLength(1);
            expect((await browser.page(second, "DELETE", `/zot/auth/apikey?id=${apiKeys[0]!.uuid}`)).status).toBe(200);
            expect((await second.request("GET", "/v2/_catalog", { as })).status).toBe(401);
            await second.stop();
        } finally {
            await provider.stop();
        }
    });
});
