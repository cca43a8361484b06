/** What a person does after an update, and what a destroy would mean: said where they look. */
import * as pulumi from "@pulumi/pulumi";
import { resourceHook } from "./resourceHook";
import { FIRST_WORKLOAD } from "./settings";
import { componentTypes } from "./typeTokens";

/** Hooks for a key of CI's: once there is another one than before, they say where it is to go. */
export function tellOfNewKey(component: string, workload: string): pulumi.ResourceHookBinding {
    const telling = resourceHook(`${component}-tells-of-a-new-key`, async ({ oldOutputs, newOutputs }) => {
        if (uuidIn(oldOutputs) !== uuidIn(newOutputs)) await pulumi.log.info(newKeyText(pulumi.getStack(), workload));
    });
    return { afterCreate: [telling], afterUpdate: [telling] };
}

const uuidIn = (outputs: unknown) => (outputs as { uuid?: unknown } | undefined)?.uuid;

/**
 * @param stack its name, as the commands take it
 * @param workload the identity of CI whose key it is
 */
export function newKeyText(stack: string, workload: string): string {
    const isFirst = workload === FIRST_WORKLOAD;
    const command = `-- --stack ${stack}${isFirst ? "" : ` --workload ${workload}`}`;
    return (
        `Next: ${isFirst ? "CI's API key" : `the API key of CI's identity ${workload}`} is new. ` +
        `Hand it to CI: npm run ci-secrets ${command}\n` +
        `See from outside whether all is as declared: npm run verify ${command}`
    );
}

/** What a destroy leaves, in one line. @param onDestroy the setting `host.onDestroy` */
export function afterDestroyText(onDestroy: string): string {
    const left =
        onDestroy === "restore"
            ? "the registry is as it was before, open if it was"
            : "anyone reads, and nobody changes anything";
    return `${left}; CI's keys end`;
}

/**
 * A row in the preview of a destroy, which says what it leaves. Before a destroy the engine asks neither the program nor
 * a provider, and hooks for it would refuse `pulumi destroy` without --run-program (CLI 3.259); what the CLI shows of a
 * resource is its name.
 */
export class AfterDestroy extends pulumi.ComponentResource {
    constructor(onDestroy: string, opts?: pulumi.ComponentResourceOptions) {
        super(componentTypes.afterDestroy, afterDestroyText(onDestroy), {}, opts);
        this.registerOutputs({});
    }
}
