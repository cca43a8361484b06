/** The three tiers, and the site's own rules, as a policy. Pure. */
import { ACTIONS, type AccessPolicy, type Action, type Grant, type RepositoryRule } from "./accessPolicy";
import { limitExpression, type Movable } from "./conditions/limits";
import { ciMayNotDelete, isNotOfScheme, mirrorsUpstream, notPushable, onlyAdminsDelete, tagExists } from "./refusals";
import type { PolicySettings } from "./settings";
import { covers, mayOverlap, mayPrevail } from "./settings/patterns";

const sorted = (actions: Iterable<Action>): Action[] => {
    const set = new Set(actions);
    return ACTIONS.filter((action) => set.has(action));
};

/** The three tiers, and the site's own rules, as a policy. */
export function tieredPolicy(settings: PolicySettings): AccessPolicy {
    const { access, identity, zot } = settings;
    const adminActions: Action[] = access.adminsMayUpdate
        ? ["read", "create", "update", "delete"]
        : ["read", "create", "delete"];
    const rule = (
        pattern: string,
        ci: Action[],
        more: { admins?: Action[]; groups?: Record<string, Action[]> } = {},
    ): RepositoryRule => {
        const admins = more.admins ?? adminActions;
        const groups = Object.entries(more.groups ?? {});
        return {
            pattern,
            anonymous: ["read"],
            loggedIn: ["read"],
            grants: [
                ...ciGrants(settings, pattern, ci),
                { users: [], groups: [identity.adminsGroup], actions: sorted(admins) },
                ...groups.map(([group, actions]) => ({ users: [], groups: [group], actions: sorted(actions) })),
                ...(access.explainRefusals ? refusals(settings, pattern, { ci, admins, groups }) : []),
            ],
        };
    };
    const caches = access.ciMayPushToMirrors ? [] : zot.mirrors.map((mirror) => `${mirror.prefix}/**`);
    const pushable = (pattern: string) =>
        access.ciRepositories.some((own) => covers(own, pattern)) &&
        !caches.some((cache) => mayPrevail(pattern, cache));

    const rules = new Map<string, RepositoryRule>();
    const add = (next: RepositoryRule) => rules.set(next.pattern, next);
    // A later rule for the same pattern takes the place of an earlier one.
    add(rule("**", ["read"]));
    for (const pattern of access.ciRepositories) add(rule(pattern, ["read", "create"]));
    for (const pattern of caches) add(rule(pattern, ["read"]));
    for (const [pattern, own] of Object.entries(access.rules))
        add(rule(pattern, own.ci ?? (pushable(pattern) ? ["read", "create"] : ["read"]), own));
    return { rules: [...rules.values()], everywhere: [] };
}

/** The channels that a rule may decide for: it has to say of each what holds there, since nothing is inherited. */
const channelsIn = ({ access }: PolicySettings, pattern: string): string[] =>
    access.channels.filter((channel) => mayOverlap(channel, pattern));

const isChannel = ({ access }: PolicySettings, pattern: string): boolean =>
    access.channels.some((channel) => covers(channel, pattern));

/** The same for tags that may move beside versions. */
const movableIn = ({ access }: PolicySettings, pattern: string): Movable[] =>
    Object.entries(access.movableTags)
        .filter(([own]) => mayOverlap(own, pattern))
        .map(([own, tags]) => ({ pattern: own, tags }));

/** What CI has by a rule in which it has these actions outside of channels, for any tag. */
function ciGrants(settings: PolicySettings, pattern: string, actions: Action[]): Grant[] {
    const { access, identity } = settings;
    const grant = (given: Action[], ...conditions: NonNullable<Grant["conditions"]>): Grant => ({
        users: [],
        groups: [identity.workloadsGroup],
        actions: sorted(given),
        ...(conditions.length > 0 ? { conditions } : {}),
    });
    if (!actions.includes("create")) return [grant(actions)];
    if (isChannel(settings, pattern)) return [grant([...actions, "update"])];
    const repositories = channelsIn(settings, pattern);
    const tags = access.tagScheme;
    const movable = movableIn(settings, pattern);
    const ofScheme = { expression: limitExpression({ repositories, tags, movable }), message: isNotOfScheme(access) };
    const whereTagsMove = {
        expression: limitExpression({ repositories, tags: [], movable }),
        message: tagExists(access),
    };
    return [
        // A condition goes for all actions of its grant.
        ...(tags.length === 0
            ? [grant(actions)]
            : [grant(actions.filter((action) => action !== "create")), grant(["create"], ofScheme)]),
        ...(repositories.length + movable.length > 0 ? [grant(["update"], whereTagsMove)] : []),
    ];
}

/** Grants that are never met, each for the sake of its message: what a rule refuses, and what to do instead. */
function refusals(
    settings: PolicySettings,
    pattern: string,
    { ci, admins, groups }: { ci: Action[]; admins: Action[]; groups: [string, Action[]][] },
): Grant[] {
    const { access, identity, zot } = settings;
    const mirror = zot.mirrors.find(({ prefix }) => covers(`${prefix}/**`, pattern));
    const closed = mirror && !access.ciMayPushToMirrors ? mirrorsUpstream(mirror.url) : undefined;
    const refusal = (group: string, actions: Action[], message: string): Grant[] => {
        const condition = { expression: limitExpression({ repositories: [], tags: [] }), message };
        return actions.length > 0
            ? [{ users: [], groups: [group], actions: sorted(actions), conditions: [condition] }]
            : [];
    };
    const isSaid = channelsIn(settings, pattern).length + movableIn(settings, pattern).length > 0;
    return [
        ...(ci.includes("create")
            ? refusal(identity.workloadsGroup, isSaid ? [] : ["update"], tagExists(access))
            : refusal(identity.workloadsGroup, ["create", "update"], closed ?? notPushable(access.ciRepositories))),
        ...refusal(identity.workloadsGroup, ["delete"], ciMayNotDelete()),
        ...refusal(identity.adminsGroup, admins.includes("update") ? [] : ["update"], tagExists(access, true)),
        ...groups.flatMap(([group, actions]) => [
            ...(actions.includes("create")
                ? refusal(group, ["update"], tagExists({ channels: [], movableTags: {} }))
                : refusal(group, ["create", "update"], closed ?? notPushable())),
            ...refusal(group, ["delete"], onlyAdminsDelete()),
        ]),
    ];
}
