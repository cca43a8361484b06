/**
 * Translates limits into the conditions that this program writes, and back: in which repositories, for which tags, or
 * never. Pure.
 *
 * A condition in zot's config is an expression in CEL. This program writes few, of fixed shapes. Therefore it
 * recognizes them when it reads a config again (in a review, or the config that was deployed last). Patterns and forms
 * of tags become regular expressions without a backslash or a quote, so nothing in them needs escaping.
 */
import { matchesPattern, patternMistake, patternOfSource, patternSource } from "../settings/patterns";
import { formsOfSource, hasTagForm, tagFormsSource } from "../settings/tagForms";

/** What a grant is limited to. If all of it is empty, the grant never applies. */
export interface Limit {
    /** Patterns of repositories in which the grant applies, whatever the tag. */
    repositories: string[];
    /** Forms of tags for which it applies in every repository. A request without a tag (blobs, digests) passes too. */
    tags: string[];
    /** Forms of tags for which it applies in some repositories. There a request without a tag passes too. */
    movable?: Movable[];
}

/** Forms of tags in the repositories of a pattern. */
export interface Movable {
    pattern: string;
    tags: string[];
}

/** A condition as it stands in zot's config. */
export interface Condition {
    /** CEL. */
    expression: string;
    /** What zot answers if nothing but this condition fails. */
    message?: string;
}

const OR = " || ";
const AND = " && ";
const NO_TAG = 'req.referenceType != "tag"';
const NEVER = "false";

/** A pattern of repositories as an expression in CEL. */
export const repositoryExpression = (pattern: string): string =>
    /[*?]/.test(pattern) ? `req.repository.matches("${patternSource(pattern)}")` : `req.repository == "${pattern}"`;

/** A limit as an expression in CEL. */
export function limitExpression({ repositories, tags, movable = [] }: Limit): string {
    const terms = [
        // Requests for blobs, and for the digest of a push with ?tag=, name no tag.
        ...(tags.length > 0 ? [NO_TAG, `req.tag.matches("${tagFormsSource(tags)}")`] : []),
        ...repositories.map(repositoryExpression),
        // An empty tag matches too: after each tag of a push with ?tag= zot asks for its digest.
        ...movable.map(
            ({ pattern, tags: own }) =>
                `${repositoryExpression(pattern)}${AND}req.tag.matches("${tagFormsSource(own).replace(/\$$/, "?$")}")`,
        ),
    ];
    return terms.join(OR) || NEVER;
}

const known = new Map<string, Limit | undefined>();

/** The limit that an expression stands for; undefined if this program did not write it. */
export function limitOf(expression: string): Limit | undefined {
    if (!known.has(expression)) known.set(expression, read(expression));
    return known.get(expression);
}

function read(expression: string): Limit | undefined {
    if (expression.trim() === NEVER) return { repositories: [], tags: [] };
    const limit: Limit = { repositories: [], tags: [] };
    for (const term of expression.split(OR)) {
        const [first = "", second] = term.split(AND);
        const pattern = patternOfTerm(first);
        const tags = formsOfSource(tagSourceOf(second ?? first)?.replace(/\?\$$/, "$") ?? "");
        if (second === undefined && tags) limit.tags.push(...tags);
        else if (second === undefined && pattern !== undefined) limit.repositories.push(pattern);
        else if (pattern !== undefined && tags) limit.movable = [...(limit.movable ?? []), { pattern, tags }];
    }
    // Translating back shows whether anything was left out or misunderstood.
    return limitExpression(limit) === expression ? limit : undefined;
}

/** The pattern in a term; undefined for any other term. */
function patternOfTerm(term: string): string | undefined {
    const source = /^req\.repository\.matches\("([^"\\]*)"\)$/.exec(term)?.[1];
    const name = /^req\.repository == "([^"\\]*)"$/.exec(term)?.[1];
    const pattern = source === undefined ? name : patternOfSource(source);
    return pattern !== undefined && patternMistake(pattern) === undefined ? pattern : undefined;
}

const tagSourceOf = (term: string): string | undefined => /^req\.tag\.matches\("([^"\\]*)"\)$/.exec(term)?.[1];

/** Whether no request satisfies the limit. */
export const isNever = ({ repositories, tags, movable = [] }: Limit): boolean =>
    repositories.length + tags.length + movable.length === 0;

/**
 * What is known of a request. `reference` is a tag or a digest, empty for none, and undefined if it may be anything.
 */
export interface Asked {
    repository: string;
    reference?: string;
}

/** Whether a request satisfies a limit. If the reference may be anything: whether some reference does. */
export function meets({ repositories, tags, movable = [] }: Limit, { repository, reference }: Asked): boolean {
    const isIn = (pattern: string) => matchesPattern(pattern, repository);
    const isOf = (forms: readonly string[]) =>
        forms.length > 0 && (reference === undefined || !isTag(reference) || hasTagForm(forms, reference));
    return repositories.some(isIn) || isOf(tags) || movable.some((own) => isIn(own.pattern) && isOf(own.tags));
}

/** Whether zot treats a reference as a tag: it recognizes a digest by its colon. */
export const isTag = (reference: string): boolean => reference !== "" && !reference.includes(":");
