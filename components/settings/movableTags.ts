/** Which tags may be declared to move in repositories that also hold versions (`access.movableTags`). Pure. */
import { covers, patternMistake } from "./patterns";
import { formsMayMeet, tagFormMistake, tagFormsSource } from "./tagForms";

/** Forms of tags that may move, by the pattern of the repositories in which they may. */
export type MovableTags = Readonly<Record<string, readonly string[]>>;

/** Words that may precede a version's numbers. */
const RELEASES = ["release", "rel", "version", "ver"].flatMap((word) => ["", "-", "_", "."].map((mark) => word + mark));

/** Forms of the tags of versions and of their parts, with words for each. */
const TAGS_OF_VERSIONS: [what: string, forms: string[]][] = [
    ["a version such as v1.4.2 or 1.2", ["X", "vX", "X<name>", "vX<name>"]],
    ["a version such as release-1.4.2", RELEASES.flatMap((release) => [`${release}X.<name>`, `${release}vX.<name>`])],
    ["a commit such as 0f3c9a1", Array.from({ length: 64 - 6 }, (_, index) => `<${index + 7} hex>`)],
    ["a signature of a version (cosign's sha256-….sig)", ["sha256-<64 hex>", "sha256-<64 hex>.<name>"]],
];
/** Parts of a form that make a tag unique to one build. */
const OF_ONE_BUILD: [part: RegExp, what: string][] = [
    [/<([7-9]|[1-9][0-9]) hex>/, "a commit"],
    [/<date>/, "a date"],
    [/[XYZ0-9]\.[XYZ0-9]/, "the numbers of a version"],
];

/** Why tags of a form cannot be declared to move; undefined if they can. */
export function movableTagMistake(form: string): string | undefined {
    const mistake = tagFormMistake(form);
    if (mistake !== undefined) return mistake;
    const part = OF_ONE_BUILD.find(([written]) => written.test(form));
    if (part) return `it holds ${part[1]}, and such a tag must not move`;
    const found = TAGS_OF_VERSIONS.find(([, versions]) => versions.some((version) => formsMayMeet(version, form)));
    return found && `${found[0]} may have such a tag, which must not move`;
}

/** All mistakes in one entry: a pattern of repositories with its forms. Ignores a form that is not a text. */
export function movableEntryMistakes(pattern: string, forms: readonly unknown[]): string[] {
    const because = patternMistake(pattern);
    return [
        ...(because === undefined ? [] : [`of its pattern ${JSON.stringify(pattern)}: ${because}`]),
        ...(forms.length === 0 ? [`${JSON.stringify(pattern)} has no tag; leave it out`] : []),
        ...forms.flatMap((form) => {
            const mistake = typeof form === "string" ? movableTagMistake(form) : undefined;
            return mistake === undefined ? [] : [`of ${JSON.stringify(form)}: ${mistake}`];
        }),
    ];
}

/** Whether tags of these forms are declared to move in the repositories of a pattern. */
export const isDeclaredMovable = (declared: MovableTags, pattern: string, forms: readonly string[]): boolean =>
    Object.entries(declared).some(
        ([own, ownForms]) =>
            covers(own, pattern) &&
            // A form has several spellings: X-X is X-Y.
            forms.every((form) => ownForms.some((other) => tagFormsSource([other]) === tagFormsSource([form]))),
    );
