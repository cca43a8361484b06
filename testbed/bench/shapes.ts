/** Settings of large sites, to see what grows with them. Pure. */

/** So many further identities of CI, of which each overlaps with the next one: `ci.workloads`. */
export const identities = (number: number): Record<string, object> =>
    Object.fromEntries(
        Array.from({ length: number }, (_, index) => [
            `w${index}`,
            {
                user: `zot-w${index}`,
                group: `workloads-${index}`,
                repositories: [`team-${index}/**`, `*/shared-${index % 5}/**`],
                channels: ["**/cache"],
            },
        ]),
    );

/** So many rules of which each is for a team, and lets a group of its own push: `access.rules`. */
export const teamRules = (number: number): Record<string, object> =>
    Object.fromEntries(
        Array.from({ length: number }, (_, index) => [
            `team-${index}/**`,
            { groups: { [`developers-${index}`]: ["read", "create"] } },
        ]),
    );
