/** npm run move-metadata: what zot knows of accounts, keys and pulls, from a meta.db into redis. */
import { spawnSync } from "node:child_process";
import { metadataForRedis } from "../../../cli/move/redis";
import { findExecutable, skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { startServer, until } from "../../../testbed/site/moto";
import { freePort } from "../../../testbed/site/ports";
import { account, bucket, file, key, leaf, meta } from "../keys/metaDb";
import { project, stackWithStorage } from "../projectCommand";

jest.setTimeout(60_000);

const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };
const missing = findExecutable("redis-server") ? undefined : "there is no redis-server on the PATH";

type Entries = [string, Buffer][];
/** Bytes as protobuf has them, a line break and a dollar sign among them. */
const REPOSITORY = Buffer.from([0, 10, 13, 10, 36, 255, 128, 42]);
const ALICE = account(["admins"], key());

function metaDb(alice = ALICE, version: Entries = [["DBVersion", Buffer.from("V1")]]): Buffer {
    const buckets: Record<string, Entries> = {
        RepoMeta: [["team/app", REPOSITORY]],
        UserAPIKeys: [["canary-hash-0", Buffer.from("alice")]],
        UserData: [["alice", alice]],
        Version: version,
    };
    const leaves = Object.entries(buckets).map(([name, entries]): [string, Buffer, boolean] => [
        name,
        bucket(0, leaf(0, entries)),
        true,
    ]);
    return file({ 0: meta(0, 3, 1), 1: meta(1, 2, 2), 2: leaf(2, leaves) });
}

test("a version that is not known is refused, and so is what is no meta.db", () => {
    const of = (version: Entries) => () => metadataForRedis(metaDb(ALICE, version), "zot", false);
    expect(of([["DBVersion", Buffer.from("V2")]])).toThrow('has version "V2", but this command only supports V1');
    expect(of([])).toThrow("it contains no version of zot");
});

describe("on the command line", () => {
    const redis = { name: "redis", url: "redis://127.0.0.1:6379", keyprefix: "mine" };
    const folder = project({
        local: stackWithStorage({ gc: true }),
        shared: stackWithStorage({ remoteCache: true, cacheDriver: redis }),
    });
    const run = (stackName: string, input: Buffer) => {
        const args = [compiled("cli/move-metadata.ts"), "--stack", stackName, "--from", "-"];
        const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, input });
        return { status, stdout, stderr: String(stderr) };
    };

    test("a stack without redis is told so", () => {
        const { status, stderr } = run("local", metaDb());
        expect([status, stderr]).toEqual([1, expect.stringContaining("in /var/lib/zot/meta.db, not in redis")]);
    });

    test("the bytes are those for the stack's redis, and what they are is said beside", () => {
        const { status, stdout, stderr } = run("shared", metaDb());
        expect(status).toBe(0);
        expect(stdout.equals(metadataForRedis(metaDb(), "mine", false).commands)).toBe(true);
        expect(stderr).toContain("below mine: 1 accounts with 1 API keys, and the pushes and pulls of 1 repositories");
    });

    test("what is none of zot's is named", () => {
        const { status, stdout, stderr } = run("shared", Buffer.from("nothing"));
        expect([status, stdout.length]).toEqual([1, 0]);
        expect(stderr).toContain("What came on standard input cannot be read as zot's meta.db");
    });
});

(missing ? describe.skip : describe)(skippable("in a redis", missing), () => {
    let port: string;
    let stop: (() => void) | undefined;
    const redis = (args: string[], input?: Buffer) => spawnSync("redis-cli", ["-p", port, ...args], { input });
    const pipe = (bytes: Buffer, replace = false) => {
        const { status, stdout, stderr } = redis(["--pipe"], metadataForRedis(bytes, "zot", replace).commands);
        return { status, text: `${stdout}${stderr}` };
    };
    const get = (place: string, name: string) => redis(["--raw", "HGET", `zot:${place}`, name]).stdout.subarray(0, -1);
    const places = () =>
        String(redis(["--raw", "KEYS", "*"]).stdout)
            .trim()
            .split("\n")
            .sort();

    beforeAll(async () => {
        port = String(await freePort());
        stop = startServer("redis-server", ["--port", port, "--save", "", "--appendonly", "no"]);
        await until(async () => redis(["PING"]).status === 0, "redis");
    });
    afterAll(() => stop?.());

    test("each value is there to the byte", () => {
        expect(pipe(metaDb())).toEqual({ status: 0, text: expect.stringContaining("errors: 0") });
        expect(places()).toEqual(["zot:RepoMeta", "zot:UserAPIKeys", "zot:UserData"]);
        expect(get("RepoMeta", "team/app")).toEqual(REPOSITORY);
        expect(get("UserData", "alice")).toEqual(ALICE);
        expect(String(get("UserAPIKeys", "canary-hash-0"))).toBe("alice");
    });

    test("where zot has begun, nothing is changed: a key that was revoked since does not come back", () => {
        const now = account(["nobody"]);
        redis(["-x", "HSET", "zot:UserData", "alice"], now);
        const refused = pipe(metaDb());
        expect(refused.status).toBe(1);
        expect(refused.text).toContain("zot:UserData is there already, and nothing was changed");
        expect(get("UserData", "alice")).toEqual(now);
        expect(places()).toEqual(["zot:RepoMeta", "zot:UserAPIKeys", "zot:UserData"]);
    });

    test("what is replaced is so as a whole, and zot reads the images anew", () => {
        redis(["HSET", "zot:UserData", "mallory", "{}"]);
        redis(["HSET", "zot:RepoLastUpdated", "team/app", "x"]);
        redis(["SET", "other", "of somebody else"]);
        expect(pipe(metaDb(), true).status).toBe(0);
        expect(get("UserData", "alice")).toEqual(ALICE);
        expect(String(redis(["--raw", "HKEYS", "zot:UserData"]).stdout)).toBe("alice\n");
        expect(places()).toEqual(["other", "zot:RepoMeta", "zot:UserAPIKeys", "zot:UserData"]);
    });

    test("what is cut off on its way changes nothing", () => {
        const { commands } = metadataForRedis(metaDb(account(["cut"])), "zot", true);
        redis(["--pipe", "--pipe-timeout", "1"], commands.subarray(0, commands.length - 40));
        expect(get("UserData", "alice")).toEqual(ALICE);
    });
});
