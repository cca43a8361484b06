/**
 * Reads what exists in Authentik, with the program's token, before anything is changed. Tested on Authentik 2025.10 and
 * 2026.5.
 */
import { outsideText } from "../outsideText";
import { type ApiAccess, AuthentikApi, twoAttempts } from "./api";
import { failureIn } from "./failures";

interface Listed {
    results: Record<string, unknown>[];
}

/** The kinds of objects in the API, and how to find one by its name. */
const KINDS = {
    "OAuth2 provider of the client id": { path: "/providers/oauth2/", field: "client_id" },
    "OAuth2 provider": { path: "/providers/oauth2/", field: "name", everyKind: "/providers/all/" },
    application: { path: "/core/applications/", field: "slug" },
    group: { path: "/core/groups/", field: "name" },
    user: { path: "/core/users/", field: "username" },
    flow: { path: "/flows/instances/", field: "slug" },
    stage: { path: "/stages/all/", field: "name" },
    "expression policy": { path: "/policies/expression/", field: "name", everyKind: "/policies/all/" },
} as const satisfies Record<string, { path: string; field: string; everyKind?: string }>;
export type Kind = keyof typeof KINDS;

/**
 * The object of a kind with a name. An application and a flow are requested directly, because lists may be cached or
 * filtered.
 */
async function find(access: ApiAccess, kind: Kind, name: string): Promise<Record<string, unknown> | undefined> {
    const { path, field } = KINDS[kind];
    const isItem = field === "slug";
    const answer = await get<Listed & Record<string, unknown>>(
        access,
        isItem ? `${path}${encodeURIComponent(name)}/` : `${path}?${field}=${encodeURIComponent(name)}`,
    );
    // Authentik ignores unknown filters, so the result is checked.
    return isItem
        ? answer?.[field] === name
            ? answer
            : undefined
        : answer?.results.find((candidate) => candidate[field] === name);
}

/** Whether an object of another kind has the name, if names are unique across several kinds. */
async function isOfAnotherKind(access: ApiAccess, kind: Kind, name: string): Promise<boolean> {
    const known = KINDS[kind];
    if (!("everyKind" in known)) return false;
    const found = await get<Listed>(access, `${known.everyKind}?search=${encodeURIComponent(name)}&page_size=100`);
    return found?.results.some((candidate) => candidate.name === name) ?? false;
}

/** The names that are taken. A name that the token may not ask about counts as free: creating the object will tell. */
export async function takenNames<Named extends { kind: Kind; name: string }>(
    access: ApiAccess,
    names: readonly Named[],
): Promise<Named[]> {
    const found = await Promise.all(
        names.map(
            async ({ kind, name }) =>
                (await whereReached(
                    async () =>
                        (await find(access, kind, name)) !== undefined || (await isOfAnotherKind(access, kind, name)),
                )) ?? false,
        ),
    );
    return names.filter((_, index) => found[index]);
}

/**
 * Whether a user is a member of a group; undefined if either is invisible to the token, or Authentik does not answer.
 */
export const isMember = (access: ApiAccess, username: string, group: string): Promise<boolean | undefined> =>
    whereReached(() => memberIn(access, username, group));

/**
 * Whether a user is a member of a group; undefined if either is invisible to the token.
 *
 * @throws ApiFailure if Authentik does not answer
 */
export async function memberIn(access: ApiAccess, username: string, group: string): Promise<boolean | undefined> {
    const [user, there] = await Promise.all([find(access, "user", username), find(access, "group", group)]);
    if (!Array.isArray(user?.groups) || there?.pk === undefined) return undefined;
    return user.groups.includes(there.pk);
}

/**
 * The members of a group by their names, each with its number in Authentik; undefined if they are invisible to the
 * token.
 */
export async function membersOf(
    access: ApiAccess,
    group: string,
): Promise<{ pk: number; username: string }[] | undefined> {
    const found = await whereReached(() =>
        get<{ users?: number[]; users_obj?: { pk: number; username: string }[] | null }>(
            access,
            `/core/groups/${encodeURIComponent(group)}/?include_users=true`,
        ),
    );
    return found?.users?.map((pk) => ({
        pk,
        username: outsideText(found.users_obj?.find((user) => user.pk === pk)?.username ?? `user ${pk}`),
    }));
}

/** Something in a login flow that stops a service account. */
export interface Obstacle {
    /** The end of a sentence after "The login flow NAME": `demands a second factor (stage NAME)`. */
    what: string;
    /** Whether it stops every login; false if policies decide to whom it applies. */
    isCertain: boolean;
}

/** The obstacles in a flow, which is named by its slug. */
export interface FlowObstacles {
    flow: string;
    obstacles: Obstacle[];
}

interface Binding {
    policybindingmodel_ptr_id: string;
    stage: string;
    stage_obj?: { name: string; meta_model_name: string; verbose_name: string };
}

/** Stages that need no person, whatever their settings. */
const PASSED = new Set([
    "authentik_stages_user_login.userloginstage",
    "authentik_stages_consent.consentstage",
    "authentik_stages_user_write.userwritestage",
]);

/**
 * What stops a service account with nothing but a password, in the flow by which it would log in.
 *
 * @param flow slug of the flow; undefined for the flow that the provider of `clientId`, or else the brand, uses
 * @returns the flow's slug and its obstacles; undefined if the flow is invisible to the token
 */
export async function loginObstacles(
    access: ApiAccess,
    flow: string | undefined,
    clientId: string,
): Promise<FlowObstacles | undefined> {
    return whereReached(async () => {
        const found = flow === undefined ? await usualFlow(access, clientId) : await find(access, "flow", flow);
        return obstaclesOf(access, found, "login");
    });
}

/**
 * The same for the flow that authorizes a logged-in user for the application.
 *
 * @param flow its slug
 */
export async function authorizationObstacles(access: ApiAccess, flow: string): Promise<FlowObstacles | undefined> {
    return whereReached(async () => obstaclesOf(access, await find(access, "flow", flow), "authorization"));
}

/** Who may start a flow, for settings that exclude the account: the API's word, and words for people. */
const CLOSED_TO: Record<"login" | "authorization", Readonly<Record<string, string>>> = {
    login: {
        require_authenticated: "users who are already logged in",
        require_superuser: "superusers",
        require_outpost: "outposts",
        require_redirect: "users whom another flow sends on",
        require_token: "users who have a link with a token",
    },
    authorization: {
        require_unauthenticated: "users who are not logged in",
        require_superuser: "superusers",
        require_outpost: "outposts",
        require_token: "users who have a link with a token",
    },
};

async function obstaclesOf(
    access: ApiAccess,
    found: Record<string, unknown> | undefined,
    purpose: "login" | "authorization",
): Promise<FlowObstacles | undefined> {
    if (typeof found?.pk !== "string" || typeof found.slug !== "string") return undefined;
    const only = CLOSED_TO[purpose][String(found.authentication)];
    const closed: Obstacle[] =
        only === undefined
            ? []
            : [
                  {
                      what: `is only for ${only} (its authentication is ${String(found.authentication)})`,
                      isCertain: true,
                  },
              ];
    const bindings =
        (await get<{ results: Binding[] }>(access, `/flows/bindings/?target=${found.pk}&ordering=order&page_size=100`))
            ?.results ?? [];
    const obstacles = await Promise.all(
        bindings.map(async (binding): Promise<Obstacle[]> => {
            const what = await obstacleOf(access, binding);
            if (what === undefined) return [];
            return [
                {
                    what: `${what} (stage ${outsideText(binding.stage_obj?.name ?? binding.stage)})`,
                    isCertain: await meetsPasswords(access, binding),
                },
            ];
        }),
    );
    return { flow: found.slug, obstacles: [...closed, ...obstacles.flat()] };
}

/**
 * Authentik's own policies at these stages, without white space and comments (2025.10 to 2026.8). One skips the
 * password for a user with a passkey, the other skips the second factor. Anyone who logs in with a password meets both
 * stages.
 */
const USUAL_POLICIES = new Set([
    'flow_plan=request.context.get("flow_plan")ifnotflow_plan:returnTruereturnnothasattr(flow_plan.context.get("pending_user"),"backend")',
    'flow_plan=request.context.get("flow_plan")ifnotflow_plan:returnTruereturnnot(flow_plan.context.get("auth_method")=="auth_webauthn_pwl")',
]);

/**
 * Whether everybody who logs in with a password reaches a stage: no policy, except Authentik's own, restricts it.
 */
async function meetsPasswords(access: ApiAccess, { policybindingmodel_ptr_id: target }: Binding): Promise<boolean> {
    const bindings = await get<Listed>(access, `/policies/bindings/?target=${target}&page_size=100`);
    if (bindings === undefined) return false;
    const enabled = bindings.results.filter((binding) => binding.enabled);
    const isUsual = await Promise.all(
        enabled.map(async ({ policy, negate }) => {
            if (typeof policy !== "string" || negate) return false;
            const found = await get<{ expression?: string }>(access, `/policies/expression/${policy}/`);
            return USUAL_POLICIES.has((found?.expression ?? "").replace(/#.*$/gm, "").replace(/\s+/g, ""));
        }),
    );
    return isUsual.every(Boolean);
}

async function usualFlow(access: ApiAccess, clientId: string): Promise<Record<string, unknown> | undefined> {
    const provider = await find(access, "OAuth2 provider of the client id", clientId);
    if (typeof provider?.authentication_flow === "string") {
        return (await get<Listed>(access, `/flows/instances/?flow_uuid=${provider.authentication_flow}`))?.results.find(
            ({ pk }) => pk === provider.authentication_flow,
        );
    }
    const brand = await get<{ flow_authentication?: string }>(access, "/core/brands/current/");
    if (brand?.flow_authentication) return find(access, "flow", brand.flow_authentication);
    // A brand without a flow uses the first of its kind (measured on 2026.5).
    const all = await get<Listed>(access, "/flows/instances/?designation=authentication&ordering=slug&page_size=100");
    return all?.results.find(({ designation }) => designation === "authentication");
}

/**
 * What a stage demands that a service account does not have; undefined if it passes, or if the stage is invisible to
 * the token.
 */
async function obstacleOf(access: ApiAccess, { stage, stage_obj: kind }: Binding): Promise<string | undefined> {
    const details = <T>(path: string) => get<T>(access, `/stages/${path}/${stage}/`);
    const model = kind?.meta_model_name;
    if (model === undefined || PASSED.has(model)) return undefined;
    switch (model) {
        case "authentik_stages_identification.identificationstage": {
            const found = await details<{
                user_fields?: string[];
                captcha_stage?: string | null;
                password_stage?: string | null;
            }>("identification");
            if (found?.captcha_stage) return "asks for a captcha";
            if (found?.user_fields && !found.user_fields.includes("username")) return "lets nobody log in by user name";
            return found?.password_stage ? passwordObstacle(access, found.password_stage) : undefined;
        }
        case "authentik_stages_password.passwordstage":
            return passwordObstacle(access, stage);
        case "authentik_stages_deny.denystage":
            return "denies the login";
        case "authentik_stages_authenticator_validate.authenticatorvalidatestage": {
            const found = await details<{ not_configured_action?: string }>("authenticator/validate");
            return found?.not_configured_action === undefined || found.not_configured_action === "skip"
                ? undefined
                : "demands a second factor";
        }
        default:
            return `has a stage that only a person passes: ${outsideText(kind!.verbose_name)}`;
    }
}

async function passwordObstacle(access: ApiAccess, stage: string): Promise<string | undefined> {
    const found = await get<{ backends?: string[] }>(access, `/stages/password/${stage}/`);
    return found?.backends && !found.backends.includes("authentik.core.auth.InbuiltBackend")
        ? "does not check the passwords that Authentik itself keeps"
        : undefined;
}

/**
 * The answer's body; undefined for an answer without success.
 *
 * @throws ApiFailure if there is no answer, for {@link whereReached}
 */
function get<T>(access: ApiAccess, path: string): Promise<T | undefined> {
    return new AuthentikApi(access, twoAttempts()).request<T>(path).catch((error: unknown) => {
        if (failureIn(error)?.kind === "unreachable") throw error;
        return undefined;
    });
}

/**
 * The result of a look-up that takes several requests; undefined if one got no answer. No further request follows then:
 * each would wait just as long. The look-ups report that Authentik does not answer.
 */
async function whereReached<T>(lookUp: () => Promise<T>): Promise<T | undefined> {
    try {
        return await lookUp();
    } catch (error) {
        if (failureIn(error)?.kind !== "unreachable") throw error;
        return undefined;
    }
}
