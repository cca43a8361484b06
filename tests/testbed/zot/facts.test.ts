/**
 * Statements about zot that no other file of cases has at its centre: keys and users, sessions, mirrors.
 */
import * as fs from "node:fs";
import * as path from "node:path";
import { tiers } from "./hardened";
import { Browser, keyFor, type LoginOptions, person, provider, providerForAll, startWithLogin } from "./logins";
import { jsonOf, push, scratch, type Zot, zots } from "./zots";

jest.setTimeout(60_000);

providerForAll();

const ci = person("zot-ci", "artifact-workloads");

const { repositories } = tiers;
const start = (zot: Zot, options: LoginOptions = {}) =>
    startWithLogin(zot, provider, { http: { accessControl: { repositories } }, ...options });

describe.each(zots)("$name", (zot) => {
    test(
        "API keys pass to whoever has the name later [fact: Keys belong to the user *name*; " +
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
});
