/** What CI's further identities say together and with other settings, and must not. Pure. */
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

/** Who administers Authentik itself: its first user, and the group of its superusers, as its blueprints name them. */
const ADMINISTRATORS = { user: "akadmin", group: "authentik Admins" };

/** Whoever holds CI's key, or the account's password while a key is made, would administer Authentik. */
function administratorMistakes(settings: Settings): SettingMistake[] {
    const isIts = (name: string, own: string) => name.toLowerCase() === own.toLowerCase();
    return ciAccounts(settings).flatMap(({ user, group, settings: names }) => [
        ...(isIts(user, ADMINISTRATORS.user)
            ? [
                  mistake(
                      names.user,
                      `${shown(user)} administers Authentik, and CI would have its account; ` +
                          "give a service account of its own.",
                  ),
              ]
            : []),
        ...(isIts(group, ADMINISTRATORS.group)
            ? [
                  mistake(
                      names.group,
                      `${shown(group)} is the group of Authentik's administrators, and CI would be one of them; ` +
                          "give a group of its own.",
                  ),
              ]
            : []),
    ]);
}

/** The member of the entry that is wrong, and why, as sentences. */
type Found = [member: string, why: string];

/** What another identity is called in a message. */
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
            ? [["user", `${shown(user)} is the account of ${called(sameUser)} too; give each its own.`] as Found]
            : []),
        ...(sameFlow
            ? [
                  [
                      "user",
                      `the login flow of ${shown(user)} would have the name of that of ${called(sameFlow)}; ` +
                          "give a user name that differs in more than its punctuation.",
                  ] as Found,
              ]
            : []),
    ];
}

function adminsMistakes({ group }: Workload, _before: unknown, { identity }: Settings): Found[] {
    if (!isAlike(group, identity.adminsGroup)) return [];
    return [["group", `${shown(group)} is the group of the admins, and CI could delete; give another one.`]];
}

function groupNameMistakes({ group }: Workload, before: readonly Workload[]): Found[] {
    const same = before.find((other) => isAlike(other.group, group));
    if (!same) return [];
    const why = `${shown(group)} is the group of ${called(same)} too, and each would have the rights of both; give each its own.`;
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
                      `${shown(pattern)} is in the pull-through cache under ${shown(mirror.prefix)}, to which nobody ` +
                          "pushes; give a pattern outside it, or set access.ciMayPushToMirrors to true.",
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
                      `${shown(channel)} is no repository to which this identity may push, and would have no effect; ` +
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
                      "they are all the repositories to which this identity may push, and no tag of its would stay " +
                          "what it is; give repositories of their own, such as **/cache.",
                  ] as Found,
              ]
            : []),
    ];
}

/** `images/**` without `images` itself, which nobody means by it. */
const belowItself = (pattern: string): string => pattern.replace(/(?<=[^*])\/\*\*$/, "/*/**");

/** Outputs that are the same for every identity: two of them may be handed over under one name. */
const SHARED = ["registryUrl", "registryHost"];

/** Of the times that are the first identity's as well, its own settings tell. */
function ownKeyMistakes({ name, key }: Workload, [{ key: firstKey }]: readonly [Workload, ...Workload[]]): Found[] {
    const isOwn = key.keyLifetime !== firstKey.keyLifetime || key.keyRotateAfter !== firstKey.keyRotateAfter;
    return isOwn ? keyMistakes(key, `ci.workloads.${name}`) : [];
}

/** Where a value ends up: two of one place would take each other's. */
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
        return [["secrets", "there is no store to put them; give its store, or set ciSecrets.store."]];
    const wrong = secretNames(secrets.names, secrets.store).mistakes.map((why): Found => ["secrets.names", why]);
    if (wrong.length > 0) return wrong;
    const own = placesOf(workload);
    const other = before.find((one) => [...placesOf(one).keys()].some((place) => own.has(place)));
    if (!other) return [];
    const remedy =
        secrets.store === "dotenv" || secrets.store === "json"
            ? "give a file of its own"
            : "give another repository or other names";
    return [["secrets", `what is handed over would take the place of that of ${called(other)}; ${remedy}.`]];
}

/** Rights that a site's own rules would give to an identity of CI beside what its entry says. */
function groupMistakes(settings: Settings): SettingMistake[] {
    const [, ...others] = workloadsOf(settings);
    return Object.entries(settings.access.rules).flatMap(([pattern, rule]) =>
        others
            .filter(({ group }) => Object.hasOwn(rule.groups ?? {}, group))
            .map(({ name, group }) =>
                mistake(
                    `access.rules[${JSON.stringify(pattern)}]`,
                    `the group ${shown(group)} is that of ci.workloads.${name}; use its repositories.`,
                ),
            ),
    );
}
