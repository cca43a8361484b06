/**
 * What a change of policy gives and takes, in words: who gains or loses which action on which repositories. Pure.
 *
 * Rights are compared where they apply. A rule that is added beside another and gives the same is no change, and a rule
 * that takes the place of a more general one is compared with that one. Where patterns are hard to compare, a change is
 * named rather than left out.
 */
import {
    ACTIONS,
    type AccessMatrix,
    type AccessPolicy,
    type Action,
    ANONYMOUS_ROW,
    accessMatrix,
    LOGGED_IN_ROW,
} from "./accessPolicy";
import { covers, literalPrefix, mayOverlap } from "./settings/patterns";

export interface AccessChange {
    /** Who, as the access matrix names them: `anonymous`, `group admins`, … */
    who: string;
    kind: Kind;
    actions: Action[];
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
    before: string | undefined;
    after: string | undefined;
    /** One pattern, or two of which neither holds the other. */
    name: string[];
}

/** What one row of the matrix may do in a region. */
interface RegionRights {
    region: Region;
    before: readonly Action[];
    after: readonly Action[];
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
        return KINDS.flatMap((kind) => changesOfRow(who, kind, rights, saidOfEveryone));
    });
    return inOrder(changes);
}

/** What one row of the matrix gains or loses, but for what is `said` of another row in the same regions. */
function changesOfRow(who: string, kind: Kind, rights: RegionRights[], said: RegionRights[]): AccessChange[] {
    const isNew = (action: Action, index: number) =>
        hasChanged(rights[index]!, action, kind) && !(said[index] && hasChanged(said[index], action, kind));
    const regionsByAction = ACTIONS.map((action) => ({
        action,
        regions: rights.filter((_, index) => isNew(action, index)),
    })).filter(({ regions }) => regions.length > 0);

    return bySameRegions(regionsByAction).map(({ actions, regions }): AccessChange => {
        const repositories = withoutCovered(regions.map(({ region }) => region.name));
        const exceptions = rights
            .filter((other) => !regions.includes(other) && actions.some((action) => differs(other, action, kind)))
            .map(({ region }) => region.name)
            .filter((name) => repositories.some((outer) => isInside(name, outer)));
        return { who, kind, actions, repositories, except: withoutCovered(exceptions) };
    });
}

/** Whether an action is there on the one side of a region and not on the other. */
function hasChanged({ before, after }: RegionRights, action: Action, kind: Kind): boolean {
    const [from, to] = kind === "gains" ? [before, after] : [after, before];
    return to.includes(action) && !from.includes(action);
}

/**
 * Whether a region ends otherwise than those of which the change is told: without what is gained, or with what is lost.
 */
const differs = ({ after }: RegionRights, action: Action, kind: Kind): boolean =>
    after.includes(action) !== (kind === "gains");

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
        rules: rules.map((rule) => ({ ...rule, grants: rule.grants.filter((grant) => !grant.conditional) })),
        everywhere: everywhere.filter((grant) => !grant.conditional),
    };
}

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
    const both = [first, second].filter((pattern) => pattern !== undefined);
    const isHidden = (chosen: string | undefined, other: string | undefined, patterns: string[]) =>
        patterns.some(
            (pattern) =>
                pattern !== chosen &&
                // zot takes the longest. Of two of one length, which zot takes by chance, each is compared with itself.
                (chosen === undefined ||
                    pattern.length > chosen.length ||
                    (pattern === other && pattern.length === chosen.length)) &&
                both.some((narrower) => covers(pattern, narrower)),
        );
    if (first !== undefined && second !== undefined && !mayOverlap(first, second)) return false;
    return !isHidden(first, second, before) && !isHidden(second, first, after);
}

function nameOf(first: string | undefined, second: string | undefined): string[] {
    if (first === undefined || second === undefined) return [(first ?? second)!];
    if (covers(first, second)) return [second];
    if (covers(second, first)) return [first];
    return [first, second].sort();
}

function rowsOf(...matrices: AccessMatrix[]): string[] {
    const rows = new Set([ANONYMOUS_ROW, LOGGED_IN_ROW]);
    for (const matrix of matrices)
        for (const rights of Object.values(matrix)) Object.keys(rights).forEach((row) => rows.add(row));
    return [...rows];
}

/** A group or user that the policy does not name has what anyone has who is logged in. */
function rightsIn(matrix: AccessMatrix, pattern: string | undefined, who: string): readonly Action[] {
    const rights = pattern === undefined || !Object.hasOwn(matrix, pattern) ? {} : matrix[pattern]!;
    return Object.hasOwn(rights, who) ? rights[who]! : who === ANONYMOUS_ROW ? [] : (rights[LOGGED_IN_ROW] ?? []);
}

/** Actions that change in the same places are told together. */
function bySameRegions(
    items: { action: Action; regions: RegionRights[] }[],
): { actions: Action[]; regions: RegionRights[] }[] {
    const groups = new Map<string, { actions: Action[]; regions: RegionRights[] }>();
    for (const { action, regions } of items) {
        const key = JSON.stringify(regions.map(({ region }) => region));
        const group = groups.get(key);
        if (group) group.actions.push(action);
        else groups.set(key, { actions: [action], regions });
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
    return changes
        .map((change, index) => ({ change, index }))
        .sort((left, right) => rank(left.change) - rank(right.change) || left.index - right.index)
        .map(({ change }) => change);
}

/** What the tiers' groups are called. */
export interface TierNames {
    workloadsGroup: string;
    adminsGroup: string;
}

/** Who, in words: a row of the matrix. */
export function whoInWords(who: string, tiers?: TierNames): string {
    if (who === ANONYMOUS_ROW) return "anyone without a login";
    if (who === LOGGED_IN_ROW) return "anyone who is logged in";
    const [, kind, name] = /^(group|user) ([\s\S]*)$/.exec(who) ?? [];
    if (kind === undefined || name === undefined) return who;
    if (kind === "user") return `the user ${quoted(name)}`;
    if (name === tiers?.workloadsGroup) return `CI (group ${quoted(name)})`;
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
