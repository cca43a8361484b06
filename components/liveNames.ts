/**
 * Names that a live registry depends on. Authentik renames without a word, and then logins fail until zot has the new
 * name, keys lose their owner, and groups that zot remembers from the last login no longer match.
 */
import * as pulumi from "@pulumi/pulumi";
import { ciAccounts, type Settings } from "./settings";

/**
 * Where a resource's inputs have the name: the input, and how to find the name in its text (default: the whole of it).
 */
interface NamePlace {
    input: string;
    find?: (text: string) => string | undefined;
}

/** The names by the setting that gives each. */
export type NamesOfRegistry = Readonly<Record<string, string>>;

/**
 * What the settings call what the registry depends on; a group and an account that an administrator keeps may be
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
     * Whether the state tells which names the registry was given. It does not in one of an older program: then the
     * inputs of the objects themselves must do, which a refresh brings in line with Authentik.
     */
    private isRecorded = false;

    constructor(
        private readonly component: string,
        private readonly renameAccepted: boolean,
    ) {}

    /**
     * Hooks for the component that has the names as its input `names`, and as its output `givenNames` once the registry
     * has them. They refuse, before anything is changed and in preview already, what would take a name from under the
     * registry. An object that was renamed by hand is no reason: the registry still has the old name, and gets it back.
     */
    record(): pulumi.ResourceHookBinding {
        // No hook runs where no name changed, nor for a new component.
        this.isRecorded = true;
        const refuse = new pulumi.ResourceHook(
            `${this.component}-keeps-names`,
            async ({ oldInputs, oldOutputs, newInputs }) => {
                this.isRecorded = "names" in (oldInputs ?? {});
                const given = (oldOutputs as { givenNames?: NamesOfRegistry } | undefined)?.givenNames;
                // Where no deployment ever came to its end, no registry has a name.
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
     * Hooks that refuse, where the state does not tell what the registry was given, that an update of a resource
     * changes the name that a setting gives.
     *
     * @param resource name of the resource, where several have the same name. Default: that of the component
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

/** What is said of names that would change. */
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

/** A hook is handed secrets as outputs; an unknown one would never resolve. */
export async function plainText(value: unknown): Promise<string | undefined> {
    const output = pulumi.output(value) as pulumi.Output<unknown> & { isKnown: Promise<boolean> };
    if (!(await output.isKnown)) return undefined;
    const plain = await new Promise<unknown>((resolve) => output.apply(resolve));
    return typeof plain === "string" ? plain : undefined;
}
