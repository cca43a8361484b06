/**
 * What a change of policy gives and takes, in words: who gains or loses which action on which repositories. Pure.
 *
 * Rights are compared where they apply. A new rule that gives the same as the one beside it is no change. A rule that
 * takes the place of a more general one is compared with that one. If patterns are hard to compare, the change is
 * reported rather than left out.
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
import { patternsOf, type Region, regionsOf } from "./accessRegions";
import { someRepository } from "./settings/patternSearch";
import { covers, literalPrefix, matchesPattern, mayOverlap } from "./settings/patterns";

export interface AccessChange {
    /** Who, as the access matrix names them: `anonymous`, `group admins`, … */
    who: string;
    kind: Kind;
    /** The actions, or the part of an action: `create of tags like v1.4.2-f3c9a11`, or `… that are not like …`. */
    actions: string[];
    /** The repositories: those that match any item. An item of two patterns means the repositories that match both. */
    repositories: string[][];
    /** Exceptions: repositories that match, but for which another rule decides. */
    except: string[][];
    /**
     * True if the action was possible before and still is, and only a condition of the request was added or dropped.
     */
    condition?: boolean;
}

const KINDS = ["gains", "loses"] as const;
type Kind = (typeof KINDS)[number];

/** Whether someone may do more than before. */
export const isWidening = (change: AccessChange): boolean => change.kind === "gains";

/** What one row of the matrix may do in a region. */
interface RegionRights {
    region: Region;
    before: readonly Right[];
    after: readonly Right[];
}

/** The changes from one matrix to the other: what widens first, and among that first what anyone gains. */
export function accessChanges(before: AccessMatrix, after: AccessMatrix): AccessChange[] {
    const regions = regionsOf(Object.keys(before), Object.keys(after));
    const rightsOf = (who: string): RegionRights[] =>
        regions.map((region) => ({
            region,
            before: rightsIn(before, region.before, who),
            after: rightsIn(after, region.after, who),
        }));
    const everyone = rightsOf(LOGGED_IN_ROW);
    const changes = changedRows(before, after, regions).flatMap((who) => {
        // A gain of everyone who is logged in is reported once, not again for each group.
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
 * Whether some repository of a region has a right in one matrix that it lacks in the other. The keys of one rule add
 * up, so another key may give what the region's own key lacks. Says yes if there are too many combinations to decide.
 */
function changesSomewhere(region: Region, right: Right, who: string, from: AccessMatrix, to: AccessMatrix): boolean {
    const meets = (key: string) =>
        patternsOfKey(key).every((pattern) => region.name.every((other) => mayOverlap(pattern, other)));
    const [before, after] = [from, to].map((matrix) => Object.keys(matrix).filter(meets)) as [string[], string[]];
    // Without parts nothing adds up: one rule decides for each repository.
    if (![...before, ...after].some((key) => patternsOfKey(key).length > 1)) return true;
    const patterns = [...new Set([...region.name, ...patternsOf(...before, ...after)])];
    const rightsAt = (matrix: AccessMatrix, keys: string[], matches: (pattern: string) => boolean): Right[][] => {
        const there = keys.filter((key) => patternsOfKey(key).every(matches));
        const longest = Math.max(...there.map((key) => patternsOfKey(key)[0].length));
        const rules = new Set(there.map((key) => patternsOfKey(key)[0]).filter(({ length }) => length === longest));
        // zot picks one of two rules of equal length by chance, so both are tried.
        const given = [...rules].map((rule) =>
            there.filter((key) => patternsOfKey(key)[0] === rule).flatMap((key) => rightsIn(matrix, key, who)),
        );
        return given.length > 0 ? given : [[]];
    };
    const isThere = (matches: (pattern: string) => boolean) =>
        region.name.every(matches) &&
        rightsAt(from, before, matches).some((rights) => !includesRight(rights, right)) &&
        rightsAt(to, after, matches).some((rights) => includesRight(rights, right));
    // A few obvious names are tried before the full search.
    const isExample = (name: string) => isThere((pattern) => matchesPattern(pattern, name));
    return region.name.flatMap(examplesOf).some(isExample) || someRepository(patterns, isThere) !== false;
}

/** A few names that match a pattern. */
const examplesOf = (pattern: string): string[] =>
    ["x", "x/y", ""].map((some) =>
        pattern
            .replaceAll("**", some)
            .replaceAll("*", "x")
            .replaceAll("?", "x")
            .replace(/^\/|\/$/g, "")
            .replaceAll("//", "/"),
    );

/** What one row of the matrix gains or loses, except for what was already `said` of another row in the same regions. */
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

/** Whether a right exists on one side of a region and not on the other. */
function hasChanged({ before, after }: RegionRights, right: Right, kind: Kind): boolean {
    const [from, to] = kind === "gains" ? [before, after] : [after, before];
    return to.includes(right) && !includesRight(from, right);
}

/** A changed right in words. If a limited form of the action stays, it is named as the exception. */
function rightInWords({ before, after }: RegionRights, right: Right, kind: Kind): string {
    const stays = (kind === "gains" ? before : after).filter((other) => actionOf(other) === right);
    if (stays.length === 0) return right;
    const like = stays.map((other) => other.slice(`${right} of tags `.length));
    return `${right} of tags that are not ${like.join(" or ")}`;
}

/**
 * Whether a region ends up differently from those for which the change is reported: without what is gained, or with
 * what is lost.
 */
const differs = ({ after }: RegionRights, right: Right, kind: Kind): boolean =>
    includesRight(after, right) !== (kind === "gains");

/** Whether part of a region lies within another region that has a single pattern, and is not that pattern itself. */
const isInside = (name: string[], [outer, ...others]: string[]): boolean =>
    others.length === 0 && name.some((pattern) => pattern !== outer && covers(outer!, pattern));

/**
 * The changes between two policies, including conditions of grants: a dropped condition widens. Does not see that one
 * condition was replaced by another.
 */
export function policyChanges(before: AccessPolicy, after: AccessPolicy): AccessChange[] {
    const possible = accessChanges(accessMatrix(before), accessMatrix(after));
    if (isCertainWhole(before) && isCertainWhole(after)) return possible;
    const said = new Set(possible.map(changeKey));
    const certain = accessChanges(accessMatrix(withoutConditional(before)), accessMatrix(withoutConditional(after)));
    return inOrder([
        ...possible,
        ...certain.filter((change) => !said.has(changeKey(change))).map((change) => ({ ...change, condition: true })),
    ]);
}

/** The same key for changes that say the same. */
const changeKey = ({ who, kind, actions, repositories }: AccessChange) =>
    JSON.stringify([who, kind, actions, repositories]);

function withoutConditional({ rules, everywhere }: AccessPolicy): AccessPolicy {
    return {
        rules: rules.map((rule) => ({ ...rule, grants: rule.grants.filter(isCertain) })),
        everywhere: everywhere.filter(isCertain),
    };
}

const isCertainWhole = ({ rules, everywhere }: AccessPolicy): boolean =>
    [...rules.flatMap(({ grants }) => grants), ...everywhere].every(isCertain);

/** Whether all conditions of a grant are limits that this program understands; those are compared by meaning. */
const isCertain = (grant: Grant): boolean => limitsOfGrant(grant) !== undefined;

function rowsOf(...matrices: AccessMatrix[]): string[] {
    const rows = new Set([ANONYMOUS_ROW, LOGGED_IN_ROW]);
    for (const matrix of matrices)
        for (const rights of Object.values(matrix)) Object.keys(rights).forEach((row) => rows.add(row));
    return [...rows];
}

/** The rows whose rights differ in some region: of many groups, a change is mostly of one. */
function changedRows(before: AccessMatrix, after: AccessMatrix, regions: readonly Region[]): string[] {
    const differsIn = (region: Region, who: string) =>
        rightsIn(before, region.before, who).join() !== rightsIn(after, region.after, who).join();
    const rows = rowsOf(before, after);
    // A group without a row in a region changes there together with everyone.
    if (regions.some((region) => differsIn(region, LOGGED_IN_ROW))) return rows;
    const rowsAt = (matrix: AccessMatrix, key: string | undefined) => Object.keys((key && matrix[key]) || {});
    const namedIn = (region: Region) => [...rowsAt(before, region.before), ...rowsAt(after, region.after)];
    const changed = new Set(regions.flatMap((region) => namedIn(region).filter((who) => differsIn(region, who))));
    return rows.filter((who) => changed.has(who));
}

/** The rights of a row. A group or user without a row under the pattern has the rights of anyone who is logged in. */
function rightsIn(matrix: AccessMatrix, pattern: string | undefined, who: string): readonly Right[] {
    const rights = pattern === undefined || !Object.hasOwn(matrix, pattern) ? {} : matrix[pattern]!;
    return Object.hasOwn(rights, who) ? rights[who]! : who === ANONYMOUS_ROW ? [] : (rights[LOGGED_IN_ROW] ?? []);
}

/** Rights that change in the same places, with their names in words. */
interface ChangedTogether {
    rights: Right[];
    actions: string[];
    regions: RegionRights[];
}

/** Puts together rights that change in the same places. */
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

/** The names, general ones first, without those that lie within another one. */
function withoutCovered(names: string[][]): string[][] {
    const unique = [...new Map(names.map((name) => [JSON.stringify(name), name])).values()];
    const within = (inner: string[], outer: string[]) =>
        inner !== outer && outer.length === 1 && inner.some((pattern) => covers(outer[0]!, pattern));
    // Of two patterns that cover each other, the first stays.
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

/** The names of the tiers' groups. */
export interface TierNames {
    workloadsGroup: string;
    adminsGroup: string;
    /** Names of CI's further identities, by their group. Default: there are none. */
    workloads?: Readonly<Record<string, string>>;
}

/** Who a row of the matrix is, in words. */
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

/** The words for a change of nothing but a condition. */
const BY_CONDITION: Record<Kind, string> = {
    gains: ", which depended on a condition of the request before",
    loses: ", which depends on a condition of the request from now on",
};

/**
 * What is lost, as a sentence without its full stop: "the user `jenkins` may no longer update and delete on `team/**`".
 *
 * @param members the members of groups, as far as they are known; they are named with the group
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
