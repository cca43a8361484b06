/** What has to be made in Authentik for a stack's token. Pure. */
import {
    type AuthentikWork,
    type NeededPermission,
    neededPermissions,
    type TokenPurpose,
} from "../../components/authentikPermissions";
import type { Settings } from "../../components/settings";

export const PURPOSES = ["up", "preview", "refresh"] as const satisfies readonly TokenPurpose[];

export interface TokenTask {
    /** Name of the role, the account and the token. */
    name: string;
    work: AuthentikWork;
    needed: readonly NeededPermission[];
    /** The service accounts that CI pushes as. */
    ciUsers: readonly string[];
}

/**
 * @param identity settings of the stack
 * @param others service accounts of CI's further identities
 */
export function tokenTask(
    stack: string,
    purpose: TokenPurpose,
    identity: Pick<Settings["identity"], "manageWorkloads" | "ciUser" | "ciLoginFlow">,
    name = defaultName(stack, purpose),
    others: readonly string[] = [],
): TokenTask {
    const work: AuthentikWork = {
        purpose,
        managesWorkloads: identity.manageWorkloads,
        managesLoginFlow: identity.ciLoginFlow === "dedicated",
        mintsKey: true,
    };
    return { name, work, needed: neededPermissions(work), ciUsers: [identity.ciUser, ...others] };
}

/** The name of role, account and token. The last part of `organization/project/name` is the stack's name. */
export function defaultName(stack: string, purpose: TokenPurpose): string {
    return [
        "pulumi-zot",
        stack
            .split("/")
            .at(-1)!
            .replace(/[^A-Za-z0-9-]/g, "-"),
        ...(purpose === "up" ? [] : [purpose]),
    ].join("-");
}

/** Permissions that are needed on every object of a kind. */
export const everywhere = ({ needed }: TokenTask): string[] =>
    needed.filter(({ onlyOn }) => onlyOn === undefined).map(({ permission }) => permission);

/** Permissions that are needed on CI's service accounts only. */
export const onServiceAccount = ({ needed }: TokenTask): string[] =>
    needed.filter(({ onlyOn }) => onlyOn !== undefined).map(({ permission }) => permission);

/** The request body for the account. */
export const accountOf = ({ name, work }: TokenTask) => ({
    username: name,
    name: `Pulumi, ${work.purpose}: zot registry`,
    type: "service_account",
    path: "service-accounts",
    attributes: {},
});

/**
 * The request body for the token. It does not expire: otherwise Authentik limits an API token to half an hour.
 */
export const tokenOf = ({ name, work }: TokenTask, user: number) => ({
    identifier: name,
    intent: "api",
    user,
    description: `pulumi ${work.purpose} of the zot registry`,
    expiring: false,
});

/** A permission without its application, in the form in which Authentik lists those on one object. */
export const codeName = (permission: string) => permission.slice(permission.indexOf(".") + 1);
