/** The resource ApiKey: made, previewed, refreshed, deleted, under another name. */
import { ZotSession } from "../../../clients/zot/session";
import { UNKNOWN } from "../../../providers/protocol";
import {
    asked,
    forget,
    inputs,
    newDriver,
    output,
    past,
    predecessorEnds,
    predecessors,
    push,
    uuids,
    world,
    worldForAll,
} from "./apiKey.world";
import { startGate } from "./gate";

worldForAll();

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
            /^warning: .*still has the random password of this login\. The password was not kept anywhere/m,
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
        await past(output(driven, "rotateAt"));
        forget();
        driven.log.length = 0;
        const { operation, changed, outputs } = await driven.preview(inputs({ rotateAfter: "1s" }));
        expect(operation).toBe("update");
        expect(changed).toEqual(expect.arrayContaining(["key", "uuid", "expires"]));
        for (const name of ["key", "uuid", "expires"]) expect(outputs[name]).toBe(UNKNOWN);
        expect(outputs.user).toBe(world.ciUser);
        expect(driven.log.join()).toMatch(
            /will be made: the present one is \d+ seconds? old, and its rotation time was/,
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

describe("refresh", () => {
    test("finds a revoked key, which the next update replaces in place", async () => {
        const driven = await newDriver();
        await driven.up(inputs());
        const first = output(driven, "uuid");
        await world.revokeAllByHand();
        await driven.refresh();
        expect(output(driven, "status")).toBe("unusable");
        expect(output(driven, "uuid")).toBe(first);
        expect(driven.log.join()).toContain(`no longer accepts the API key ${String(first)}`);
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
        const other = await world.makeEndless(output(driven, "key") as string);
        await driven.refresh();
        expect(predecessors(driven)).toEqual([other.uuid]);
        expect(driven.log.join()).toMatch(
            /did not make.*If nobody made them by hand, the key has leaked: raise ci\.keyGeneration \(of a further identity of CI: ci\.workloads\.NAME\.keyGeneration\) by one/,
        );
        await past(...predecessorEnds(driven));
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
        expect.stringContaining("over plain http, logins and keys could be read on the way"),
    ]);
    expect(await driven.failures(inputs({ registryUrl: "https://registry.example.org/" }))).toEqual([
        expect.stringContaining("https://registry.example.org"),
    ]);
    expect(await driven.failures(inputs({ user: "" }))).toEqual([expect.stringContaining("user name")]);
    expect(await driven.failures(inputs({ label: "pulumi:x/y/z" }))).toEqual([expect.stringContaining("label")]);
    expect(await driven.failures(inputs({ expiry: "1d" }))).toEqual([expect.stringContaining("not a property")]);
    expect(await driven.failures({})).toEqual(["registryUrl is missing.", "user is missing."]);
});
