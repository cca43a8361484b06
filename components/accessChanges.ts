/**
 * What a change of policy gives and takes, in words: who gains or loses which action on which repositories. Pure.
 *
 * Rights are compared where they apply. A rule that is added beside another and gives the same is no change, and a rule
 * that takes the place of a more general one is compared with that one. Where patterns are hard to compare, a change is
 * named rather than left out.
 */
import {
    type AccessMatrix,
    type AccessPolicy,
    ANONYMOUS_ROW,
    accessMatrix,
    actionOf,
    type Grant,
    includesRight,
    LOGGED_IN_ROW,
    limitsOfGrant,
    patternsOfKey,
    type Right,
    sortedRights,
} from "./accessPolicy";
import { someRepository } from "./settings/patternSearch";
import { covers, literalPrefix, matchesPattern, mayOverlap } from "./settings/patterns";

export interface AccessChange {
    /** Who, as the access matrix names them: `anonymous`, `group admins`, … */
    who: string;
    kind: Kind;
    /** Actions, or what is gained or lost of one: `create of tags like v1.4.2-f3c9a11`, or `… that are not like …`. */
    actions: string[];
    /** The repositories: those that match any item; an item of two patterns stands for those that match both. */
    repositories: string[][];
    /** What is not part of it, although it matches: a rule of its own decides there. */
    except: string[][];
    /**
     * True where the action was and is possible, and what changes is whether that hangs on a condition of the request.
     */
    condition?: boolean;
}

const KINDS = ["gains", "loses"] as const;
type Kind = (typeof KINDS)[number];

/** Whether someone may do more than before. */
export const isWidening = (change: AccessChange): boolean => change.kind === "gains";

/** Repositories to which one rule applied before, and one applies after; without a rule nobody has a right. */
interface Region {
    /** Keys of the matrix. */
    before: string | undefined;
    after: string | undefined;
    /** One pattern, or several of which none holds another. */
    name: string[];
}

/** What one row of the matrix may do in a region. */
interface RegionRights {
    region: Region;
    before: readonly Right[];
    after: readonly Right[];
}

/** What changes from one matrix to the other; what widens comes first, and first of that what anyone gains. */
export function accessChanges(before: AccessMatrix, after: AccessMatrix): AccessChange[] {
    const regions = regionsOf(Object.keys(before), Object.keys(after));
    const rightsOf = (who: string): RegionRights[] =>
        regions.map((region) => ({
            region,
            before: rightsIn(before, region.before, who),
            after: rightsIn(after, region.after, who),
        }));
    const everyone = rightsOf(LOGGED_IN_ROW);
    const changes = rowsOf(before, after).flatMap((who) => {
        // What everyone who is logged in gains is said once.
        const saidOfEveryone = who === ANONYMOUS_ROW || who === LOGGED_IN_ROW ? [] : everyone;
        const rights = rightsOf(who);
        const isReal: IsReal = (region, right, kind) => {
            const [from, to] = kind === "gains" ? [before, after] : [after, before];
            return changesSomewhere(region, right, who, from, to);
        };
        return KINDS.flatMap((kind) => changesOfRow(who, kind, rights, saidOfEveryone, isReal));
    });
    return inOrder(changes);
}

type IsReal = (region: Region, right: Right, kind: Kind) => boolean;

/**
 * Whether some repository of a region has a right by the one matrix that it lacks by the other: keys of one rule add
 * up, and what a region's own key lacks another one may give. Where that is too much to tell, yes.
 */
function changesSomewhere(region: Region, right: Right, who: string, from: AccessMatrix, to: AccessMatrix): boolean {
    const meets = (key: string) =>
        patternsOfKey(key).every((pattern) => region.name.every((other) => mayOverlap(pattern, other)));
    const [before, after] = [from, to].map((matrix) => Object.keys(matrix).filter(meets)) as [string[], string[]];
    // Whole rules do not add up: there is one for each repository.
    if (![...before, ...after].some((key) => patternsOfKey(key).length > 1)) return true;
    const patterns = [...new Set([...region.name, ...patternsOf(...before, ...after)])];
    const rightsAt = (matrix: AccessMatrix, keys: string[], matches: (pattern: string) => boolean): Right[][] => {
        const there = keys.filter((key) => patternsOfKey(key).every(matches));
        const longest = Math.max(...there.map((key) => patternsOfKey(key)[0].length));
        const rules = new Set(there.map((key) => patternsOfKey(key)[0]).filter(({ length }) => length === longest));
        // Of two rules of one length, which zot takes by chance, each is looked at.
        const given = [...rules].map((rule) =>
            there.filter((key) => patternsOfKey(key)[0] === rule).flatMap((key) => rightsIn(matrix, key, who)),
        );
        return given.length > 0 ? given : [[]];
    };
    const isThere = (matches: (pattern: string) => boolean) =>
        region.name.every(matches) &&
        rightsAt(from, before, matches).some((rights) => !includesRight(rights, right)) &&
        rightsAt(to, after, matches).some((rights) => includesRight(rights, right));
    // What comes to mind is tried before all that there is.
    const isExample = (name: string) => isThere((pattern) => matchesPattern(pattern, name));
    return region.name.flatMap(examplesOf).some(isExample) || someRepository(patterns, isThere) !== false;
}

/** Names that match a pattern. */
const examplesOf = (pattern: string): string[] =>
    ["x", "x/y", ""].map((some) =>
        pattern
            .replaceAll("**", some)
            .replaceAll("*", "x")
            .replaceAll("?", "x")
            .replace(/^\/|\/$/g, "")
            .replaceAll("//", "/"),
    );

/** What one row of the matrix gains or loses, but for what is `said` of another row in the same regions. */
function changesOfRow(
    who: string,
    kind: Kind,
    rights: RegionRights[],
    said: RegionRights[],
    isReal: IsReal,
): AccessChange[] {
    const isNew = (right: Right, index: number) =>
        hasChanged(rights[index]!, right, kind) &&
        !(said[index] && hasChanged(said[index], right, kind)) &&
        isReal(rights[index]!.region, right, kind);
    const present = sortedRights([...new Set(rights.flatMap(({ before, after }) => [...before, ...after]))], true);
    const regionsByAction = present.flatMap((right) => {
        const regions = rights.filter((_, index) => isNew(right, index));
        const words = [...new Set(regions.map((region) => rightInWords(region, right, kind)))];
        return words.map((action) => ({
            right,
            action,
            regions: regions.filter((region) => rightInWords(region, right, kind) === action),
        }));
    });

    return bySameRegions(regionsByAction).map(({ rights: changed, actions, regions }): AccessChange => {
        const repositories = withoutCovered(regions.map(({ region }) => region.name));
        const exceptions = rights
            .filter((other) => !regions.includes(other) && changed.some((right) => differs(other, right, kind)))
            .map(({ region }) => region.name)
            .filter((name) => repositories.some((outer) => isInside(name, outer)));
        return { who, kind, actions, repositories, except: withoutCovered(exceptions) };
    });
}

/** Whether a right is there on the one side of a region and not on the other. */
function hasChanged({ before, after }: RegionRights, right: Right, kind: Kind): boolean {
    const [from, to] = kind === "gains" ? [before, after] : [after, before];
    return to.includes(right) && !includesRight(from, right);
}

/** A right that changes; an action of which a limited one stays is what that leaves out. */
function rightInWords({ before, after }: RegionRights, right: Right, kind: Kind): string {
    const stays = (kind === "gains" ? before : after).filter((other) => actionOf(other) === right);
    if (stays.length === 0) return right;
    const like = stays.map((other) => other.slice(`${right} of tags `.length));
    return `${right} of tags that are not ${like.join(" or ")}`;
}

/**
 * Whether a region ends otherwise than those of which the change is told: without what is gained, or with what is lost.
 */
const differs = ({ after }: RegionRights, right: Right, kind: Kind): boolean =>
    includesRight(after, right) !== (kind === "gains");

/** Whether some of a region lies within another one that has a single pattern, and is not that. */
const isInside = (name: string[], [outer, ...others]: string[]): boolean =>
    others.length === 0 && name.some((pattern) => pattern !== outer && covers(outer!, pattern));

/**
 * The same for policies, conditions of grants included: one that is dropped widens. That a condition itself is another
 * one is not seen here.
 */
export function policyChanges(before: AccessPolicy, after: AccessPolicy): AccessChange[] {
    const possible = accessChanges(accessMatrix(before), accessMatrix(after));
    const said = new Set(possible.map(changeKey));
    const certain = accessChanges(accessMatrix(withoutConditional(before)), accessMatrix(withoutConditional(after)));
    return inOrder([
        ...possible,
        ...certain.filter((change) => !said.has(changeKey(change))).map((change) => ({ ...change, condition: true })),
    ]);
}

/** The same for changes that say the same. */
const changeKey = ({ who, kind, actions, repositories }: AccessChange) =>
    JSON.stringify([who, kind, actions, repositories]);

function withoutConditional({ rules, everywhere }: AccessPolicy): AccessPolicy {
    return {
        rules: rules.map((rule) => ({ ...rule, grants: rule.grants.filter(isCertain) })),
        everywhere: everywhere.filter(isCertain),
    };
}

/** Limits are compared by what they say. */
const isCertain = (grant: Grant): boolean => limitsOfGrant(grant) !== undefined;

/** Every pair of rules that may decide for one repository, before and after. */
function regionsOf(before: string[], after: string[]): Region[] {
    const regions: Region[] = [];
    for (const first of [...before, undefined]) {
        for (const second of [...after, undefined]) {
            if (first === undefined && second === undefined) continue;
            if (isPossible(first, second, before, after))
                regions.push({ before: first, after: second, name: nameOf(first, second) });
        }
    }
    return regions;
}

function isPossible(first: string | undefined, second: string | undefined, before: string[], after: string[]): boolean {
    const all = patternsOf(first, second);
    if (all.some((one, index) => all.slice(0, index).some((other) => !mayOverlap(one, other)))) return false;
    return !isHidden(first, second, before) && !isHidden(second, first, after);
}

/** The patterns that a repository has to match for these keys to decide for it. */
const patternsOf = (...keys: (string | undefined)[]): string[] =>
    keys.flatMap((key) => (key === undefined ? [] : patternsOfKey(key)));

/** Whether another key of the same matrix decides, wherever this one and that of the other matrix meet. */
function isHidden(chosen: string | undefined, other: string | undefined, keys: string[]): boolean {
    const narrower = patternsOf(chosen, other);
    const holdsAll = (pattern: string) => narrower.some((inner) => covers(pattern, inner));
    const [rule, ...part] = chosen === undefined ? [] : patternsOfKey(chosen);
    const [otherRule, ...otherPart] = other === undefined ? [] : patternsOfKey(other);
    return keys.some((key) => {
        const [pattern, ...ownPart] = patternsOfKey(key);
        if (pattern === rule) {
            // A part's repositories are not the whole rule's, nor those of a wider part. Where two parts meet that do
            // not hold each other, each is compared with itself.
            if (ownPart.length === 0 || isSame(ownPart, part) || isWithin(part, ownPart)) return false;
            return isSame(ownPart, otherPart) || (isWithin(ownPart, part) && ownPart.every(holdsAll));
        }
        // zot takes the longest. Of two of one length, which zot takes by chance, each is compared with itself.
        const wins =
            rule === undefined ||
            pattern.length > rule.length ||
            (pattern === otherRule && pattern.length === rule.length);
        return wins && holdsAll(pattern);
    });
}

const isSame = (part: string[], other: string[]): boolean => part.join() === other.join();

/** Whether what matches all of one part's patterns matches another's; the whole rule holds every part. */
const isWithin = (inner: string[], outer: string[]): boolean =>
    outer.every((wider) => inner.some((pattern) => covers(wider, pattern)));

/** What the repositories of both are called: without patterns that hold another one. */
function nameOf(first: string | undefined, second: string | undefined): string[] {
    const all = [...new Set(patternsOf(first, second))];
    const isWider = (pattern: string, index: number) =>
        all.some(
            (other, position) =>
                other !== pattern && covers(pattern, other) && (!covers(other, pattern) || position > index),
        );
    return all.filter((pattern, index) => !isWider(pattern, index)).sort();
}

function rowsOf(...matrices: AccessMatrix[]): string[] {
    const rows = new Set([ANONYMOUS_ROW, LOGGED_IN_ROW]);
    for (const matrix of matrices)
        for (const rights of Object.values(matrix)) Object.keys(rights).forEach((row) => rows.add(row));
    return [...rows];
}

/** A group or user that the policy does not name has what anyone has who is logged in. */
function rightsIn(matrix: AccessMatrix, pattern: string | undefined, who: string): readonly Right[] {
    const rights = pattern === undefined || !Object.hasOwn(matrix, pattern) ? {} : matrix[pattern]!;
    return Object.hasOwn(rights, who) ? rights[who]! : who === ANONYMOUS_ROW ? [] : (rights[LOGGED_IN_ROW] ?? []);
}

/** Rights that change in the same places, and how they are called there. */
interface ChangedTogether {
    rights: Right[];
    actions: string[];
    regions: RegionRights[];
}

/** Rights that change in the same places are told together. */
function bySameRegions(items: { right: Right; action: string; regions: RegionRights[] }[]): ChangedTogether[] {
    const groups = new Map<string, ChangedTogether>();
    for (const { right, action, regions } of items) {
        const key = JSON.stringify(regions.map(({ region }) => region));
        const group = groups.get(key) ?? { rights: [], actions: [], regions };
        group.rights.push(right);
        group.actions.push(action);
        groups.set(key, group);
    }
    return [...groups.values()];
}

/** Names without those that lie within another one; general ones first. */
function withoutCovered(names: string[][]): string[][] {
    const unique = [...new Map(names.map((name) => [JSON.stringify(name), name])).values()];
    const within = (inner: string[], outer: string[]) =>
        inner !== outer && outer.length === 1 && inner.some((pattern) => covers(outer[0]!, pattern));
    // Two patterns that hold each other are the same; the first stays.
    const kept = unique.filter(
        (name, index) =>
            !unique.some((other, position) => within(name, other) && (!within(other, name) || position < index)),
    );
    return kept.sort(
        (left, right) =>
            literalPrefix(left[0]!).length - literalPrefix(right[0]!).length || (left.join() < right.join() ? -1 : 1),
    );
}

function inOrder(changes: AccessChange[]): AccessChange[] {
    const rank = ({ who, kind }: AccessChange) =>
        (kind === "gains" ? 0 : 10) + (who === ANONYMOUS_ROW ? 0 : who === LOGGED_IN_ROW ? 1 : 2);
    return [...changes].sort((left, right) => rank(left) - rank(right));
}

/** What the tiers' groups are called. */
export interface TierNames {
    workloadsGroup: string;
    adminsGroup: string;
    /** Names of CI's further identities, by their group. Default: there are none. */
    workloads?: Readonly<Record<string, string>>;
}

/** Who, in words: a row of the matrix. */
export function whoInWords(who: string, tiers?: TierNames): string {
    if (who === ANONYMOUS_ROW) return "anyone without a login";
    if (who === LOGGED_IN_ROW) return "anyone who is logged in";
    const [, kind, name] = /^(group|user) ([\s\S]*)$/.exec(who) ?? [];
    if (kind === undefined || name === undefined) return who;
    if (kind === "user") return `the user ${quoted(name)}`;
    if (name === tiers?.workloadsGroup) return `CI (group ${quoted(name)})`;
    if (tiers?.workloads && Object.hasOwn(tiers.workloads, name))
        return `CI identity ${tiers.workloads[name]} (group ${quoted(name)})`;
    if (name === tiers?.adminsGroup) return `admins (group ${quoted(name)})`;
    return `the group ${quoted(name)}`;
}

/** What a change of a condition alone comes to. */
const BY_CONDITION: Record<Kind, string> = {
    gains: ", which hung on a condition of the request before",
    loses: ", which hangs on a condition of the request from now on",
};

/**
 * What is lost, as a sentence without its full stop: "the user `jenkins` may no longer update and delete on `team/**`".
 *
 * @param members who is in a group, where that is known; they are named with it
 */
export function lossInWords(change: AccessChange, members: Readonly<Record<string, readonly string[]>> = {}): string {
    const { who, actions, repositories, except, condition } = change;
    const group = /^group ([\s\S]*)$/.exec(who)?.[1];
    const those = group !== undefined && Object.hasOwn(members, group) ? members[group]! : [];
    const named = those.length > 0 ? ` (${those.map(quoted).join(", ")})` : "";
    const exceptions = except.length > 0 ? `, except ${patternsInWords(except)}` : "";
    return (
        `${whoInWords(who)}${named} may no longer ${inList(actions)} on ${patternsInWords(repositories)}${exceptions}` +
        (condition ? BY_CONDITION.loses : "")
    );
}

/** One change as a sentence without its full stop: "CI (group `artifact-workloads`) gains create on `tools/**`". */
export function changeInWords(change: AccessChange, tiers?: TierNames): string {
    const { who, kind, actions, repositories, except, condition } = change;
    const isPlural = who === `group ${tiers?.adminsGroup}`;
    const verb = isPlural ? kind.replace(/s$/, "") : kind;
    const exceptions = except.length > 0 ? `, except ${patternsInWords(except)}` : "";
    const why = condition ? BY_CONDITION[kind] : "";
    return `${whoInWords(who, tiers)} ${verb} ${inList(actions)} on ${patternsInWords(repositories)}${exceptions}${why}`;
}

const patternsInWords = (names: string[][]) => inList(names.map((name) => name.map(quoted).join(" where it is also ")));

function inList(items: readonly string[]): string {
    return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** In backticks, which patterns cannot hold; a group may be called anything. */
function quoted(name: string): string {
    return `\`${name.replace(/[`\r\n]/g, "'")}\``;
}
