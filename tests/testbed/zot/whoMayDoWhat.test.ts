/** The table of who may do what, cell by cell, and the traps of access control. */
import * as fs from "node:fs";
import * as http from "node:http";
import { Browser, IdentityProvider, keyFor, person } from "./logins";
import {
    type Credentials,
    cleanUp,
    digestOf,
    image,
    jsonOf,
    manifestType,
    push,
    pushBlob,
    putManifest,
    RunningZot,
    scratch,
    zots,
} from "./zots";

jest.setTimeout(60_000);

const tiers = {
    repositories: {
        "**": {
            policies: [
                { groups: ["artifact-workloads"], actions: ["read", "create"] },
                { groups: ["admins"], actions: ["read", "create", "delete"] },
            ],
            anonymousPolicy: ["read"],
            defaultPolicy: ["read"],
        },
    },
    metrics: { anonymousPolicy: ["read"] },
};

const extensions = { metrics: { enable: true, prometheus: { path: "/metrics" } } };

type Who = "anonymous" | "loggedIn" | "ci" | "admin";
const everyone: Who[] = ["anonymous", "loggedIn", "ci", "admin"];

let provider: IdentityProvider;
beforeAll(async () => {
    provider = await IdentityProvider.start();
});
afterAll(async () => {
    await cleanUp();
    await provider.stop();
});

async function startHardened(zot: (typeof zots)[number], accessControl: object = tiers) {
    const folder = scratch();
    const server = await RunningZot.start(
        zot,
        (externalUrl) => ({ http: { externalUrl, auth: provider.auth(folder), accessControl }, extensions }),
        folder,
    );
    await provider.allows(server.url);
    const credentials: Record<Who, Credentials | undefined> = {
        anonymous: undefined,
        loggedIn: await keyFor(provider, server, person("visitor")),
        ci: await keyFor(provider, server, person("zot-ci", "artifact-workloads")),
        admin: await keyFor(provider, server, person("root", "admins")),
    };
    return { server, credentials };
}

describe.each(zots)("$name", (zot) => {
    describe("the three tiers", () => {
        let server: RunningZot;
        let credentials: Record<Who, Credentials | undefined>;

        beforeAll(async () => {
            ({ server, credentials } = await startHardened(zot));
            expect(await push(server, "seed", "v1", "seed", credentials.ci)).toBe(201);
        });

        /** The statuses of one thing that everybody tries. */
        async function statuses(
            attempt: (as: Credentials | undefined, who: Who) => Promise<number>,
        ): Promise<number[]> {
            const found: number[] = [];
            for (const who of everyone) found.push(await attempt(credentials[who], who));
            return found;
        }

        const get =
            (target: string, headers: Record<string, string> = {}) =>
            (as: Credentials | undefined) =>
                server.request("GET", target, { as, headers }).then((answer) => answer.status);

        test.each([
            "/v2/",
            "/v2/_catalog",
            "/v2/seed/tags/list",
            "/v2/seed/manifests/v1",
            `/v2/seed/blobs/${digestOf(image("seed").layer)}`,
        ])("GET %s is for everyone [fact: `GET /v2/`, `_catalog`, pull: 200 for all]", async (target) => {
            expect(await statuses(get(target))).toEqual([200, 200, 200, 200]);
        });

        test(
            "GET /v2/ asks Docker for its login [fact: " +
                "with a mixed anonymous and authenticated policy, " +
                "`GET /v2/` answers 401 to user agents that start with `docker/`]",
            async () => {
                expect(await statuses(get("/v2/", { "User-Agent": "docker/27.3.1 go/go1.22" }))).toEqual([
                    401, 200, 200, 200,
                ]);
                expect(await statuses(get("/v2/", { "User-Agent": "Docker-Client/27.3.1 (linux)" }))).toEqual([
                    401, 200, 200, 200,
                ]);
                expect(await statuses(get("/v2/", { "User-Agent": "skopeo/1.16.1" }))).toEqual([200, 200, 200, 200]);
                expect(await statuses(get("/v2/seed/tags/list", { "User-Agent": "docker/27.3.1" }))).toEqual([
                    200, 200, 200, 200,
                ]);
            },
        );

        test(
            "a new tag, a new digest, a digest with a new tag [fact: " +
                "push a new tag, a new digest, a digest with `?tag=` new: 401, 403, 201, 201]",
            async () => {
                expect(
                    await statuses((as, who) => push(server, `new-tag-${who.toLowerCase()}`, "v1", who, as)),
                ).toEqual([401, 403, 201, 201]);
                expect(
                    await statuses((as, who) =>
                        push(server, `new-digest-${who.toLowerCase()}`, image(who).digest, who, as),
                    ),
                ).toEqual([401, 403, 201, 201]);
                expect(
                    await statuses((as, who) =>
                        push(server, `digest-tag-${who.toLowerCase()}`, `${image(who).digest}?tag=v1`, who, as),
                    ),
                ).toEqual([401, 403, 201, 201]);
            },
        );

        test(
            "an existing tag, with other or identical content [fact: " +
                "push an existing tag, other or **identical** content: 401, 403, 403, 403]",
            async () => {
                expect(await statuses((as) => push(server, "seed", "v1", "something else", as))).toEqual([
                    401, 403, 403, 403,
                ]);
                expect(await statuses((as) => push(server, "seed", "v1", "seed", as))).toEqual([401, 403, 403, 403]);
                const { headers } = await server.request("HEAD", "/v2/seed/manifests/v1");
                expect(headers["docker-content-digest"]).toBe(image("seed").digest);
            },
        );

        test(
            "latest moves no more than any other tag [fact: `latest`, first then second time: " +
                "401, 403, 201 and 403]",
            async () => {
                const repository = (who: Who) => `latest-${who.toLowerCase()}`;
                expect(await statuses((as, who) => push(server, repository(who), "latest", "first", as))).toEqual([
                    401, 403, 201, 201,
                ]);
                expect(await statuses((as, who) => push(server, repository(who), "latest", "second", as))).toEqual([
                    401, 403, 403, 403,
                ]);
            },
        );

        test(
            "a digest cannot take an existing tag [fact: push a digest with `?tag=` existing: " + "401, 403, 403, 403]",
            async () => {
                expect(
                    await statuses((as) => push(server, "seed", `${image("taker").digest}?tag=v1`, "taker", as)),
                ).toEqual([401, 403, 403, 403]);
                // Neither together with a new one.
                expect(
                    await push(server, "seed", `${image("taker").digest}?tag=v7&tag=v1`, "taker", credentials.ci),
                ).toBe(403);
            },
        );

        test(
            "mounting a blob of another repository [fact: mount a blob from another repository: " +
                "401, 403, 201, 201]",
            async () => {
                const digest = digestOf(image("seed").layer);
                expect(
                    await statuses((as, who) =>
                        server
                            .request(
                                "POST",
                                `/v2/mount-${who.toLowerCase()}/blobs/uploads/?mount=${digest}&from=seed`,
                                {
                                    as,
                                },
                            )
                            .then((answer) => answer.status),
                    ),
                ).toEqual([401, 403, 201, 201]);
            },
        );

        test(
            "deleting a tag, a digest, a blob [fact: delete a tag, a digest, a blob: " + "401, 403, 403, 202]",
            async () => {
                for (const what of ["tag", "digest"] as const) {
                    expect(await push(server, `delete-${what}`, "v1", what, credentials.ci)).toBe(201);
                    const reference = what === "tag" ? "v1" : image(what).digest;
                    expect(
                        await statuses((as) =>
                            server
                                .request("DELETE", `/v2/delete-${what}/manifests/${reference}`, { as })
                                .then((answer) => answer.status),
                        ),
                    ).toEqual([401, 403, 403, 202]);
                }
                expect(await pushBlob(server, "delete-blob", "loose", credentials.ci)).toBe(201);
                expect(
                    await statuses((as) =>
                        server
                            .request("DELETE", `/v2/delete-blob/blobs/${digestOf("loose")}`, { as })
                            .then((answer) => answer.status),
                    ),
                ).toEqual([401, 403, 403, 202]);
            },
        );

        test(
            "after an admin has deleted a tag, CI may push it again [fact: " +
                "After an admin deletes a tag, CI may push it again]",
            async () => {
                expect(await push(server, "again", "v1", "first", credentials.ci)).toBe(201);
                expect(await push(server, "again", "v1", "second", credentials.ci)).toBe(403);
                await server.request("DELETE", "/v2/again/manifests/v1", { as: credentials.admin });
                expect(await push(server, "again", "v1", "second", credentials.ci)).toBe(201);
            },
        );

        test(
            "deleting a digest removes every tag on it [fact: " + "Deleting a digest removes every tag on it]",
            async () => {
                for (const tag of ["a", "b"]) expect(await push(server, "tags", tag, "same", credentials.ci)).toBe(201);
                expect(await push(server, "tags", "c", "other", credentials.ci)).toBe(201);
                await server.request("DELETE", `/v2/tags/manifests/${image("same").digest}`, { as: credentials.admin });
                expect(jsonOf(await server.request("GET", "/v2/tags/tags/list"))).toEqual({
                    name: "tags",
                    tags: ["c"],
                });
            },
        );

        test("the metrics are for anonymous scrapers alone [fact: `GET /metrics`: 200, 403, 403, 403]", async () => {
            expect(await statuses(get("/metrics"))).toEqual([200, 403, 403, 403]);
        });

        test(
            "a probe with a text for a manifest tells who may push, and stores nothing [fact: " +
                "`PUT /v2/<repository>/manifests/<tag>` with `Content-Type: text/plain`: " +
                "401 or 403 when not allowed, **415 when allowed**]",
            async () => {
                const probe = (repository: string, tag: string) => (as: Credentials | undefined) =>
                    server
                        .request("PUT", `/v2/${repository}/manifests/${tag}`, {
                            as,
                            headers: { "Content-Type": "text/plain" },
                            body: "probe",
                        })
                        .then((answer) => answer.status);
                expect(await statuses(probe("probed", "v1"))).toEqual([401, 403, 415, 415]);
                expect(await statuses(probe("seed", "v1"))).toEqual([401, 403, 403, 403]);
                expect((await server.request("GET", "/v2/probed/tags/list")).status).toBe(404);
            },
        );

        test(
            'bodies and headers of a refusal [fact: 403 body `{"errors":[{"code":"DENIED",…}]}`; ' +
                'a 401 carries `WWW-Authenticate: Basic realm="Authorization Required"`]',
            async () => {
                const refused = await putManifest(server, "seed", "v1", image("seed").manifest, credentials.ci);
                expect(refused.headers["www-authenticate"]).toBe('Basic realm="Authorization Required"');
                expect(jsonOf(refused)).toMatchObject({
                    errors: [{ code: "DENIED", message: "requested access to the resource is denied" }],
                });
                const asked = await putManifest(server, "seed", "v1", image("seed").manifest);
                expect(asked.headers["www-authenticate"]).toBe('Basic realm="Authorization Required"');
                expect(jsonOf(asked)).toMatchObject({
                    errors: [{ code: "UNAUTHORIZED", message: "authentication required" }],
                });
                const unknown = await server.request("GET", "/v2/", {
                    as: ["zot-ci", "zak_00000000000000000000000000000000"],
                });
                expect(unknown.status).toBe(401);
                expect(unknown.headers["www-authenticate"]).toBe('Basic realm="Authorization Required"');
                expect(jsonOf(unknown)).toMatchObject({ code: "UNAUTHORIZED" });
            },
        );

        test(
            "pushes that send their headers first and their bodies later all succeed [fact: " +
                "zot checks the tag before it reads the body. " +
                "Twenty pushes that send headers first and bodies half a second later all get 201, one wins, " +
                "and the others' digests are then 404]",
            async () => {
                const texts = Array.from({ length: 20 }, (_, index) => `racer ${index}`);
                for (const text of texts) {
                    await pushBlob(server, "race", image(text).config, credentials.ci);
                    await pushBlob(server, "race", image(text).layer, credentials.ci);
                }
                const results = await Promise.all(
                    texts.map((text) => slowPush(server, "race", "v1", image(text).manifest, credentials.ci)),
                );
                expect(results).toEqual(texts.map(() => 201));
                const digests = await Promise.all(
                    texts.map((text) =>
                        server
                            .request("GET", `/v2/race/manifests/${image(text).digest}`)
                            .then((answer) => answer.status),
                    ),
                );
                expect(digests.sort()).toEqual([200, ...texts.slice(1).map(() => 404)]);
                expect(await push(server, "race", "v1", "late", credentials.ci)).toBe(403);
            },
        );
    });

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
            ["no rule at all", {}],
            ["an empty rule", { "**": {} }],
        ])(
            '%s is as if there were no access control [fact: `repositories: {}` or `{"**": ' +
                "{}}` is as if there were no accessControl: **any logged-in user may do everything**]",
            async (_, repositories) => {
                const { server, credentials } = await startHardened(zot, { repositories });
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

    test("without access control and authentication anyone may do anything", async () => {
        const server = await RunningZot.start(zot, () => ({}));
        for (const text of ["first", "second"]) expect(await push(server, "any", "v1", text)).toBe(201);
        expect((await server.request("DELETE", "/v2/any/manifests/v1")).status).toBe(202);
    });

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

/** Sends the headers of a push at once and its body half a second later. */
function slowPush(
    server: RunningZot,
    repository: string,
    tag: string,
    manifest: string,
    as: Credentials | undefined,
): Promise<number> {
    return new Promise((resolve, reject) => {
        const outgoing = http.request(
            `${server.url}/v2/${repository}/manifests/${tag}`,
            {
                method: "PUT",
                agent: false,
                headers: {
                    "Content-Type": manifestType,
                    "Content-Length": Buffer.byteLength(manifest),
                    Authorization: `Basic ${Buffer.from((as ?? []).join(":")).toString("base64")}`,
                },
            },
            (answer) => {
                answer.resume();
                resolve(answer.statusCode ?? 0);
            },
        );
        outgoing.on("error", reject);
        outgoing.flushHeaders();
        setTimeout(() => outgoing.end(manifest), 500);
    });
}
