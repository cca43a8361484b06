/**
 * Names that a live registry depends on. Authentik renames without a word, and then logins fail until zot has the new
 * name, keys lose their owner, and groups that zot remembers from the last login no longer match.
 */
import * as pulumi from "@pulumi/pulumi";

/** Where a resource's inputs have the name: the input, and how to find the name in its text (default: the whole of it). */
interface NamePlace {
    input: string;
    find?: (text: string) => string | undefined;
}

export class LiveNames {
    constructor(
        private readonly component: string,
        private readonly renameAccepted: boolean,
    ) {}

    /** Hooks that refuse, in preview already, that an update of a resource changes the name that a setting gives. */
    guard(setting: string, place: NamePlace): pulumi.ResourceHookBinding | undefined {
        if (this.renameAccepted) return undefined;
        const refuse = new pulumi.ResourceHook(
            `${this.component}-keeps-${setting}`,
            async ({ oldInputs, newInputs }) => {
                const [from, to] = await Promise.all([nameIn(oldInputs, place), nameIn(newInputs, place)]);
                if (from === undefined || to === undefined || from === to) return;
                throw new pulumi.RunError(
                    `${setting} would change from ${JSON.stringify(from)} to ${JSON.stringify(to)} under a live registry: ` +
                        "logins fail until zot has the new name, and API keys and remembered groups stay with the old one. " +
                        "To rename on purpose: pulumi config set --path identity.acceptRename true, pulumi up, and then pulumi config rm --path identity.acceptRename",
                );
            },
            { onDryRun: true },
        );
        return { beforeUpdate: [refuse] };
    }
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
