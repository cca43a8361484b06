/** npm run move-images: what its script copies between a folder and a bucket, as moto serves it. */
import { type SpawnSyncReturns, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { scriptToMoveImages } from "../../../cli/move/images";
import { findExecutable, skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { noMoto, startMoto } from "../../../testbed/site/moto";
import { siteSettings } from "../../support/settings";

jest.setTimeout(120_000);

const missing = noMoto() ?? (findExecutable("aws") ? undefined : "there is no aws on the PATH (pip install awscli)");
const s3 = (driver: object, storage: object = {}) =>
    siteSettings({
        zot: {
            vulnerabilityUpdateInterval: "off",
            extraConfig: {
                storage: { dedupe: false, storageDriver: { name: "s3", bucket: "zot", ...driver }, ...storage },
            },
        },
    }).settings;

describe("what is refused before anything is printed", () => {
    test.each([
        ["no bucket", siteSettings().settings, "keeps images in the folder /var/lib/zot, so there is no bucket"],
        ["another store", s3({ name: "gcs" }), "keeps images in a store of gcs, and this command only copies to S3"],
        ["folders of their own", s3({}, { subPaths: { "/a": { rootDirectory: "/a" } } }), "has storage.subPaths"],
    ])("%s", (_what, settings, words) => {
        expect(() => scriptToMoveImages(settings)).toThrow(words);
    });

    test("a name with a quote in it is one word", () => {
        expect(scriptToMoveImages(s3({ rootdirectory: "/it's" }))).toContain(`\nbucket='s3://zot/it'\\''s/it'\\''s'\n`);
    });
});

(missing ? describe.skip : describe)(skippable("a folder and a bucket", missing), () => {
    let moto: Awaited<ReturnType<typeof startMoto>>;
    let folder: string;
    let images: string;
    let script: string;
    const environment = {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        AWS_ACCESS_KEY_ID: "test",
        AWS_SECRET_ACCESS_KEY: "test",
        AWS_MAX_ATTEMPTS: "1",
    };

    beforeAll(async () => {
        moto = await startMoto("zot");
        folder = mkdtempSync(join(tmpdir(), "move-images-"));
        images = join(folder, "images");
        script = scriptToMoveImages(
            s3({ rootdirectory: "/zot", region: "us-east-1", regionendpoint: moto.url, secure: false }),
            images,
        );
    });
    afterAll(() => {
        moto?.stop();
        rmSync(folder, { recursive: true, force: true });
    });

    const move = (...args: string[]): SpawnSyncReturns<string> =>
        spawnSync("sh", ["-s", "--", ...args], { input: script, encoding: "utf8", env: environment });
    const moved = (...args: string[]) => {
        const { status, stderr } = move(...args);
        expect([status, stderr.split("\n").filter((line) => /error/i.test(line))]).toEqual([0, []]);
        return stderr;
    };
    function write(path: string, text: string) {
        const file = join(images, path);
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, text);
    }
    const blob = (repository: string, name: string) => `${repository}/blobs/sha256/${name}`;
    async function keys(): Promise<string[]> {
        const text = await (await fetch(`${moto.url}/zot?list-type=2`)).text();
        return [...text.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key!).sort();
    }
    function aws(args: string[], input?: string): string {
        const { status, stdout, stderr } = spawnSync(
            "aws",
            ["--region", "us-east-1", "--endpoint-url", moto.url, "s3", ...args],
            { encoding: "utf8", env: environment, input },
        );
        expect([status, stderr]).toEqual([0, ""]);
        return stdout;
    }
    const object = (path: string) => `s3://zot/zot/zot/${path}`;
    const inBucket = (path: string) => aws(["cp", object(path), "-"]);
    const put = (path: string, text: string) => aws(["cp", "-", object(path)], text);
    const remove = (path: string) => aws(["rm", object(path)]);

    test("blobs go while zot runs, the rest once it is stopped; then both have the same", async () => {
        for (const repository of ["team/app", "other/copy"]) {
            write(`${repository}/oci-layout`, "{}");
            write(`${repository}/index.json`, "tags-1");
            write(blob(repository, "shared"), "layer");
        }
        write("meta.db", "accounts");
        write("cache.db", "places");
        write("_sessions/session_x", "canary");
        write("team/app/.uploads/half", "half");
        write("team/app/.sync/x/team/app/blobs/sha256/half", "half");
        moved("blobs");
        const blobs = ["zot/zot/other/copy/blobs/sha256/shared", "zot/zot/team/app/blobs/sha256/shared"];
        expect(await keys()).toEqual(blobs);

        // What comes, changes and goes until zot is stopped; a tag that names another digest leaves a file as long.
        write(blob("team/app", "newer"), "layer 2");
        write("team/app/index.json", "tags-2");
        rmSync(join(images, blob("other/copy", "shared")));
        const zot = spawn("flock", ["-o", join(images, "meta.db"), "sleep", "60"], { stdio: "ignore" });
        await new Promise((resolve) => zot.once("spawn", resolve));
        let running = move("all");
        // The lock comes a moment after the process.
        while (running.status === 0) running = move("all", "again");
        expect([running.status, running.stderr]).toEqual([1, expect.stringContaining("zot runs: it holds")]);
        zot.kill();
        await new Promise((resolve) => zot.once("exit", resolve));

        expect(moved("all")).toContain("have the same: 2 repositories, 2 blobs.");
        expect(await keys()).toEqual(
            [
                "zot/zot/other/copy/index.json",
                "zot/zot/other/copy/oci-layout",
                "zot/zot/team/app/blobs/sha256/newer",
                "zot/zot/team/app/blobs/sha256/shared",
                "zot/zot/team/app/index.json",
                "zot/zot/team/app/oci-layout",
            ].sort(),
        );
    });

    test("what was copied whole is not written over, unless it is said; then tags are those of the folder", () => {
        write("team/app/index.json", "tags-3");
        const refused = move("all");
        expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("has repositories already")]);
        expect(inBucket("team/app/index.json")).toBe("tags-2");
        const differing = move("compare");
        expect([differing.status, differing.stderr]).toEqual([1, expect.stringMatching(/other tags: .*team\/app/)]);
        moved("all", "again");
        expect(inBucket("team/app/index.json")).toBe("tags-3");
        moved("compare");
    });

    test("what the bucket lacks, or has too much, is named", () => {
        remove(blob("team/app", "newer"));
        put(blob("team/app", "stray"), "x");
        const { status, stderr } = move("compare");
        expect(status).toBe(1);
        expect(stderr).toMatch(/upload: .*team\/app\/blobs\/sha256\/newer/);
        expect(stderr).toMatch(/delete: .*team\/app\/blobs\/sha256\/stray/);
        expect(stderr).toContain("differ, as listed");
        moved("all", "again");
    });

    test("the way back takes what the bucket has, and leaves what is no image", () => {
        put("team/app/index.json", "tags-4");
        remove("other/copy/index.json");
        moved("back");
        expect(readFileSync(join(images, "team/app/index.json"), "utf8")).toBe("tags-4");
        expect(readdirSync(join(images, "other/copy"))).not.toContain("index.json");
        expect(readFileSync(join(images, "meta.db"), "utf8")).toBe("accounts");
        expect(readFileSync(join(images, "_sessions/session_x"), "utf8")).toBe("canary");
    });

    test("an empty side is copied over nothing, and a bucket that does not answer is no empty one", () => {
        const empty = script.replaceAll(images, join(folder, "nothing"));
        mkdirSync(join(folder, "nothing"));
        const nothing = spawnSync("sh", ["-s", "all", "again"], { input: empty, encoding: "utf8", env: environment });
        expect([nothing.status, nothing.stderr]).toEqual([1, expect.stringContaining("There is no repository in")]);

        script = script.replace(moto.url, "http://127.0.0.1:9");
        for (const step of [["all"], ["blobs"], ["compare"], ["back"]])
            expect([step, move(...step).status]).toEqual([step, 1]);
        expect(move().stderr).toContain("Say what to do");
    });
});
