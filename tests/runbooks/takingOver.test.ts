/**
 * The operator's manual, followed literally: a site that an Ansible role and a blueprint made is taken over, and given
 * back.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { length, type Span, watchLogins } from "./loginWatch";
import { blocks } from "./manual";
import { type Operator, type Ran, type RunOptions, reason, STACK, startOperator } from "./operator";

jest.setTimeout(600_000);

let operator: Operator;
const type = (block: string, options?: RunOptions): Promise<Ran> => operator.type(block, options);
const made: string[] = [];

/** What people set on such objects, which no setting of the program says. */
const SET_BY_PEOPLE = {
    group: { attributes: { contact: "builds@example.org" } },
    user: {
        email: "zot-ci@example.org",
        path: "robots",
        name: "Zot CI",
        attributes: { "goauthentik.io/user/token-maximum-lifetime": "days=90" },
    },
    provider: {
        access_code_validity: "minutes=3",
        access_token_validity: "minutes=20",
        refresh_token_validity: "days=7",
        logout_uri: "https://registry.example.org/bye",
    },
    application: {
        group: "Build",
        meta_description: "Images of ours",
        meta_publisher: "Platform",
        meta_icon: "https://example.org/zot.png",
        meta_launch_url: "https://registry.example.org/home",
        open_in_new_tab: true,
    },
};

/**
 * zot's config as public guides have it for Authentik: logins work, by a client that the config names inline, and
 * anyone may still push.
 */
function asByGuide(open: { http: object }, client: { issuer: string; id: string; secret: string }): object {
    const { realm, ...http } = { realm: "zot", ...open.http };
    return {
        ...open,
        http: {
            ...http,
            realm,
            externalUrl: operator.site.registryUrl,
            ratelimit: { rate: 500 },
            auth: {
                failDelay: 1,
                apikey: true,
                openid: {
                    providers: {
                        oidc: {
                            name: "Authentik",
                            clientid: client.id,
                            clientsecret: client.secret,
                            keypath: "",
                            issuer: client.issuer,
                            scopes: ["openid", "profile", "email"],
                        },
                    },
                },
            },
            accessControl: {
                repositories: {
                    "**": {
                        anonymousPolicy: ["read", "create"],
                        defaultPolicy: ["read", "create", "update", "delete"],
                    },
                },
            },
        },
        extensions: { search: { enable: true }, ui: { enable: true } },
    };
}

/** What a blueprint makes, by the API. */
async function asByBlueprint(): Promise<{ provider: number; group: string; user: number }> {
    const { api } = operator.site.authentik;
    const first = async (path: string) => (await api<{ results: { pk: string }[] }>("GET", path)).results[0]!.pk;
    const scope = (name: string) => first(`/propertymappings/provider/scope/?scope_name=${name}`);
    const make = async <T extends { pk: string | number }>(path: string, body: object, item?: string) => {
        const object = await api<T>("POST", path, body);
        made.push(item ?? `${path}${object.pk}/`);
        return object;
    };
    const group = await make<{ pk: string }>("/core/groups/", { name: "artifact-workloads", ...SET_BY_PEOPLE.group });
    const user = await make<{ pk: number }>("/core/users/", {
        username: "zot-ci",
        type: "service_account",
        groups: [group.pk],
        ...SET_BY_PEOPLE.user,
    });
    const provider = await make<{ pk: number }>("/providers/oauth2/", {
        name: "Zot OAuth2",
        client_id: "zot",
        client_type: "confidential",
        authorization_flow: await first("/flows/instances/?slug=default-provider-authorization-implicit-consent"),
        invalidation_flow: await first("/flows/instances/?slug=default-provider-invalidation-flow"),
        redirect_uris: [{ matching_mode: "strict", url: `${operator.site.registryUrl}/zot/auth/callback/oidc` }],
        grant_types: ["authorization_code"],
        property_mappings: await Promise.all(["openid", "email", "profile"].map(scope)),
        signing_key: await first("/crypto/certificatekeypairs/?has_key=true"),
        ...SET_BY_PEOPLE.provider,
    });
    const application = await make<{ pk: string }>(
        "/core/applications/",
        { name: "Zot", slug: "zot", provider: provider.pk, policy_engine_mode: "any", ...SET_BY_PEOPLE.application },
        "/core/applications/zot/",
    );
    await make("/policies/bindings/", {
        target: application.pk,
        group: await first("/core/groups/?name=admins"),
        order: 0,
    });
    await make("/policies/bindings/", { target: application.pk, group: group.pk, order: 1 });
    return { provider: provider.pk, group: group.pk, user: user.pk };
}

(reason ? describe.skip : describe)(skippable("the manual, on a site that was made otherwise", reason), () => {
    beforeAll(async () => {
        operator = await startOperator();
    });
    afterAll(async () => {
        // What was retained is the test's own.
        for (const path of made.reverse()) await operator?.site.authentik.api("DELETE", path).catch(() => undefined);
        await operator?.stop();
    });

    test("From an Ansible role and a blueprint; Taking over what exists", async () => {
        const { site, home, stackFile } = operator;
        const objects = await asByBlueprint();
        expect(await operator.registry().push("app/hello", "v0", "x")).toBe(201);
        const state = join(home, ".pulumi-state");
        await type(`mkdir '${state}' && pulumi login 'file://${state}' && pulumi stack init ${STACK}`);
        await type(`pulumi config set --path host.privateKey --secret --stack ${STACK}`, {
            input: site.ssh.privateKeyPem,
        });
        await type(`pulumi config set authentik:token --secret --stack ${STACK}`, { input: site.authentik.token });

        const clientSecret = async () =>
            (await site.authentik.api<{ client_secret: string }>("GET", `/providers/oauth2/${objects.provider}/`))
                .client_secret;
        const secretBefore = await clientSecret();
        // The role's config has something that no setting declares.
        const configFile = join(site.folder, "zot/config.json");
        const before = JSON.parse(readFileSync(configFile, "utf8")) as { http: object };
        const client = { issuer: site.issuer, id: "zot", secret: secretBefore };
        writeFileSync(configFile, JSON.stringify(asByGuide(before, client)));
        await site.zot.restart();
        const stopWatching = await watchLogins(site, site.authentik.adminUser);
        const [compare, handOver, prove] = blocks("From an Ansible role and a blueprint", 3);
        await type(compare!, { replace: { "scp USER@HOST:CONFIG-FILE": `cp '${configFile}'` } });
        expect(readFileSync(stackFile, "utf8")).toMatch(/extraConfig:\s+http:\s+ratelimit:\s+rate: 500/);

        const [takeOver, retain] = blocks("Taking over what exists", 2);
        const { text } = await type(takeOver!);
        expect(text).not.toMatch(/\breplaced?\b/);
        const current = await site.authentik.api<{ name: string; pk: number }>(
            "GET",
            `/providers/oauth2/${objects.provider}/`,
        );
        expect(current.name).toBe("Zot");
        // zot may have it already: logins go on.
        expect(await clientSecret()).toBe(secretBefore);
        expect(await operator.pending()).toEqual({});
        expect(current).toMatchObject(SET_BY_PEOPLE.provider);
        expect(await site.authentik.api("GET", "/core/applications/zot/")).toMatchObject(SET_BY_PEOPLE.application);
        expect(await site.authentik.api("GET", `/core/groups/${objects.group}/`)).toMatchObject(SET_BY_PEOPLE.group);
        expect(await site.authentik.api("GET", `/core/users/${objects.user}/`)).toMatchObject(SET_BY_PEOPLE.user);
        expect(await operator.registry().push("app/hello", "v1", "x")).toBe(401);

        await type(handOver!);
        expect(await operator.registry(operator.ciSecrets()).push("app/hello", "v1", "x")).toBe(201);
        await type(prove!);

        // Nobody who logs in is refused but while zot restarts, once.
        const { logins, refused, away } = await stopWatching();
        console.info(`${logins} logins, ${refused.length} refused; zot away for ${away.map(length).join(", ")} ms`);
        const restarts = ({ from, to }: Span) => away.some((restart) => from <= restart.to && restart.from <= to);
        expect(refused.filter((login) => !restarts(login))).toEqual([]);
        expect(logins).toBeGreaterThan(5);
        expect(away.length).toBeLessThanOrEqual(1);

        await type(retain!);
        await type(
            `pulumi config set --path host.onDestroy restore --stack ${STACK} && pulumi up --stack ${STACK} && ` +
                `pulumi destroy --stack ${STACK}`,
        );
        for (const path of made) expect(await site.authentik.api("GET", path)).toBeTruthy();
        expect(JSON.parse(readFileSync(configFile, "utf8"))).toMatchObject({ http: { ratelimit: { rate: 500 } } });
        expect(await operator.registry().push("app/hello", "v2", "x")).toBe(201);
    });
});
