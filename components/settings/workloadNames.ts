/** The names that CI's further identities may have, and what a change of them means to a review. Pure. */
import type { Check } from "./kinds";
import { changedKeys, quoted } from "./meanings";
import { type ChangeMeaning, isMap } from "./setting";

/** Checks a user name in Authentik; the allowed characters need no escaping anywhere. */
export const userName: Check = (value) => {
    if (value === "") return "it is empty";
    const odd = /[^A-Za-z0-9._@-]/u.exec(value)?.[0];
    return odd === undefined || `it has ${JSON.stringify(odd)}`;
};

/** What a user name may contain: the end of "give …". */
export const USER_NAME_ALLOWED = "a user name of letters, digits, '.', '-', '_' and '@'";

/** Checks the name of an identity, which becomes part of names in the stack's state. */
export const isWorkloadName: Check = (value) => {
    if (value === "ci") return "it is the name of the identity that identity.ciUser and access.ciRepositories describe";
    return /^[a-z][a-z0-9-]{0,39}$/.test(value) || "it is not small letters, digits and dashes, at most 40";
};

/** Members of an entry whose changes show in zot's config as rights. */
const AS_RIGHTS = ["repositories", "channels", "tagScheme"];

/** What a change of `ci.workloads` means, besides the rights that zot's config shows. */
export function workloadsChange(before: unknown, after: unknown): ChangeMeaning {
    const [from, to] = [before, after].map((value) => (isMap(value) ? value : {})) as [
        Record<string, unknown>,
        Record<string, unknown>,
    ];
    const changes = changedKeys(from, to).flatMap((name) => entryChanges(name, from[name], to[name]));
    return { effect: "unclear", words: changes.join("; ") || "CI's further identities are written otherwise" };
}

function entryChanges(name: string, before: unknown, after: unknown): string[] {
    const of = (value: unknown) =>
        isMap(value) ? `user ${quoted(value.user)}, group ${quoted(value.group)}` : quoted(value);
    if (before === undefined) return [`the CI identity ${quoted(name)} is new (${of(after)})`];
    if (after === undefined) return [`the CI identity ${quoted(name)} is gone (${of(before)})`];
    const [from, to] = [before, after].map((value) => (isMap(value) ? value : {})) as [
        Record<string, unknown>,
        Record<string, unknown>,
    ];
    return changedKeys(from, to).map((key) =>
        AS_RIGHTS.includes(key)
            ? `the ${key} of the CI identity ${quoted(name)} changed (see the rights)`
            : `${key} of the CI identity ${quoted(name)} is ${quoted(to[key])} instead of ${quoted(from[key])}`,
    );
}
