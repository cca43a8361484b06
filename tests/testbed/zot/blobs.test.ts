/** Blobs by the API of the OCI distribution specification: uploads, mounts, parts, deletion. */
import * as http from "node:http";
import { cleanUp, codeOf, digestOf, fresh, image, push, pushBlob, RunningZot, textOf, zots } from "./zots";

jest.setTimeout(60_000);
afterAll(cleanUp);

describe.each(zots)("$name", (zot) => {
    let server: RunningZot;
    beforeAll(async () => {
        server = await RunningZot.start(zot, () => ({}));
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
            for (const method of ["PATCH", "DELETE"]) {
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
            const again = () => server.request("PATCH", location, { headers: { "Content-Range": "0-0" }, body: "x" });
            for (let attempt = 0; attempt < 400 && (await again()).status !== 404; attempt++) {
                await new Promise((resolve) => setTimeout(resolve, 25));
            }
            expect((await again()).status).toBe(404);
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

        test("carry the type that a manifest gives them", async () => {
            const repository = fresh();
            await push(server, repository, "v1", "typed");
            const typeOf = async (content: string) =>
                (await server.request("HEAD", `/v2/${repository}/blobs/${digestOf(content)}`)).headers["content-type"];
            expect(await typeOf(image("typed").layer)).toBe("application/vnd.oci.image.layer.v1.tar");
            expect(await typeOf(image("typed").config)).toBe("application/vnd.oci.image.config.v1+json");
        });
    });
});
