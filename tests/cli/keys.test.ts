/** npm run keys: the accounts and keys of all users, out of a copy of zot's meta.db. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { accountsIn } from "../../cli/keys/accounts";
import { BoltError, bucketOf } from "../../cli/keys/bolt";
import { Browser, IdentityProvider, keyFor, person } from "../testbed/zot/logins";
import { cleanUp, jsonOf, push, RunningZot, scratch, zots } from "../testbed/zot/zots";

const { compiled } = require("../../build/compile.cjs") as { compiled: (source: string) => string };

jest.setTimeout(120_000);
afterAll(cleanUp);

function keys(args: string[], input?: Buffer) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [compiled("cli/keys.ts"), ...args], {
        encoding: "utf8",
        input,
    });
    return { status, stdout, stderr };
}

// --- a file of bbolt, as small as it can be

const PAGE = 4096;

function fnv64a(bytes: Buffer): bigint {
    return bytes.reduce(
        (hash, byte) => BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n),
        0xcbf29ce484222325n,
    );
}

function header(id: number, flags: number, count: number, overflow = 0): Buffer {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(BigInt(id));
    bytes.writeUInt16LE(flags, 8);
    bytes.writeUInt16LE(count, 10);
    bytes.writeUInt32LE(overflow, 12);
    return bytes;
}

function leaf(id: number, items: [key: string, value: Buffer, isBucket?: boolean][]): Buffer {
    const elements: Buffer[] = [];
    const data: Buffer[] = [];
    let offset = items.length * 16;
    items.forEach(([key, value, isBucket], index) => {
        const element = Buffer.alloc(16);
        element.writeUInt32LE(isBucket ? 1 : 0, 0);
        element.writeUInt32LE(offset - index * 16, 4);
        element.writeUInt32LE(Buffer.byteLength(key), 8);
        element.writeUInt32LE(value.length, 12);
        elements.push(element);
        data.push(Buffer.from(key), value);
        offset += Buffer.byteLength(key) + value.length;
    });
    const body = Buffer.concat([...elements, ...data]);
    return Buffer.concat([header(id, 2, items.length, Math.max(0, Math.ceil((16 + body.length) / PAGE) - 1)), body]);
}

function branch(id: number, children: [key: string, page: number][]): Buffer {
    const elements = children.map(([key, page], index) => {
        const element = Buffer.alloc(16);
        element.writeUInt32LE(children.length * 16 - index * 16, 0);
        element.writeUInt32LE(key.length, 4);
        element.writeBigUInt64LE(BigInt(page), 8);
        return element;
    });
    return Buffer.concat([
        header(id, 1, children.length),
        ...elements,
        Buffer.from(children.map(([key]) => key).join("")),
    ]);
}

function meta(id: number, root: number, transaction: number): Buffer {
    const bytes = Buffer.alloc(64);
    bytes.writeUInt32LE(0xed0cdaed, 0);
    bytes.writeUInt32LE(2, 4);
    bytes.writeUInt32LE(PAGE, 8);
    bytes.writeBigUInt64LE(BigInt(root), 16);
    bytes.writeBigUInt64LE(BigInt(transaction), 48);
    bytes.writeBigUInt64LE(fnv64a(bytes.subarray(0, 56)), 56);
    return Buffer.concat([header(id, 4, 0), bytes]);
}

const bucket = (root: number, inline: Buffer = Buffer.alloc(0)) => {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(BigInt(root));
    return Buffer.concat([bytes, inline]);
};

/** Pages by their number; each may take more than one. */
function file(pages: Record<number, Buffer>): Buffer {
    const bytes = Buffer.alloc(PAGE * 16);
    for (const [id, page] of Object.entries(pages)) page.copy(bytes, Number(id) * PAGE);
    return bytes;
}

const key = (more: object = {}) => ({
    label: "laptop",
    uuid: "u-1",
    createdAt: "2025-01-02T03:04:05Z",
    expirationDate: "0001-01-01T00:00:00Z",
    lastUsed: "0001-01-01T00:00:00Z",
    ...more,
});
const account = (groups: string[], ...records: object[]) =>
    Buffer.from(
        JSON.stringify({
            Groups: groups,
            APIKeys: Object.fromEntries(records.map((record, index) => [`canary-hash-${index}`, record])),
        }),
    );
const NOW = new Date("2026-06-01T00:00:00Z");
const USERS: [string, Buffer][] = [
    ["alice@example.org", account(["admins"], key())],
    [
        "bob",
        account(
            [],
            key({ label: "old", uuid: "u-2", expirationDate: "2026-01-01T00:00:00Z" }),
            key({
                label: "new",
                uuid: "u-3",
                expirationDate: "2027-01-01T00:00:00Z",
                lastUsed: "2026-05-01T00:00:00Z",
            }),
        ),
    ],
];
const small = file({
    0: meta(0, 3, 1),
    1: meta(1, 2, 2),
    2: leaf(2, [
        ["UserAPIKeys", bucket(0, leaf(0, [])), true],
        ["UserData", bucket(0, leaf(0, USERS)), true],
    ]),
});

describe("a copy of meta.db", () => {
    test("holds each account with its groups, and its keys that work", () => {
        expect(accountsIn(small, NOW)).toEqual([
            {
                name: "alice@example.org",
                groups: ["admins"],
                expired: 0,
                former: expect.stringContaining("e-mail address"),
                keys: [
                    {
                        uuid: "u-1",
                        label: "laptop",
                        created: "2025-01-02T03:04:05Z",
                        expires: undefined,
                        lastUsed: undefined,
                    },
                ],
            },
            {
                name: "bob",
                groups: [],
                expired: 1,
                keys: [
                    {
                        uuid: "u-3",
                        label: "new",
                        created: "2025-01-02T03:04:05Z",
                        expires: "2027-01-01T00:00:00Z",
                        lastUsed: "2026-05-01T00:00:00Z",
                    },
                ],
            },
        ]);
    });

    test("with many accounts: on pages of their own, some larger than a page", () => {
        const large = account(
            Array.from({ length: 400 }, (_, index) => `group-${index}-with-a-long-name`),
            key(),
        );
        const pages = file({
            0: meta(0, 2, 1),
            1: meta(1, 2, 1),
            2: leaf(2, [["UserData", bucket(3), true]]),
            3: branch(3, [
                ["a", 4],
                ["b", 5],
            ]),
            4: leaf(4, [["aaron", account(["x"])]]),
            5: leaf(5, [
                ["bruno", large],
                ["carla", account([], key())],
            ]),
        });
        expect(
            accountsIn(pages, NOW).map(({ name, groups, keys: found }) => [name, groups.length, found.length]),
        ).toEqual([
            ["aaron", 1, 0],
            ["bruno", 400, 1],
            ["carla", 0, 1],
        ]);
    });

    test.each<[title: string, bytes: Buffer, message: RegExp]>([
        ["nothing", Buffer.alloc(0), /no database of bbolt/],
        ["something else", Buffer.from("{}".repeat(9999)), /no database of bbolt/],
        [
            "another program's database",
            file({ 0: meta(0, 2, 1), 2: leaf(2, [["other", bucket(0, leaf(0, [])), true]]) }),
            /no accounts of zot's/,
        ],
        ["half of it", small.subarray(0, PAGE * 2 + 8), /copied while zot wrote to it, or not to its end/],
        [
            "a page that was written over",
            file({ 0: meta(0, 2, 1), 2: leaf(2, [["UserData", bucket(3), true]]), 3: leaf(9, USERS) }),
            /do not fit together \(page 3\)/,
        ],
        ["a page that names itself", file({ 0: meta(0, 2, 1), 2: branch(2, [["a", 2]]) }), /do not fit together/],
        [
            "a length beyond the end",
            file({
                0: meta(0, 2, 1),
                2: Buffer.concat([
                    header(2, 2, 1),
                    Buffer.from([1, 0, 0, 0, 255, 255, 255, 127, 255, 255, 255, 127, 1, 0, 0, 0]),
                ]),
            }),
            /do not fit together/,
        ],
    ])("that is %s is refused", (_title, bytes, message) => {
        expect(() => accountsIn(bytes, NOW)).toThrow(BoltError);
        expect(() => accountsIn(bytes, NOW)).toThrow(message);
    });

    test("whatever bytes are changed in it, it is read or refused", () => {
        for (let at = 0; at < PAGE * 3; at += 7) {
            const bytes = Buffer.from(small);
            bytes[at] = bytes[at]! ^ 0xff;
            try {
                bucketOf(bytes, "UserData");
            } catch (error) {
                expect(error).toBeInstanceOf(BoltError);
            }
        }
    });
});

describe("npm run keys", () => {
    test("lists them for people, and never a hash", () => {
        const { status, stdout, stderr } = keys(["--from", "-"], small);
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout).toContain(
            '"alice@example.org", at the last login in "admins"; ' +
                "its name is an e-mail address, so that it is from before the claim mapping\n",
        );
        expect(stdout).toContain('  key "laptop": made 2025-01-02, WITHOUT AN END, never used (u-1)\n');
        expect(stdout).toMatch(
            /2 accounts, \d keys that work; 1 of them without an end; 1 accounts of before with keys/,
        );
        expect(stdout).not.toContain("canary");
    });

    test("what stands in a name or a label does not reach the terminal as it is", () => {
        const strange = file({
            0: meta(0, 2, 1),
            2: leaf(2, [
                [
                    "UserData",
                    bucket(
                        0,
                        leaf(0, [
                            [
                                "evil\u001b[2J\u202e\n",
                                account(
                                    ["\u001b]0;x\u0007"],
                                    key({ label: "a\r\nb\u009b", uuid: "\u001b[31m", createdAt: "\u001b[1m" }),
                                ),
                            ],
                        ]),
                    ),
                    true,
                ],
            ]),
        });
        const { status, stdout } = keys(["--from", "-"], strange);
        expect(status).toBe(0);
        expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    });

    test("says what is wrong with a file, and where one is found", () => {
        expect(keys(["--from", "/does/not/exist"])).toMatchObject({
            status: 1,
            stderr: "/does/not/exist cannot be read: ENOENT. Name a copy of the meta.db in zot's rootDirectory.\n",
        });
        expect(keys(["--from", "-"], Buffer.from("x"))).toMatchObject({
            status: 1,
            stderr: "What came on standard input cannot be read as zot's meta.db: it is no database of bbolt.\n",
        });
        expect(keys([]).status).toBe(2);
    });
});

// --- a real zot

const PASSWORD_HASH = "$2b$04$Yd3EftPu.RhqWoulvH4j6e0dxkr3qY7fPLCMUf/nZhHJy75PU04qu";
const realZots = zots.filter((zot) => !zot.isStandIn);
if (realZots.length === 0) test.skip("a real zot: there is none in ZOT or on the PATH", () => undefined);

for (const zot of realZots)
    describe(zot.name, () => {
        test("accounts of before keep rights and keys, are listed while it runs, and end with meta.db", async () => {
            const folder = scratch();
            const htpasswd = path.join(folder, "htpasswd");
            fs.writeFileSync(htpasswd, `alice@example.org:${PASSWORD_HASH}\n`);
            const rule = {
                anonymousPolicy: ["read"],
                defaultPolicy: ["read"],
                policies: [{ groups: ["admins"], actions: ["read", "create", "delete"] }],
            };
            const before = {
                auth: { htpasswd: { path: htpasswd }, apikey: true },
                accessControl: { repositories: { "**": rule }, groups: { admins: { users: ["alice@example.org"] } } },
            };
            const first = await RunningZot.start(zot, () => ({ http: before }), folder);
            const made = await first.request("POST", "/zot/auth/apikey", {
                as: ["alice@example.org", "x"],
                headers: { "X-ZOT-API-CLIENT": "zot-ui" },
                body: '{"label":"forever","scopes":[]}',
            });
            expect(made.status).toBe(201);
            const { apiKey } = JSON.parse(String(made.body)) as { apiKey: string };
            await first.stop();

            // The login is gone; its account is not.
            const after = { auth: { apikey: true }, accessControl: { repositories: { "**": rule } } };
            const second = await RunningZot.start(zot, () => ({ http: after }), folder);
            const as: [string, string] = ["alice@example.org", apiKey];
            expect(await push(second, "team/app", "1", "first", as)).toBe(201);
            const metaDb = path.join(folder, "root", "meta.db");
            const listed = JSON.parse(keys(["--from", metaDb, "--json"]).stdout) as { accounts: object[] };
            expect(listed.accounts).toEqual([
                expect.objectContaining({
                    name: "alice@example.org",
                    groups: ["admins"],
                    keys: [expect.objectContaining({ label: "forever" })],
                }),
            ]);
            expect(keys(["--from", "-"], fs.readFileSync(metaDb)).stdout).not.toContain(apiKey.slice(4));
            await second.stop();

            fs.rmSync(metaDb);
            const third = await RunningZot.start(zot, () => ({ http: after }), folder);
            expect((await third.request("GET", "/v2/_catalog", { as })).status).toBe(401);
            // Images stay: zot reads them again from its storage.
            expect((await third.request("GET", "/v2/team/app/tags/list")).body.toString()).toContain('"1"');
            await third.stop();
        });
    });

// As docs/operations.md says it under "Accounts of before".
describe.each(zots)("$name", (zot) => {
    test("an account of before the claim mapping ends by a login of its name", async () => {
        const provider = await IdentityProvider.start();
        try {
            const folder = scratch();
            const rule = {
                anonymousPolicy: ["read"],
                defaultPolicy: ["read"],
                policies: [{ groups: ["admins"], actions: ["read", "create", "delete"] }],
            };
            const accessControl = { repositories: { "**": rule } };
            const start = (extra: object) =>
                RunningZot.start(
                    zot,
                    (url) => ({
                        http: {
                            externalUrl: url,
                            auth: { ...provider.auth(folder, extra), apikey: true },
                            accessControl,
                        },
                    }),
                    folder,
                );
            const first = await start({ claimMapping: { groups: "groups" } });
            await provider.allows(first.url);
            const [, apiKey] = await keyFor(provider, first, person("alice", "admins"));
            const as: [string, string] = ["alice@example.org", apiKey];
            expect(await push(first, "team/app", "1", "first", as)).toBe(201);
            await first.stop();

            // With the declared mapping nobody is alice@example.org any more, and her key deletes.
            const second = await start({});
            await provider.allows(second.url);
            await keyFor(provider, second, person("alice"));
            expect((await second.request("DELETE", "/v2/team/app/manifests/1", { as })).status).toBe(202);

            // A user of that name, in no group, logs in once: its groups of now take the place of the remembered ones.
            await provider.becomes(person("alice@example.org"));
            const browser = new Browser();
            await browser.login(second);
            expect(await push(second, "team/app", "2", "second", as)).toBe(403);
            const { apiKeys } = jsonOf<{ apiKeys: { uuid: string }[] }>(
                await browser.page(second, "GET", "/zot/auth/apikey"),
            );
            expect(apiKeys).toHaveLength(1);
            expect((await browser.page(second, "DELETE", `/zot/auth/apikey?id=${apiKeys[0]!.uuid}`)).status).toBe(200);
            expect((await second.request("GET", "/v2/_catalog", { as })).status).toBe(401);
            await second.stop();
        } finally {
            await provider.stop();
        }
    });
});
