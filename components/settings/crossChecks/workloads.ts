/** Checks CI's further identities against each other and against other settings. Pure. */
import { ciLoginFlowSlug } from "../../ciLoginFlowNames";
import { type SecretNames, secretNames } from "../ciSecretNames";
import type { Settings } from "../declarations";
import { ciSecrets } from "../declared/ci";
import { coveredByAll } from "../patternSearch";
import { covers, mayOverlap } from "../patterns";
import { type SettingMistake, shown } from "../setting";
import { ciAccounts, FIRST_WORKLOAD, type Workload, workloadsOf } from "../workloads";
import { keyMistakes } from "./ci";
import { type CrossCheck, mistake } from "./crossCheck";

/** What is wrong with an identity beside those before it, the first of which is that of `identity` and `access`. */
type CheckOfOne = (workload: Workload, before: readonly [Workload, ...Workload[]], settings: Settings) => Found[];

/** Each, and the other settings that it goes by. */
const CHECKS_OF_ONE: [check: CheckOfOne, needs: readonly string[]][] = [
    [userMistakes, ["identity.ciUser", "identity.ciLoginFlow"]],
    [adminsMistakes, ["identity.adminsGroup"]],
    [groupNameMistakes, ["identity.workloadsGroup"]],
    [cacheMistakes, ["access.ciMayPushToMirrors", "zot.mirrors"]],
    [channelMistakes, []],
    [secretMistakes, Object.keys(ciSecrets).map((key) => `ciSecrets.${key}`)],
    [ownKeyMistakes, ["ci.keyLifetime", "ci.keyRotateAfter"]],
];

export const workloadChecks: CrossCheck[] = [
    {
        needs: ["ci.workloads"],
        check: (settings, _site, isUsable) => {
            const checks = CHECKS_OF_ONE.filter(([, needs]) => needs.every(isUsable));
            const [first, ...others] = workloadsOf(settings);
            return others.flatMap((workload, index) =>
                checks
                    .flatMap(([check]) => check(workload, [first, ...others.slice(0, index)], settings))
                    .map(([member, why]) => mistake(`ci.workloads.${workload.name}${member && `.${member}`}`, why)),
            );
        },
    },
    { needs: ["ci.workloads", "access.rules"], check: groupMistakes },
    { needs: ["ci.workloads", "identity.ciUser", "identity.workloadsGroup"], check: administratorMistakes },
];

/** The administrators of Authentik: its first user, and the group of its superusers, as its blueprints name them. */
const ADMINISTRATORS = { user: "akadmin", group: "authentik Admins" };

/** Such an account or group would let whoever holds CI's key, or its password during minting, administer Authentik. */
function administratorMistakes(settings: Settings): SettingMistake[] {
    const isIts = (name: string, own: string) => name.toLowerCase() === own.toLowerCase();
    return ciAccounts(settings).flatMap(({ user, group, settings: names }) => [
        ...(isIts(user, ADMINISTRATORS.user)
            ? [
                  mistake(
                      names.user,
                      `${shown(user)} administers Authentik, and CI would use that account; ` +
                          "give a service account for CI alone.",
                  ),
              ]
            : []),
        ...(isIts(group, ADMINISTRATORS.group)
            ? [
                  mistake(
                      names.group,
                      `${shown(group)} is the group of Authentik's administrators, and CI would be one of them; ` +
                          "give a group for CI alone.",
                  ),
              ]
            : []),
    ]);
}

/** The member of the entry that is wrong, and the reasons as sentences. */
type Found = [member: string, why: string];

/** The name of another identity in a message. */
const called = ({ name }: Workload): string =>
    name === FIRST_WORKLOAD
        ? "the first identity of CI (identity.ciUser, identity.workloadsGroup)"
        : `ci.workloads.${name}`;

const isAlike = (one: string, other: string) => one.toLowerCase() === other.toLowerCase();

function userMistakes({ user }: Workload, before: readonly Workload[], { identity }: Settings): Found[] {
    const sameUser = before.find((other) => isAlike(other.user, user));
    const sameFlow =
        identity.ciLoginFlow === "dedicated" && !sameUser
            ? before.find((other) => isAlike(ciLoginFlowSlug(other.user), ciLoginFlowSlug(user)))
            : undefined;
    return [
        ...(sameUser
            ? [["user", `${shown(user)} is also the account of ${called(sameUser)}; give each its own.`] as Found]
            : []),
        ...(sameFlow
            ? [
                  [
                      "user",
                      `the login flow of ${shown(user)} would have the same name as that of ${called(sameFlow)}; ` +
                          "give a user name that differs in more than its punctuation.",
                  ] as Found,
              ]
            : []),
    ];
}

function adminsMistakes({ group }: Workload, _before: unknown, { identity }: Settings): Found[] {
    if (!isAlike(group, identity.adminsGroup)) return [];
    return [["group", `${shown(group)} is the group of the admins, so CI could delete; give another one.`]];
}

function groupNameMistakes({ group }: Workload, before: readonly Workload[]): Found[] {
    const same = before.find((other) => isAlike(other.group, group));
    if (!same) return [];
    const why = `${shown(group)} is also the group of ${called(same)}, so each would have the rights of both; give each its own.`;
    return [["group", why]];
}

function cacheMistakes({ repositories }: Workload, _before: unknown, { access, zot }: Settings): Found[] {
    const mirrors = access.ciMayPushToMirrors ? [] : zot.mirrors;
    return repositories.flatMap((pattern, index): Found[] => {
        const mirror = mirrors.find(({ prefix }) => covers(`${prefix}/**`, pattern));
        return mirror
            ? [
                  [
                      `repositories[${index}]`,
                      `${shown(pattern)} is in the pull-through cache under ${shown(mirror.prefix)}, and nobody may push ` +
                          "to a cache; give a pattern outside it, or set access.ciMayPushToMirrors to true.",
                  ],
              ]
            : [];
    });
}

function channelMistakes({ repositories, channels }: Workload): Found[] {
    const strange = channels.flatMap((channel, index): Found[] =>
        repositories.some((own) => mayOverlap(own, channel))
            ? []
            : [
                  [
                      `channels[${index}]`,
                      `${shown(channel)} is outside of the repositories to which this identity may push, so it has no effect; ` +
                          "add it to its repositories, or remove it.",
                  ],
              ],
    );
    const isAll = channels.length > 0 && repositories.every((own) => coveredByAll(belowItself(own), channels));
    return [
        ...strange,
        ...(isAll
            ? [
                  [
                      "channels",
                      "they cover all repositories to which this identity may push, so every one of its tags could change; " +
                          "give separate repositories, such as **/cache.",
                  ] as Found,
              ]
            : []),
    ];
}

/** `images/**` without `images` itself, which people do not mean by it. */
const belowItself = (pattern: string): string => pattern.replace(/(?<=[^*])\/\*\*$/, "/*/**");

/** Outputs that are the same for every identity, so two identities may hand them over under one name. */
const SHARED = ["registryUrl", "registryHost"];

/** Checks an identity's own times. Those that it inherits from the first one are already checked there. */
function ownKeyMistakes({ name, key }: Workload, [{ key: firstKey }]: readonly [Workload, ...Workload[]]): Found[] {
    const isOwn = key.keyLifetime !== firstKey.keyLifetime || key.keyRotateAfter !== firstKey.keyRotateAfter;
    return isOwn ? keyMistakes(key, `ci.workloads.${name}`) : [];
}

/** The places to which values are handed over: two values for one place would overwrite each other. */
function placesOf({ secrets }: Workload): Map<string, string> {
    if (secrets?.store === undefined) return new Map();
    const isFile = secrets.store === "dotenv" || secrets.store === "json";
    const store = isFile ? [secrets.file] : [secrets.apiUrl, secrets.owner, secrets.repository];
    return new Map(
        Object.entries(secrets.names as SecretNames)
            .filter(([output]) => !SHARED.includes(output))
            // A file is written as a whole.
            .map(([output, name]) => [JSON.stringify([isFile, ...store, isFile ? "" : name.toUpperCase()]), output]),
    );
}

function secretMistakes(workload: Workload, before: readonly Workload[]): Found[] {
    const { secrets } = workload;
    if (secrets === undefined) return [];
    if (secrets.store === undefined)
        return [["secrets", "there is no store for them; set secrets.store of this entry, or ciSecrets.store."]];
    const wrong = secretNames(secrets.names, secrets.store).mistakes.map((why): Found => ["secrets.names", why]);
    if (wrong.length > 0) return wrong;
    const own = placesOf(workload);
    const other = before.find((one) => [...placesOf(one).keys()].some((place) => own.has(place)));
    if (!other) return [];
    const remedy =
        secrets.store === "dotenv" || secrets.store === "json"
            ? "give a file of its own"
            : "give another repository or other names";
    return [["secrets", `its values would overwrite those of ${called(other)}; ${remedy}.`]];
}

/** Rights that a site's rules would give to an identity of CI besides those in its entry. */
function groupMistakes(settings: Settings): SettingMistake[] {
    const [, ...others] = workloadsOf(settings);
    return Object.entries(settings.access.rules).flatMap(([pattern, rule]) =>
        others
            .filter(({ group }) => Object.hasOwn(rule.groups ?? {}, group))
            .map(({ name, group }) =>
                mistake(
                    `access.rules[${JSON.stringify(pattern)}]`,
                    `the group ${shown(group)} belongs to ci.workloads.${name}; use the repositories of that entry.`,
                ),
            ),
    );
}
