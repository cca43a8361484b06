/** What is asked of Authentik before anything is changed there. */

import { randomBytes } from "node:crypto";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import type { ResourceHookArgs, ResourceHookBinding } from "@pulumi/pulumi";
import type { ApiAccess } from "../../clients/authentik/api";
import { authorizationObstacles, loginObstacles, takenNames } from "../../clients/authentik/objects";
import { grantedTo } from "../../clients/authentik/permissions";
import { outgoing } from "../../clients/http/outgoing";
import { declaredNames, IdentityPreflight, obstacleMessage, takenMessage } from "../../components/identityPreflight";
import { lookUpMessages } from "../../components/lookUpMessages";
import { startAuthentikStandIn } from "../../testbed/authentik/server";
import { recordResources } from "../support/recordedProgram";
import { siteSettings } from "../support/settings";

jest.setTimeout(60_000);

const token = randomBytes(16).toString("hex");
let standIn: Awaited<ReturnType<typeof startAuthentikStandIn>>;
let access: ApiAccess;
const { settings } = siteSettings();

beforeAll(async () => {
    standIn = await startAuthentikStandIn({ token });
    access = { url: standIn.url, token, transport: outgoing() };
});
afterAll(() => standIn.close());

async function api<T = { pk: string }>(method: string, path: string, body?: object): Promise<T> {
    const answer = await fetch(`${standIn.url}/api/v3${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${answer.status} ${text}`);
    return (text ? JSON.parse(text) : undefined) as T;
}

/** What a hook says; undefined where it lets the change through. */
async function refusal(
    { beforeUpdate }: ResourceHookBinding,
    args: Partial<ResourceHookArgs>,
): Promise<string | undefined> {
    for (const hook of (beforeUpdate ?? []) as unknown as {
        callback(given: Partial<ResourceHookArgs>): Promise<void>;
    }[]) {
        try {
            await hook.callback(args);
        } catch (error) {
            return (error as Error).message;
        }
    }
    return undefined;
}

test(
    "a change of the group that would take members out is refused with their names, " +
        "where the provider sends those of its state",
    async () => {
        recordResources();
        const group = await api("POST", "/core/groups/", { name: "artifact-workloads" });
        const user = await api<{ pk: number }>("POST", "/core/users/", {
            username: "zot-ci",
            name: "zot-ci",
            type: "service_account",
            groups: [group.pk],
        });
        const bridged = new IdentityPreflight("bridged", settings, access, true).keepMembers();
        expect(await refusal(bridged, { id: group.pk, oldOutputs: { users: [] } })).toMatch(
            /has members in Authentik that the state does not know: zot-ci\..*pulumi up --refresh/,
        );
        expect(await refusal(bridged, { id: group.pk, oldOutputs: {} })).toMatch(/does not know: zot-ci/);
        expect(await refusal(bridged, { id: group.pk, oldOutputs: { users: [user.pk, 4711] } })).toBeUndefined();
        expect(
            await refusal(new IdentityPreflight("ours", settings, access).keepMembers(), {
                id: group.pk,
                oldOutputs: {},
            }),
        ).toBeUndefined();
    },
);

describe("the stages of a login flow", () => {
    const first = async (path: string) => (await api<{ results: { pk: string }[] }>("GET", path)).results[0]!;
    const obstacles = async () => (await loginObstacles(access, undefined, "zot"))!;
    const mfa = () => first("/stages/authenticator/validate/?name=default-authentication-mfa-validation");

    test("Authentik's own, as it comes, is passed", async () => {
        expect(await obstacles()).toEqual({ flow: "default-authentication-flow", obstacles: [] });
    });

    test(
        "a second factor that has to be set up or is denied stands in the way; " +
            "that of Authentik's own policy is no way round",
        async () => {
            const { pk } = await mfa();
            await api("PATCH", `/stages/authenticator/validate/${pk}/`, { not_configured_action: "deny" });
            expect((await obstacles()).obstacles).toEqual([
                { what: "demands a second factor (stage default-authentication-mfa-validation)", isCertain: true },
            ]);
            const policy = await first(
                "/policies/expression/?name=default-authentication-flow-authenticator-validate-stage",
            );
            await api("PATCH", `/policies/expression/${policy.pk}/`, {
                expression: 'return request.context["pending_user"].username == "somebody"',
            });
            expect((await obstacles()).obstacles).toEqual([
                { what: "demands a second factor (stage default-authentication-mfa-validation)", isCertain: false },
            ]);
            await api("PATCH", `/stages/authenticator/validate/${pk}/`, { not_configured_action: "skip" });
            expect((await obstacles()).obstacles).toEqual([]);
        },
    );

    test("nobody logs in by user name, or by a password of Authentik's own", async () => {
        const identification = await first("/stages/identification/?name=default-authentication-identification");
        const password = await first("/stages/password/?name=default-authentication-password");
        await api("PATCH", `/stages/identification/${identification.pk}/`, { user_fields: ["email"] });
        await api("PATCH", `/stages/password/${password.pk}/`, {
            backends: ["authentik.sources.ldap.auth.LDAPBackend"],
        });
        expect((await obstacles()).obstacles.map(({ what }) => what)).toEqual([
            "lets nobody log in by user name (stage default-authentication-identification)",
            "does not check the passwords that Authentik itself keeps (stage default-authentication-password)",
        ]);
    });

    test("the password stage that an identification stage takes in is looked at as well", async () => {
        const flow = await api<{ pk: string; slug: string }>("POST", "/flows/instances/", {
            name: "at-once",
            slug: "at-once",
            title: "At once",
            designation: "authentication",
        });
        const { pk: password_stage } = await api("POST", "/stages/password/", {
            name: "at-once-password",
            backends: ["authentik.sources.ldap.auth.LDAPBackend"],
        });
        const stage = await api("POST", "/stages/identification/", {
            name: "at-once-identification",
            user_fields: ["username"],
            password_stage,
        });
        await api("POST", "/flows/bindings/", { target: flow.pk, stage: stage.pk, order: 0 });
        expect((await loginObstacles(access, flow.slug, "zot"))!.obstacles).toEqual([
            {
                what: "does not check the passwords that Authentik itself keeps (stage at-once-identification)",
                isCertain: true,
            },
        ]);
        await api("PATCH", `/stages/password/${password_stage}/`, {
            backends: ["authentik.core.auth.InbuiltBackend"],
        });
        expect((await loginObstacles(access, flow.slug, "zot"))!.obstacles).toEqual([]);
    });

    test.each([
        [
            "require_authenticated",
            "is only for users who are already logged in (its authentication is require_authenticated)",
        ],
        ["require_superuser", "is only for superusers (its authentication is require_superuser)"],
        ["require_unauthenticated", undefined],
        ["none", undefined],
    ])("a login flow that %s", async (authentication, what) => {
        const slug = `closed-${authentication.replace("_", "-")}`;
        await api("POST", "/flows/instances/", {
            name: slug,
            slug,
            title: slug,
            designation: "authentication",
            authentication,
        });
        expect((await loginObstacles(access, slug, "zot"))!.obstacles).toEqual(
            what === undefined ? [] : [{ what, isCertain: true }],
        );
    });

    test("the flow that authorizes is looked at too: people pass it, a service account does not", async () => {
        const implicit = "default-provider-authorization-implicit-consent";
        const explicit = "default-provider-authorization-explicit-consent";
        expect(await authorizationObstacles(access, implicit)).toEqual({ flow: implicit, obstacles: [] });
        expect(await authorizationObstacles(access, explicit)).toEqual({ flow: explicit, obstacles: [] });
        const flow = await api<{ pk: string }>("POST", "/flows/instances/", {
            name: "with-mfa",
            slug: "with-mfa",
            title: "With a second factor",
            designation: "authorization",
            authentication: "require_authenticated",
        });
        const stage = await api("POST", "/stages/authenticator/validate/", {
            name: "with-mfa-validate",
            not_configured_action: "deny",
            device_classes: ["webauthn"],
        });
        await api("POST", "/flows/bindings/", { target: flow.pk, stage: stage.pk, order: 0 });
        expect(await authorizationObstacles(access, "with-mfa")).toEqual({
            flow: "with-mfa",
            obstacles: [{ what: "demands a second factor (stage with-mfa-validate)", isCertain: true }],
        });
        recordResources();
        const { settings: theirs } = siteSettings({
            identity: { authorizationFlow: "with-mfa", ciLoginFlow: "dedicated" },
        });
        const { beforeCreate } = new IdentityPreflight("authorization", theirs, access).beforeCreate();
        expect(await refusal({ beforeUpdate: beforeCreate }, {})).toMatch(
            /authorization flow with-mfa \(identity\.authorizationFlow\) demands a second factor .*identity\.authorizationFlow default-provider-authorization-implicit-consent/s,
        );
    });

    test("a name that an object of another kind has is taken, where all kinds share their names", async () => {
        // The lists of all kinds are not the stand-in's; these are the answers of Authentik 2026.5, as far as they are
        // read.
        const answers: Record<string, object> = {
            "/api/v3/providers/all/?search=Zot&page_size=100": {
                results: [{ name: "Zot", component: "ak-provider-ldap-form" }],
            },
            "/api/v3/policies/all/?search=only-ci&page_size=100": { results: [{ name: "only-ci-2" }] },
        };
        const transport: ApiAccess["transport"] = ({ pathname, search }) =>
            Promise.resolve(Response.json(answers[pathname + search] ?? { results: [] }));
        const provider = { kind: "OAuth2 provider", name: "Zot" } as const;
        const policy = { kind: "expression policy", name: "only-ci" } as const;
        const group = { kind: "group", name: "Zot" } as const;
        expect(
            await takenNames({ url: "https://authentik.example.org", token, transport }, [provider, policy, group]),
        ).toEqual([provider]);
    });

    test("an answer of 500 in passing hides nothing", async () => {
        for (const path of ["/api/v3/flows/instances/with-mfa/", "/api/v3/flows/bindings/", "/api/v3/core/groups/"])
            standIn.faults.add({ kind: "serverError", method: "GET", path });
        expect((await authorizationObstacles(access, "with-mfa"))!.obstacles).toHaveLength(1);
        const group = { kind: "group", name: "artifact-workloads" } as const;
        expect(await takenNames(access, [group])).toEqual([group]);
        standIn.faults.add({ kind: "serverError", method: "GET", path: "/api/v3/core/users/me/" });
        expect(await grantedTo({ url: standIn.url, token, transport: outgoing() })).toMatchObject({
            isSuperuser: true,
        });
        standIn.faults.clear();
    });

    test("a flow that is not there is left to the look-ups", async () => {
        expect(await authorizationObstacles(access, "nowhere")).toBeUndefined();
        expect(await loginObstacles(access, "nowhere", "zot")).toBeUndefined();
    });
});

test("each name is asked for once, whether one object is about to be made or all of them", async () => {
    recordResources();
    const asked: string[] = [];
    const server = http.createServer(({ url }, response) => {
        asked.push(url!);
        response.setHeader("content-type", "application/json").end('{"results":[],"pagination":{"next":0}}');
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    const workloads = { charts: { user: "zot-charts", group: "charts-ci", repositories: ["charts/**"] } };
    const preflight = new IdentityPreflight("once", siteSettings({ ci: { workloads } }).settings, {
        url: `http://127.0.0.1:${port}`,
        token,
    });
    const hooks = [
        preflight.beforeCreateAll(),
        preflight.beforeCreate("group"),
        preflight.beforeCreateFor("charts", "user"),
    ].flatMap(({ beforeCreate }) => beforeCreate as unknown as { callback(given: object): Promise<void> }[]);
    for (const hook of hooks) await hook.callback({}).catch(() => undefined);
    server.close();
    const names = asked.filter((path) => /zot-ci|zot-charts|artifact-workloads|charts-ci/.test(path));
    expect(names.length).toBeGreaterThan(3);
    expect([...names].sort()).toEqual([...new Set(names)].sort());
});

test("a provider that somebody deleted may be made again, beside the stack's own application, group and account", async () => {
    recordResources();
    const { settings } = siteSettings();
    const own = [settings.identity.applicationSlug, settings.identity.workloadsGroup, settings.identity.ciUser];
    const server = http.createServer(({ url }, response) => {
        const isThere = own.some((name) => url!.includes(name)) && !url!.includes("/providers/");
        const results = isThere
            ? [{ pk: 1, name: settings.identity.workloadsGroup, username: settings.identity.ciUser }]
            : [];
        response
            .setHeader("content-type", "application/json")
            .end(JSON.stringify({ slug: own[0], results, pagination: { next: 0 } }));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    const preflight = new IdentityPreflight("again", settings, { url: `http://127.0.0.1:${port}`, token });
    const refusal = async ({ beforeCreate }: ReturnType<IdentityPreflight["beforeCreate"]>) => {
        const [hook] = beforeCreate as unknown as { callback(given: object): Promise<void> }[];
        return hook!.callback({}).then(
            () => "",
            (error: Error) => error.message,
        );
    };
    const ofAll = preflight.beforeCreateAll();
    const ofProvider = preflight.beforeCreate("OAuth2 provider of the client id", "OAuth2 provider");
    const [again, whole] = [await refusal(ofProvider), await refusal(ofAll)];
    server.close();
    expect(again).toBe("");
    expect(whole).toContain(`group ${settings.identity.workloadsGroup}`);
});

test("what is said names objects, settings and commands", () => {
    const dedicated = siteSettings({ identity: { ciLoginFlow: "dedicated" } }).settings;
    const names = declaredNames(dedicated);
    expect(names.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
        "OAuth2 provider of the client id zot",
        "OAuth2 provider Zot",
        "application zot",
        "group artifact-workloads",
        "user zot-ci",
        "flow zot-ci-login",
        "stage zot-ci-login-identification",
        "stage zot-ci-login-user-login",
        "expression policy zot-ci-login-only-zot-ci",
    ]);
    const further = { charts: { user: "zot-charts", group: "charts-ci", repositories: ["charts/**"] } };
    expect(
        declaredNames(siteSettings({ ci: { workloads: further } }).settings)
            .slice(names.length - 4)
            .map(({ kind, name, from, workload }) => [kind, name, from, workload].join(" ")),
    ).toEqual(["group charts-ci ci.workloads.charts.group charts", "user zot-charts ci.workloads.charts.user charts"]);
    const message = takenMessage("https://authentik.example.org", "prod", names);
    for (const { kind, name } of names) expect(message).toContain(`- ${kind} ${name} (identity.`);
    expect(message).toContain("npm run adopt -- --stack prod");
    expect(message).toContain("pulumi config set --path identity.ciLoginFlow zot-ci-login");
    const left = takenMessage(
        "https://authentik.example.org",
        "prod",
        names.filter(({ kind }) => kind === "stage"),
    );
    expect(left).toContain("They may be left over from a deleted flow");
    expect(left).not.toContain("npm run adopt");
    expect(obstacleMessage(settings, "theirs", ["asks for a captcha (stage x)"])).toMatch(
        /^The login flow theirs asks for a captcha \(stage x\)\. .*pulumi config set --path identity\.ciLoginFlow dedicated$/,
    );
    expect(obstacleMessage(dedicated, "zot-ci-login", ["asks for a captcha (stage x)"])).not.toContain(
        "pulumi config set",
    );
});

describe("look-ups that failed", () => {
    const group = { what: "group admins", setting: "identity.adminsGroup" };
    const flow = { what: "flow default-x", setting: "identity.authorizationFlow" };
    const scopes = { what: "scope mappings openid" };
    const asked = (what: string, reason: string) => `${reason} (While looking up the ${what}.)`;

    test("what was not found is told by its setting, with what the provider says, ours or another", () => {
        expect(lookUpMessages([{ ...group, reason: "HTTP Error '404 Not Found'" }])).toEqual([
            "Looked up in Authentik, and not found: group admins (identity.adminsGroup). HTTP Error '404 Not Found'",
        ]);
    });

    test("one cause of all is told once, and not as something that was not found", () => {
        const refused = "Authentik at http://a refused the API token.";
        expect(
            lookUpMessages([
                { ...group, reason: asked("group with name admins", refused) },
                { ...flow, reason: asked("flow with slug default-x", refused) },
                { ...scopes, reason: asked("scope mapping", refused) },
            ]),
        ).toEqual([
            `${refused} So this could not be looked up in Authentik: group admins (identity.adminsGroup), ` +
                "flow default-x (identity.authorizationFlow), scope mappings openid.",
        ]);
    });

    test("the place in the API that was asked makes no other cause of it", () => {
        const reason = (path: string) => `http://a has no API at GET /api/v3/${path}/ (404). Is authentik:url right?`;
        const messages = lookUpMessages([
            { ...group, reason: asked("group", reason("core/groups")) },
            { ...flow, reason: asked("flow", reason("flows/instances")) },
        ]);
        expect(messages).toHaveLength(1);
        expect(messages[0]).toContain(`${reason("core/groups")} So this could not be looked up`);
    });

    test("two causes are two messages", () => {
        expect(
            lookUpMessages([
                { ...group, reason: "Authentik at http://a shows no group." },
                { ...flow, reason: "Authentik at http://a shows no flow." },
            ]),
        ).toHaveLength(2);
    });
});
