/** Settings of CI's key (how long it lives, where it is stored), and of further identities of CI. Pure. */
import * as z from "zod/mini";
import {
    address,
    allowedOf,
    boolean,
    checked,
    define,
    integer,
    isName,
    longDuration,
    mapOf,
    name,
    oneOf,
    optional,
    optionalOf,
} from "../kinds";
import { longer, onOff, ordered, other, quoted, unclear } from "../meanings";
import { channelMistake, patternMistake } from "../patterns";
import { tagFormMistake } from "../tagForms";
import { isWorkloadName, USER_NAME_ALLOWED, userName, workloadsChange } from "../workloadNames";
import { THREE_TIERS } from "../zotPlaces";
import { access } from "./access";

/** One entry of `ci.workloads`, as a site writes it. */
export type WorkloadSetting = z.infer<typeof workload>;

/** Settings of a key. */
const key = {
    keyLifetime: define({
        description: "How long an API key of CI lives.",
        ...longDuration(),
        default: "90d",
        review: longer("a key of CI lives for"),
    }),
    keyRotateAfter: optional(
        define({
            description: "Age at which the next update replaces the key. Without it: two thirds of the lifetime.",
            ...longDuration(),
            review: longer("a key of CI is replaced after"),
        }),
    ),
    predecessorLifetime: define({
        description: "How long a replaced key still works, for jobs that are running with it.",
        ...longDuration(),
        default: "7d",
        review: longer("a replaced key of CI still works for"),
    }),
    keyGeneration: define({
        description:
            "Raise it by one after a leak: one update then replaces the key and revokes every other key of the service " +
            "account.",
        ...integer("a whole number from 0", 0, 1_000_000),
        default: 0,
        review: (before, after) =>
            Number(after) > Number(before)
                ? { effect: "narrower", words: "CI's key is replaced and every other one revoked" }
                : unclear(`the generation of CI's key is ${quoted(after)} instead of ${quoted(before)}`),
    }),
    takeOverKeys: define({
        description:
            "Whether to take over keys that another stack, now gone, made for the same service account; " +
            "otherwise such keys make the update fail.",
        ...boolean(),
        default: false,
        review: ordered(
            [false, true],
            onOff(
                "keys that another stack made for CI are taken over",
                "keys that another stack made for CI are not taken over",
            ),
        ),
    }),
};

export const ciSecrets = {
    store: optional(
        define({
            description: "Where npm run ci-secrets puts CI's key.",
            ...oneOf(["forgejo", "gitea", "github", "dotenv", "json"]),
            review: other("CI's key is handed to a store of the kind"),
        }),
    ),
    apiUrl: optional(
        define({
            description: "Address of the forge's API; for GitHub Enterprise https://HOST/api/v3.",
            ...address(),
            review: other("CI's key is handed to"),
        }),
    ),
    owner: optional(
        define({
            description: "User or organisation that owns CI's secrets.",
            ...name("a user or an organisation"),
            review: other("CI's key is handed to the owner"),
        }),
    ),
    repository: optional(
        define({
            description: "Repository that has them. Without it: the organisation.",
            ...name("a repository"),
            review: other("CI's key is handed to the repository"),
        }),
    ),
    visibility: define({
        description: "Which repositories of a GitHub organisation can use a new secret.",
        ...oneOf(["private", "all"]),
        default: "private",
        review: ordered(
            ["private", "all"],
            (value) =>
                `CI's key is handed to ${value === "all" ? "all" : "the private"} repositories of the organisation`,
        ),
    }),
    file: optional(
        define({
            description: "File of the store, for the kinds dotenv and json.",
            ...name("a file"),
            review: other("CI's key is written to"),
        }),
    ),
    names: define<Record<string, string>>({
        description: "The name of each output in the store.",
        kind: "map",
        schema: z.record(z.string(), z.string()),
        allowed: "a map from an output such as ciApiKey to a name such as ZOT_CI_API_KEY",
        default: { ciApiKey: "ZOT_CI_API_KEY" },
        review: other("the names of what is handed to CI, and whether each is a secret, are"),
    }),
};

const workload = z.strictObject({
    user: checked(userName),
    group: checked(isName),
    repositories: z.array(checked(patternMistake)).check(z.minLength(1)),
    channels: z.optional(z.array(checked(channelMistake))),
    tagScheme: z.optional(z.array(checked(tagFormMistake))),
    ...optionalOf(key),
    secrets: z.optional(z.strictObject(optionalOf(ciSecrets))),
});

/** What each member of an entry of `ci.workloads` may be. */
const ALLOWED: Record<string, string> = {
    user: USER_NAME_ALLOWED,
    group: name("a group").allowed,
    repositories: access.ciRepositories.allowed,
    channels: access.channels.allowed,
    tagScheme: access.tagScheme.allowed,
    ...allowedOf(key),
    secrets: `a map of some of ${Object.keys(ciSecrets).join(", ")}, as in ciSecrets`,
};

/** @param path the name of an entry, and a place in the entry */
function allowedInWorkload([entry, member, part]: readonly PropertyKey[]): string | undefined {
    if (entry === undefined) return undefined;
    if (member === undefined)
        return (
            "{user, group, repositories: patterns}, and optionally some of " +
            `${Object.keys(ALLOWED).slice(3).join(", ")}`
        );
    const ofSecrets = member === "secrets" && part !== undefined ? allowedOf(ciSecrets)[String(part)] : undefined;
    return ofSecrets ?? ALLOWED[String(member)];
}

export const ci = {
    ...key,
    workloads: define<Record<string, WorkloadSetting>>({
        description:
            "Further identities of CI, each with its own service account, group and key: " +
            "name to {user, group, repositories, channels, tagScheme, settings of the key, secrets}.",
        kind: "map",
        entriesStandAlone: true,
        schema: mapOf(isWorkloadName, workload),
        allowed:
            'a map from a name such as "charts" to {user, group, repositories: patterns}, and optionally ' +
            "{channels: patterns, tagScheme: forms, keyLifetime, keyRotateAfter, predecessorLifetime, keyGeneration, " +
            "takeOverKeys, secrets: {store, apiUrl, owner, repository, visibility, file, names}}; " +
            "settings of the key and of secrets default to those in ci and ciSecrets",
        allowedAt: allowedInWorkload,
        default: {},
        zotConfig: THREE_TIERS,
        review: workloadsChange,
    }),
};
