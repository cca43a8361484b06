/** What lies on the disk. */
import * as fs from "node:fs";
import * as path from "node:path";
import { cleanUp, digestOf, image, manifestType, push, RunningZot, zots } from "./zots";

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
});
