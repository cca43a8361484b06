/** Logging in by OpenID Connect, and what comes of it. */
import { FlowError } from "../../../clients/authentik/flow";
import { memberIn } from "../../../clients/authentik/objects";
import { urlOf } from "../../../clients/http/address";
import { type Answer, sendOne } from "../../../clients/http/request";
import { LoginError } from "../../../clients/zot/session";
import type { Check } from "../check";
import type { Context } from "../context";
import { recordedSteps } from "../exchanges";
import { fail, notApplicable, notPossible, type Outcome, pass, Skipped, warning } from "../outcome";
import { parsed } from "../registry";
import type { Tier } from "../testAccounts";
import { tierNames } from "../testUsers";

export const login: Check[] = [
    {
        id: "login-start",
        title: "A login starts at the identity provider that is declared, and would come back",
        needs: [],
        async run(context) {
            const { anonymous, subject } = context;
            const answer = await anonymous.request("GET", "/zot/auth/login?provider=oidc&callback_ui=%2F");
            const authorize = urlOf(answer.headers.get("location"), subject.registryUrl);
            if (answer.status !== 302 || !authorize) {
                return fail(
                    `The start of a login is answered with ${answer.status} instead of a redirect: ` +
                        "there is no OpenID Connect in zot's config.",
                    "Set http.auth.openid; if Authentik was down when zot started, zot may serve the read-only config.",
                );
            }
            const [clientId, redirect, scope] = ["client_id", "redirect_uri", "scope"].map(
                (name) => authorize.searchParams.get(name) ?? "",
            );
            const wrong: string[] = [];
            const wanted = `${subject.registryUrl}/zot/auth/callback/oidc`;
            if (redirect !== wanted) wrong.push(`it would come back to ${redirect} instead of ${wanted} (externalUrl)`);
            if (subject.clientId && clientId !== subject.clientId)
                wrong.push(`the client id is ${clientId} instead of ${subject.clientId}`);
            for (const needed of ["openid", "profile"])
                if (!scope!.split(" ").includes(needed))
                    wrong.push(
                        `the scope ${needed} is ` +
                            `missing${needed === "profile" ? ", without which there are no groups" : ""}`,
                    );
            if (subject.issuer) {
                const discovery = await discoveryOf(context, subject.issuer);
                const told = parsed<{ issuer?: string; authorization_endpoint?: string }>(discovery);
                if (told?.issuer !== subject.issuer)
                    wrong.push(
                        `the issuer ${subject.issuer} names itself ${told?.issuer ?? `nothing (${discovery.status})`}`,
                    );
                const endpoint = urlOf(told?.authorization_endpoint);
                if (endpoint && endpoint.origin !== authorize.origin)
                    wrong.push(`logins go to ${authorize.origin} instead of ${endpoint.origin}`);
            }
            return wrong.length === 0
                ? pass(`It goes to ${authorize.origin} as the client ${clientId}, and comes back to ${redirect}.`)
                : fail(
                      `Logins cannot work as declared: ${wrong.join("; ")}.`,
                      "Deploy the declared config again (pulumi up).",
                  );
        },
    },
    {
        id: "login-ci",
        title: `A member of CI's group logs in by OpenID Connect, without a browser, and gets an API key`,
        needs: ["test users"],
        run: (context) => logsIn(context, "ci"),
    },
    {
        id: "login-admin",
        title: "An admin logs in by OpenID Connect, without a browser, and gets an API key",
        needs: ["test users"],
        run: (context) => logsIn(context, "admin"),
    },
    {
        id: "ci-member",
        title: "CI's service account is a member of CI's group",
        needs: [],
        async run({ subject, transport, readOnly, breaker }) {
            if (!subject.authentik)
                throw readOnly
                    ? new Skipped(
                          "read-only",
                          "With --read-only the stack's token for Authentik is not read. Set AUTHENTIK_TOKEN to check this.",
                      )
                    : notPossible(subject.withoutAuthentik);
            const { ciUser, workloadsGroup } = subject;
            const access = { ...subject.authentik, transport };
            const member = await breaker.run(() => memberIn(access, ciUser, workloadsGroup));
            if (member === undefined)
                throw notApplicable(
                    `Authentik does not show both the user ${ciUser} and the group ${workloadsGroup}: ` +
                        "one does not exist, or the token may not see it.",
                );
            if (member) return pass(`${ciUser} is in ${workloadsGroup}.`);
            return fail(
                `${ciUser} is not in ${workloadsGroup}: from its next login on, CI has no rights. ` +
                    "Until then the groups that zot remembers may still let its key push.",
                "pulumi up --refresh makes it a member again.",
            );
        },
    },
    {
        id: "login-unbound",
        title: "Authentik turns away whoever is in no group of the application",
        needs: ["test users"],
        async run(context) {
            const testUsers = context.testUsersOrSkip();
            const answer = await context.breaker.run(() => testUsers.admitGroupless());
            if (answer === "turned away")
                return pass(
                    'Authentik says "Permission denied". ' +
                        "For the checks that follow, a user of this run is bound to the application alone, " +
                        "and later unbound again.",
                );
            return warning(
                "Whoever has an account in Authentik can log in: no group is bound to the application. " +
                    "Such a login may do what the checks logged-in-read and logged-in-change say.",
                "Bind the groups of the admins and of CI to the application in Authentik (pulumi up).",
            );
        },
    },
    {
        id: "groups-mapped",
        title: "The groups of a login reach zot, and its rules name them",
        needs: ["ci", "admin"],
        async run(context) {
            const without: string[] = [];
            for (const tier of ["ci", "admin"] as const) {
                const { registry } = await context.as(tier);
                if ((await registry.mayPut(context.scratch, "v0")).granted !== true)
                    without.push(tier === "ci" ? context.subject.workloadsGroup : context.subject.adminsGroup);
            }
            if (without.length === 2) {
                return fail(
                    `Neither group has any right after a login (${without.join(", ")}): ` +
                        "the groups are not mapped, so zot sees none.",
                    "Authentik's provider needs the scope mapping profile, " +
                        'zot\'s config the scope "profile" and claimMapping.groups "groups"; ' +
                        "or the rules name other groups.",
                );
            }
            if (without.length === 1)
                return fail(
                    `The group ${without[0]} has no right to push in ${context.scratch}; ` +
                        "the other group has that right, so groups do reach zot.",
                    "Compare the name of the group in Authentik with the one in accessControl.repositories " +
                        `(${without[0]}).`,
                );
            return pass("After a login, members of both groups have rights that others do not have.");
        },
    },
    {
        id: "logged-in-read",
        title: "A login without groups reads what anyone reads",
        needs: ["groupless"],
        async run(context) {
            const { registry } = await context.as("groupless");
            const catalog = await registry.request("GET", "/v2/_catalog");
            const read = await registry.mayRead(context.scratch);
            if (catalog.status === 200 && read.granted)
                return pass("The catalog and a pull are allowed: whoever logs in loses nothing.");
            return fail(
                "Whoever logs in without a group loses what anonymous has: " +
                    `the catalog is answered with ${catalog.status}, a pull with ${read.answer.status}. ` +
                    "The defaultPolicy is missing.",
                'Give defaultPolicy ["read"] to every pattern of accessControl.repositories.',
            );
        },
    },
    {
        id: "logged-in-change",
        title: "A login without groups changes nothing (403)",
        needs: ["groupless"],
        async run(context) {
            const { registry } = await context.as("groupless");
            const may: string[] = [];
            if ((await registry.mayPut(context.scratch, "v0")).granted) may.push("create");
            const deletes = await registry.mayDelete(context.scratch);
            if (deletes.granted) may.push("delete");
            const existing = await context.anyTag().catch((error: unknown) => {
                if (error instanceof Skipped) return undefined;
                throw error;
            });
            if (existing && (await registry.mayPut(existing.repository, existing.tag)).granted) may.push("update");
            if (may.includes("create") && may.includes("delete")) {
                return fail(
                    `Any login may do everything (${may.join(", ")}), whatever its groups: ` +
                        "zot enforces no access control. accessControl is missing from its config, " +
                        `or has no effect, like {"**": {}}.`,
                    "Deploy the declared config again, and restart zot: " +
                        "if accessControl was missing when zot started, adding it to the running zot has no effect.",
                );
            }
            if (may.length > 0)
                return fail(
                    `A login without any group may ${may.join(", ")}: defaultPolicy grants it.`,
                    'defaultPolicy has to be ["read"] in every pattern of accessControl.repositories.',
                );
            return pass("Pushing, overwriting and deleting are refused.");
        },
    },
    {
        id: "revoked-key",
        title: "A key stops working when it is revoked",
        needs: ["ci"],
        async run(context) {
            const { username, keys } = await context.as("ci");
            const { key, record } = await keys.create(
                `zot-hardening-verify ${context.run} revoked`,
                new Date(Date.now() + 5 * 60_000),
            );
            const holder = {
                headers: { authorization: `Basic ${Buffer.from(`${username}:${key}`).toString("base64")}` },
            };
            const before = await context.anonymous.request("GET", "/v2/_catalog", holder);
            await keys.revoke(record.uuid);
            const after = await context.anonymous.request("GET", "/v2/_catalog", holder);
            if (before.status !== 200) return fail(`A new key is answered with ${before.status}.`);
            return after.status === 401
                ? pass("200 before, 401 after.")
                : fail(`After it was revoked the key is still answered with ${after.status}.`);
        },
    },
];

/** What an issuer says about itself; it may be another server than the one whose API is used. */
function discoveryOf({ subject, transport, recorder, breaker }: Context, issuer: string): Promise<Answer> {
    const discover = () =>
        sendOne(recordedSteps(transport, recorder, "anonymous"), `${issuer}.well-known/openid-configuration`);
    return urlOf(issuer)?.origin === urlOf(subject.authentik?.url)?.origin ? breaker.run(discover) : discover();
}

async function logsIn(context: Context, tier: Tier): Promise<Outcome> {
    try {
        const users = context.testUsersOrSkip();
        const { username } = await context.breaker.run(() => users.as(tier));
        const flow = users.demanded
            ? ` The site's own login flow demands ${users.demanded}, so the login used a flow made for this run; ` +
              "the site's own was tried up to that point."
            : "";
        return pass(
            `From the registry to Authentik and back, as ${username}; ` +
                `zot knows the user by that name, and made a key that expires within 15 minutes.${flow}`,
        );
    } catch (error) {
        if (error instanceof LoginError) return fail(error.message);
        if (!(error instanceof FlowError)) throw error;
        throw notPossible(`${tierNames[tier]}: ${error.message} Name a flow that needs no person with --login-flow.`);
    }
}
