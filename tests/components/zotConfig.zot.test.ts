/** What zot itself says of the rendered configs, and whether it gives the rights that are said of them. */

import * as fs from "node:fs";
import * as path from "node:path";
import Ajv from "ajv";
import { type Action, ANONYMOUS, evaluate, type Who } from "../../components/accessPolicy";
import { declaredState } from "../../components/declaredState";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { configText, type JsonMap, namelessSecretFiles, readOnlyConfig } from "../../components/zotConfig";
import { REPOSITORIES } from "../support/repositories";
import { siteSettings } from "../support/settings";
import { PASSWORD, startWithPasswords } from "../testbed/zot/passwordFile";
import { type Credentials, cleanUp, push, RunningZot, run, scratch, type Zot, zots } from "../testbed/zot/zots";

jest.setTimeout(120_000);
afterAll(cleanUp);

const realZots = zots.filter((zot) => !zot.isStandIn);
if (realZots.length === 0) test.skip("the real zot: there is none in ZOT or on the PATH", () => undefined);

/** The config files of a stack as they would be on a host, with every path in a folder that is there. */
function deployed(stack: string): { file: string; text: string }[] {
    const { settings, zotConfig } = declaredState(settingsFromStackFile(path.resolve(__dirname, "../.."), stack));
    const folder = scratch();
    const inFolder = (text: string) =>
        text
            .replaceAll(`"/`, `"${folder}/`)
            .replaceAll(`"${folder}/metrics"`, '"/metrics"')
            .replace(/"destination": ".*\/([^/]+)"/g, '"destination": "/$1"');
    const write = (file: string, text: string) => {
        fs.mkdirSync(path.dirname(file), { recursive: true });
        fs.writeFileSync(file, text);
        return { file, text };
    };
    const { credentials, sessionKeys } = namelessSecretFiles(settings);
    write(folder + credentials, JSON.stringify({ clientid: "zot", clientsecret: "a secret for tests" }));
    write(folder + sessionKeys, JSON.stringify({ hashKey: "h".repeat(64), encryptKey: "e".repeat(32) }));
    fs.mkdirSync(folder + settings.zot.rootDirectory, { recursive: true });
    return [
        write(`${folder}${settings.zot.configFile}`, inFolder(configText(zotConfig()))),
        write(`${folder}${settings.zot.configFile}.read-only.json`, inFolder(configText(readOnlyConfig(settings)))),
    ];
}

describe.each(zots)("$name", (zot) => {
    test.each(["prod", "demo"])("`zot verify` accepts the config of the stack %s, and its read-only one", (stack) => {
        for (const { file } of deployed(stack)) {
            const { exitCode, output, errors } = run(zot, "verify", file);
            expect([exitCode, exitCode === 0 ? "" : output + errors]).toEqual([0, ""]);
        }
    });

    test.each(["prod", "demo"])("`zot schema` accepts those of the stack %s, key by key", (stack) => {
        const schema = JSON.parse(run(zot, "schema").output) as object;
        const accepts = new Ajv({ strict: false, validateFormats: false }).compile(schema);
        for (const { text } of deployed(stack))
            expect([accepts(JSON.parse(text)), accepts.errors]).toEqual([true, null]);
        const [config] = deployed(stack);
        expect(accepts({ ...(JSON.parse(config!.text) as object), acessControl: { repositories: {} } })).toBe(false);
    });

    test("the read-only config serves without an identity provider: anyone reads, nobody writes", async () => {
        const { settings } = siteSettings({ zot: { vulnerabilityUpdateInterval: "off", metrics: "anonymous" } });
        const { http, extensions } = readOnlyConfig(settings) as Record<string, JsonMap>;
        const server = await RunningZot.start(zot, (url) => ({
            http: { auth: http!.auth, accessControl: http!.accessControl, realm: "zot", externalUrl: url },
            extensions,
        }));
        const statuses = await Promise.all([
            server.request("GET", "/v2/"),
            server.request("GET", "/v2/_catalog"),
            server.request("GET", "/metrics"),
            server.request("PUT", "/v2/team/app/manifests/1", { headers: { "Content-Type": "text/plain" }, body: "x" }),
            server.request("POST", "/v2/team/app/blobs/uploads/"),
            server.request("DELETE", "/v2/team/app/manifests/1"),
        ]);
        expect(statuses.map((answer) => answer.status)).toEqual([200, 200, 200, 401, 401, 401]);
    });
});

/** Accounts of a password file, which stand for those of an identity provider, with their groups. */
const MEMBERS: Record<string, string[]> = {
    alice: ["admins"],
    "zot-ci": ["artifact-workloads"],
    carol: ["team-ci"],
    dora: ["developers"],
    erin: [],
};
const everyone: { who: Who; as: Credentials | undefined }[] = [
    { who: ANONYMOUS, as: undefined },
    ...Object.entries(MEMBERS).map(([name, groups]) => ({
        who: { kind: "user", name, groups } as Who,
        as: [name, PASSWORD] as Credentials,
    })),
];

/** A zot with the rights of these settings, and accounts of its own. */
async function startWithAccounts(zot: Zot, changes: Record<string, Record<string, unknown>>) {
    const declared = siteSettings({ ...changes, zot: { ...changes.zot, vulnerabilityUpdateInterval: "off" } });
    const { accessControl } = (declared.zotConfig() as Record<string, JsonMap>).http as { accessControl: JsonMap };
    const server = await startWithPasswords(zot, MEMBERS, { accessControl });
    return { server, policy: declared.policy };
}

/**
 * Whether zot lets someone do it, by probes that store nothing: 415 is its answer to a manifest of no kind that may be
 * pushed.
 */
async function zotLets(
    server: RunningZot,
    as: Credentials | undefined,
    action: Exclude<Action, "update">,
    repository: string,
): Promise<boolean> {
    const probes = {
        read: () => server.request("GET", `/v2/${repository}/tags/list`, { as }),
        create: () =>
            server.request("PUT", `/v2/${repository}/manifests/new`, {
                as,
                headers: { "Content-Type": "text/plain" },
                body: "x",
            }),
        delete: () => server.request("DELETE", `/v2/${repository}/manifests/new`, { as }),
    };
    const { status } = await probes[action]();
    if (status === 401 || status === 403) return false;
    // What is not there is 404, or 400 where its repository is not there either.
    expect(action === "create" ? [415] : [400, 404]).toContain(status);
    return true;
}

// The stand-in knows no password file; that it gives the same rights to keys is its own suite's to say.
for (const zot of realZots)
    describe(zot.name, () => {
        const repositories = [
            ...REPOSITORIES,
            "x/y/app",
            "docker.io",
            "docker.io/library/alpine",
            "docker.io-images/app",
            "base",
        ];
        const mirrors = [{ url: "https://registry-1.docker.io", prefix: "docker.io" }];
        const readable = {
            anonymousPolicy: ["read"],
            defaultPolicy: ["read"],
            policies: [{ groups: ["admins"], actions: ["read", "create", "delete"] }],
        };

        test.each<[title: string, changes: Record<string, Record<string, unknown>>]>([
            ["the tiers alone", {}],
            ["caches", { zot: { mirrors } }],
            ["CI in some repositories", { access: { ciRepositories: ["team*/**", "**/app", "base"] } }],
            [
                "rules of every form",
                {
                    zot: { mirrors },
                    access: {
                        ciRepositories: ["team/**", "*/app"],
                        rules: {
                            "team*/**": { ci: ["read"], groups: { "team-ci": ["read", "create"] } },
                            "team/base/**": { ci: ["read"] },
                            "x/**/app": { groups: { developers: ["read", "create"] } },
                            "app/?": {},
                        },
                    },
                },
            ],
            [
                "the site's own part",
                {
                    zot: {
                        extraConfig: {
                            http: {
                                AccessControl: {
                                    Repositories: {
                                        "team/**": {
                                            ...readable,
                                            policies: [...readable.policies, { Users: ["erin"], Actions: ["create"] }],
                                        },
                                    },
                                    AdminPolicy: { groups: ["admins"], actions: ["create"] },
                                },
                            },
                        },
                    },
                },
            ],
        ])("gives the rights that evaluate() says: %s", async (_title, changes) => {
            const { server, policy } = await startWithAccounts(zot, changes);
            const differences: unknown[] = [];
            const compare = async (
                repository: string,
                who: Who,
                as: Credentials | undefined,
                action: "read" | "create" | "delete",
            ) => {
                const lets = await zotLets(server, as, action, repository);
                if (lets !== evaluate(policy, who, action, repository))
                    differences.push({ who, action, repository, lets });
            };
            for (const repository of repositories) {
                await Promise.all(
                    everyone.flatMap(({ who, as }) =>
                        (["read", "create", "delete"] as const).map((action) => compare(repository, who, as, action)),
                    ),
                );
            }
            expect(differences).toEqual([]);
            await server.stop();
        });

        test.each([false, true])("lets admins overwrite a tag by the setting only: %s", async (adminsMayUpdate) => {
            const { server, policy } = await startWithAccounts(zot, { access: { adminsMayUpdate } });
            const ci: Credentials = ["zot-ci", PASSWORD];
            const alice: Credentials = ["alice", PASSWORD];
            expect(await push(server, "team/app", "1", "first", ci)).toBe(201);
            expect(await push(server, "team/app", "1", "second", ci)).toBe(403);
            expect(await push(server, "team/app", "1", "third", alice)).toBe(adminsMayUpdate ? 201 : 403);
            expect(evaluate(policy, { kind: "user", name: "alice", groups: ["admins"] }, "update", "team/app")).toBe(
                adminsMayUpdate,
            );
            await server.stop();
        });
    });
