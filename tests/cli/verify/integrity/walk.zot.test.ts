/** The walk through versions on the stand-in and on a real zot: what is whole, and every part that can be missing. */
import * as fs from "node:fs";
import { cleanUp, jsonOf, push, type RunningZot, textOf, zots } from "../../../testbed/zot/zots";
import { blobFile, damage, forget, looked, type Pushed, pushVersion, startOpen } from "./registry";

jest.setTimeout(120_000);

describe.each(zots)("versions, $name", (zot) => {
    let server: RunningZot;
    let whole: Pushed;

    beforeEach(async () => {
        server = await startOpen(zot);
        whole = await pushVersion(server, "team/app", "v1");
        await pushVersion(server, "team/app", "v2");
        await push(server, "other", "v1", "one platform");
    });
    afterEach(cleanUp);

    const version = () => `team/app:v1 (${whole.index})`;

    test("everything is there: nothing is found, and nothing counts as a pull", async () => {
        const found = await looked(server);
        expect(found).toMatchObject({
            ...{ repositories: 2, versions: 3, isSample: false },
            ...{ said: [], unlisted: [], leftOver: [], unread: [], passedOver: [] },
        });
        expect(found.asked.filter((request) => /^GET .*\/manifests\//.test(request))).toEqual([]);
        expect(new Set(found.asked).size).toBe(found.asked.length);
    });

    test("a platform, a signature and an attachment that zot has forgotten, since a tag left them", async () => {
        await forget(server, "team/app", whole.arm64);
        const forgotten = "is forgotten by zot, but its bytes are there until garbage collection";
        expect((await looked(server)).said).toEqual([
            `${version()}: the platform linux/arm64 (${whole.arm64}) ${forgotten}`,
        ]);
        // The remedy: its bytes, pushed again by the digest.
        const bytes = textOf(await server.request("GET", `/v2/team/app/blobs/${whole.arm64}`));
        const { status } = await server.request("PUT", `/v2/team/app/manifests/${whole.arm64}`, {
            headers: { "Content-Type": "application/vnd.oci.image.manifest.v1+json" },
            body: bytes,
        });
        expect(status).toBe(201);
        expect((await looked(server)).said).toEqual([]);
    });

    test("a signature that is forgotten leaves no trace, and is missed where every version has to be signed", async () => {
        await push(server, "team/single", "v1", "single");
        expect((await looked(server)).said).toEqual([]);
        const { said } = await looked(server, { signed: true });
        expect(said).toEqual([
            expect.stringMatching(/^other:v1 \(sha256:[0-9a-f]{64}\): a signature is missing$/),
            expect.stringMatching(/^team\/single:v1 .*: a signature is missing$/),
        ]);
        expect(
            (await looked(server, { signed: true, movesTag: ({ repository }) => repository !== "team/app" })).said,
        ).toEqual([]);
    });

    test.each(["layer", "config"] as const)("a %s that is gone from the disk", async (part) => {
        damage(server, "team/app", whole[part]);
        const { said } = await looked(server);
        // Images of these tests share their config.
        expect(said).toHaveLength(part === "layer" ? 1 : 2);
        expect(said[0]).toBe(
            `${version()}: ${part === "layer" ? "a layer" : "the config"} (${whole[part]}) is missing`,
        );
        // The remedy: the same content, pushed again to another tag.
        expect(await push(server, "team/app", "v1-again", "v1 arm64")).toBe(201);
        expect((await looked(server)).said).toEqual([]);
    });

    test("a layer that was cut off", async () => {
        fs.truncateSync(blobFile(server, "team/app", whole.layer), 3);
        // Who may mount blobs, as anyone here, is told by zot 2.1.20 that it is not there.
        const { said } = await looked(server);
        expect(said).toEqual([
            expect.stringMatching(/: a layer \(\S+\) (has another size than its manifest says|is missing)$/),
        ]);
        expect(said[0]).toContain(`${version()}: a layer (${whole.layer})`);
    });

    test("a platform's manifest that is gone from the disk, by which nothing of its repository can be listed", async () => {
        damage(server, "team/app", whole.arm64);
        const found = await looked(server);
        expect(found.said).toContain(`${version()}: the platform linux/arm64 (${whole.arm64}) is missing`);
        expect(found.unlisted).toEqual(["team/app"]);
        // The old signature hangs on a tag, and is found all the same.
        expect(found.said.join()).not.toMatch(/signature/);
    });

    test("a version's own manifest that is gone from the disk", async () => {
        damage(server, "team/app", whole.index);
        expect((await looked(server)).said).toEqual(["team/app:v1: its manifest is missing"]);
    });

    test("a signature of the old kind whose layer is gone, and one whose image is gone", async () => {
        const { layers } = jsonOf<{ layers: { digest: string }[] }>(
            await server.request("GET", `/v2/team/app/manifests/${whole.oldSignature}`),
        );
        damage(server, "team/app", layers[0]!.digest);
        expect((await looked(server)).said).toEqual([`${version()}: a layer (${layers[0]!.digest}) is missing`]);
        const gone = `sha256-${"0f".repeat(32)}.sig`;
        await push(server, "other", gone, "signature of nothing");
        expect((await looked(server)).leftOver).toEqual([`other:${gone}`]);
    });

    test("a manifest of other content than its digest says", async () => {
        const file = blobFile(server, "team/app", whole.arm64);
        fs.writeFileSync(file, fs.readFileSync(file, "utf8").replace("layer", "LAYER"));
        fs.appendFileSync(file, " ");
        expect((await looked(server)).said).toContain(
            `${version()}: the platform linux/arm64 (${whole.arm64}) has other content than its digest says`,
        );
    });

    test("a sample is of so many versions, and the same ones again; copies of upstream are passed over", async () => {
        const seen = new Set<string>();
        const options = { sample: 2, progress: (_done: number, _all: number, at: string) => void seen.add(at) };
        expect(await looked(server, options)).toMatchObject({ versions: 2, isSample: true });
        const before = seen.size;
        expect(await looked(server, options)).toMatchObject({ versions: 2, isSample: true });
        expect(seen.size).toBe(before);
        expect(await looked(server, { isCache: (name) => name.startsWith("team/") })).toMatchObject({
            ...{ versions: 1, passedOver: ["team/app"] },
        });
    });
});
