/** The table of who may do what, cell by cell. */
import * as http from "node:http";
import { startHardened, type Who } from "./hardened";
import { providerForAll } from "./logins";
import {
    type Credentials,
    digestOf,
    image,
    jsonOf,
    manifestType,
    push,
    pushBlob,
    putManifest,
    type RunningZot,
    zots,
} from "./zots";

jest.setTimeout(60_000);
providerForAll();

const everyone: Who[] = ["anonymous", "loggedIn", "ci", "admin"];

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

        test("deleting a tag, a digest [fact: delete a tag, a digest, a blob: 401, 403, 403, 202]", async () => {
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
        });

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
