/**
 * What the conditions that this program writes say, and back: in which repositories, for which tags, or never. Pure.
 *
 * A condition in zot's config is an expression in CEL. Those written here are few and of fixed shapes, so that one that
 * is read from a config again (a review, the config that was deployed last) is known for what it is. Patterns and forms
 * of tags become regular expressions without a backslash or a quote, so that nothing in them has to be escaped.
 */
import { matchesPattern, patternMistake, patternOfSource, patternSource } from "../settings/patterns";
import { formsOfSource, hasTagForm, tagFormsSource } from "../settings/tagForms";

/** What a grant is limited to. All of it empty: it is never met. */
export interface Limit {
    /** Patterns of repositories in which it holds, whatever the tag. */
    repositories: string[];
    /** Forms of tags for which it holds in every repository; what names no tag (blobs, digests) goes on. */
    tags: string[];
    /** Forms of tags for which it holds in some repositories; there, too, what names no tag goes on. */
    movable?: Movable[];
}

/** Forms of tags in the repositories of a pattern. */
export interface Movable {
    pattern: string;
    tags: string[];
}

/** A condition as zot's config has it. */
export interface Condition {
    /** CEL. */
    expression: string;
    /** What zot answers where the condition alone stands in the way. */
    message?: string;
}

const OR = " || ";
const AND = " && ";
const NO_TAG = 'req.referenceType != "tag"';
const NEVER = "false";

/** A pattern of repositories as an expression. */
export const repositoryExpression = (pattern: string): string =>
    /[*?]/.test(pattern) ? `req.repository.matches("${patternSource(pattern)}")` : `req.repository == "${pattern}"`;

/** A limit as an expression. */
export function limitExpression({ repositories, tags, movable = [] }: Limit): string {
    const terms = [
        // Blobs, and the digest of a push with ?tag=, are asked for without a tag.
        ...(tags.length > 0 ? [NO_TAG, `req.tag.matches("${tagFormsSource(tags)}")`] : []),
        ...repositories.map(repositoryExpression),
        // With no tag, too: zot asks for the digest of a push with ?tag= after each of its tags.
        ...movable.map(
            ({ pattern, tags: own }) =>
                `${repositoryExpression(pattern)}${AND}req.tag.matches("${tagFormsSource(own).replace(/\$$/, "?$")}")`,
        ),
    ];
    return terms.join(OR) || NEVER;
}

const known = new Map<string, Limit | undefined>();

/** The limit that an expression stands for; undefined for one that is not written here. */
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
    // Whatever was left out or understood otherwise shows here.
    return limitExpression(limit) === expression ? limit : undefined;
}

/** The pattern that a term names; undefined for any other term. */
function patternOfTerm(term: string): string | undefined {
    const source = /^req\.repository\.matches\("([^"\\]*)"\)$/.exec(term)?.[1];
    const name = /^req\.repository == "([^"\\]*)"$/.exec(term)?.[1];
    const pattern = source === undefined ? name : patternOfSource(source);
    return pattern !== undefined && patternMistake(pattern) === undefined ? pattern : undefined;
}

const tagSourceOf = (term: string): string | undefined => /^req\.tag\.matches\("([^"\\]*)"\)$/.exec(term)?.[1];

/** Whether nothing meets it. */
export const isNever = ({ repositories, tags, movable = [] }: Limit): boolean =>
    repositories.length + tags.length + movable.length === 0;

/** What is known of a request: `reference` is a tag or a digest, empty where it has none, undefined where any may be. */
export interface Asked {
    repository: string;
    reference?: string;
}

/** Whether a request meets a limit; where any reference may be, whether one may. */
export function meets({ repositories, tags, movable = [] }: Limit, { repository, reference }: Asked): boolean {
    const isIn = (pattern: string) => matchesPattern(pattern, repository);
    const isOf = (forms: readonly string[]) =>
        forms.length > 0 && (reference === undefined || !isTag(reference) || hasTagForm(forms, reference));
    return repositories.some(isIn) || isOf(tags) || movable.some((own) => isIn(own.pattern) && isOf(own.tags));
}

/** Whether zot takes a reference for a tag: it tells a digest by its colon. */
export const isTag = (reference: string): boolean => reference !== "" && !reference.includes(":");
