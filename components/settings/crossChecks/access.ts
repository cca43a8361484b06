/** What the settings of rights say together, and must not. Pure. */
import type { Settings } from "../declarations";
import { mayPrevail } from "../patterns";
import { type SettingMistake, shown } from "../setting";
import { type CrossCheck, mistake } from "./crossCheck";

export const accessChecks: CrossCheck[] = [
    {
        needs: ["identity.issuer", "identity.applicationSlug"],
        check: ({ identity }) => {
            const ending = `/application/o/${identity.applicationSlug}/`;
            if (identity.issuer.endsWith(ending)) return [];
            return [
                mistake(
                    "identity.issuer",
                    `${shown(identity.issuer)} is not the issuer of the application ` +
                        `${shown(identity.applicationSlug)}; ` +
                        `give the URL of Authentik followed by ${ending}, slash included, ` +
                        "or change identity.applicationSlug.",
                ),
            ];
        },
    },
    {
        needs: ["identity.workloadsGroup", "identity.adminsGroup"],
        check: ({ identity }) =>
            identity.workloadsGroup === identity.adminsGroup
                ? [
                      mistake(
                          "identity.workloadsGroup",
                          `${shown(identity.workloadsGroup)} is the group of the admins too, ` +
                              "so that CI could delete; give two different groups.",
                      ),
                  ]
                : [],
    },
    {
        needs: ["access.rules", "access.adminsMayUpdate", "identity.adminsGroup", "identity.workloadsGroup"],
        check: ruleMistakes,
    },
    {
        needs: ["access.rules", "access.ciMayPushToMirrors", "access.ciRepositories", "zot.mirrors"],
        check: mirrorMistakes,
    },
];

/** Patterns that would let CI, whoever pushes for it, put its own images in place of upstream's. */
function mirrorMistakes({ access, zot }: Settings): SettingMistake[] {
    if (access.ciMayPushToMirrors) return [];
    const openings = [
        ...access.ciRepositories.map((pattern, index) => ({ setting: `access.ciRepositories[${index}]`, pattern })),
        ...Object.entries(access.rules)
            .filter(([, rule]) =>
                [rule.ci, ...Object.values(rule.groups ?? {})].some((actions) => actions?.includes("create")),
            )
            .map(([pattern]) => ({ setting: `access.rules[${JSON.stringify(pattern)}]`, pattern })),
    ];
    return openings.flatMap(({ setting, pattern }) =>
        zot.mirrors
            // A cache has a rule of its own.
            .filter(({ prefix }) => mayPrevail(pattern, `${prefix}/**`))
            .map(({ prefix }) =>
                mistake(
                    setting,
                    `${shown(pattern)} reaches into the pull-through cache under ${shown(prefix)}, ` +
                        "where CI could put its own images in place of upstream's; " +
                        "give a pattern outside it, or set access.ciMayPushToMirrors to true.",
                ),
            ),
    );
}

/** Rules that would take from a tier what it has, or give what only admins have. */
function ruleMistakes({ access, identity }: Settings): SettingMistake[] {
    return Object.entries(access.rules).flatMap(([pattern, rule]) => {
        const found: SettingMistake[] = [];
        const refuse = (message: string) => found.push(mistake(`access.rules[${JSON.stringify(pattern)}]`, message));
        if (pattern === "**")
            refuse(
                "this is every repository, which access.ciRepositories and the three tiers describe already; " +
                    "give a narrower pattern.",
            );
        if (rule.anonymous && !rule.anonymous.includes("read"))
            refuse("anonymous readers would be locked out; give anonymous: [read], or leave it out.");
        if (rule.anonymous?.some((action) => action !== "read"))
            refuse(
                `anonymous would get ${shown(rule.anonymous)}; ` +
                    "anyone may read and nothing else, so give anonymous: [read], or leave it out.",
            );
        if (rule.ci?.some((action) => action === "update" || action === "delete"))
            refuse(`ci would get ${shown(rule.ci)}; CI may only read and create, or its tags would not be immutable.`);
        if (rule.ci && !rule.ci.includes("read"))
            refuse(`ci would get ${shown(rule.ci)} and lose what anonymous has; add read.`);
        if (rule.admins) {
            const missing = (["read", "create", "delete"] as const).filter((action) => !rule.admins!.includes(action));
            if (missing.length > 0)
                refuse(
                    `admins would be locked out of ${missing.join(", ")}, ` +
                        "since only the longest matching rule applies; " +
                        "leave admins out, or give read, create and delete.",
                );
            if (rule.admins.includes("update") && !access.adminsMayUpdate)
                refuse("admins would get update; set access.adminsMayUpdate to true, or leave update out.");
        }
        for (const [group, actions] of Object.entries(rule.groups ?? {})) {
            if (group === identity.adminsGroup) refuse(`the group ${shown(group)} is the admins'; use admins.`);
            else if (group === identity.workloadsGroup) refuse(`the group ${shown(group)} is CI's; use ci.`);
            else if (actions.some((action) => action === "update" || action === "delete"))
                refuse(
                    `the group ${shown(group)} would get ${shown(actions)}; ` +
                        "only admins change or delete, so give read and create at most.",
                );
            else if (!actions.includes("read"))
                refuse(`the group ${shown(group)} would get ${shown(actions)} and lose what anonymous has; add read.`);
        }
        return found;
    });
}
