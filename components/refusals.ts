/**
 * The messages that the registry sends with a refusal: the rule, and what to do, in one sentence each. Pure.
 *
 * zot sends a condition's message as `detail.reason` of its 403, with `<` and `>` escaped.
 */
import type { Workload } from "./settings";
import { exampleOf } from "./settings/tagForms";

/** What an identity of CI may push, as far as the message says it. */
type Own = Pick<Workload, "channels" | "tagScheme" | "movableTags">;

const or = (items: readonly string[]): string =>
    items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} or ${items.at(-1)}`;
const repositories = (patterns: readonly string[]): string => `repositories like ${or(patterns)}`;

/** A push to an existing tag. */
export function tagExists({ channels, movableTags }: Pick<Own, "channels" | "movableTags">, isAdmin = false): string {
    if (isAdmin) return "this tag exists, and tags cannot be changed: push another tag, or delete this one first";
    const elsewhere = channels.length > 0 ? `; tags can be moved in ${repositories(channels)}` : "";
    const some = Object.entries(movableTags).map(
        ([pattern, forms]) => `; tags like ${or(forms.map(exampleOf))} can be moved in ${repositories([pattern])}`,
    );
    return `this tag exists, and tags here cannot be changed: push another tag${elsewhere}${some.join("")}`;
}

/** A new tag of CI that does not have a declared form. */
export function isNotOfScheme({ tagScheme, channels }: Own): string {
    const elsewhere = channels.length > 0 ? `; any tag may be pushed to ${repositories(channels)}` : "";
    return `a new tag has to look like ${or(tagScheme.map(exampleOf))}: push such a tag${elsewhere}`;
}

/** A push to a repository outside of those that one may push to; `own` lists them if they are known. */
export function notPushable(own: readonly string[] = []): string {
    const instead = own.length > 0 ? `push to ${repositories(own)}` : "ask the registry's admins";
    return `this group may not push to this repository: ${instead}`;
}

/** A push to a pull-through cache. */
export const mirrorsUpstream = (url: string): string =>
    `this repository is a copy of ${url}, which nobody pushes to: push to a repository of your own`;

/** A deletion by CI. */
export const ciMayNotDelete = (): string => "CI may not delete: ask an admin of the registry, or push another tag";

/** A deletion by anyone else who is no admin. */
export const onlyAdminsDelete = (): string => "only the registry's admins may delete: ask one of them";
