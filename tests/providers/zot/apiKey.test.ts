/**
 * The resource ApiKey against an Authentik and a zot: the real ones where they are at hand (AUTHENTIK_URL,
 * AUTHENTIK_TOKEN, ZOT).
 */
import { setTimeout as sleep } from "node:timers/promises";
import { RegistryClient } from "../../../clients/zot/registry";
import { ZotSession } from "../../../clients/zot/session";
import { type PropertyMap, UNKNOWN } from "../../../providers/protocol";
import { type Driver, driver } from "./driver";
import { startGate } from "./gate";
import { startWorld, type World } from "./world";

// A busy Authentik takes some seconds for a login.
jest.setTimeout(600_000);

let world: World;
beforeAll(async () => {
    world = await startWorld();
});
afterAll(async () => {
    await world?.stop();
});

afterEach(async () => {
    forget();
    await world.revokeAllByHand();
    forget();
});

/** What was asked of anybody since the last time. */
const asked = () =>
    [...world.authentikGate.requests, ...world.registryGate.requests].map(
        (request) => `${request.method} ${request.path}`,
    );
const forget = () => {
    world.authentikGate.reset();
    world.registryGate.reset();
};

const inputs = (more: PropertyMap = {}): PropertyMap => ({
    registryUrl: world.registryUrl,
    user: world.ciUser,
    repository: world.repository,
    lifetime: "1h",
    ...more,
});
const newDriver = (options: Parameters<typeof driver>[1] = {}) => driver(world, options);
const output = (driven: Driver, name: string) => driven.state!.outputs[name];
const uuids = async () => (await world.keys()).map((key) => key.uuid).sort();
const predecessors = (driven: Driver) =>
    (output(driven, "predecessors") as PropertyMap[]).map((predecessor) => predecessor.uuid).sort();
const push = (key: string, tag: string) =>
    new RegistryClient(world.registryUrl, { username: world.ciUser, key }).push("team/app", tag, tag);

test("the first key is made in one update, may push, and ends in time", async () => {
    const driven = await newDriver();
    const before = Date.now();
    expect(await driven.up(inputs())).toBe("create");
    expect(await push(output(driven, "key") as string, "v1")).toBe(201);
    expect(await push(output(driven, "key") as string, "v1")).toBe(403);
    const [key] = await world.keys();
    expect(key).toMatchObject({ uuid: output(driven, "uuid"), label: "ci pulumi:project/test/ci" });
    expect(Math.abs(Date.parse(key!.expirationDate) - before - 3_600_000)).toBeLessThan(20_000);
    expect(Date.parse(output(driven, "rotateAt") as string) - Date.parse(output(driven, "created") as string)).toBe(
        2_400_000,
    );
    expect(output(driven, "status")).toBe("usable");
    expect(await driven.up(inputs())).toBe("same");
});

describe("a login leaves nothing behind", () => {
    const passwordsSet = () =>
        world.authentikGate.requests
            .filter((request) => request.path.endsWith("/set_password/"))
            .map((request) => (JSON.parse(request.body) as { password: string }).password);
    const logsInWith = (password: string) =>
        ZotSession.login(
            world.registryUrl,
            { username: world.ciUser, password },
            { identityProvider: [world.issuer] },
        ).then(
            async (session) => session.end().then(() => true),
            () => false,
        );

    test("the password of the login is replaced by one that is used for nothing", async () => {
        await (await newDriver()).up(inputs());
        const passwords = passwordsSet();
        expect(passwords).toHaveLength(2);
        expect(new Set(passwords).size).toBe(2);
        expect(await logsInWith(passwords[0]!)).toBe(false);
        const posted = [...world.authentikGate.requests, ...world.registryGate.requests]
            .filter((request) => !request.path.endsWith("/set_password/"))
            .map((request) => request.body);
        expect(posted.some((body) => body.includes(passwords[0]!))).toBe(true);
        expect(posted.some((body) => body.includes(passwords[1]!))).toBe(false);
    });

    test("the sessions at Authentik and at zot are ended", async () => {
        await (await newDriver()).up(inputs());
        const cookies = world.registryGate.requests.find(
            (request) => request.path === "/zot/auth/apikey" && request.headers.cookie,
        )!.headers.cookie!;
        expect(world.registryGate.requests.some((request) => request.path === "/zot/auth/logout")).toBe(true);
        // zot 2.1.20 answers 500 to the cookie of a session that is gone.
        expect(
            (
                await fetch(`${world.registryUrl}/zot/auth/apikey`, {
                    headers: { cookie: cookies, "X-ZOT-API-CLIENT": "zot-ui" },
                })
            ).status,
        ).toBe(500);
        const last = world.authentikGate.requests
            .filter((request) => request.path.startsWith("/api/v3/flows/executor/"))
            .at(-1)!;
        expect(last.path).toContain("invalidation");
        // What the browser held is worth nothing now: authorize sends it to log in again.
        const session = await fetch(`${world.authentik.url}/api/v3/core/users/me/`, {
            headers: { cookie: last.headers.cookie! },
        });
        expect(session.status).toBe(403);
    });

    test.each([
        ["the login", (path: string) => path.startsWith("/zot/auth/callback/")],
        ["the minting", (path: string, method: string) => path === "/zot/auth/apikey" && method === "POST"],
    ])("also when %s fails", async (_step, isThere) => {
        world.registryGate.before = (request) =>
            isThere(request.path, request.method) ? { status: 400, body: "no" } : undefined;
        await expect((await newDriver()).up(inputs())).rejects.toThrow(/400/);
        world.registryGate.reset();
        const passwords = passwordsSet();
        expect(passwords).toHaveLength(2);
        expect(await logsInWith(passwords[0]!)).toBe(false);
        expect(world.authentikGate.requests.some((request) => request.path.includes("default-invalidation-flow"))).toBe(
            true,
        );
        expect(await uuids()).toEqual([]);
    });

    test("a second password that cannot be set is a warning, and the key is kept", async () => {
        const driven = await newDriver();
        let set = 0;
        world.authentikGate.before = (request) =>
            request.path.endsWith("/set_password/") && ++set > 1
                ? { status: 403, headers: { "content-type": "application/json" }, body: '{"detail":"no more"}' }
                : undefined;
        await driven.up(inputs());
        expect(driven.log.join("\n")).toMatch(
            /^warning: .*still has the random password of this login, which was kept nowhere/m,
        );
        expect(output(driven, "status")).toBe("usable");
    });
});

describe("preview", () => {
    test("of the first key asks nobody, and says what will be", async () => {
        const driven = await newDriver();
        const { operation, outputs } = await driven.preview(inputs());
        expect(operation).toBe("create");
        for (const name of ["key", "uuid", "expires", "created", "rotateAt", "predecessors"])
            expect(outputs[name]).toBe(UNKNOWN);
        expect(driven.log.join()).toContain(`An API key of ${world.ciUser} will be made`);
        expect(asked()).toEqual([]);
    });

    test("of a rotation asks nobody, says why, and names predecessors", async () => {
        const driven = await newDriver();
        const old = await world.makeByHand("by hand", new Date(Date.now() + 600_000));
        await driven.up(inputs({ rotateAfter: "1s" }));
        await sleep(1_100);
        forget();
        driven.log.length = 0;
        const { operation, changed, outputs } = await driven.preview(inputs({ rotateAfter: "1s" }));
        expect(operation).toBe("update");
        expect(changed).toEqual(expect.arrayContaining(["key", "uuid", "expires"]));
        for (const name of ["key", "uuid", "expires"]) expect(outputs[name]).toBe(UNKNOWN);
        expect(outputs.user).toBe(world.ciUser);
        expect(driven.log.join()).toMatch(
            /will be made: the present one is \d+ seconds? old, and its time to rotate was/,
        );
        expect(driven.log.join()).toContain(old.record.uuid);
        expect(asked()).toEqual([]);
    });

    test("without changes names the predecessors", async () => {
        const driven = await newDriver();
        const old = await world.makeByHand("by hand", new Date(Date.now() + 600_000));
        await driven.up(inputs());
        driven.log.length = 0;
        expect((await driven.preview(inputs())).operation).toBe("same");
        expect(driven.log).toEqual([expect.stringContaining(`${old.record.uuid} (by hand) until`)]);
    });
});

describe("rotation", () => {
    test("keeps the predecessor until its time, and the first update after that revokes it", async () => {
        const driven = await newDriver();
        const short = inputs({ rotateAfter: "1s", predecessorLifetime: "3s" });
        await driven.up(short);
        const first = { uuid: output(driven, "uuid"), key: output(driven, "key") as string };
        await sleep(1_100);
        expect(await driven.up(short)).toBe("update");
        const second = { uuid: output(driven, "uuid"), key: output(driven, "key") as string };
        expect(second.uuid).not.toBe(first.uuid);
        expect(predecessors(driven)).toEqual([first.uuid]);
        expect(driven.log.join("\n")).toMatch(
            /^info: .* has a new API key: .* Hand it to CI by 20.* UTC, when the former one's time is over\.$/m,
        );
        expect([await push(first.key, "r1"), await push(second.key, "r2")]).toEqual([201, 201]);
        await sleep(3_000);
        const calm = inputs({ rotateAfter: "50m", predecessorLifetime: "3s" });
        world.authentikGate.reset();
        expect((await driven.preview(calm)).changed).toContain("predecessors");
        expect(await driven.up(calm)).toBe("update");
        // The key revokes its predecessor itself.
        expect(world.authentikGate.requests).toEqual([]);
        expect(await uuids()).toEqual([second.uuid]);
        expect(output(driven, "uuid")).toBe(second.uuid);
        expect(await push(first.key, "r3")).toBe(401);
        expect(await driven.up(calm)).toBe("same");
    });

    test("a loop of pushes with what CI holds sees no refusal", async () => {
        const driven = await newDriver();
        const short = inputs({ rotateAfter: "1s", predecessorLifetime: "20s" });
        await driven.up(short);
        // CI's secret is replaced a moment after the update, as by the command that hands it over.
        let held = output(driven, "key") as string;
        let running = true;
        const answers: number[] = [];
        const loop = (async () => {
            for (let count = 0; running; count++) {
                answers.push(await push(held, `loop-${count}`));
                await sleep(20);
            }
        })();
        for (let round = 0; round < 2; round++) {
            await sleep(1_100);
            expect(await driven.up(short)).toBe("update");
            await sleep(200);
            held = output(driven, "key") as string;
        }
        running = false;
        await loop;
        expect(answers.length).toBeGreaterThan(10);
        expect(new Set(answers)).toEqual(new Set([201]));
    });

    test("a key that was there before goes on until its time, also one without an end", async () => {
        const byHand = await world.makeByHand("made in the browser", new Date(Date.now() + 600_000));
        const endless = await new KeyOwner(world, byHand.key).makeEndless();
        const driven = await newDriver();
        await driven.up(inputs({ predecessorLifetime: "3s" }));
        expect(predecessors(driven)).toEqual([byHand.record.uuid, endless.uuid].sort());
        expect(driven.log.join()).toContain("had API keys that this stack did not make");
        expect([await push(byHand.key, "h1"), await push(endless.key, "h2")]).toEqual([201, 201]);
        await sleep(3_100);
        expect(await driven.up(inputs({ predecessorLifetime: "3s" }))).toBe("update");
        expect([await push(byHand.key, "h3"), await push(endless.key, "h4")]).toEqual([401, 401]);
        expect(await uuids()).toEqual([output(driven, "uuid")]);
    });

    test("an expired key is replaced, and does not stay among the user's keys", async () => {
        const driven = await newDriver();
        await driven.up(inputs({ lifetime: "5s" }));
        const first = output(driven, "uuid");
        await sleep(6_100);
        expect((await driven.preview(inputs())).operation).toBe("update");
        await driven.up(inputs());
        expect(output(driven, "uuid")).not.toBe(first);
        expect(await uuids()).toEqual([output(driven, "uuid")]);
        expect(predecessors(driven)).toEqual([]);
    });

    test("a raised generation leaves the new key alone, whatever else there is", async () => {
        const driven = await newDriver();
        const byHand = await world.makeByHand("by hand", new Date(Date.now() + 600_000));
        await driven.up(inputs());
        // Whoever has the key can make one that never ends, and one that claims to be another stack's.
        const thief = new KeyOwner(world, output(driven, "key") as string);
        await thief.makeEndless();
        await thief.makeEndless("ci pulumi:other/stack/ci");
        const leaked = output(driven, "key") as string;
        driven.log.length = 0;
        const { outputs } = await driven.preview(inputs({ generation: 2 }));
        expect(outputs.key).toBe(UNKNOWN);
        expect(driven.log.join()).toMatch(
            /generation was raised from 1 to 2.*The present one, [-0-9a-f]{36}, and every other key of \S+ are revoked at once/,
        );
        const present = output(driven, "uuid") as string;
        driven.log.length = 0;
        await driven.up(inputs({ generation: 2 }));
        const [revoked] = driven.log.filter((line) => line.includes("were revoked"));
        expect(revoked).toMatch(/Other API keys of \S+, since the generation was raised, were revoked: .*by hand/);
        for (const current of [present, output(driven, "uuid") as string]) expect(revoked).not.toContain(current);
        expect(driven.log.join("\n")).toContain("Hand it to CI now, for the former one does not work any more.");
        expect(await uuids()).toEqual([output(driven, "uuid")]);
        expect(predecessors(driven)).toEqual([]);
        expect([
            await push(leaked, "g1"),
            await push(byHand.key, "g2"),
            await push(output(driven, "key") as string, "g3"),
        ]).toEqual([401, 401, 201]);
        expect(await driven.up(inputs({ generation: 2 }))).toBe("same");
        expect(await driven.failures(inputs({ generation: 1 }))).toEqual([
            expect.stringContaining("can only be raised"),
        ]);
    });

    test("changes of durations and names alone ask nobody", async () => {
        const driven = await newDriver();
        await driven.up(inputs());
        const uuid = output(driven, "uuid");
        forget();
        expect(
            await driven.up(
                inputs({
                    lifetime: "2h",
                    rotateAfter: "30m",
                    predecessorLifetime: "1d",
                    label: "builds",
                    loginFlow: "later",
                }),
            ),
        ).toBe("update");
        expect(asked()).toEqual([]);
        expect(output(driven, "uuid")).toBe(uuid);
        expect(Date.parse(output(driven, "rotateAt") as string) - Date.parse(output(driven, "created") as string)).toBe(
            1_800_000,
        );
    });
});

describe("refresh", () => {
    test("finds a revoked key, which the next update replaces in place", async () => {
        const driven = await newDriver();
        await driven.up(inputs());
        const first = output(driven, "uuid");
        await world.revokeAllByHand();
        await driven.refresh();
        expect(output(driven, "status")).toBe("unusable");
        expect(output(driven, "uuid")).toBe(first);
        expect(driven.log.join()).toContain(`does not accept the API key ${String(first)}`);
        expect((await driven.preview(inputs())).operation).toBe("update");
        expect(await driven.up(inputs())).toBe("update");
        expect(output(driven, "status")).toBe("usable");
        expect(await uuids()).toEqual([output(driven, "uuid")]);
    });

    test("of a registry that cannot be reached is an error", async () => {
        const driven = await newDriver();
        await driven.up(inputs());
        const before = structuredClone(driven.state);
        await world.stopZot();
        await expect(driven.refresh()).rejects.toThrow(/cannot be reached/);
        // As a proxy answers in the place of a registry that is down.
        world.registryGate.before = () => ({ status: 502, body: "bad gateway" });
        await expect(driven.refresh()).rejects.toThrow(/502/);
        world.registryGate.reset();
        // With the read-only config there is nobody to ask about keys.
        await world.startZot((config) => {
            delete config.http.auth;
            config.http.accessControl = { repositories: { "**": { anonymousPolicy: ["read"] } } };
        });
        await expect(driven.refresh()).rejects.toThrow(/read-only config/);
        await world.startZot();
        expect(driven.state).toEqual(before);
        await driven.refresh();
        expect(driven.state).toEqual(before);
    });

    test("finds keys that nobody declared, and names them", async () => {
        const driven = await newDriver();
        await driven.up(inputs({ predecessorLifetime: "1s" }));
        const other = await new KeyOwner(world, output(driven, "key") as string).makeEndless();
        await driven.refresh();
        expect(predecessors(driven)).toEqual([other.uuid]);
        expect(driven.log.join()).toMatch(
            /did not make.*If nobody made them by hand, the key has leaked: raise ci\.keyGeneration by one/,
        );
        await sleep(1_100);
        expect(await driven.up(inputs({ predecessorLifetime: "1s" }))).toBe("update");
        expect(await uuids()).toEqual([output(driven, "uuid")]);
    });

    test("import is refused, in words", async () => {
        const driven = await newDriver();
        driven.state = { id: "someone", inputs: {}, outputs: {} };
        await expect(driven.refresh()).rejects.toThrow(/cannot be imported/);
    });
});

describe("delete", () => {
    test("revokes every key of the user", async () => {
        const driven = await newDriver();
        await driven.up(inputs());
        await world.makeByHand("later, by hand", new Date(Date.now() + 600_000));
        await driven.destroy();
        expect(await uuids()).toEqual([]);
    });

    test("logs in where the key cannot do it, and what is gone already is no error", async () => {
        const driven = await newDriver();
        await driven.up(inputs());
        await world.revokeAllByHand();
        await world.makeByHand("left", new Date(Date.now() + 600_000));
        await driven.destroy();
        expect(await uuids()).toEqual([]);
    });

    test("of a key at a registry that is away says what to do", async () => {
        const driven = await newDriver();
        await driven.up(inputs());
        await world.stopZot();
        await expect(driven.destroy()).rejects.toThrow(/cannot be reached/);
        await world.startZot();
        await driven.destroy();
    });
});

describe("what a run that was cut off leaves", () => {
    test("is found by its label, revoked and named", async () => {
        const lost = await newDriver();
        await lost.up(inputs());
        const stray = output(lost, "uuid");
        const driven = await newDriver();
        await driven.up(inputs());
        expect(await uuids()).toEqual([output(driven, "uuid")]);
        expect(driven.log.join()).toContain(`a run was cut off, were revoked: ${String(stray)}`);
    });

    test("a key that cannot yet push is kept, and the next update proves it", async () => {
        const driven = await newDriver();
        await world.startZot((config) => {
            config.http.accessControl.repositories["**"].policies[0].actions = ["read"];
        });
        await expect(driven.up(inputs())).rejects.toThrow(/may not push to team\/probe.*The key is kept/);
        expect(output(driven, "status")).toBe("unproven");
        const uuid = output(driven, "uuid");
        expect(await uuids()).toEqual([uuid]);
        await expect(driven.up(inputs())).rejects.toThrow(/may not push/);
        await world.startZot();
        expect(await driven.up(inputs())).toBe("update");
        expect(output(driven, "status")).toBe("usable");
        expect(await uuids()).toEqual([uuid]);
    });

    test("groups that zot remembers are refreshed by a login", async () => {
        const driven = await newDriver();
        await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { groups: [] });
        const other = await world.authentik.api<{ pk: string }>("POST", "/core/groups/", {
            name: `other-${world.ciUser}`,
        });
        world.made(`/core/groups/${other.pk}/`);
        await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { groups: [other.pk] });
        const binding = await world.authentik.api<{ pk: string }>("POST", "/policies/bindings/", {
            target: world.applicationPk,
            group: other.pk,
            order: 5,
        });
        try {
            await expect(driven.up(inputs())).rejects.toThrow(/not in the group that may push/);
            await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { groups: [world.groupPk] });
            await driven.up(inputs());
            expect(output(driven, "status")).toBe("usable");
        } finally {
            await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { groups: [world.groupPk] });
            await world.authentik.api("DELETE", `/policies/bindings/${binding.pk}/`);
        }
    });

    test("the connection is cut in the minting: the key that nobody got is gone after the next update", async () => {
        const driven = await newDriver();
        world.registryGate.before = (request) =>
            request.path === "/zot/auth/apikey" && request.method === "POST" ? "cut after" : undefined;
        await expect(driven.up(inputs())).rejects.toThrow(/cannot be reached/);
        world.registryGate.reset();
        expect(await uuids()).toHaveLength(1);
        await driven.up(inputs());
        expect(await uuids()).toEqual([output(driven, "uuid")]);
    });
});

describe("one stack per registry and user", () => {
    test("a second stack is refused, and changes nothing", async () => {
        const first = await newDriver({ stack: "prod" });
        await first.up(inputs());
        const second = await newDriver({ stack: "dev" });
        await expect(second.up(inputs())).rejects.toThrow(
            /another Pulumi stack made: project\/prod \(resource ci\).*Each of the two would revoke the other's keys/,
        );
        expect(await uuids()).toEqual([output(first, "uuid")]);
        expect(second.state).toBeUndefined();
    });

    test("so is a second resource of the same stack", async () => {
        await (await newDriver({ name: "one" })).up(inputs());
        await expect((await newDriver({ name: "two" })).up(inputs())).rejects.toThrow(/resource one/);
    });

    test("keys of a stack that is gone are taken over on purpose", async () => {
        const first = await newDriver({ stack: "gone" });
        await first.up(inputs());
        const second = await newDriver({ stack: "new" });
        await second.up(inputs({ takeOver: true }));
        expect(predecessors(second)).toEqual([output(first, "uuid")]);
        expect(await push(output(first, "key") as string, "t1")).toBe(201);
    });
});

describe("what can go wrong is said with its remedy", () => {
    const fails = async (message: RegExp, more: PropertyMap = {}, options: Parameters<typeof driver>[1] = {}) => {
        const driven = await newDriver(options);
        await expect(driven.up(inputs(more))).rejects.toThrow(message);
        expect(driven.state).toBeUndefined();
    };
    const during = async (path: string, change: unknown, back: unknown, work: () => Promise<void>) => {
        await world.authentik.api("PATCH", path, change);
        try {
            await work();
        } finally {
            await world.authentik.api("PATCH", path, back);
        }
    };
    const provider = () => `/providers/oauth2/${world.provider}/`;

    test("no token", () =>
        fails(
            /No API token for Authentik is set\. Set it with: pulumi config set --secret authentik:token/,
            {},
            { config: { authentikToken: "" } },
        ));
    test("a wrong token", () =>
        fails(
            /refused the API token .*pulumi config set --secret authentik:token/,
            {},
            { config: { authentikToken: "wrong" } },
        ));
    test("no such user", () => fails(/shows no user nobody-here.*authentik_core\.view_user/, { user: "nobody-here" }));
    test("a person's account", () =>
        fails(/is no service account .*password is not touched/, { user: world.authentik.plainUser }));
    test("an account that is not active", () =>
        during(`/core/users/${world.ciUserPk}/`, { is_active: false }, { is_active: true }, () =>
            fails(/is not active in Authentik/),
        ));
    test("Authentik is away", async () => {
        await fails(/cannot be reached/, {}, { config: { authentikUrl: "http://127.0.0.1:9" } });
    });
    test("the registry is away", async () => {
        const driven = await newDriver();
        await expect(driven.up(inputs({ registryUrl: "http://127.0.0.1:9" }))).rejects.toThrow(
            /Is zot running there\?/,
        );
        expect(world.authentikGate.requests).toEqual([]);
    }, 30_000);
    test("in no bound group", () =>
        during(`/core/users/${world.ciUserPk}/`, { groups: [] }, { groups: [world.groupPk] }, () =>
            fails(/in no group that is bound/),
        ));
    test("an application without its provider", () =>
        during(`/core/applications/${world.clientId}/`, { provider: null }, { provider: world.provider }, () =>
            fails(/has no provider|Client ID|client id/),
        ));
    test("another redirect URI", () =>
        during(
            provider(),
            { redirect_uris: [{ matching_mode: "strict", url: `${world.registryUrl}/zot/auth/callback/oidc/` }] },
            { redirect_uris: [{ matching_mode: "strict", url: `${world.registryUrl}/zot/auth/callback/oidc` }] },
            () => fails(/does not accept the redirect URI/),
        ));
    test("another client id", () =>
        during(provider(), { client_id: `${world.clientId}-x` }, { client_id: world.clientId }, () =>
            fails(/does not know the client id/),
        ));
    test("another client secret", async () => {
        const { client_secret: secret } = await world.authentik.api<{ client_secret: string }>("GET", provider());
        await during(provider(), { client_secret: "another" }, { client_secret: secret }, () =>
            fails(/invalid_client.*push the registry's config again/),
        );
    });
    test("no signing key", async () => {
        const { signing_key: key } = await world.authentik.api<{ signing_key: string }>("GET", provider());
        await during(provider(), { signing_key: null }, { signing_key: key }, () =>
            fails(/no signing key: choose one in identity\.signingKey/),
        );
    });
    test("another issuer", () =>
        during(provider(), { issuer_mode: "global" }, { issuer_mode: "per_provider" }, () =>
            fails(/issuer.*identity\.issuer/),
        ));
    test("no mapping openid, or no mapping profile", async () => {
        const { property_mappings: all } = await world.authentik.api<{ property_mappings: string[] }>(
            "GET",
            provider(),
        );
        await during(provider(), { property_mappings: all.slice(1) }, { property_mappings: all }, () =>
            fails(/lacks the mapping openid/),
        );
        await during(provider(), { property_mappings: all.slice(0, 2) }, { property_mappings: all }, () =>
            fails(/lacks the mapping profile/),
        );
        await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { email: "ci@example.org" });
        await during(provider(), { property_mappings: all.slice(0, 2) }, { property_mappings: all }, () =>
            fails(/for ci@example\.org, so that a key would belong to the wrong name/),
        );
        await world.authentik.api("PATCH", `/core/users/${world.ciUserPk}/`, { email: "" });
    });
    test("an Authentik that fails in passing is met by another attempt", async () => {
        const failed = new Set<string>();
        world.authentikGate.before = (request) => {
            const path = ["/userinfo/", "/set_password/"].find((candidate) => request.path.endsWith(candidate));
            if (path === undefined || failed.has(path)) return undefined;
            failed.add(path);
            return { status: 500, body: "Internal Server Error" };
        };
        const driven = await newDriver();
        await driven.up(inputs());
        expect(failed.size).toBe(2);
        expect(await uuids()).toEqual([output(driven, "uuid")]);
    });
    test("an Authentik that goes on failing is named", async () => {
        world.authentikGate.before = (request) =>
            request.path.endsWith("/authorize/") ? { status: 500, body: "Internal Server Error" } : undefined;
        await fails(/answered 500 in the middle of the login/);
        world.authentikGate.before = (request) =>
            request.path.endsWith("/userinfo/") ? { status: 500, body: "Internal Server Error" } : undefined;
        await fails(/cannot speak with Authentik, or Authentik failed/);
    });
    test("a registry without a login", async () => {
        await world.startZot((config) => {
            delete config.http.auth;
            config.http.accessControl = { repositories: { "**": { anonymousPolicy: ["read"] } } };
        });
        try {
            await fails(/has no login \(404\).*read-only config/);
        } finally {
            await world.startZot();
        }
    });
    test("clocks that differ", async () => {
        world.registryGate.after = (_request, answer) =>
            void (answer.headers.date = new Date(Date.now() - 3_600_000).toUTCString());
        await fails(
            /clock of the registry .* is (1 hour|59 minutes and \d+ seconds|1 hour and \d+ \w+) behind this machine's.*NTP/,
        );
        expect(world.authentikGate.requests).toEqual([]);
    });
    test("an old zot", async () => {
        world.registryGate.before = (request) =>
            request.path === "/v2/_zot/ext/mgmt" ? { status: 200, body: '{"releaseTag":"v2.1.15"}' } : undefined;
        await fails(/is zot v2\.1\.15, in which a tag can be moved.*install v2\.1\.19 or newer/);
    });
    test("a release candidate of the zot that is needed", async () => {
        world.registryGate.before = (request) =>
            request.path === "/v2/_zot/ext/mgmt" ? { status: 200, body: '{"releaseTag":"v2.1.19-rc1"}' } : undefined;
        await fails(/is zot v2\.1\.19-rc1, in which a tag can be moved/);
    });
    test("a registry that makes a key without an end", async () => {
        const revoked: string[] = [];
        world.registryGate.before = (request) => {
            if (request.method === "DELETE") revoked.push(request.query.get("id")!);
            return request.path === "/zot/auth/apikey" && request.method === "POST"
                ? {
                      status: 201,
                      body: JSON.stringify({
                          apiKey: "zak_0",
                          uuid: "endless",
                          label: "x",
                          createdAt: new Date().toISOString(),
                          expirationDate: "0001-01-01T00:00:00Z",
                          isExpired: false,
                          lastUsed: "0001-01-01T00:00:00Z",
                      }),
                  }
                : undefined;
        };
        await fails(/never expires.*was revoked/);
        expect(revoked).toContain("endless");
    });
    test("a token without the permission", async () => {
        const user = await world.authentik.api<{ pk: number }>("POST", "/core/users/", {
            username: `op-${world.ciUser}`,
            name: "operator",
            type: "service_account",
            path: "users",
            groups: [],
            attributes: {},
        });
        world.made(`/core/users/${user.pk}/`);
        const identifier = `op-${world.ciUser}`;
        await world.authentik.api("POST", "/core/tokens/", {
            identifier,
            intent: "api",
            user: user.pk,
            description: "",
            expiring: true,
        });
        const { key } = await world.authentik.api<{ key: string }>("GET", `/core/tokens/${identifier}/view_key/`);
        await fails(/authentik_core\.view_user/, {}, { config: { authentikToken: key } });
        const role = await world.authentik.api<{ pk: string }>("POST", "/rbac/roles/", { name: `op-${world.ciUser}` });
        world.made(`/rbac/roles/${role.pk}/`);
        await world.authentik.api("POST", `/rbac/roles/${role.pk}/add_user/`, { pk: user.pk });
        await world.authentik.api("POST", `/rbac/permissions/assigned_by_roles/${role.pk}/assign/`, {
            permissions: ["authentik_core.view_user"],
            model: "authentik_core.user",
            object_pk: String(world.ciUserPk),
        });
        await fails(
            /lacks the permission authentik_core\.reset_user_password/,
            {},
            { config: { authentikToken: key } },
        );
        await world.authentik.api("POST", `/rbac/permissions/assigned_by_roles/${role.pk}/assign/`, {
            permissions: ["authentik_core.reset_user_password"],
            model: "authentik_core.user",
            object_pk: String(world.ciUserPk),
        });
        const driven = await newDriver({ config: { authentikToken: key } });
        await driven.up(inputs());
        expect(output(driven, "status")).toBe("usable");
    });
});

describe("a login flow of its own", () => {
    let slug: string;
    beforeAll(async () => {
        slug = `login-${world.ciUser}`;
        const { api } = world.authentik;
        const flow = await api<{ pk: string }>("POST", "/flows/instances/", {
            name: slug,
            slug,
            title: slug,
            designation: "authentication",
            authentication: "require_unauthenticated",
        });
        world.made(`/flows/instances/${slug}/`);
        const password = (
            await api<{ results: { pk: string }[] }>("GET", "/stages/password/?name=default-authentication-password")
        ).results[0]!;
        const identification = await api<{ pk: string }>("POST", "/stages/identification/", {
            name: `${slug}-who`,
            user_fields: ["username"],
            password_stage: password.pk,
        });
        world.made(`/stages/identification/${identification.pk}/`);
        const login = await api<{ pk: string }>("POST", "/stages/user_login/", {
            name: `${slug}-in`,
            session_duration: "minutes=5",
        });
        world.made(`/stages/user_login/${login.pk}/`);
        await api("POST", "/flows/bindings/", { target: flow.pk, stage: identification.pk, order: 10 });
        const binding = await api<{ policybindingmodel_ptr_id: string }>("POST", "/flows/bindings/", {
            target: flow.pk,
            stage: login.pk,
            order: 20,
            re_evaluate_policies: true,
        });
        const policy = await api<{ pk: string }>("POST", "/policies/expression/", {
            name: slug,
            expression: `return request.context["pending_user"].username == "${world.ciUser}"`,
        });
        world.made(`/policies/expression/${policy.pk}/`);
        await api("POST", "/policies/bindings/", {
            target: binding.policybindingmodel_ptr_id,
            policy: policy.pk,
            order: 0,
        });
    });

    test("is used instead of the site's", async () => {
        const driven = await newDriver();
        await driven.up(inputs({ loginFlow: slug }));
        expect(output(driven, "status")).toBe("usable");
        const executors = world.authentikGate.requests
            .filter((request) => request.path.startsWith("/api/v3/flows/executor/"))
            .map((request) => request.path);
        expect(new Set(executors)).toEqual(
            new Set([`/api/v3/flows/executor/${slug}/`, "/api/v3/flows/executor/default-invalidation-flow/"]),
        );
    });

    test("lets nobody else in, and says so", async () => {
        const { plainUser } = world.authentik;
        const { pk } = (
            await world.authentik.api<{ results: { pk: number }[] }>("GET", `/core/users/?username=${plainUser}`)
        ).results[0]!;
        await world.authentik.api("POST", `/core/users/${pk}/set_password/`, { password: "a password of this test" });
        await expect(
            ZotSession.login(
                world.registryUrl,
                { username: plainUser, password: "a password of this test" },
                { loginFlow: slug, identityProvider: [world.issuer] },
            ),
        ).rejects.toThrow(/ended without .* being logged in/);
    });

    test("that is not there is named", async () => {
        await expect((await newDriver()).up(inputs({ loginFlow: "no-such-flow" }))).rejects.toThrow(
            /no flow no-such-flow/,
        );
    });
});

test("another user replaces the key, and the former's are revoked", async () => {
    const driven = await newDriver();
    await driven.up(inputs());
    const name = `second-${world.ciUser}`;
    const user = await world.authentik.api<{ pk: number }>("POST", "/core/users/", {
        username: name,
        name,
        type: "service_account",
        path: "users",
        groups: [world.groupPk],
        attributes: {},
    });
    world.made(`/core/users/${user.pk}/`);
    expect((await driven.preview(inputs({ user: name }))).operation).toBe("replace");
    expect(await driven.up(inputs({ user: name }))).toBe("replace");
    expect(output(driven, "user")).toBe(name);
    expect(await uuids()).toEqual([]);
    await driven.destroy();
});

test("the registry under another name keeps its key", async () => {
    const other = await startGate(() => world.registryUrl);
    try {
        const driven = await newDriver();
        await driven.up(inputs());
        const uuid = output(driven, "uuid");
        forget();
        expect(await driven.up(inputs({ registryUrl: other.url }))).toBe("update");
        expect(output(driven, "uuid")).toBe(uuid);
        expect(output(driven, "registryUrl")).toBe(other.url);
        expect(world.authentikGate.requests).toEqual([]);
        expect(await uuids()).toEqual([uuid]);
        await driven.destroy();
    } finally {
        await other.stop();
    }
});

test("the login must come back to the name that the registry is known by", async () => {
    const other = await startGate(() => world.registryUrl);
    try {
        await expect((await newDriver()).up(inputs({ registryUrl: other.url }))).rejects.toThrow(
            /sends logins back to .*externalUrl .* must be the same/,
        );
    } finally {
        await other.stop();
    }
});

test("mistakes in the inputs are found before anything is asked", async () => {
    const driven = await newDriver();
    expect(await driven.failures(inputs({ lifetime: "soon" }))).toEqual([
        expect.stringContaining('"90d", "12h", "600s"'),
    ]);
    expect(await driven.failures(inputs({ lifetime: "1h", rotateAfter: "60m" }))).toEqual([
        expect.stringContaining("must be less than the lifetime"),
    ]);
    expect(await driven.failures(inputs({ registryUrl: "http://registry.example.org" }))).toEqual([
        expect.stringContaining("must be https"),
    ]);
    expect(await driven.failures(inputs({ registryUrl: "https://registry.example.org/" }))).toEqual([
        expect.stringContaining("https://registry.example.org"),
    ]);
    expect(await driven.failures(inputs({ user: "" }))).toEqual([expect.stringContaining("user name")]);
    expect(await driven.failures(inputs({ label: "pulumi:x/y/z" }))).toEqual([expect.stringContaining("label")]);
    expect(await driven.failures(inputs({ expiry: "1d" }))).toEqual([expect.stringContaining("no property")]);
    expect(await driven.failures({})).toEqual(["registryUrl is missing.", "user is missing."]);
});

/** What whoever holds a key can do with it. */
class KeyOwner {
    constructor(
        private readonly world: World,
        private readonly key: string,
    ) {}

    /** A key that never expires. */
    async makeEndless(label = "endless"): Promise<{ key: string; uuid: string }> {
        const answer = await fetch(`${this.world.registryUrl}/zot/auth/apikey`, {
            method: "POST",
            headers: {
                "X-ZOT-API-CLIENT": "zot-ui",
                authorization: `Basic ${Buffer.from(`${this.world.ciUser}:${this.key}`).toString("base64")}`,
            },
            body: JSON.stringify({ label, scopes: [] }),
        });
        const { apiKey, uuid } = (await answer.json()) as { apiKey: string; uuid: string };
        return { key: apiKey, uuid };
    }
}
