/** What lies on the disk, and what is answered where somebody has been at it. */
import * as fs from "node:fs";
import * as path from "node:path";
import { cleanUp, digestOf, image, jsonOf, manifestType, push, RunningZot, textOf, zots } from "./zots";

jest.setTimeout(60_000);
afterAll(cleanUp);

describe.each(zots)("$name", (zot) => {
    let server: RunningZot;
    beforeEach(async () => {
        server = await RunningZot.start(zot, () => ({}));
        expect(await push(server, "team/app", "v1", "x")).toBe(201);
    });
    afterEach(() => server.stop());

    const file = (...parts: string[]) => path.join(server.root, ...parts);
    const status = async (method: string, target: string) => (await server.request(method, target)).status;
    const { config, layer, digest, manifest } = image("x");

    test("a repository is an OCI image layout", () => {
        expect(JSON.parse(fs.readFileSync(file("team/app/oci-layout"), "utf8"))).toEqual({
            imageLayoutVersion: "1.0.0",
        });
        expect(JSON.parse(fs.readFileSync(file("team/app/index.json"), "utf8"))).toEqual({
            schemaVersion: 2,
            manifests: [
                {
                    mediaType: manifestType,
                    digest,
                    size: manifest.length,
                    annotations: { "org.opencontainers.image.ref.name": "v1" },
                },
            ],
        });
        expect(fs.readdirSync(file("team/app/blobs/sha256")).sort()).toEqual(
            [config, layer, manifest].map((content) => digestOf(content).slice(7)).sort(),
        );
    });

    test("an index that cannot be read: its blobs are still there", async () => {
        fs.writeFileSync(file("team/app/index.json"), "{");
        expect(await status("GET", "/v2/team/app/tags/list")).toBe(404);
        expect(await status("GET", "/v2/team/app/manifests/v1")).toBe(404);
        expect(await status("HEAD", "/v2/team/app/manifests/v1")).toBe(500);
        expect(await status("DELETE", "/v2/team/app/manifests/v1")).toBe(500);
        expect(textOf(await server.request("GET", `/v2/team/app/blobs/${digestOf(layer)}`))).toBe(layer);
        expect(jsonOf(await server.request("GET", "/v2/_catalog"))).toEqual({ repositories: ["team/app"] });
    });

    test("a manifest that has gone: its tag is listed, and not found", async () => {
        fs.rmSync(file("team/app/blobs/sha256", digest.slice(7)));
        expect(jsonOf(await server.request("GET", "/v2/team/app/tags/list"))).toEqual({
            name: "team/app",
            tags: ["v1"],
        });
        expect(await status("GET", "/v2/team/app/manifests/v1")).toBe(404);
        expect(await status("GET", `/v2/team/app/referrers/${digestOf("any")}`)).toBe(404);
    });

    test("a repository that has gone comes back empty where a blob of it is asked for that another had first", async () => {
        expect(await push(server, "other", "v1", "x")).toBe(201);
        fs.rmSync(file("other"), { recursive: true });
        expect(await status("GET", "/v2/other/tags/list")).toBe(404);
        expect(await status("GET", `/v2/other/blobs/${digestOf(layer)}`)).toBe(404);
        expect(await status("HEAD", `/v2/other/blobs/${digestOf(layer)}`)).toBe(200);
        expect(jsonOf(await server.request("GET", "/v2/other/tags/list"))).toEqual({ name: "other", tags: [] });
    });

    test("a blob whose first place has gone is missing once, and then found where else it is", async () => {
        expect(await push(server, "other", "v1", "x")).toBe(201);
        fs.rmSync(file("team/app"), { recursive: true });
        const found: number[] = [];
        for (let time = 0; time < 2; time++) found.push(await status("HEAD", `/v2/third/blobs/${digestOf(layer)}`));
        expect(found).toEqual([404, 200]);
    });

    test("a file where a repository would be: it cannot be written to", async () => {
        fs.writeFileSync(file("taken"), "x");
        expect(await status("GET", "/v2/taken/tags/list")).toBe(404);
        expect(await push(server, "taken", "v1", "y")).toBe(500);
        expect(await status("POST", "/v2/taken/blobs/uploads/")).toBe(500);
        expect(fs.readFileSync(file("taken"), "utf8")).toBe("x");
    });

    test("a blob whose size is not the one its manifest tells: it is missing to a push, and read all the same", async () => {
        fs.appendFileSync(file("team/app/blobs/sha256", digestOf(layer).slice(7)), "more");
        expect(await status("HEAD", `/v2/team/app/blobs/${digestOf(layer)}`)).toBe(404);
        expect(textOf(await server.request("GET", `/v2/team/app/blobs/${digestOf(layer)}`))).toBe(`${layer}more`);
    });
});
