/** Whatever the access control, the stand-in and a real zot answer the same. Runs where there is a real zot to ask. */

import * as fs from "node:fs";
import * as fc from "fast-check";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { on } from "../../../testbed/contract/titles";
import { IdentityProvider, keyFor, person } from "./logins";
import { type Credentials, cleanUp, jsonOf, noRealZot, push, RunningZot, scratch, textOf, zots } from "./zots";

jest.setTimeout(300_000);
let provider: IdentityProvider | undefined;
afterAll(async () => {
    await cleanUp();
    await provider?.stop();
});

const actions = fc.subarray(["read", "create", "update", "delete", "Read"]);
/** Conditions of every kind: of this program, of a site's own, and those that fail or come to no truth value. */
const expressions = [
    "false",
    'req.repository.matches("^a(?:/.*)?$")',
    'req.referenceType != "tag" || req.tag.matches("^(?:n[a-z]+)$")',
    'req.referenceType != "tag" || req.tag.matches("^(?:v[0-9]+)$") || req.repository == "c"',
    'req.tag == "v1"',
    'req.tag == "v1" || req.referenceType == "digest"',
    'req.action == "create" && req.method == "PUT"',
    '"g1" in req.user.groups',
    'req.user.username.startsWith("u") && !req.auth.anonymous',
    "req.auth.admin",
    "req.tls.enabled",
    'req.client.ip == "127.0.0.1" && req.client.forwardedFor.size() == 0',
    'req.client.forwardedFor[0] == "x" || req.tag == "new"',
    'req.userAgent == ""',
    'req.time > timestamp("2026-01-01T00:00:00Z")',
    "req.tag",
    'req.tagg == "v1"',
    'req.user.groups.contains("g1")',
    "has(req.claims.email)",
    'req.reference == "none" ? true : req.digest != ""',
];
const conditions = fc.option(
    fc.array(
        fc.record({ expression: fc.constantFrom(...expressions), message: fc.constantFrom("one", "two <b>", "") }),
        {
            minLength: 1,
            maxLength: 2,
        },
    ),
    { nil: [] },
);
const policy = fc.record({
    conditions,
    users: fc.subarray(["u0", "u1", ""]),
    groups: fc.subarray(["g1", "g2", ""]),
    actions,
});
const rule = fc.record(
    { policies: fc.array(policy, { maxLength: 2 }), defaultPolicy: actions, anonymousPolicy: actions },
    { requiredKeys: [] },
);
/** None as long as another: between two that are, zot chooses at random. */
const patterns = ["*", "**", "a/?", "a/**", "a/b/c", "A/B/**", "*/**/b/c"];
const accessControl = fc.record(
    {
        repositories: fc
            .subarray(patterns, { minLength: 1 })
            .chain((chosen) =>
                fc
                    .tuple(...chosen.map(() => rule))
                    .map((rules) => Object.fromEntries(chosen.map((pattern, index) => [pattern, rules[index]]))),
            ),
        adminPolicy: policy,
        metrics: fc.record({ users: fc.subarray(["u0", ""]), anonymousPolicy: actions }),
    },
    { requiredKeys: ["repositories"] },
);

const RUNS = Number(process.env["SAME_POLICIES_RUNS"] ?? 8);
const SEED = Number(process.env["SAME_POLICIES_SEED"] ?? 2120);

const repositories = ["a/b", "a/b/c", "c", "d/e", "a"];
const noDigest = `sha256:${"a".repeat(64)}`;

/** What somebody gets for everything that access control decides. */
async function answers(server: RunningZot, as: Credentials | undefined): Promise<Record<string, unknown>> {
    const found: Record<string, unknown> = {};
    const ask = async (method: string, target: string, headers: Record<string, string> = {}) => {
        const probe = method === "PUT" ? { body: "probe", headers: { "Content-Type": "text/plain" } } : { headers };
        const answer = await server.request(method, target, { ...probe, as });
        const reason = answer.status === 403 ? /"reason":"([^"]*)"/.exec(textOf(answer))?.[1] : undefined;
        found[`${method} ${target} ${JSON.stringify(headers)}`] = [
            answer.status,
            answer.headers["www-authenticate"],
            reason?.replaceAll("\\u003c", "<").replaceAll("\\u003e", ">"),
        ];
    };
    for (const repository of repositories) {
        await ask("GET", `/v2/${repository}/tags/list`);
        await ask("PUT", `/v2/${repository}/manifests/new`);
        await ask("PUT", `/v2/${repository}/manifests/v1`);
        await ask("PUT", `/v2/${repository}/manifests/${noDigest}?tag=v1&tag=new`);
        await ask("DELETE", `/v2/${repository}/manifests/none`);
        await ask("HEAD", `/v2/${repository}/blobs/${noDigest}`);
    }
    for (const target of ["/metrics", "/v2/", "/zot/auth/apikey"]) await ask("GET", target);
    await ask("GET", "/v2/", { "User-Agent": "docker/27.3.1" });
    await ask("GET", "/zot/auth/apikey", { "X-ZOT-API-CLIENT": "zot-ui" });
    const catalog = await server.request("GET", "/v2/_catalog", { as });
    found["catalog"] = catalog.status === 200 ? jsonOf(catalog) : catalog.status;
    return found;
}

(noRealZot ? test.skip : test)(skippable(on("both", "random access control"), noRealZot), async () => {
    provider = await IdentityProvider.start();
    const everyone: { server: RunningZot; keys: (Credentials | undefined)[] }[] = [];
    for (const zot of zots) {
        const folder = scratch();
        const server = await RunningZot.start(
            zot,
            (externalUrl) => ({
                http: { externalUrl, auth: provider?.auth(folder) },
                extensions: { metrics: { enable: true } },
            }),
            folder,
        );
        await provider.allows(server.url);
        const people = [person("u0"), person("u1", "g1"), person("u2", "g1", "g2")];
        const keys: (Credentials | undefined)[] = [undefined];
        for (const someone of people) keys.push(await keyFor(provider, server, someone));
        for (const repository of repositories.slice(0, 4))
            expect(await push(server, repository, "v1", "x", keys[1])).toBe(201);
        everyone.push({ server, keys });
    }
    for (const policies of fc.sample(accessControl, { numRuns: RUNS, seed: SEED })) {
        const results: unknown[] = [];
        for (const { server, keys } of everyone) {
            const config = JSON.parse(fs.readFileSync(server.configFile, "utf8")) as { http: object };
            fs.writeFileSync(
                server.configFile,
                JSON.stringify({ ...config, http: { ...config.http, accessControl: policies } }),
            );
            await server.restart();
            const found: unknown[] = [];
            for (const as of keys) found.push(await answers(server, as));
            results.push(found);
        }
        expect({ policies, answers: results[0] }).toEqual({ policies, answers: results[1] });
    }
});
