/**
 * Four identities of CI, two of which overlap, on a real zot: in every repository each push and deletion gets the
 * answer that `evaluate()` gives.
 */
import { type Action, evaluate } from "../../components/accessPolicy";
import { tieredPolicy } from "../../components/accessTiers";
import { workloadsOf } from "../../components/settings";
import { repositoriesOf } from "../../components/zotConfig/accessControl";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { siteSettings } from "../support/settings";
import { PASSWORD, startWithPasswords } from "../testbed/zot/passwordFile";
import { cleanUp, jsonOf, push, type RunningZot, zots } from "../testbed/zot/zots";

jest.setTimeout(300_000);
afterAll(cleanUp);

const real = zots.filter(({ isStandIn }) => !isStandIn);
const noZot = real.length > 0 ? undefined : "no real zot, neither in ZOT nor on PATH";

const { settings } = siteSettings({
    access: {
        ciRepositories: ["images/**", "*/shared"],
        channels: ["**/cache"],
        explainRefusals: true,
        rules: {
            "images/frozen/**": { ci: ["read"] },
            "charts/stable/**": { groups: { developers: ["read", "create"] } },
        },
    },
    ci: {
        workloads: {
            charts: {
                user: "zot-charts",
                group: "charts-ci",
                repositories: ["charts/**", "images/**"],
                tagScheme: ["X.Y.Z"],
            },
            base: {
                user: "zot-base",
                group: "base-ci",
                repositories: ["*/base/**"],
                channels: ["images/base/edge", "**/tip"],
            },
            nightly: {
                user: "zot-nightly",
                group: "nightly-ci",
                repositories: ["**"],
                channels: ["nightly/**"],
                tagScheme: ["<date>.X"],
            },
        },
    },
    zot: { mirrors: [{ url: "https://docker.io", prefix: "docker.io" }] },
});
const REPOSITORIES = [
    ...[
        "images",
        "images/app",
        "images/cache",
        "images/frozen/app",
        "images/frozen/base",
        "images/base",
        "images/base/edge",
    ],
    ...[
        "images/base/tip",
        "charts/app",
        "charts/base/x",
        "charts/stable/x",
        "charts/base/tip",
        "x/base/cache",
        "x/shared",
    ],
    ...["nightly", "nightly/app", "docker.io/library/x", "docker.io/base/tip", "other"],
];
/** A tag that is there already. */
const THERE = "1.0.0";
const OTHER_DIGEST = `sha256:${"0".repeat(64)}`;
/** Pushes, and what each needs: by tag, by digest, with `?tag=`. */
const PUSHES: [target: string, needs: [Action, string][]][] = [
    [THERE, [["update", THERE]]],
    ["1.0.1", [["create", "1.0.1"]]],
    ["20260131.4", [["create", "20260131.4"]]],
    ["latest", [["create", "latest"]]],
    [OTHER_DIGEST, [["create", OTHER_DIGEST]]],
    [
        `${OTHER_DIGEST}?tag=1.0.1&tag=20260131.4`,
        [
            ["create", "1.0.1"],
            ["create", "20260131.4"],
            ["create", OTHER_DIGEST],
        ],
    ],
    [
        `${OTHER_DIGEST}?tag=${THERE}`,
        [
            ["update", THERE],
            ["update", OTHER_DIGEST],
        ],
    ],
];

const policy = tieredPolicy(settings);
const MEMBERS: Record<string, string[]> = {
    ...Object.fromEntries(workloadsOf(settings).map(({ user, group }) => [user, [group]])),
    both: ["charts-ci", "base-ci"],
    dev: ["developers"],
    boss: ["admins"],
};

async function start(): Promise<RunningZot> {
    const accessControl = { repositories: repositoriesOf(policy) };
    const server = await startWithPasswords(real[0]!, MEMBERS, { accessControl });
    for (const repository of REPOSITORIES)
        expect([repository, await push(server, repository, THERE, "x", ["boss", PASSWORD])]).toEqual([repository, 201]);
    return server;
}

/** What zot answers to a push that stores nothing: what is allowed is refused for its kind alone. */
async function pushOf(server: RunningZot, name: string, repository: string, target: string) {
    const answer = await server.request("PUT", `/v2/${repository}/manifests/${target}`, {
        as: [name, PASSWORD],
        body: "x",
        headers: { "Content-Type": "text/plain" },
    });
    expect([403, 415]).toContain(answer.status);
    return { isAllowed: answer.status === 415, reason: answer.status === 403 ? reasonOf(answer) : undefined };
}

async function mayDelete(server: RunningZot, name: string, repository: string): Promise<boolean> {
    const target = `/v2/${repository}/manifests/none`;
    return (await server.request("DELETE", target, { as: [name, PASSWORD] })).status === 404;
}

(noZot ? test.skip : test)(skippable("four identities have on a real zot what they were given", noZot), async () => {
    const server = await start();
    const differences: unknown[] = [];
    const seen = { granted: 0, refused: 0, explained: 0 };
    const cells = Object.entries(MEMBERS).flatMap(([name, groups]) =>
        REPOSITORIES.map((repository) => ({ who: { kind: "user", name, groups } as const, repository })),
    );
    for (const { who, repository } of cells) {
        for (const [target, needs] of PUSHES) {
            const said = needs.every(([action, reference]) => evaluate(policy, who, action, repository, reference));
            const { isAllowed, reason } = await pushOf(server, who.name, repository, target);
            seen[isAllowed ? "granted" : "refused"]++;
            // A rule says why to whom it names: to every identity of CI, and not to groups of other rules.
            if (reason || (!isAllowed && who.name === "dev")) seen.explained++;
            if (isAllowed !== said) differences.push({ ...who, repository, target, isAllowed, said });
        }
        const deletes = await mayDelete(server, who.name, repository);
        if (deletes !== evaluate(policy, who, "delete", repository, "none"))
            differences.push({ ...who, repository, deletes });
    }
    await server.stop();
    expect(differences).toEqual([]);
    expect(seen.granted + seen.refused).toBe(cells.length * PUSHES.length);
    expect(Math.min(seen.granted, seen.refused)).toBeGreaterThan(100);
    // Every refusal says why.
    expect(seen.explained).toBe(seen.refused);
});

const reasonOf = (answer: { body: Buffer }): string | undefined =>
    (jsonOf(answer as never) as { errors: { detail?: { reason?: string } }[] }).errors[0]?.detail?.reason;
