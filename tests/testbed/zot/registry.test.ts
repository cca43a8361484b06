/** The API of the OCI distribution specification, as clients use it for manifests and lists; blobs have a file of their own. */
import {
    cleanUp,
    codeOf,
    digestOf,
    fresh,
    image,
    jsonOf,
    manifestType,
    push,
    pushBlob,
    putManifest,
    RunningZot,
    textOf,
    zots,
} from "./zots";

jest.setTimeout(60_000);
afterAll(cleanUp);

const indexType = "application/vnd.oci.image.index.v1+json";

describe.each(zots)("$name", (zot) => {
    let server: RunningZot;
    beforeAll(async () => {
        server = await RunningZot.start(zot, () => ({}));
    });

    test("the version check", async () => {
        const answer = await server.request("GET", "/v2/");
        expect(answer.status).toBe(200);
        expect(answer.headers["docker-distribution-api-version"]).toBe("registry/2.0");
        expect(answer.headers["content-type"]).toBe("application/json");
    });

    describe("manifests", () => {
        test("are pushed and pulled by tag and by digest", async () => {
            const repository = fresh();
            const { config, layer, manifest, digest } = image("one");
            for (const blob of [config, layer]) expect(await pushBlob(server, repository, blob)).toBe(201);
            const pushed = await putManifest(server, repository, "v1", manifest);
            expect(pushed.status).toBe(201);
            expect(pushed.headers["location"]).toBe(`/v2/${repository}/manifests/${digest}`);
            expect(pushed.headers["docker-content-digest"]).toBe(digest);
            for (const reference of ["v1", digest]) {
                const pulled = await server.request("GET", `/v2/${repository}/manifests/${reference}`);
                expect(pulled.status).toBe(200);
                expect(textOf(pulled)).toBe(manifest);
                expect(pulled.headers["content-type"]).toBe(manifestType);
                expect(pulled.headers["docker-content-digest"]).toBe(digest);
                const head = await server.request("HEAD", `/v2/${repository}/manifests/${reference}`);
                expect(head.status).toBe(200);
                expect(head.headers["content-length"]).toBe(String(manifest.length));
                expect(head.headers["docker-content-digest"]).toBe(digest);
                expect(head.body).toHaveLength(0);
            }
        });

        test("take tags along with their digest", async () => {
            const repository = fresh();
            const { config, layer, manifest, digest } = image("tagged");
            for (const blob of [config, layer]) await pushBlob(server, repository, blob);
            const answer = await putManifest(server, repository, `${digest}?tag=a&tag=b`, manifest);
            expect(answer.status).toBe(201);
            expect(answer.headers["oci-tag"]).toBe("a, b");
            expect(jsonOf(await server.request("GET", `/v2/${repository}/tags/list`))).toEqual({
                name: repository,
                tags: ["a", "b"],
            });
            expect((await putManifest(server, repository, "v1?tag=c", manifest)).status).toBe(400);
            expect((await putManifest(server, repository, `${digest}?tag=.bad`, manifest)).status).toBe(400);
        });

        test("of an index and what it holds", async () => {
            const repository = fresh();
            const { config, layer, manifest, digest } = image("child");
            for (const blob of [config, layer]) await pushBlob(server, repository, blob);
            const index = JSON.stringify({
                schemaVersion: 2,
                mediaType: indexType,
                manifests: [
                    {
                        mediaType: manifestType,
                        digest,
                        size: manifest.length,
                        platform: { architecture: "amd64", os: "linux" },
                    },
                ],
            });
            const pushIndex = () =>
                server.request("PUT", `/v2/${repository}/manifests/multi`, {
                    headers: { "Content-Type": indexType },
                    body: index,
                });
            expect((await pushIndex()).status).toBe(400);
            expect((await putManifest(server, repository, digest, manifest)).status).toBe(201);
            expect((await pushIndex()).status).toBe(201);
            expect((await server.request("GET", `/v2/${repository}/manifests/multi`)).headers["content-type"]).toBe(
                indexType,
            );
            const refused = await server.request("DELETE", `/v2/${repository}/manifests/${digest}`);
            expect(refused.status).toBe(405);
            expect(codeOf(refused)?.code).toBe("DENIED");
            expect((await server.request("DELETE", `/v2/${repository}/manifests/${digestOf(index)}`)).status).toBe(202);
        });

        test("move a tag; the digest that it left is gone", async () => {
            const repository = fresh();
            expect(await push(server, repository, "v1", "old")).toBe(201);
            expect(await push(server, repository, "v1", "new")).toBe(201);
            expect(
                (await server.request("HEAD", `/v2/${repository}/manifests/v1`)).headers["docker-content-digest"],
            ).toBe(image("new").digest);
            expect((await server.request("GET", `/v2/${repository}/manifests/${image("old").digest}`)).status).toBe(
                404,
            );
        });

        test("stay by digest when their last tag goes", async () => {
            const repository = fresh();
            await push(server, repository, "v1", "kept");
            expect((await server.request("DELETE", `/v2/${repository}/manifests/v1`)).status).toBe(202);
            expect((await server.request("GET", `/v2/${repository}/manifests/v1`)).status).toBe(404);
            expect((await server.request("GET", `/v2/${repository}/manifests/${image("kept").digest}`)).status).toBe(
                200,
            );
            expect(jsonOf(await server.request("GET", `/v2/${repository}/tags/list`))).toEqual({
                name: repository,
                tags: [],
            });
        });

        test("that are not there", async () => {
            const repository = fresh();
            const unknown = await server.request("GET", `/v2/${repository}/manifests/v1`);
            expect(unknown.status).toBe(404);
            expect(codeOf(unknown)).toMatchObject({ code: "NAME_UNKNOWN", detail: { name: repository } });
            expect((await server.request("DELETE", `/v2/${repository}/manifests/v1`)).status).toBe(400);
            await push(server, repository, "v1", "x");
            const missing = await server.request("GET", `/v2/${repository}/manifests/v2`);
            expect(missing.status).toBe(404);
            expect(codeOf(missing)).toMatchObject({ code: "MANIFEST_UNKNOWN", detail: { reference: "v2" } });
            expect((await server.request("HEAD", `/v2/${repository}/manifests/v2`)).status).toBe(404);
            expect((await server.request("DELETE", `/v2/${repository}/manifests/v2`)).status).toBe(404);
        });

        test.each<[string, string, Record<string, string>, string, number, string]>([
            ["of a text", "v1", { "Content-Type": "text/plain" }, "text", 415, "MANIFEST_INVALID"],
            ["of no type", "v1", {}, "{}", 415, "MANIFEST_INVALID"],
            [
                "of Docker's type",
                "v1",
                { "Content-Type": "application/vnd.docker.distribution.manifest.v2+json" },
                "{}",
                415,
                "MANIFEST_INVALID",
            ],
            ["that are no JSON", "v1", { "Content-Type": manifestType }, "{", 400, "MANIFEST_INVALID"],
            [
                "with blobs that are not there",
                "v1",
                { "Content-Type": manifestType },
                image("never pushed").manifest,
                400,
                "MANIFEST_INVALID",
            ],
            [
                "under another digest",
                digestOf("other"),
                { "Content-Type": manifestType },
                image("x").manifest,
                400,
                "MANIFEST_INVALID",
            ],
            [
                "over 4 MiB",
                "v1",
                { "Content-Type": manifestType },
                " ".repeat(4 * 1024 * 1024 + 1),
                413,
                "MANIFEST_INVALID",
            ],
        ])("%s are refused", async (_, reference, headers, body, status, code) => {
            const answer = await server.request("PUT", `/v2/${fresh()}/manifests/${reference}`, { headers, body });
            expect(answer.status).toBe(status);
            expect(codeOf(answer)?.code).toBe(code);
        });
    });

    describe("lists", () => {
        test("of tags, in pages", async () => {
            const repository = fresh();
            for (const tag of ["c", "a", "b"]) await push(server, repository, tag, tag);
            const list = (query: string) => server.request("GET", `/v2/${repository}/tags/list${query}`);
            expect(jsonOf(await list(""))).toEqual({ name: repository, tags: ["a", "b", "c"] });
            const first = await list("?n=2");
            expect(jsonOf(first)).toEqual({ name: repository, tags: ["a", "b"] });
            expect(first.headers["link"]).toBe(`</v2/${repository}/tags/list?n=2&last=b>; rel="next"`);
            const second = await list("?n=2&last=b");
            expect(jsonOf(second)).toEqual({ name: repository, tags: ["c"] });
            expect(second.headers["link"]).toBeUndefined();
            const unknown = await server.request("GET", "/v2/nobody/tags/list");
            expect(unknown.status).toBe(404);
            expect(codeOf(unknown)?.code).toBe("NAME_UNKNOWN");
        });

        test("of repositories, in pages", async () => {
            const own = await RunningZot.start(zot, () => ({}));
            expect(jsonOf(await own.request("GET", "/v2/_catalog"))).toEqual({ repositories: [] });
            for (const repository of ["b", "a/x", "a", "c"]) await push(own, repository, "v1", "x");
            const list = (query: string) => own.request("GET", `/v2/_catalog${query}`);
            expect(jsonOf(await list(""))).toEqual({ repositories: ["a", "a/x", "b", "c"] });
            const first = await list("?n=2");
            expect(jsonOf(first)).toEqual({ repositories: ["a", "a/x"] });
            expect(first.headers["link"]).toBe('</v2/_catalog?n=2&last=a/x>; rel="next"');
            expect(jsonOf(await list("?n=2&last=a/x"))).toEqual({ repositories: ["b", "c"] });
        });

        test("of referrers", async () => {
            const repository = fresh();
            const subject = image("subject");
            await push(server, repository, "v1", "subject");
            const list = () => server.request("GET", `/v2/${repository}/referrers/${subject.digest}`);
            const none = await list();
            expect(none.status).toBe(200);
            expect(none.headers["content-type"]).toBe(indexType);
            expect(jsonOf(none)).toMatchObject({ schemaVersion: 2, mediaType: indexType, manifests: [] });
            const signature = JSON.stringify({
                schemaVersion: 2,
                mediaType: manifestType,
                artifactType: "application/vnd.example.signature",
                config: {
                    mediaType: "application/vnd.oci.image.config.v1+json",
                    digest: digestOf(subject.config),
                    size: subject.config.length,
                },
                layers: [],
                subject: { mediaType: manifestType, digest: subject.digest, size: subject.manifest.length },
                annotations: { by: "us" },
            });
            const pushed = await putManifest(server, repository, digestOf(signature), signature);
            expect(pushed.status).toBe(201);
            expect(pushed.headers["oci-subject"]).toBe(subject.digest);
            const expected = {
                mediaType: manifestType,
                artifactType: "application/vnd.example.signature",
                digest: digestOf(signature),
                size: signature.length,
                annotations: { by: "us" },
            };
            expect(jsonOf(await list())).toMatchObject({ manifests: [expected] });
        });

        test("what anyone may know of the config", async () => {
            const own = await RunningZot.start(zot, () => ({
                http: { auth: { apikey: true } },
                extensions: { search: { enable: true }, ui: { enable: true } },
            }));
            const known = jsonOf<{ http: unknown; distSpecVersion: string }>(
                await own.request("GET", "/v2/_zot/ext/mgmt"),
            );
            expect(known.http).toEqual({ auth: { apikey: true } });
            expect(known.distSpecVersion).toBe("1.1.1");
        });
    });

    test("everything survives a restart", async () => {
        const own = await RunningZot.start(zot, () => ({ http: {} }));
        await push(own, "kept/here", "v1", "x");
        await own.restart();
        expect(textOf(await own.request("GET", "/v2/kept/here/manifests/v1"))).toBe(image("x").manifest);
        expect(textOf(await own.request("GET", `/v2/kept/here/blobs/${digestOf(image("x").layer)}`))).toBe(
            image("x").layer,
        );
        const mounted = await own.request(
            "POST",
            `/v2/other/blobs/uploads/?mount=${digestOf(image("x").layer)}&from=kept/here`,
        );
        expect(mounted.status).toBe(201);
    });

    test.each([
        ["GET", "/nowhere", 404],
        ["POST", "/v2/_catalog", 405],
        ["GET", "/metrics", 404],
        ["GET", "/zot/auth/login", 404],
    ])("%s %s is %d", async (method, target, status) => {
        expect((await server.request(method, target)).status).toBe(status);
    });
});
