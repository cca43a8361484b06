/** The three tiers, and the site's own rules, as a policy. Pure. */
import { ACTIONS, type AccessPolicy, type Action, type Grant, type RepositoryRule } from "./accessPolicy";
import { type Condition, limitExpression, type Movable } from "./conditions/limits";
import { ciMayNotDelete, isNotOfScheme, mirrorsUpstream, notPushable, onlyAdminsDelete, tagExists } from "./refusals";
import { type PolicySettings, type RepositoryRuleSetting, type Workload, workloadsOf } from "./settings";
import { covers, mayOverlap, mayPrevail } from "./settings/patterns";

const sorted = (actions: Iterable<Action>): Action[] => {
    const set = new Set(actions);
    return ACTIONS.filter((action) => set.has(action));
};

/** The three tiers, and the site's own rules, as a policy. */
export function tieredPolicy(settings: PolicySettings): AccessPolicy {
    const { access, identity, zot } = settings;
    const [first, ...others] = workloadsOf(settings);
    const adminActions: Action[] = access.adminsMayUpdate
        ? ["read", "create", "update", "delete"]
        : ["read", "create", "delete"];
    const rule = (pattern: string, ci: Action[], own: RepositoryRuleSetting = {}): RepositoryRule => {
        const admins = own.admins ?? adminActions;
        const groups = Object.entries(own.groups ?? {});
        // Every rule that may decide for one of its repositories lists the identity, because nothing is inherited.
        const workloads: InRule[] = [
            { workload: first, actions: ci, within: [] },
            ...others.map((workload) => ({ workload, ...partOf(workload, pattern, isOpen(pattern, own)) })),
        ];
        return {
            pattern,
            anonymous: ["read"],
            loggedIn: ["read"],
            grants: [
                ...workloads.flatMap((one) => ciGrants(one, pattern)),
                { users: [], groups: [identity.adminsGroup], actions: sorted(admins) },
                ...groups.map(([group, actions]) => ({ users: [], groups: [group], actions: sorted(actions) })),
                ...(access.explainRefusals ? refusals(settings, pattern, { workloads, admins, groups }) : []),
            ],
        };
    };
    const caches = access.ciMayPushToMirrors ? [] : zot.mirrors.map((mirror) => `${mirror.prefix}/**`);
    const pushable = (pattern: string) =>
        access.ciRepositories.some((own) => covers(own, pattern)) &&
        !caches.some((cache) => mayPrevail(pattern, cache));

    // What a rule of the site denies to CI, it denies to every identity of CI.
    const isOpen = (pattern: string, own: RepositoryRuleSetting) =>
        (own.ci?.includes("create") ?? true) && !caches.some((cache) => mayPrevail(pattern, cache));

    const rules = new Map<string, RepositoryRule>();
    const add = (next: RepositoryRule) => rules.set(next.pattern, next);
    // A later rule replaces an earlier one for the same pattern.
    add(rule("**", ["read"]));
    for (const pattern of access.ciRepositories) add(rule(pattern, ["read", "create"]));
    for (const pattern of caches) add(rule(pattern, ["read"]));
    for (const [pattern, own] of Object.entries(access.rules))
        add(rule(pattern, own.ci ?? (pushable(pattern) ? ["read", "create"] : ["read"]), own));
    return { rules: [...rules.values()], everywhere: [] };
}

/** What an identity of CI may do under a rule, for any tag and outside of channels. */
interface InRule {
    workload: Workload;
    actions: Action[];
    /** The patterns, within the rule, to which this is limited. Empty: all of the rule's repositories. */
    within: string[];
}

/** What one of `ci.workloads` may do under a rule, which is open to CI or not. */
function partOf({ repositories }: Workload, pattern: string, isOpen: boolean): Omit<InRule, "workload"> {
    const within = isOpen ? repositories.filter((own) => mayOverlap(own, pattern)) : [];
    return {
        actions: within.length > 0 ? ["read", "create"] : ["read"],
        within: within.some((own) => covers(own, pattern)) ? [] : within,
    };
}

/** The channels that a rule may decide for. The rule must list them, because nothing is inherited. */
const channelsIn = ({ channels }: Workload, pattern: string): string[] =>
    channels.filter((channel) => mayOverlap(channel, pattern));

const isChannel = ({ channels }: Workload, pattern: string): boolean =>
    channels.some((channel) => covers(channel, pattern));

/** The same for tags that may move beside versions (`access.movableTags`). */
const movableIn = ({ movableTags }: Workload, pattern: string): Movable[] =>
    Object.entries(movableTags)
        .filter(([own]) => mayOverlap(own, pattern))
        .map(([own, tags]) => ({ pattern: own, tags: [...tags] }));

/** The condition that the repository matches one of these patterns, which the identity may push to. */
const isWithin = ({ workload, within }: InRule): Condition[] =>
    within.length === 0
        ? []
        : [
              {
                  expression: limitExpression({ repositories: within, tags: [] }),
                  message: notPushable(workload.repositories),
              },
          ];

/** The grants of an identity of CI under a rule. */
function ciGrants(inRule: InRule, pattern: string): Grant[] {
    const { workload, actions } = inRule;
    const grant = (given: Action[], ...conditions: Condition[]): Grant => ({
        users: [],
        groups: [workload.group],
        actions: sorted(given),
        ...(conditions.length > 0 ? { conditions } : {}),
    });
    if (!actions.includes("create")) return [grant(actions)];
    const within = isWithin(inRule);
    // A condition applies to all actions of its grant, so actions without it need a grant of their own.
    const without = within.length > 0 ? [grant(actions.filter((action) => action !== "create"))] : [];
    const some = within.length > 0 ? actions.filter((action) => action === "create") : actions;
    if (isChannel(workload, pattern)) return [...without, grant([...some, "update"], ...within)];
    const repositories = channelsIn(workload, pattern);
    const tags = [...workload.tagScheme];
    const movable = movableIn(workload, pattern);
    const ofScheme = { expression: limitExpression({ repositories, tags, movable }), message: isNotOfScheme(workload) };
    const whereTagsMove = {
        expression: limitExpression({ repositories, tags: [], movable }),
        message: tagExists(workload),
    };
    return [
        ...without,
        ...(tags.length === 0
            ? [grant(some, ...within)]
            : [
                  ...(within.length > 0 ? [] : [grant(some.filter((action) => action !== "create"))]),
                  grant(["create"], ...within, ofScheme),
              ]),
        ...(repositories.length + movable.length > 0 ? [grant(["update"], ...within, whereTagsMove)] : []),
    ];
}

/** Grants that never apply; zot sends their message with a refusal: what is refused, and what to do instead. */
function refusals(
    settings: PolicySettings,
    pattern: string,
    { workloads, admins, groups }: { workloads: InRule[]; admins: Action[]; groups: [string, Action[]][] },
): Grant[] {
    const { access, identity, zot } = settings;
    const mirror = zot.mirrors.find(({ prefix }) => covers(`${prefix}/**`, pattern));
    const closed = mirror && !access.ciMayPushToMirrors ? mirrorsUpstream(mirror.url) : undefined;
    const refusal = (group: string, actions: Action[], message: string, first: Condition[] = []): Grant[] => {
        const condition = { expression: limitExpression({ repositories: [], tags: [] }), message };
        return actions.length > 0
            ? [{ users: [], groups: [group], actions: sorted(actions), conditions: [...first, condition] }]
            : [];
    };
    const ofCi = (inRule: InRule): Grant[] => {
        const { workload, actions } = inRule;
        const isSaid = channelsIn(workload, pattern).length + movableIn(workload, pattern).length > 0;
        return [
            ...(actions.includes("create")
                ? // In other repositories the reason is that they are.
                  refusal(workload.group, isSaid ? [] : ["update"], tagExists(workload), isWithin(inRule))
                : refusal(workload.group, ["create", "update"], closed ?? notPushable(workload.repositories))),
            ...refusal(workload.group, ["delete"], ciMayNotDelete()),
        ];
    };
    return [
        ...workloads.flatMap(ofCi),
        ...refusal(
            identity.adminsGroup,
            admins.includes("update") ? [] : ["update"],
            tagExists({ channels: [], movableTags: {} }, true),
        ),
        ...groups.flatMap(([group, actions]) => [
            ...(actions.includes("create")
                ? refusal(group, ["update"], tagExists({ channels: [], movableTags: {} }))
                : refusal(group, ["create", "update"], closed ?? notPushable())),
            ...refusal(group, ["delete"], onlyAdminsDelete()),
        ]),
    ];
}
