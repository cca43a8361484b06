/**
 * One weakness at a time: each is found by the check that is there for it, and named; and the checks beside it stay
 * quiet.
 */

import { Context } from "../../../cli/verify/context";
import { Control } from "../../../cli/verify/control";
import { Recorder } from "../../../cli/verify/exchanges";
import { race } from "../../../cli/verify/race";
import { Registry } from "../../../cli/verify/registry";
import { exitCodeOf } from "../../../cli/verify/report/report";
import { subjectFrom } from "../../../cli/verify/subject";
import { outgoing } from "../../../clients/http/outgoing";
import { letOverwrite } from "./formerZot";
import { type Config, type Hardened, startHardened } from "./hardened";

jest.setTimeout(600_000);

let registry: Hardened;

beforeAll(async () => {
    registry = await startHardened();
});

afterEach(() => {
    registry.registryGate.reset();
});

afterAll(() => registry?.stop());

const rules = (config: Config) => config.http.accessControl.repositories;
const everyRule = (config: Config, change: (rule: Config) => void) =>
    Object.values<Config>(rules(config)).forEach(change);

interface Weakness {
    name: string;
    change?: (config: Config) => void;
    /** Checks that have to find it, and what they have to say. */
    found: Record<string, RegExp>;
    /** Checks that look at something else, and must not be alarmed. */
    quiet: string[];
}

const weaknesses: Weakness[] = [
    {
        name: "no accessControl",
        change: (config) => delete config.http.accessControl,
        found: {
            "logged-in-change": /enforces no access control.*accessControl is missing/,
            "anonymous-catalog": /locked out/,
            "tag-other-content": /overwritten: the right update is granted/,
        },
        quiet: ["health", "anonymous-push", "login-ci"],
    },
    {
        name: 'accessControl that comes to nothing: {"**": {}}',
        change: (config) => (config.http.accessControl.repositories = { "**": {} }),
        found: {
            "logged-in-change": /enforces no access control.*has no effect, like \{"\*\*": \{\}\}/,
            "ci-delete": /right delete is granted to CI/,
        },
        quiet: ["health", "anonymous-push"],
    },
    {
        name: "update granted to CI",
        change: (config) => everyRule(config, (rule) => rule.policies[0].actions.push("update")),
        found: {
            "existing-tag-probe": /CI may overwrite .*: the right update is granted where it must not be, to CI/,
            "tag-other-content": /overwritten: the right update is granted where it must not be, to CI/,
            "tag-same-content": /pushed to v\d+ again: the right update/,
            "tag-by-digest": /moved: the right update/,
            "tag-latest": /latest was overwritten: the right update/,
        },
        quiet: ["ci-delete", "logged-in-change", "anonymous-change"],
    },
    {
        name: "delete granted to CI",
        change: (config) => rules(config)["**"].policies[0].actions.push("delete"),
        found: { "ci-delete": /right delete is granted to CI/, "access-matrix": /CI may delete on \*\*/ },
        quiet: ["tag-other-content"],
    },
    {
        name: "update granted to admins, undeclared",
        change: (config) => rules(config)["**"].policies[1].actions.push("update"),
        found: { "admin-overwrite": /update is granted to admins, which is not declared/ },
        quiet: ["tag-other-content"],
    },
    {
        name: "anonymous create",
        change: (config) => (rules(config)["**"].anonymousPolicy = ["read", "create"]),
        found: { "anonymous-push": /Anyone may push without a login: anonymous has the right create/ },
        quiet: ["health", "anonymous-catalog"],
    },
    {
        name: "a registry that was never hardened",
        change: (config) => {
            delete config.http.auth;
            delete config.http.accessControl;
        },
        found: {
            "anonymous-push": /there is no authentication at all/,
            "login-start": /there is no OpenID Connect/,
            "wrong-key": /no authentication/,
        },
        quiet: ["health", "anonymous-catalog"],
    },
    {
        name: "anonymous delete",
        change: (config) => (rules(config)["**"].anonymousPolicy = ["read", "delete"]),
        found: { "anonymous-change": /Anyone may delete without a login/ },
        quiet: ["anonymous-push", "anonymous-pull"],
    },
    {
        name: "anonymous pull closed",
        change: (config) => everyRule(config, (rule) => (rule.anonymousPolicy = [])),
        found: { "anonymous-catalog": /locked out/, "anonymous-pull": /can no longer pull/ },
        quiet: ["anonymous-push"],
    },
    {
        name: "metrics open",
        change: (config) => (config.http.accessControl.metrics = { anonymousPolicy: ["read"] }),
        found: { metrics: /metrics are open: anyone reads them without a login/ },
        quiet: ["health", "anonymous-push"],
    },
    {
        name: "missing defaultPolicy",
        change: (config) => everyRule(config, (rule) => delete rule.defaultPolicy),
        found: { "logged-in-read": /loses what anonymous has.*defaultPolicy is missing/ },
        quiet: ["logged-in-change", "anonymous-catalog"],
    },
    {
        name: "group not mapped",
        change: (config) =>
            (config.http.auth.openid.providers.oidc.claimMapping = {
                username: "preferred_username",
                groups: "no_such_claim",
            }),
        found: {
            "groups-mapped": /Neither group has any right.*the groups are not mapped/,
            "admin-delete": /Admins may not delete/,
        },
        quiet: ["login-ci", "anonymous-push"],
    },
    {
        name: "a group that the rules call something else",
        change: (config) => everyRule(config, (rule) => (rule.policies[0].groups = ["workload"])),
        found: {
            "groups-mapped": /The group workloads-\S+ has no right to push/,
            "api-key-push": /CI can no longer publish/,
        },
        quiet: ["login-ci", "anonymous-push"],
    },
    {
        name: "user name not mapped",
        change: (config) => (config.http.auth.openid.providers.oidc.claimMapping = { username: "email" }),
        found: { "login-ci": /took the login of \S+ for \S+@zot-hardening-verify.invalid/ },
        quiet: ["anonymous-push"],
    },
    {
        name: "no OpenID Connect",
        change: (config) => {
            delete config.http.auth;
            config.http.accessControl = { repositories: { "**": { anonymousPolicy: ["read"] } } };
        },
        found: { "login-start": /there is no OpenID Connect/, "login-ci": /has no login \(404\)/ },
        quiet: ["anonymous-push", "anonymous-catalog"],
    },
    {
        name: "an external address that is another",
        change: (config) => (config.http.externalUrl = "http://127.0.0.1:9"),
        found: { "login-start": /come back to http:\/\/127.0.0.1:9\/zot\/auth\/callback\/oidc instead of/ },
        quiet: ["health"],
    },
    {
        name: "mirrored prefix open",
        change: (config) => delete rules(config)["mirror.example/**"],
        found: {
            "mirror-push": /CI may push under the mirrored prefix mirror\.example/,
            "access-matrix": /CI may create on mirror\.example\/\*\*/,
        },
        quiet: ["pull-through", "api-key-push"],
    },
];

test.each(weaknesses)("$name", async ({ change, found, quiet }) => {
    await registry.start(change);
    const report = await registry.verify({ only: [...Object.keys(found), ...quiet] });
    const of = (id: string) => report.checks.find((check) => check.id === id)!;
    for (const [id, saying] of Object.entries(found)) {
        expect({ id, verdict: of(id).verdict, meaning: of(id).meaning }).toEqual({
            id,
            verdict: "fail",
            meaning: expect.stringMatching(saying),
        });
        expect(of(id).exchanges.length).toBeGreaterThan(0);
    }
    for (const id of quiet) expect(of(id)).toMatchObject({ id, verdict: "pass" });
    expect(exitCodeOf(report)).toBe(1);
    expect(report.cleaning.left).toEqual([]);
    await registry.start();
    expect(await registry.remains()).toEqual([]);
});

test("a cache without an image to try is said to be untried, and is no failure of the run", async () => {
    await registry.start();
    const report = await registry.verify({ mirror: ["ghcr.io"], image: [], only: ["pull-through"] });
    const reason = expect.stringMatching(
        /^No image is known to try ghcr\.io with\. Name an image to pull through, for example --image ghcr\.io\/REPOSITORY:TAG\./,
    );
    expect(report.checks[0]).toMatchObject({ verdict: "skipped", skipped: "not applicable", meaning: reason });
    expect(exitCodeOf(report)).toBe(0);
});

test.each<[title: string, image: string[], mirror: string, verdict: string, exitCode: number]>([
    [
        "that was asked for is said to be not possible",
        ["mirror.example/library/app:v1"],
        "mirror.example",
        "skipped",
        3,
    ],
    ["of verify's own choice is warned of, and no weakness", [], "docker.io", "warning", 0],
])("an image that upstream does not give, and %s", async (_title, image, mirror, verdict, exitCode) => {
    await registry.start((config) => {
        const [upstream] = config.extensions.sync.registries;
        upstream.urls = ["http://127.0.0.1:9"];
        upstream.content[0].destination = `/${mirror}`;
    });
    const report = await registry.verify({ mirror: [mirror], image, only: ["pull-through"] });
    expect(report.checks[0]).toMatchObject({
        verdict,
        meaning: expect.stringMatching(/^\S+ is answered with 404: it is not fetched from upstream/),
    });
    expect(exitCodeOf(report)).toBe(exitCode);
    // Nothing came, and nothing is looked for that could have.
    expect(report.cleaning.left).toEqual([]);
});

test("a cache that nobody named is known by its well-known prefix in the catalog", async () => {
    await registry.start((config) => {
        delete rules(config)["mirror.example/**"];
        config.extensions.sync.registries[0].content[0].destination = "/docker.io";
    });
    expect(
        (await registry.verify({ mirror: undefined, image: [], only: ["mirror-push"] })).checks[0]!.verdict,
    ).not.toBe("fail");
    expect((await fetch(`${registry.registryUrl}/v2/docker.io/library/app/manifests/v1`)).status).toBe(200);
    const report = await registry.verify({ mirror: undefined, image: [], only: ["mirror-push"] });
    expect(report.checks[0]).toMatchObject({
        verdict: "fail",
        meaning: expect.stringMatching(/mirrored prefix docker\.io/),
    });
});

const PUSHES = ["tag-other-content", "tag-same-content", "tag-by-digest", "tag-latest"];

test("a zot that lets a digest move a tag, as before 2.1.19", async () => {
    await registry.start();
    await letOverwrite(registry, (request) => request.query.has("tag"));
    const report = await registry.verify({ only: [...PUSHES, "existing-tag-probe"] });
    expect(report.checks.filter(({ verdict }) => verdict === "fail").map(({ id }) => id)).toEqual([
        "existing-tag-probe",
        "tag-by-digest",
    ]);
    const { meaning, remedy } = report.checks.find(({ id }) => id === "tag-by-digest")!;
    expect(meaning).toMatch(/A digest moved the tag v\d+, which a plain push may not: this zot is older than 2\.1\.19/);
    expect(remedy).toMatch(/Upgrade zot/);
    expect(await registry.remains()).toEqual([]);
});

test("a zot that lets latest move, as before 2.1.15", async () => {
    await registry.start();
    await letOverwrite(registry, (_request, tag) => tag === "latest");
    const report = await registry.verify({ only: PUSHES });
    expect(report.checks.filter(({ verdict }) => verdict === "fail").map(({ id }) => id)).toEqual(["tag-latest"]);
    expect(report.checks.find(({ id }) => id === "tag-latest")!.meaning).toMatch(
        /older than 2\.1\.15 \(CVE-2026-31801\)/,
    );
});

const saysOfItself = (version: object) => {
    registry.registryGate.before = ({ path }) =>
        path === "/v2/_zot/ext/mgmt"
            ? { status: 200, headers: { "content-type": "application/json" }, body: JSON.stringify(version) }
            : undefined;
};

test.each([
    [{ releaseTag: "v2.1.18" }, "2.1.18"],
    [{ releaseTag: "", commit: "v2.1.18-300-gabcdef0" }, "2.1.18-300-gabcdef0"],
    [{ releaseTag: "v2.1.19-rc1", commit: "v2.1.19-rc1-0-gabcdef0" }, "2.1.19-rc1"],
    [{ releaseTag: "v2.1.19", commit: "v2.1.19-rc1-0-gabcdef0" }, "2.1.19-rc1-0-gabcdef0"],
])("a zot that says that it is old: %j", async (version, told) => {
    saysOfItself(version);
    const report = await registry.verify({ only: ["version"] });
    expect(report.checks[0]).toMatchObject({
        verdict: "fail",
        meaning: expect.stringContaining(`It is ${told}, in which a push by digest can move a tag`),
    });
});

test.each([
    [{ releaseTag: "v2.1.20", commit: "v2.1.20-3b5796d834e8661ea661a5fcc47add8d4405aebf" }, "pass", "It is 2.1.20."],
    [{ releaseTag: "", commit: "2.1.20" }, "pass", "It is 2.1.20."],
    [{ releaseTag: "v2.1.20", commit: "" }, "pass", "It is 2.1.20."],
    [{ releaseTag: "dev", commit: "3b5796d" }, "skipped", "The registry does not tell its version"],
])("a zot that says %j of itself", async (version, verdict, meaning) => {
    saysOfItself(version);
    const report = await registry.verify({ only: ["version"] });
    expect(report.checks[0]).toMatchObject({ verdict, meaning: expect.stringContaining(meaning) });
});

test("a zot that is refused but changed all the same", async () => {
    await registry.start();
    const old = await letOverwrite(registry, () => true);
    const accepting = registry.registryGate.before;
    registry.registryGate.before = async (request) => ((await accepting(request)) ? { status: 403 } : undefined);
    const report = await registry.verify({ only: ["tag-other-content"] });
    expect(report.checks[0]).toMatchObject({
        verdict: "fail",
        meaning: expect.stringMatching(/answered with 403, and yet the tag names sha256:/),
    });
    await old.end();
});

describe("keys on record", () => {
    beforeEach(() => registry.start());
    afterEach(() => registry.revokeAllByHand());
    const only = ["keys-on-record"];

    test("one without an expiry", async () => {
        const { key } = await registry.makeByHand("ci", new Date(Date.now() + 86_400_000));
        await registry.makeEndless(key, "by hand, for ever");
        const report = await registry.verify({ only });
        expect(report.checks[0]).toMatchObject({
            verdict: "fail",
            meaning: expect.stringMatching(/has a key without expiry: "by hand, for ever" \(/),
        });
        expect(JSON.stringify(report)).not.toMatch(/zak_[0-9a-f]/);
        // The same by CI's own key, where nothing may be made.
        const readOnly = await registry.verify({ only, readOnly: true, environment: { ZOT_CI_API_KEY: key } });
        expect(readOnly.checks[0]).toMatchObject({ verdict: "fail", meaning: expect.stringMatching(/without expiry/) });
        expect(await registry.remains()).toEqual([]);
    });

    test("one that is nobody's, and one of a stack", async () => {
        await registry.makeByHand("ci pulumi:registry/prod/ciKey", new Date(Date.now() + 86_400_000));
        expect((await registry.verify({ only })).checks[0]).toMatchObject({
            verdict: "pass",
            meaning: expect.stringMatching(/1 key works, each with an expiry/),
        });
        await registry.makeByHand("who knows", new Date(Date.now() + 86_400_000));
        const report = await registry.verify({ only });
        expect(report.checks[0]).toMatchObject({
            verdict: "warning",
            meaning: expect.stringMatching(/a key that is not ours: "who knows"/),
        });
        expect(exitCodeOf(report)).toBe(0);
    });
});

test("the tag race, measured without anything in front of zot", async () => {
    await registry.start();
    // Logged in through the gate, and sent past it.
    const subject = await subjectFrom(registry.options, registry.commandLine.environment);
    const context = new Context(subject, false, outgoing(), new Recorder(), new Control());
    try {
        const { username, keys } = await context.as("ci");
        await context.meet(["scratch"]);
        const { key } = await keys.create("race", new Date(Date.now() + 300_000));
        const direct = new Registry(registry.directUrl, "CI", outgoing(), context.recorder, context.control, {
            username,
            key,
        });
        const real = context.as.bind(context);
        context.as = async (tier) => (tier === "ci" ? { ...(await real("ci")), registry: direct } : real(tier));
        const outcome = await race(context);
        expect(outcome).toMatchObject({
            verdict: "warning",
            meaning: expect.stringMatching(/^5 of 5 pushes of one new tag were accepted, and 1 of their images/),
        });
    } finally {
        expect((await context.cleanUp()).left).toEqual([]);
    }
    expect(await registry.remains()).toEqual([]);
});
