/**
 * The machines of a registry, each with its look and its deployment. All looks come first; then the deployments follow
 * one after the other.
 */
import * as pulumi from "@pulumi/pulumi";
import { askBeforeWithdrawal, observeForRefusal } from "./hostObservation";
import { LiveNames, namesOfRegistry } from "./liveNames";
import { RegistryHost, type RegistryHostArgs } from "./registryHost";
import { announceRollout } from "./rollout";
import { hasMembers, type Member, membersOf, type Settings } from "./settings";
import { allHooks } from "./shownRights";
import { componentTypes } from "./typeTokens";

/** The arguments that are the same for every machine. */
export type SharedByMachines = Omit<RegistryHostArgs, "settings" | "rollout" | "told" | "isAway" | "deployAfter"> & {
    /** What the first deployment depends on. */
    deployAfter: pulumi.Resource;
};

/** A machine and its name in the state. */
interface Machine extends Member {
    resource: string;
    aliases: pulumi.Alias[];
}

export class Machines {
    private readonly machines: readonly Machine[];
    private readonly looks;
    private readonly isList: boolean;

    /** @param name name of the registry in the state */
    constructor(
        private readonly name: string,
        settings: Settings,
    ) {
        this.isList = hasMembers(settings);
        this.machines = machinesOf(name, settings);
        this.looks = this.machines.map(() => Promise.withResolvers<pulumi.Resource>());
    }

    /**
     * The inputs that the registry's component records about its machines, and hooks that refuse a new name for a
     * machine that stays, already in preview: what was deployed under its former name would be withdrawn from it.
     * Empty without a list of machines: a single machine has no name to confuse.
     */
    record(): { inputs: Record<string, unknown>; hooks: pulumi.ResourceHookBinding } {
        const now = identities(this.machines);
        const refuse = new pulumi.ResourceHook(
            `${this.name}-keeps-names-of-machines`,
            async ({ oldInputs }) => {
                const before = (oldInputs as { machines?: Identities } | undefined)?.machines ?? {};
                const mistakes = renamed(before, now, this.isList);
                if (mistakes.length > 0) throw new pulumi.RunError(mistakes.join("\n"));
            },
            { onDryRun: true },
        );
        return { inputs: this.isList ? { machines: now } : {}, hooks: { beforeUpdate: [refuse] } };
    }

    /** The look at each machine, once {@link deploy} has declared it. */
    get observations(): Promise<pulumi.Resource>[] {
        return this.looks.map(({ promise }) => promise);
    }

    /** Declares each machine's look and deployment. */
    deploy({ deployAfter, changed, ...shared }: SharedByMachines, opts: pulumi.ComponentResourceOptions) {
        const present = this.machines.filter(({ isAway }) => !isAway).map(({ name }) => name);
        const told = new Set<string>();
        const hosts: RegistryHost[] = [];
        for (const [index, { name, settings, resource, aliases, isAway }] of this.machines.entries()) {
            const host = new RegistryHost(
                resource,
                {
                    ...shared,
                    settings,
                    isAway,
                    told,
                    rollout: announceRollout(this.name, present, name),
                    // A failure on one machine stops the deployments to the machines after it.
                    deployAfter: [deployAfter, ...hosts.slice(-1)],
                    changed: name === present[0] ? changed : undefined,
                },
                { ...opts, aliases },
            );
            this.looks[index]!.resolve(host.observation);
            hosts.push(host);
        }
        return hosts as [RegistryHost, ...RegistryHost[]];
    }

    /** The first step of a destroy, on each machine. It must depend on all that has to stay as it is if it fails. */
    askBeforeWithdrawal(opts: pulumi.CustomResourceOptions): void {
        for (const { resource, settings, aliases, isAway } of this.machines)
            askBeforeWithdrawal(resource, settings, { ...opts, aliases, retainOnDelete: isAway });
    }
}

/**
 * Each machine with its name in the state. A single machine has the registry's name. Each of several has its address in
 * its name, so machines may come and go; the first takes over the state of a machine that was alone.
 */
function machinesOf(name: string, settings: Settings): Machine[] {
    const several = hasMembers(settings);
    return membersOf(settings).map((machine, index) => {
        const own = `${name}-${machine.name.replace(/[^A-Za-z0-9.-]/g, "-")}`;
        const alias = several ? (index === 0 ? name : undefined) : own;
        return {
            ...machine,
            resource: several ? own : name,
            aliases: alias === undefined ? [] : [{ name: alias }],
        };
    });
}

/** What identifies each machine, by its name in the state. */
type Identities = Record<string, { name: string; place: string; key: string }>;

const identities = (machines: readonly Machine[]): Identities =>
    Object.fromEntries(
        machines.map(({ resource, name, settings: { host } }) => [
            resource,
            // The key itself, without the host before it and the comment after it.
            { name, place: `${host.address} ${host.port}`, key: /AAAA\S+/.exec(host.hostKey)?.[0] ?? "" },
        ]),
    );

/** Machines from which a deployment would be withdrawn because they got another name; one sentence each. */
export function renamed(before: Identities, now: Identities, isList: boolean): string[] {
    const added = Object.entries(now).filter(([resource]) => !(resource in before));
    return Object.entries(before)
        .filter(([resource]) => !(resource in now))
        .flatMap(([, gone]) => {
            const same = added.find(([, { place, key }]) => place === gone.place || key === gone.key)?.[1];
            // A single machine takes over the state of its own address.
            if (same === undefined || (!isList && same.name === gone.name)) return [];
            const remedy = isList
                ? `Give ${same.name} name: ${gone.name} in host.members.`
                : `Leave it in host.members, as the only one, with name: ${gone.name}.`;
            return [
                `The machine that was called ${gone.name} would be called ${same.name}. Then what was deployed as ` +
                    `${gone.name} would be withdrawn from it, and nobody could push. ${remedy} If they are two ` +
                    `machines, take ${gone.name} out of host.members in a separate update.`,
            ];
        });
}

/**
 * Only the looks, under their names in the state, when the rest cannot be declared. Each fails with those mistakes and
 * with the reasons why the host would refuse a deployment.
 *
 * @param name name of the registry in the state
 */
export function observeMachinesAlone(
    name: string,
    settings: Settings,
    mistakes: string[],
    opts?: pulumi.ComponentResourceOptions,
): pulumi.Resource[] {
    const liveNames = new LiveNames(name, settings.identity.acceptRename);
    const { inputs, hooks } = new Machines(name, settings).record();
    const registry = new pulumi.ComponentResource(
        componentTypes.hardenedRegistry,
        name,
        { names: namesOfRegistry(settings), ...inputs },
        pulumi.mergeOptions(opts, { hooks: allHooks(liveNames.record(), hooks) }),
    );
    return machinesOf(name, settings)
        .filter(({ isAway }) => !isAway)
        .map(({ settings: own, resource, aliases }) => {
            const parent = { parent: registry, aliases };
            const host = new pulumi.ComponentResource(componentTypes.registryHost, resource, {}, parent);
            return observeForRefusal(resource, own, mistakes, { parent: host });
        });
}
