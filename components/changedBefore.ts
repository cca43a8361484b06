/** What an update has changed in Authentik before its deployment to the host: where that fails, it stays. */
import * as pulumi from "@pulumi/pulumi";
import { resourceHook } from "./resourceHook";

export class ChangedBefore {
    private readonly changes: string[] = [];

    constructor(private readonly component: string) {}

    /** Hooks for an object in Authentik: they note that it was made or changed. `what` is how a person calls it. */
    note(what: string): pulumi.ResourceHookBinding {
        const noting = (verb: string) =>
            resourceHook(`${this.component}-${verb}-${what.replace(/\W+/g, "-")}`, () => {
                this.changes.push(`${what} was ${verb}`);
            });
        return { afterCreate: [noting("made")], afterUpdate: [noting("changed")] };
    }

    /**
     * Hooks for the deployment: they say what was changed before it, while it is not known how it ends (a hook for a
     * failure is not called: CLI 3.259).
     */
    hooks(): pulumi.ResourceHookBinding {
        const hook = resourceHook(`${this.component}-tells-what-was-changed`, async () => {
            const text = changedText(this.changes);
            if (text !== undefined) await pulumi.log.info(text);
        });
        return { beforeCreate: [hook], beforeUpdate: [hook] };
    }
}

/** The sentence and its list; undefined where nothing was changed. */
export function changedText(changes: readonly string[]): string | undefined {
    if (changes.length === 0) return undefined;
    return [
        "In Authentik, before the deployment to the host; it stays, whatever comes of the deployment:",
        ...changes.map((change) => `  ${change}`),
    ].join("\n");
}
