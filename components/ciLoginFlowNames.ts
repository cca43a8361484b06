/** What the login flow of CI's own and its parts are called. Pure. */

/** The slug of the dedicated flow; what a slug cannot hold becomes a dash. */
export function ciLoginFlowSlug(ciUser: string): string {
    return `${ciUser.replace(/[^A-Za-z0-9_-]/g, "-")}-login`;
}

/** The names of what belongs to the flow: no two objects of a kind have the same. */
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
