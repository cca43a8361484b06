/** The API of the OCI distribution specification, as clients use it to push, pull, list, mount and delete. */
import * as http from "node:http";
import {
    type Answer,
    cleanUp,
    digestOf,
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
const codeOf = (answer: Answer) =>
    jsonOf<{ errors: { code: string; detail: Record<string, string> }[] }>(answer).errors[0];

describe.each(zots)("$name", (zot) => {
    let server: RunningZot;
    beforeAll(async () => {
        server = await RunningZot.start(zot, () => ({}));
    });

    let count = 0;
    /** A repository that no other test uses. */
    const fresh = (name = "test") => `${name}/${++count}`;

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

    describe("blobs", () => {
        async function begin(repository: string): Promise<string> {
            const answer = await server.request("POST", `/v2/${repository}/blobs/uploads/`);
            expect(answer.status).toBe(202);
            expect(answer.headers["range"]).toBe("0-0");
            expect(answer.headers["location"]).toMatch(new RegExp(`^/v2/${repository}/blobs/uploads/[0-9a-f-]{36}$`));
            return answer.headers["location"] ?? "";
        }

        async function expectStored(repository: string, content: string) {
            const digest = digestOf(content);
            const head = await server.request("HEAD", `/v2/${repository}/blobs/${digest}`);
            expect(head.status).toBe(200);
            expect(head.headers).toMatchObject({
                "content-length": String(content.length),
                "docker-content-digest": digest,
                "accept-ranges": "bytes",
                "content-type": "application/octet-stream",
            });
            const got = await server.request("GET", `/v2/${repository}/blobs/${digest}`);
            expect(got.status).toBe(200);
            expect(textOf(got)).toBe(content);
            expect(got.headers["docker-content-digest"]).toBe(digest);
        }

        test("are uploaded in one request", async () => {
            const repository = fresh();
            const target = `/v2/${repository}/blobs/uploads/?digest=${digestOf("whole")}`;
            const headers = { "Content-Type": "application/octet-stream" };
            const answer = await server.request("POST", target, { headers, body: "whole" });
            expect(answer.status).toBe(201);
            expect(answer.headers["location"]).toBe(`/v2/${repository}/blobs/${digestOf("whole")}`);
            expect(answer.headers["blob-upload-uuid"]).toMatch(/^[0-9a-f-]{36}$/);
            await expectStored(repository, "whole");
            expect((await server.request("POST", target, { body: "whole" })).status).toBe(415);
            const wrong = await server.request("POST", target, { headers, body: "other" });
            expect(wrong.status).toBe(400);
            expect(codeOf(wrong)?.code).toBe("DIGEST_INVALID");
        });

        test("are uploaded in a session", async () => {
            const repository = fresh();
            const location = await begin(repository);
            const done = await server.request("PUT", `${location}?digest=${digestOf("one piece")}`, {
                body: "one piece",
            });
            expect(done.status).toBe(201);
            expect(done.headers["location"]).toBe(`/v2/${repository}/blobs/${digestOf("one piece")}`);
            expect(done.headers["docker-content-digest"]).toBe(digestOf("one piece"));
            await expectStored(repository, "one piece");
            expect((await server.request("GET", location)).status).toBe(404);
        });

        test("are uploaded as a stream, as Docker does", async () => {
            const repository = fresh();
            const location = await begin(repository);
            const part = await server.request("PATCH", location, { body: "streamed" });
            expect(part.status).toBe(202);
            expect(part.headers).toMatchObject({
                location,
                range: "0-7",
                "blob-upload-uuid": location.split("/").at(-1),
            });
            const status = await server.request("GET", location);
            expect(status.status).toBe(204);
            expect(status.headers).toMatchObject({ location, range: "0-7" });
            const done = await server.request("PUT", `${location}?digest=${digestOf("streamed")}`, {
                headers: { "Content-Length": "0" },
            });
            expect(done.status).toBe(201);
            await expectStored(repository, "streamed");
        });

        test("are uploaded in chunks, in order", async () => {
            const repository = fresh();
            const location = await begin(repository);
            const chunk = (range: string, body: string) =>
                server.request("PATCH", location, {
                    headers: { "Content-Range": range, "Content-Type": "application/octet-stream" },
                    body,
                });
            const first = await chunk("0-4", "01234");
            expect(first.status).toBe(202);
            expect(first.headers["range"]).toBe("0-4");
            expect((await chunk("0-4", "01234")).status).toBe(416);
            const second = await chunk("5-9", "56789");
            expect(second.status).toBe(202);
            expect(second.headers["range"]).toBe("0-9");
            const done = await server.request("PUT", `${location}?digest=${digestOf("0123456789ab")}`, {
                headers: { "Content-Range": "10-11" },
                body: "ab",
            });
            expect(done.status).toBe(201);
            await expectStored(repository, "0123456789ab");
        });

        test("are not stored under another digest", async () => {
            const location = await begin(fresh());
            const wrong = await server.request("PUT", `${location}?digest=${digestOf("expected")}`, { body: "given" });
            expect(wrong.status).toBe(400);
            expect(codeOf(wrong)?.code).toBe("DIGEST_INVALID");
            expect((await server.request("PUT", location, { body: "" })).status).toBe(400);
            expect((await server.request("PUT", `${location}?digest=nonsense`, { body: "" })).status).toBe(400);
        });

        test("need not be finished", async () => {
            const location = await begin(fresh());
            expect((await server.request("DELETE", location)).status).toBe(204);
            for (const method of ["GET", "PATCH", "DELETE"]) {
                const answer = await server.request(method, location, method === "PATCH" ? { body: "x" } : {});
                expect(answer.status).toBe(404);
                expect(codeOf(answer)?.code).toBe("BLOB_UPLOAD_UNKNOWN");
            }
            expect((await server.request("PUT", `${location}?digest=${digestOf("x")}`, { body: "x" })).status).toBe(
                404,
            );
        });

        test("cut off in the middle are thrown away", async () => {
            const location = await begin(fresh());
            await new Promise<void>((resolve) => {
                const outgoing = http.request(`${server.url}${location}`, {
                    method: "PATCH",
                    agent: false,
                    headers: { "Content-Length": 1000 },
                });
                outgoing.on("error", () => resolve());
                outgoing.write("some");
                setTimeout(() => outgoing.destroy(new Error("cut off")), 100);
            });
            for (let attempt = 0; attempt < 400 && (await server.request("GET", location)).status !== 404; attempt++) {
                await new Promise((resolve) => setTimeout(resolve, 25));
            }
            expect((await server.request("GET", location)).status).toBe(404);
        });

        test("are mounted from another repository, or uploaded when they cannot be", async () => {
            const source = fresh();
            await pushBlob(server, source, "shared");
            const repository = fresh();
            const mount = (digest: string) =>
                server.request("POST", `/v2/${repository}/blobs/uploads/?mount=${digest}&from=${source}`);
            const mounted = await mount(digestOf("shared"));
            expect(mounted.status).toBe(201);
            expect(mounted.headers["location"]).toBe(`/v2/${repository}/blobs/${digestOf("shared")}`);
            await expectStored(repository, "shared");
            const unknown = await mount(digestOf("nobody has this"));
            expect(unknown.status).toBe(202);
            expect(unknown.headers["location"]).toContain("/blobs/uploads/");
        });

        test("of another repository are linked when they are asked for", async () => {
            await pushBlob(server, fresh(), "elsewhere");
            const repository = fresh();
            expect((await server.request("GET", `/v2/${repository}/blobs/${digestOf("elsewhere")}`)).status).toBe(404);
            expect((await server.request("HEAD", `/v2/${repository}/blobs/${digestOf("elsewhere")}`)).status).toBe(200);
            expect((await server.request("GET", `/v2/${repository}/blobs/${digestOf("elsewhere")}`)).status).toBe(200);
        });

        test("are read in part", async () => {
            const repository = fresh();
            await pushBlob(server, repository, "0123456789");
            const part = (range: string) =>
                server.request("GET", `/v2/${repository}/blobs/${digestOf("0123456789")}`, {
                    headers: { Range: range },
                });
            for (const [range, text, contentRange] of [
                ["bytes=2-4", "234", "bytes 2-4/10"],
                ["bytes=7-", "789", "bytes 7-9/10"],
            ] as const) {
                const answer = await part(range);
                expect([answer.status, textOf(answer), answer.headers["content-range"]]).toEqual([
                    206,
                    text,
                    contentRange,
                ]);
            }
            expect((await part("bytes=10-")).status).toBe(416);
        });

        test("carry the type that a manifest gives them", async () => {
            const repository = fresh();
            await push(server, repository, "v1", "typed");
            const typeOf = async (content: string) =>
                (await server.request("HEAD", `/v2/${repository}/blobs/${digestOf(content)}`)).headers["content-type"];
            expect(await typeOf(image("typed").layer)).toBe("application/vnd.oci.image.layer.v1.tar");
            expect(await typeOf(image("typed").config)).toBe("application/vnd.oci.image.config.v1+json");
        });

        test("are deleted unless a manifest needs them", async () => {
            const repository = fresh();
            await push(server, repository, "v1", "used");
            const refused = await server.request("DELETE", `/v2/${repository}/blobs/${digestOf(image("used").layer)}`);
            expect(refused.status).toBe(405);
            expect(codeOf(refused)?.code).toBe("DENIED");
            await pushBlob(server, repository, "unused");
            expect((await server.request("DELETE", `/v2/${repository}/blobs/${digestOf("unused")}`)).status).toBe(202);
            expect((await server.request("DELETE", `/v2/${repository}/blobs/${digestOf("unused")}`)).status).toBe(404);
            expect((await server.request("GET", `/v2/${repository}/blobs/${digestOf("unused")}`)).status).toBe(404);
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
