/** Reports what an update changed in Authentik before its deployment to the host: those changes stay if it fails. */
import * as pulumi from "@pulumi/pulumi";
import { resourceHook } from "./resourceHook";

export class ChangedBefore {
    private readonly changes: string[] = [];

    constructor(private readonly component: string) {}

    /** Hooks for an object in Authentik: they note that it was made or changed. `what` names it for a person. */
    note(what: string): pulumi.ResourceHookBinding {
        const noting = (verb: string) =>
            resourceHook(`${this.component}-${verb}-${what.replace(/\W+/g, "-")}`, () => {
                this.changes.push(`${what} was ${verb}`);
            });
        return { afterCreate: [noting("made")], afterUpdate: [noting("changed")] };
    }

    /**
     * Hooks for the deployment. They report the changes before it starts, because the engine calls no hook when it
     * fails (CLI 3.259).
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
        "Changed in Authentik, before the deployment to the host; these changes stay even if the deployment fails:",
        ...changes.map((change) => `  ${change}`),
    ].join("\n");
}
