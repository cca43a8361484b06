import fc from "fast-check";
import {
    ACTIONS,
    type AccessPolicy,
    type Action,
    ANONYMOUS,
    ANONYMOUS_ROW,
    accessMatrix,
    actionOf,
    evaluate,
    type Grant,
    LOGGED_IN_ROW,
    patternsOfKey,
    ruleFor,
    type Who,
} from "../../components/accessPolicy";
import type { JsonMap } from "../../components/zotConfig";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { matches } from "../../testbed/zot/globs";
import { someAccess, someExtraConfig, someMirrors, someWorkloads } from "../support/randomSettings";
import { siteSettings } from "../support/settings";
import { PASSWORD, startWithPasswords } from "../testbed/zot/passwordFile";
import {
    type Credentials,
    cleanUp,
    jsonOf,
    noRealZot,
    push,
    RunningZot,
    scratch,
    type Zot,
    zots,
} from "../testbed/zot/zots";

afterAll(cleanUp);

const RUNS = Number(process.env.ZOT_POLICIES_RUNS ?? 4);
const SEED = Number(process.env.ZOT_POLICIES_SEED ?? 1);

const PEOPLE: Record<string, string[]> = {
    boss: ["admins"],
    "zot-ci": ["artifact-workloads"],
    dev: ["developers", "testers"],
    both: ["artifact-workloads", "developers"],
    "zot-w0": ["workloads-0"],
    several: ["workloads-0", "workloads-1", "workloads-2"],
    bob: [],
    someone: [],
    gone: ["admins"], // Whose key was revoked.
};
const REPOSITORIES = [
    "team",
    "team/app",
    "team/base/x",
    "teams/app",
    "app",
    "x/app",
    "docker.io/library/app",
    "docker.io-images/app",
    "ghcr.io/a",
    "a",
];
/** The tags of each repository that are there before: one that may never be declared to move, and one that may. */
const TAG = "v1";
const MOVABLE = "main";

/** Repositories with a tag, and accounts with a key each: what a zot has that had another login once. */
async function furnish(zot: Zot, folder: string): Promise<Record<string, string>> {
    const everything = { policies: [{ users: ["boss"], actions: ["read", "create"] }], defaultPolicy: ["read"] };
    const accessControl = { repositories: { "**": everything } };
    const server = await startWithPasswords(zot, PEOPLE, { accessControl, auth: { apikey: true }, folder });
    const keys: Record<string, string> = {};
    for (const name of Object.keys(PEOPLE)) {
        const as: Credentials = [name, PASSWORD];
        const made = await server.request("POST", "/zot/auth/apikey", {
            as,
            headers: { "X-ZOT-API-CLIENT": "zot-ui" },
            body: '{"label":"key","scopes":[]}',
        });
        const { apiKey, uuid } = jsonOf<{ apiKey: string; uuid: string }>(made);
        keys[name] = apiKey;
        if (name === "gone")
            expect((await server.request("DELETE", `/zot/auth/apikey?id=${uuid}`, { as })).status).toBe(200);
    }
    for (const repository of REPOSITORIES)
        for (const tag of [TAG, MOVABLE])
            expect(await push(server, repository, tag, `${repository} ${tag}`, ["boss", PASSWORD])).toBe(201);
    await server.stop();
    return keys;
}

const OTHER_DIGEST = `sha256:${"0".repeat(64)}`;
/**
 * Pushes of a manifest that are refused for its kind alone where they are allowed: by tag, by digest, with `?tag=`; and
 * what each needs, in zot's words.
 */
const PUSHES: [target: string, needs: [Action, string][]][] = [
    ["v1.4.2", [["create", "v1.4.2"]]],
    ["v1.4.2-0f3c9a1", [["create", "v1.4.2-0f3c9a1"]]],
    ["0".repeat(64), [["create", "0".repeat(64)]]],
    ["latest", [["create", "latest"]]],
    [TAG, [["update", TAG]]],
    [MOVABLE, [["update", MOVABLE]]],
    ["pr-7", [["create", "pr-7"]]],
    [OTHER_DIGEST, [["create", OTHER_DIGEST]]],
    [
        `${OTHER_DIGEST}?tag=${MOVABLE}`,
        [
            ["update", MOVABLE],
            ["update", OTHER_DIGEST],
        ],
    ],
    [
        `${OTHER_DIGEST}?tag=${MOVABLE}&tag=${TAG}`,
        [
            ["update", MOVABLE],
            ["update", TAG],
            ["update", OTHER_DIGEST],
        ],
    ],
    [
        `${OTHER_DIGEST}?tag=pr-7&tag=${MOVABLE}`,
        [
            ["create", "pr-7"],
            ["update", MOVABLE],
            ["create", OTHER_DIGEST],
            ["update", OTHER_DIGEST],
        ],
    ],
    [
        `${OTHER_DIGEST}?tag=v1.4.2&tag=v1.4.3`,
        [
            ["create", "v1.4.2"],
            ["create", "v1.4.3"],
            ["create", OTHER_DIGEST],
        ],
    ],
    [
        `${OTHER_DIGEST}?tag=latest`,
        [
            ["create", "latest"],
            ["create", OTHER_DIGEST],
        ],
    ],
    [
        `${OTHER_DIGEST}?tag=${TAG}`,
        [
            ["update", TAG],
            ["update", OTHER_DIGEST],
        ],
    ],
    [
        `${OTHER_DIGEST}?tag=${TAG}&tag=v1.4.2`,
        [
            ["update", TAG],
            ["create", "v1.4.2"],
            ["create", OTHER_DIGEST],
            ["update", OTHER_DIGEST],
        ],
    ],
];

/**
 * Probes that store nothing, by what they ask for. 415 is zot's answer to a manifest of no kind that may be pushed, 404
 * that to what is not there.
 */
const PROBES: Record<Action, { method: string; target: (repository: string) => string; allowed: number }> = {
    read: { method: "GET", target: (repository) => `/v2/${repository}/manifests/${TAG}`, allowed: 200 },
    create: { method: "PUT", target: (repository) => `/v2/${repository}/manifests/${OTHER_DIGEST}`, allowed: 415 },
    update: { method: "PUT", target: (repository) => `/v2/${repository}/manifests/${TAG}`, allowed: 415 },
    delete: { method: "DELETE", target: (repository) => `/v2/${repository}/manifests/none`, allowed: 404 },
};

const REFERENCES: Record<Action, string> = { read: TAG, create: OTHER_DIGEST, update: TAG, delete: "none" };

async function lets(server: RunningZot, as: Credentials | undefined, action: Action, repository: string) {
    const { method, target, allowed } = PROBES[action];
    const body = method === "PUT" ? { body: "x", headers: { "Content-Type": "text/plain" } } : {};
    const { status } = await server.request(method, target(repository), { as, ...body });
    if (status === allowed) return true;
    expect([401, 403]).toContain(status);
    return false;
}

/** What the matrix says of somebody: what its rows for anyone, for their groups and for their name give together. */
function byMatrix(policy: AccessPolicy, who: Who, repository: string): Action[] {
    const matrix = accessMatrix(policy);
    const { pattern } = ruleFor(policy, repository)!;
    const keys = Object.keys(matrix).filter((key) => {
        const [rule, ...parts] = patternsOfKey(key);
        return rule === pattern && parts.length > 0 && parts.every((part) => matches(part, repository));
    });
    const rows =
        who.kind === "anonymous"
            ? [ANONYMOUS_ROW]
            : [LOGGED_IN_ROW, `user ${who.name}`, ...who.groups.map((group) => `group ${group}`)];
    // Parts that meet give what each gives.
    const cells = (keys.length > 0 ? keys : [pattern]).map((key) => matrix[key]!);
    return ACTIONS.filter((action) =>
        rows.some((name) =>
            cells.some((row) =>
                // By a scheme digests go on; tags that move are not the one that is asked for.
                row[name]?.some((right) => (action === "update" ? right : actionOf(right)) === action),
            ),
        ),
    );
}

const someMetrics = fc.oneof(
    fc.constantFrom({ metrics: "anonymous" }, { metrics: "off" }),
    fc
        .subarray(["bob", "zot-ci", "boss"], { minLength: 1 })
        .map((users) => ({ metrics: "users", metricsUsers: users })),
);
/** What zot keeps for its administrators: uploads of trusted certificates. */
const someTrust = fc.constantFrom<object>({}, { trust: { enable: true, cosign: true, notation: true } });
const someSettings = fc
    .record({
        access: someAccess,
        workloads: someWorkloads,
        mirrors: someMirrors,
        extra: someExtraConfig,
        metrics: someMetrics,
        trust: someTrust,
    })
    .map(({ access, workloads, mirrors, extra, metrics, trust }) => ({
        access,
        ci: { workloads },
        zot: {
            mirrors,
            ...metrics,
            vulnerabilityUpdateInterval: "off",
            extraConfig:
                Object.keys(trust).length === 0 || Object.keys(extra as object).some((key) => /extensions/i.test(key))
                    ? extra
                    : { ...(extra as object), extensions: trust },
        },
    }));

type Settings = ReturnType<typeof siteSettings>;

function acceptedOf(changes: Record<string, Record<string, unknown>>): Settings | undefined {
    try {
        return siteSettings(changes);
    } catch {
        return undefined;
    }
}

/** What zot serves of these settings here: no identity provider, no mirror's upstream, no wait after a refusal. */
function servedHere({ zotConfig }: Settings): object {
    const { http, extensions = {} } = zotConfig() as Record<string, JsonMap>;
    const { auth, tls: _tls, address: _address, port: _port, externalUrl: _url, ...rest } = http!;
    const {
        openid: _openid,
        sessionKeysFile: _keys,
        sessionDriver: _driver,
        secureSession: _secure,
        ...ownLogins
    } = auth as JsonMap;
    // In whatever case the site wrote it.
    const logins = Object.fromEntries(Object.entries(ownLogins).filter(([key]) => key.toLowerCase() !== "faildelay"));
    // All that is left of the logins is keys.
    expect(logins).toEqual({ apikey: true });
    const { sync: _sync, ...others } = extensions;
    return { http: { ...rest, auth: logins }, extensions: others, log: { level: "error" } };
}

(noRealZot ? test.skip : test)(
    skippable("zot gives the rights that evaluate() and the matrix say, by random settings", noRealZot),
    async () => {
        const zot = zots.find(({ isStandIn }) => !isStandIn)!;
        const folder = scratch();
        const keys = await furnish(zot, folder);
        const everyone: [Who, Credentials | undefined][] = [
            [ANONYMOUS, undefined],
            ...Object.entries(PEOPLE)
                .filter(([name]) => name !== "gone")
                .map(([name, groups]): [Who, Credentials] => [{ kind: "user", name, groups }, [name, keys[name]!]]),
        ];
        const dead: Credentials[] = [
            ["gone", keys.gone!],
            ["boss", keys.bob!.replace(/.$/, (last) => (last === "0" ? "1" : "0"))],
            ["boss", PASSWORD],
            // A key is its owner's, by whatever name it is sent.
            ["nobody", "zak_00000000000000000000000000000000"],
        ];
        const differences: unknown[] = [];
        let [served, requests, granted, explained] = [0, 0, 0, 0];
        for (const changes of fc.sample(someSettings, { seed: SEED, numRuns: 60 * RUNS })) {
            if (served >= RUNS) break;
            const declared = acceptedOf(changes as Record<string, Record<string, unknown>>);
            if (!declared) continue;
            served++;
            const differ = (what: object) => void differences.push({ changes, ...what });
            // The one condition there is asks for TLS, which this has not.
            const unconditional = (grants: Grant[]) =>
                grants.filter(({ conditions = [] }) => !conditions.some(({ expression }) => /tls/.test(expression)));
            const policy: AccessPolicy = {
                rules: declared.policy.rules.map((rule) => ({ ...rule, grants: unconditional(rule.grants) })),
                everywhere: unconditional(declared.policy.everywhere),
            };
            const server = await RunningZot.start(zot, () => servedHere(declared), folder);
            const { metrics, metricsUsers } = declared.settings.zot;
            const trust = (declared.zotConfig() as { extensions?: { trust?: object } }).extensions?.trust;
            for (const [who, as] of everyone) {
                const name = who.kind === "user" ? who.name : "";
                for (const repository of REPOSITORIES)
                    for (const action of ACTIONS) {
                        const given = await lets(server, as, action, repository);
                        const said = evaluate(policy, who, action, repository, REFERENCES[action]);
                        const inMatrix = byMatrix(policy, who, repository).includes(action);
                        requests++;
                        if (given) granted++;
                        if (given !== said || given !== inMatrix)
                            differ({ who, action, repository, given, said, inMatrix });
                    }
                if (name !== "")
                    for (const repository of REPOSITORIES)
                        for (const [target, needs] of PUSHES) {
                            const said = needs.every(([action, reference]) =>
                                evaluate(policy, who, action, repository, reference),
                            );
                            const { status, body } = await server.request(
                                "PUT",
                                `/v2/${repository}/manifests/${target}`,
                                {
                                    as,
                                    body: "x",
                                    headers: { "Content-Type": "text/plain" },
                                },
                            );
                            requests++;
                            if (status === 415) granted++;
                            if ((status === 415) !== said) differ({ who, repository, target, status, said });
                            if (status === 403 && String(body).includes('"reason"')) explained++;
                        }
                const catalog = jsonOf<{ repositories: string[] }>(await server.request("GET", "/v2/_catalog", { as }));
                const readable = REPOSITORIES.filter((repository) => evaluate(policy, who, "read", repository));
                if (String(catalog.repositories.sort()) !== String([...readable].sort()))
                    differ({ who, catalog: catalog.repositories, readable });

                const mayMeasure =
                    metrics === "anonymous" ? name === "" : metrics === "users" && metricsUsers.includes(name);
                const { status: measured } = await server.request("GET", "/metrics", { as });
                if ((measured === 200) !== (metrics !== "off" && mayMeasure)) differ({ who, measured });
                // zot's administrators alone, where a site says that the admins' group is that (adminPolicy).
                const isAdministrator = declared.policy.everywhere.some(({ groups }) =>
                    groups.some((group) => who.kind === "user" && who.groups.includes(group)),
                );
                const { status: kept } = await server.request("POST", "/v2/_zot/ext/cosign", { as, body: "no key" });
                const closed = [401, 403, 404, 405].includes(kept);
                if (closed !== !(trust !== undefined && isAdministrator)) differ({ who, kept });
                requests += 3;
            }
            for (const as of dead)
                for (const target of ["/v2/", "/v2/_catalog", `/v2/team/app/manifests/${TAG}`]) {
                    requests++;
                    const { status } = await server.request("GET", target, { as });
                    if (status !== 401) differ({ dead: as[0], target, status });
                }
            await server.stop();
            if (process.env.ZOT_POLICIES_RUNS)
                process.stderr.write(
                    `${served} settings, ${requests} requests, ${granted} rights, ${explained} reasons, ${differences.length} differences\n`,
                );
        }
        expect(differences.slice(0, 5)).toEqual([]);
        expect(served).toBe(RUNS);
        // Where nothing were granted, or all, nothing would be compared.
        expect(granted).toBeGreaterThan(requests / 10);
        expect(granted).toBeLessThan((requests * 9) / 10);
        expect(explained).toBeGreaterThan(0);
    },
    120_000 + RUNS * 60_000,
);
