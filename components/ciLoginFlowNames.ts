/** The names of CI's dedicated login flow and of its parts. Pure. */

/** The slug of the dedicated flow. Characters that a slug cannot hold become dashes. */
export function ciLoginFlowSlug(ciUser: string): string {
    return `${ciUser.replace(/[^A-Za-z0-9_-]/g, "-")}-login`;
}

/** The names of the flow's parts; no two objects of one kind share a name. */
export function ciLoginFlowParts(ciUser: string): {
    slug: string;
    identification: string;
    login: string;
    policy: string;
} {
    const slug = ciLoginFlowSlug(ciUser);
    return {
        slug,
        identification: `${slug}-identification`,
        login: `${slug}-user-login`,
        policy: `${slug}-only-${ciUser}`,
    };
}
