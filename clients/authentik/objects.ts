/**
 * What is in Authentik already: read with the program's token, before anything is changed. Tried on Authentik 2025.10
 * and 2026.5.
 */
import { outsideText } from "../outsideText";
import { type ApiAccess, AuthentikApi, twoAttempts } from "./api";
import { failureIn } from "./failures";

interface Listed {
    results: Record<string, unknown>[];
}

/** One kind of object, as the API has it, and how one of a name is found. */
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
 * Objects found by the kind's name; of an application and a flow the item itself is asked for, since lists may be
 * cached or filtered.
 */
async function find(access: ApiAccess, kind: Kind, name: string): Promise<Record<string, unknown> | undefined> {
    const { path, field } = KINDS[kind];
    const isItem = field === "slug";
    const answer = await get<Listed & Record<string, unknown>>(
        access,
        isItem ? `${path}${encodeURIComponent(name)}/` : `${path}?${field}=${encodeURIComponent(name)}`,
    );
    // A filter that Authentik does not know is ignored.
    return isItem
        ? answer?.[field] === name
            ? answer
            : undefined
        : answer?.results.find((candidate) => candidate[field] === name);
}

/** Whether the name is one of another kind's object, where no two of all kinds share it. */
async function isOfAnotherKind(access: ApiAccess, kind: Kind, name: string): Promise<boolean> {
    const known = KINDS[kind];
    if (!("everyKind" in known)) return false;
    const found = await get<Listed>(access, `${known.everyKind}?search=${encodeURIComponent(name)}&page_size=100`);
    return found?.results.some((candidate) => candidate.name === name) ?? false;
}

/** Which of the names are taken. A name that may not be asked for counts as free: making the object will tell. */
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

/** Whether a user is a member of a group; undefined where either is not to be seen, or Authentik does not answer. */
export const isMember = (access: ApiAccess, username: string, group: string): Promise<boolean | undefined> =>
    whereReached(() => memberIn(access, username, group));

/**
 * Whether a user is a member of a group; undefined where either is not to be seen.
 *
 * @throws ApiFailure where Authentik does not answer
 */
export async function memberIn(access: ApiAccess, username: string, group: string): Promise<boolean | undefined> {
    const [user, there] = await Promise.all([find(access, "user", username), find(access, "group", group)]);
    if (!Array.isArray(user?.groups) || there?.pk === undefined) return undefined;
    return user.groups.includes(there.pk);
}

/**
 * Members of a group by their names, each with the number by which Authentik knows it; undefined where they are not to
 * be seen.
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

/** Something in a login flow that a service account does not pass. */
export interface Obstacle {
    /** A sentence's end, after "The login flow NAME": `demands a second factor (stage NAME)`. */
    what: string;
    /** Whether it stands in the way of every login; false where policies decide whom it is for. */
    isCertain: boolean;
}

/** What stands in the way in a flow, which is named by its slug. */
export interface FlowObstacles {
    flow: string;
    obstacles: Obstacle[];
}

interface Binding {
    policybindingmodel_ptr_id: string;
    stage: string;
    stage_obj?: { name: string; meta_model_name: string; verbose_name: string };
}

/** Stages that are passed without a person, whatever they are set to. */
const PASSED = new Set([
    "authentik_stages_user_login.userloginstage",
    "authentik_stages_consent.consentstage",
    "authentik_stages_user_write.userwritestage",
]);

/**
 * What a service account that has but a password does not pass, in the flow by which it would log in.
 *
 * @param flow slug of the flow; undefined for the one that the provider of `clientId`, or else the brand, leads to
 * @returns the flow's slug and what is in the way; undefined where the flow is not to be seen.
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
 * The same of the flow that lets through to the application who is logged in.
 *
 * @param flow its slug
 */
export async function authorizationObstacles(access: ApiAccess, flow: string): Promise<FlowObstacles | undefined> {
    return whereReached(async () => obstaclesOf(access, await find(access, "flow", flow), "authorization"));
}

/** Who may begin a flow, where that is somebody else than it is for: the word of the API, for people. */
const CLOSED_TO: Record<"login" | "authorization", Readonly<Record<string, string>>> = {
    login: {
        require_authenticated: "who is logged in already",
        require_superuser: "superusers",
        require_outpost: "outposts",
        require_redirect: "who is sent on by another flow",
        require_token: "who has a link with a token",
    },
    authorization: {
        require_unauthenticated: "who is not logged in",
        require_superuser: "superusers",
        require_outpost: "outposts",
        require_token: "who has a link with a token",
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
 * Policies that Authentik brings along at these stages, without white space and comments (2025.10 to 2026.8): the one
 * passes over the password where a user is known by a passkey, the other over the second factor. Whoever logs in by a
 * password meets both stages.
 */
const USUAL_POLICIES = new Set([
    'flow_plan=request.context.get("flow_plan")ifnotflow_plan:returnTruereturnnothasattr(flow_plan.context.get("pending_user"),"backend")',
    'flow_plan=request.context.get("flow_plan")ifnotflow_plan:returnTruereturnnot(flow_plan.context.get("auth_method")=="auth_webauthn_pwl")',
]);

/**
 * Whether everybody who logs in by a password comes to a stage: no policy, but for Authentik's own, says for whom it
 * is.
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
    // A brand without one goes by the first of its kind (measured on 2026.5).
    const all = await get<Listed>(access, "/flows/instances/?designation=authentication&ordering=slug&page_size=100");
    return all?.results.find(({ designation }) => designation === "authentication");
}

/**
 * What a stage demands that a service account does not have; undefined where it passes, or where the stage is not to be
 * seen.
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
            if (found?.user_fields && !found.user_fields.includes("username"))
                return "does not let anybody log in by user name";
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
 * The answer's body; undefined for an answer that is no success.
 *
 * @throws ApiFailure where there is no answer, for {@link whereReached}
 */
function get<T>(access: ApiAccess, path: string): Promise<T | undefined> {
    return new AuthentikApi(access, twoAttempts()).request<T>(path).catch((error: unknown) => {
        if (failureIn(error)?.kind === "unreachable") throw error;
        return undefined;
    });
}

/**
 * What a look of several requests found; undefined where one got no answer. After that one no other is sent, which would
 * be waited for as long; who does not answer is told by the look-ups.
 */
async function whereReached<T>(look: () => Promise<T>): Promise<T | undefined> {
    try {
        return await look();
    } catch (error) {
        if (failureIn(error)?.kind !== "unreachable") throw error;
        return undefined;
    }
}
