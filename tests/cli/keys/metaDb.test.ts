/** npm run keys: the accounts and keys of all users, out of a copy of zot's meta.db. */
import { accountsIn } from "../../../cli/keys/accounts";
import { BoltError, bucketOf } from "../../../cli/keys/bolt";
import { keys } from "./command";
import { account, branch, bucket, file, header, key, leaf, meta, PAGE } from "./metaDb";

jest.setTimeout(120_000);

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
        ["nothing", Buffer.alloc(0), /not a bbolt database/],
        ["something else", Buffer.from("{}".repeat(9999)), /not a bbolt database/],
        [
            "another program's database",
            file({ 0: meta(0, 2, 1), 2: leaf(2, [["other", bucket(0, leaf(0, [])), true]]) }),
            /no accounts of zot/,
        ],
        ["half of it", small.subarray(0, PAGE * 2 + 8), /copied while zot wrote to it, or not completely/],
        [
            "a page that was written over",
            file({ 0: meta(0, 2, 1), 2: leaf(2, [["UserData", bucket(3), true]]), 3: leaf(9, USERS) }),
            /are inconsistent \(page 3\)/,
        ],
        ["a page that names itself", file({ 0: meta(0, 2, 1), 2: branch(2, [["a", 2]]) }), /are inconsistent/],
        [
            "a length beyond the end",
            file({
                0: meta(0, 2, 1),
                2: Buffer.concat([
                    header(2, 2, 1),
                    Buffer.from([1, 0, 0, 0, 255, 255, 255, 127, 255, 255, 255, 127, 1, 0, 0, 0]),
                ]),
            }),
            /are inconsistent/,
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
                "its name is an e-mail address, so it was made before the claim mapping\n",
        );
        expect(stdout).toContain('  key "laptop": made 2025-01-02, NEVER ENDS, never used (u-1)\n');
        expect(stdout).toMatch(/2 accounts, 2 working keys; 1 of them never end; 1 account of former logins with keys/);
        expect(stdout).not.toContain("canary");
    });

    test("counts one as one, and none as none", () => {
        const holding = (...held: ReturnType<typeof key>[]) =>
            keys(
                ["--from", "-"],
                file({
                    0: meta(0, 2, 1),
                    2: leaf(2, [["UserData", bucket(0, leaf(0, [["bob", account([], ...held)]])), true]]),
                }),
            ).stdout;
        expect(holding(key())).toMatch(/\n1 account, 1 working key; 1 of them never end/);
        expect(holding()).toMatch(/\n1 account, 0 working keys\.\n$/);
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
            stderr: "What came on standard input cannot be read as zot's meta.db: it is not a bbolt database.\n",
        });
        expect(keys([]).status).toBe(2);
    });
});
