/** Checks settings of rights against each other and against other settings. Pure. */
import type { Action } from "../actions";
import type { Settings } from "../declarations";
import { covers, mayPrevail } from "../patterns";
import { type SettingMistake, shown } from "../setting";
import { formsMayMeet } from "../tagForms";
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
                          `${shown(identity.workloadsGroup)} is also the group of the admins, ` +
                              "so CI could delete; give two different groups.",
                      ),
                  ]
                : [],
    },
    {
        needs: ["access.rules", "access.adminsMayUpdate", "identity.adminsGroup", "identity.workloadsGroup"],
        check: ruleMistakes,
    },
    { needs: ["access.movableTags", "access.acceptLossOfManifests"], check: movableMistakes },
    {
        needs: ["access.movableTags", "access.channels", "access.tagScheme"],
        check: movableContradictions,
    },
    {
        needs: ["access.rules", "access.ciMayPushToMirrors", "access.ciRepositories", "zot.mirrors"],
        check: mirrorMistakes,
    },
];

/** Tags that move beside versions, without a setting that accepts the price. */
function movableMistakes({ access }: Settings): SettingMistake[] {
    if (Object.keys(access.movableTags).length === 0 || access.acceptLossOfManifests) return [];
    return [
        mistake(
            "access.movableTags",
            "it has a price: zot forgets a manifest as soon as a tag moves away from it. Whoever may move one tag of a " +
                "repository can therefore make platforms and signatures of its versions unavailable, though not change them. " +
                "Give such tags a repository of their own (access.channels), " +
                "or accept the price: access.acceptLossOfManifests: true.",
        ),
    ];
}

/** Declared tags that may move anyway, or that a version may have. */
function movableContradictions({ access }: Settings): SettingMistake[] {
    return Object.entries(access.movableTags).flatMap(([pattern, forms]) => {
        const setting = `access.movableTags[${JSON.stringify(pattern)}]`;
        const channel = access.channels.find((own) => covers(own, pattern));
        const met = forms.flatMap((form) =>
            access.tagScheme
                .filter((own) => formsMayMeet(own, form))
                .map((own) =>
                    mistake(
                        setting,
                        `a tag of the form ${shown(form)} may also be a version by access.tagScheme ` +
                            `(${shown(own)}), and versions must not move; give another tag.`,
                    ),
                ),
        );
        if (channel === undefined) return met;
        return [
            mistake(setting, `every tag moves there already, by access.channels (${shown(channel)}); leave it out.`),
            ...met,
        ];
    });
}

/** Patterns that would let any identity of CI put its own images in place of upstream's. */
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
            // A cache has its own rule, which decides unless a pattern takes precedence over it.
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

/** Rules that would take from a tier what it has, or give away what is for admins only. */
function ruleMistakes({ access, identity }: Settings): SettingMistake[] {
    return Object.entries(access.rules).flatMap(([pattern, rule]) =>
        [
            ...(pattern === "**" ? [EVERY_REPOSITORY] : []),
            ...anonymousMistakes(rule.anonymous),
            ...ciMistakes(rule.ci),
            ...adminsMistakes(rule.admins, access.adminsMayUpdate),
            ...Object.entries(rule.groups ?? {}).flatMap(([group, actions]) => groupMistake(group, actions, identity)),
        ].map((message) => mistake(`access.rules[${JSON.stringify(pattern)}]`, message)),
    );
}

const EVERY_REPOSITORY =
    "this matches every repository, which access.ciRepositories and the three tiers already describe; " +
    "give a narrower pattern.";

type Given = readonly Action[] | undefined;

const changes = (action: Action) => action === "update" || action === "delete";

function anonymousMistakes(actions: Given): string[] {
    const found: string[] = [];
    if (actions && !actions.includes("read"))
        found.push("anonymous readers would be locked out; give anonymous: [read], or leave it out.");
    if (actions?.some((action) => action !== "read"))
        found.push(
            `anonymous would get ${shown(actions)}; ` +
                "anyone may read and do nothing else, so give anonymous: [read], or leave it out.",
        );
    return found;
}

function ciMistakes(actions: Given): string[] {
    const found: string[] = [];
    if (actions?.some(changes))
        found.push(`ci would get ${shown(actions)}; CI may only read and create, otherwise its tags could change.`);
    if (actions && !actions.includes("read"))
        found.push(`ci would get ${shown(actions)} and lose what anonymous has; add read.`);
    return found;
}

function adminsMistakes(actions: Given, mayUpdate: boolean): string[] {
    if (!actions) return [];
    const found: string[] = [];
    const missing = (["read", "create", "delete"] as const).filter((action) => !actions.includes(action));
    if (missing.length > 0)
        found.push(
            `admins would be locked out of ${missing.join(", ")}, ` +
                "since only the longest matching rule applies; " +
                "leave admins out, or give read, create and delete.",
        );
    if (actions.includes("update") && !mayUpdate)
        found.push("admins would get update; set access.adminsMayUpdate to true, or leave update out.");
    return found;
}

/** At most one mistake: the first that applies. */
function groupMistake(group: string, actions: readonly Action[], identity: Settings["identity"]): string[] {
    if (group === identity.adminsGroup) return [`the group ${shown(group)} is the admins'; use admins.`];
    if (group === identity.workloadsGroup) return [`the group ${shown(group)} is CI's; use ci.`];
    const got = `the group ${shown(group)} would get ${shown(actions)}`;
    if (actions.some(changes)) return [`${got}; only admins change or delete, so give read and create at most.`];
    if (!actions.includes("read")) return [`${got} and lose what anonymous has; add read.`];
    return [];
}
