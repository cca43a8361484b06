/** What is to be made in Authentik for a stack's token. Pure. */
import {
    type AuthentikWork,
    type NeededPermission,
    neededPermissions,
    type TokenPurpose,
} from "../../components/authentikPermissions";
import type { Settings } from "../../components/settings";

export const PURPOSES = ["up", "preview", "refresh"] as const satisfies readonly TokenPurpose[];

export interface TokenTask {
    /** Of the role, the account and the token. */
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

/** Of role, account and token. Of `organization/project/name` the last part is the stack's. */
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

/** Needed on every object of a kind. */
export const everywhere = ({ needed }: TokenTask): string[] =>
    needed.filter(({ onlyOn }) => onlyOn === undefined).map(({ permission }) => permission);

/** Needed on CI's service accounts alone. */
export const onServiceAccount = ({ needed }: TokenTask): string[] =>
    needed.filter(({ onlyOn }) => onlyOn !== undefined).map(({ permission }) => permission);

/** What is sent when the account is made. */
export const accountOf = ({ name, work }: TokenTask) => ({
    username: name,
    name: `Pulumi, ${work.purpose}: zot registry`,
    type: "service_account",
    path: "service-accounts",
    attributes: {},
});

/**
 * What is sent when the token is made. It does not expire: Authentik lets no API token live longer than half an hour
 * otherwise.
 */
export const tokenOf = ({ name, work }: TokenTask, user: number) => ({
    identifier: name,
    intent: "api",
    user,
    description: `pulumi ${work.purpose} of the zot registry`,
    expiring: false,
});

/** A permission without its application, as Authentik lists those on one object. */
export const codeName = (permission: string) => permission.slice(permission.indexOf(".") + 1);
