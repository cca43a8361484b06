/**
 * What the program must be allowed to do in Authentik, and which of that a token is not allowed to do. Pure.
 *
 * The list was found on Authentik 2026.5 by leaving out one permission at a time.
 */
import type { GrantedPermissions } from "../clients/authentik/permissions";

/** What a token is for. */
export type TokenPurpose =
    /** `pulumi up`, `refresh` and `destroy`. */
    | "up"
    /** `pulumi preview` against the state: the look-ups only. */
    | "preview"
    /**
     * Also `pulumi preview --refresh`, which reads every object, including the client secret of every OAuth2 provider.
     */
    | "refresh";

/** What the program does in Authentik, as a stack's settings decide it. */
export interface AuthentikWork {
    purpose: TokenPurpose;
    /** Whether the program makes CI's group and service account; otherwise an administrator keeps them. */
    managesWorkloads: boolean;
    /** Whether the program makes the service account's login flow. */
    managesLoginFlow: boolean;
    /** Whether the program makes CI's key. */
    mintsKey: boolean;
}

export interface NeededPermission {
    /** As Authentik writes it: `authentik_core.view_user`. */
    permission: string;
    /** What it is needed for, in words. */
    purpose: string;
    /** The permission is enough on this one object. Absent: it is needed on every object of its kind. */
    onlyOn?: "service account";
}

const crud = (kind: string) => {
    const [application, model] = kind.split(".") as [string, string];
    return ["add", "view", "change", "delete"].map((verb) => `${application}.${verb}_${model}`);
};

/** Kinds of objects that the program makes, with their names in words. */
const REGISTRATION: readonly [string, string][] = [
    ["authentik_providers_oauth2.oauth2provider", "the OAuth2 provider"],
    ["authentik_core.application", "the application"],
    ["authentik_policies.policybinding", "who may use the application"],
];
const WORKLOADS: readonly [string, string][] = [
    ["authentik_core.group", "CI's group"],
    ["authentik_core.user", "CI's service account"],
];
const LOGIN_FLOW: readonly [string, string][] = [
    ["authentik_flows.flow", "the login flow of the service account"],
    ["authentik_flows.flowstagebinding", "the stages of that flow"],
    ["authentik_stages_identification.identificationstage", "its identification stage"],
    ["authentik_stages_user_login.userloginstage", "its user-login stage"],
    ["authentik_policies_expression.expressionpolicy", "the policy that lets nobody else in"],
];

/** What it takes to see whether the service account passes a login flow that the program did not make. */
const LOOK_AT_FLOW = [
    "authentik_flows.view_flowstagebinding",
    "authentik_policies_expression.view_expressionpolicy",
    "authentik_stages_authenticator_validate.view_authenticatorvalidatestage",
    "authentik_stages_identification.view_identificationstage",
    "authentik_stages_password.view_passwordstage",
];

/** Every permission that the work needs, without duplicates, sorted. */
export function neededPermissions(work: AuthentikWork): NeededPermission[] {
    const needed = new Map<string, NeededPermission>();
    // A permission that is needed on every object comes first, and stays: one object would not be enough.
    for (const each of [...ofObjects(work), ...ofLookUps(work), ...ofLogin(work)])
        if (!needed.has(each.permission)) needed.set(each.permission, each);
    return [...needed.values()].sort((left, right) => (left.permission < right.permission ? -1 : 1));
}

/** The permissions to create, change, see and delete what the program declares. */
function ofObjects({ purpose, managesWorkloads, managesLoginFlow }: AuthentikWork): NeededPermission[] {
    const isNeeded = (permission: string) =>
        purpose === "up" || (purpose === "refresh" && permission.includes(".view_"));
    return [...REGISTRATION, ...(managesWorkloads ? WORKLOADS : []), ...(managesLoginFlow ? LOGIN_FLOW : [])].flatMap(
        ([kind, what]) =>
            crud(kind)
                .filter(isNeeded)
                .map((permission) => ({ permission, purpose: what })),
    );
}

/** The permissions to look up what others declare. */
function ofLookUps({ managesWorkloads, managesLoginFlow }: AuthentikWork): NeededPermission[] {
    const lookUps: NeededPermission[] = [
        { permission: "authentik_flows.view_flow", purpose: "looking up flows" },
        { permission: "authentik_crypto.view_certificatekeypair", purpose: "looking up the signing key" },
        { permission: "authentik_providers_oauth2.view_scopemapping", purpose: "looking up scope mappings" },
        { permission: "authentik_core.view_group", purpose: "looking up groups" },
    ];
    if (managesLoginFlow)
        lookUps.push({ permission: "authentik_flows.view_stage", purpose: "looking up the password stage" });
    if (!managesWorkloads)
        lookUps.push({
            permission: "authentik_core.view_user",
            purpose: "looking up the service account",
            onlyOn: "service account",
        });
    return lookUps;
}

/** The permissions to log in as the service account. That login makes zot mint the key. */
function ofLogin({ purpose, managesWorkloads, managesLoginFlow, mintsKey }: AuthentikWork): NeededPermission[] {
    if (!mintsKey || purpose !== "up") return [];
    const why = "logging in as the service account";
    const flow = managesLoginFlow ? [] : LOOK_AT_FLOW;
    return [
        ...flow.map((permission) => ({
            permission,
            purpose: "checking whether the service account passes its login flow",
        })),
        { permission: "authentik_core.view_user", purpose: why, onlyOn: "service account" },
        {
            permission: "authentik_core.reset_user_password",
            purpose: why,
            ...(managesWorkloads ? {} : { onlyOn: "service account" as const }),
        },
    ];
}

/** The permissions that are needed and not granted. One that cannot be checked does not count as missing. */
export function missingPermissions(
    granted: GrantedPermissions,
    needed: readonly NeededPermission[],
): NeededPermission[] {
    if (granted.isSuperuser) return [];
    return needed.filter(({ permission, onlyOn }) => {
        if (granted.everywhere.has(permission)) return false;
        return (
            onlyOn === undefined ||
            (granted.onServiceAccount !== undefined && !granted.onServiceAccount.has(permission))
        );
    });
}

/** The permissions that are granted everywhere and not needed: more than the token should have. */
export function surplusPermissions(
    granted: Pick<GrantedPermissions, "everywhere">,
    needed: readonly NeededPermission[],
): string[] {
    const everywhere = new Set(needed.filter(({ onlyOn }) => onlyOn === undefined).map(({ permission }) => permission));
    return [...granted.everywhere].filter((permission) => !everywhere.has(permission)).sort();
}

/** A message to the person who can grant what is missing; undefined if nothing is. */
export function missingPermissionsMessage(
    missing: readonly NeededPermission[],
    username: string,
    remedy = "npm run authentik-token",
): string | undefined {
    if (missing.length === 0) return undefined;
    const lines = missing.map(
        ({ permission, purpose, onlyOn }) => `  - ${permission}${onlyOn ? ` on the ${onlyOn}` : ""}, for ${purpose}`,
    );
    return (
        `The token for Authentik (of ${username}) lacks ` +
        `${missing.length === 1 ? "a permission" : `${missing.length} permissions`}:\n${lines.join("\n")}\nGive them to a role of that user; \`${remedy}\` does it with an administrator's token, or prints the steps.`
    );
}

/**
 * What a token with these permissions may do beyond its task: one sentence each, the gravest first. Measured on
 * Authentik 2026.5: each of add_user, change_user, add_group and change_group alone is enough to become a superuser.
 */
export function dangersOf({ purpose, managesWorkloads, managesLoginFlow, mintsKey }: AuthentikWork): string[] {
    if (purpose === "preview")
        return [
            "It can read the names of groups and their members, flows, scope mappings and certificates (not private keys).",
        ];
    if (purpose === "refresh")
        return [
            "It can read the client secret of every OAuth2 provider in Authentik, " +
                "and every group and user that it may see.",
        ];
    const dangers: string[] = [];
    if (managesWorkloads) {
        dangers.push(
            "It is as good as a superuser's: whoever may add or change users or groups can make a superuser of " +
                "any account, themselves included.",
        );
    }
    if (managesLoginFlow) {
        dangers.push(
            "It is as good as a superuser's: it can write expression policies, " +
                "which are Python that runs inside Authentik, and change any login flow.",
        );
    }
    dangers.push(
        "It can read and change every OAuth2 provider (client secrets, redirect URIs), every application, " +
            "and every policy binding: it can let itself into other applications, " +
            "and take the second factor out of a login flow.",
    );
    if (mintsKey && !managesWorkloads) dangers.push("It can log in as the service account, and as nobody else.");
    return dangers;
}
