/**
 * Guards the names that a live registry depends on. Authentik renames without a warning. Then logins fail until zot has
 * the new name, keys lose their owner, and groups that zot remembers from the last login no longer match.
 */
import * as pulumi from "@pulumi/pulumi";
import { ciAccounts, type Settings } from "./settings";

/**
 * Where a resource's inputs hold the name: the input, and how to extract the name from its text (default: all of it).
 */
interface NamePlace {
    input: string;
    find?: (text: string) => string | undefined;
}

/** Names by the setting that gives them. */
export type NamesOfRegistry = Readonly<Record<string, string>>;

/**
 * The names that the registry depends on, by setting. A group and an account that an administrator keeps may be
 * renamed freely.
 */
export function namesOfRegistry({ identity, ci }: Pick<Settings, "identity" | "ci">): NamesOfRegistry {
    const accounts = identity.manageWorkloads ? ciAccounts({ identity, ci }) : [];
    return {
        "identity.issuer": identity.issuer,
        "identity.applicationSlug": identity.applicationSlug,
        "identity.clientId": identity.clientId,
        ...Object.fromEntries(
            accounts.flatMap(({ user, group, settings }) => [
                [settings.group, group],
                [settings.user, user],
            ]),
        ),
    };
}

export class LiveNames {
    /**
     * Whether the state records the names that the registry was given. An older program's state does not. Then the
     * inputs of the objects themselves are compared, which a refresh brings in line with Authentik.
     */
    private isRecorded = false;

    constructor(
        private readonly component: string,
        private readonly renameAccepted: boolean,
    ) {}

    /**
     * Hooks for the component with the input `names`, and the output `givenNames` once the registry has them. They
     * refuse a change of a name that the registry uses, before anything is changed, and already in preview. An object
     * that was renamed by hand is no reason to refuse: the registry still has the old name, and the object gets it
     * back.
     */
    record(): pulumi.ResourceHookBinding {
        // The engine runs no hook if no name changed, nor for a new component.
        this.isRecorded = true;
        const refuse = new pulumi.ResourceHook(
            `${this.component}-keeps-names`,
            async ({ oldInputs, oldOutputs, newInputs }) => {
                this.isRecorded = "names" in (oldInputs ?? {});
                const given = (oldOutputs as { givenNames?: NamesOfRegistry } | undefined)?.givenNames;
                // If no deployment ever completed, no registry uses a name yet.
                if (this.renameAccepted || !this.isRecorded || given === undefined) return;
                const wanted = (newInputs as { names?: NamesOfRegistry }).names ?? {};
                const changed = Object.entries(wanted).filter(
                    ([setting, name]) => given[setting] !== undefined && given[setting] !== name,
                );
                if (changed.length > 0)
                    throw new pulumi.RunError(
                        refusal(changed.map(([setting, name]) => ({ setting, from: given[setting]!, to: name }))),
                    );
            },
            { onDryRun: true },
        );
        return { beforeUpdate: [refuse] };
    }

    /**
     * Hooks that refuse an update of a resource if it changes the name that a setting gives. They act only if the state
     * does not record what the registry was given.
     *
     * @param resource name of the resource, if several have the same name. Default: that of the component
     */
    guard(
        setting: string,
        place: NamePlace,
        resource: string = this.component,
    ): pulumi.ResourceHookBinding | undefined {
        if (this.renameAccepted) return undefined;
        const refuse = new pulumi.ResourceHook(
            `${resource}-keeps-${setting}`,
            async ({ oldInputs, newInputs }) => {
                if (this.isRecorded) return;
                const [from, to] = await Promise.all([nameIn(oldInputs, place), nameIn(newInputs, place)]);
                if (from === undefined || to === undefined || from === to) return;
                throw new pulumi.RunError(refusal([{ setting, from, to }]));
            },
            { onDryRun: true },
        );
        return { beforeUpdate: [refuse] };
    }
}

/** The message about names that would change. */
function refusal(changes: readonly { setting: string; from: string; to: string }[]): string {
    const sentences = changes.map(
        ({ setting, from, to }) =>
            `${setting} would change from ${JSON.stringify(from)} to ${JSON.stringify(to)} under a live registry`,
    );
    return (
        `${sentences.join("; ")}: logins fail until zot has the new name, ` +
        "and API keys and remembered groups stay with the old one. " +
        "To rename on purpose: pulumi config set --path identity.acceptRename true, pulumi up, " +
        "and then pulumi config rm --path identity.acceptRename"
    );
}

async function nameIn(inputs: object | undefined, { input, find }: NamePlace): Promise<string | undefined> {
    const text = await plainText((inputs as Record<string, unknown> | undefined)?.[input]);
    return text === undefined ? undefined : find ? find(text) : text;
}

/** The text of a hook's value: hooks get secrets as outputs. An unknown one would never resolve. */
export async function plainText(value: unknown): Promise<string | undefined> {
    const output = pulumi.output(value) as pulumi.Output<unknown> & { isKnown: Promise<boolean> };
    if (!(await output.isKnown)) return undefined;
    const plain = await new Promise<unknown>((resolve) => output.apply(resolve));
    return typeof plain === "string" ? plain : undefined;
}
