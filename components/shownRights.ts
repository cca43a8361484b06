/** Preview and up say in words what a changed config gives and takes, compared with the last deployed config. */
import * as pulumi from "@pulumi/pulumi";
import { type AccessChange, changeInWords, isWidening, policyChanges, type TierNames } from "./accessChanges";
import type { AccessPolicy } from "./accessPolicy";
import { resourceHook } from "./resourceHook";
import { type PolicySettings, workloadsOf } from "./settings";
import { type JsonMap, movedStorage, policyOf } from "./zotConfig";

/**
 * A hook for the command that deploys the config: it logs what changes in who may do what, as a warning if rights
 * widen.
 *
 * @param component name of the component that the command belongs to
 * @param declared the policy of the rendered config
 * @param told what was already reported for other hosts of the registry, and is not repeated
 */
export function showRights(
    component: string,
    declared: AccessPolicy,
    tiers: TierNames,
    told: Set<string> = new Set(),
): pulumi.ResourceHookBinding {
    const show = resourceHook(
        `${component}-shows-rights`,
        async ({ oldInputs }) => {
            const deployed = deployedPolicy(await deployedPayload(oldInputs));
            if (!deployed) return;
            const changes = policyChanges(deployed, declared);
            const text = changes.length > 0 ? rightsMessage(changes, tiers) : undefined;
            if (text === undefined || told.has(text)) return;
            told.add(text);
            await (changes.some(isWidening) ? pulumi.log.warn : pulumi.log.info)(text);
        },
        { onDryRun: true },
    );
    return { beforeUpdate: [show] };
}

/**
 * A hook for the command that deploys the config: it warns if zot would look for images, accounts and keys in another
 * place.
 *
 * @param component name of the component that the command belongs to
 * @param declared renders the config; called only if there is a deployed one to compare it with
 * @param told what was already reported for other hosts of the registry, and is not repeated
 */
export function showMovedStorage(
    component: string,
    declared: () => JsonMap,
    told: Set<string> = new Set(),
): pulumi.ResourceHookBinding {
    const show = resourceHook(
        `${component}-shows-moved-storage`,
        async ({ oldInputs }) => {
            const deployed = deployedConfig(await deployedPayload(oldInputs));
            const moved = deployed === undefined ? [] : movedStorage(deployed, declared());
            const text = [...moved, "docs/scale.md, From one machine to several, says how both are moved."].join("\n");
            if (moved.length === 0 || told.has(text)) return;
            told.add(text);
            await pulumi.log.warn(text);
        },
        { onDryRun: true },
    );
    return { beforeUpdate: [show] };
}

/** The words for the groups of a site's tiers, and of its identities of CI, in messages about rights. */
export function tierNames(settings: PolicySettings): TierNames {
    const [, ...others] = workloadsOf(settings);
    const { workloadsGroup, adminsGroup } = settings.identity;
    return {
        workloadsGroup,
        adminsGroup,
        workloads: Object.fromEntries(others.map(({ group, name }) => [group, name])),
    };
}

/** The text that is logged: one line for each change, what widens first. */
export function rightsMessage(changes: readonly AccessChange[], tiers: TierNames): string {
    const line = (change: AccessChange) =>
        `  ${isWidening(change) ? "WIDER   " : "narrower"}  ${changeInWords(change, tiers)}`;
    return [
        changes.some(isWidening) ? "Rights on the registry widen:" : "Rights on the registry narrow:",
        ...changes.map(line),
    ].join("\n");
}

/** The deployed payload. It is known even if the new one is not known yet. Hooks get secrets as outputs. */
async function deployedPayload(oldInputs: object | undefined): Promise<string> {
    const input: pulumi.Output<unknown> = pulumi.output((oldInputs as { stdin?: unknown } | undefined)?.stdin);
    const stdin = await new Promise<unknown>((resolve) => input.apply(resolve));
    return typeof stdin === "string" ? stdin : "";
}

/**
 * The policy in a deployed payload; undefined if it holds no readable one, as with an older program.
 */
export function deployedPolicy(payload: string): AccessPolicy | undefined {
    const config = deployedConfig(payload);
    try {
        return config && policyOf(config);
    } catch {
        return undefined;
    }
}

/** zot's config in a deployed payload; undefined if it holds no readable one, as with an older program. */
export function deployedConfig(payload: string): JsonMap | undefined {
    const [, config] = /^== config \d+\n([\s\S]*?)^== \w+/m.exec(payload) ?? [];
    if (config === undefined) return undefined;
    try {
        return JSON.parse(config) as JsonMap;
    } catch {
        return undefined;
    }
}

/** Joins hooks of several origins into one binding. */
export function allHooks(...bindings: (pulumi.ResourceHookBinding | undefined)[]): pulumi.ResourceHookBinding {
    type Moment = "beforeCreate" | "beforeUpdate" | "afterCreate" | "afterUpdate";
    const all = (moment: Moment) => bindings.flatMap((binding) => binding?.[moment] ?? []);
    return {
        beforeCreate: all("beforeCreate"),
        beforeUpdate: all("beforeUpdate"),
        afterCreate: all("afterCreate"),
        afterUpdate: all("afterUpdate"),
    };
}
