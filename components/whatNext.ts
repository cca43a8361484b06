/** Says what to do after an update, and what a destroy would mean, in places where people look. */
import * as pulumi from "@pulumi/pulumi";
import { resourceHook } from "./resourceHook";
import { FIRST_WORKLOAD } from "./settings";
import { componentTypes } from "./typeTokens";

/** Hooks for a key of CI: if the key is a new one, they say where to put it. */
export function announceNewKey(component: string, workload: string): pulumi.ResourceHookBinding {
    const telling = resourceHook(`${component}-tells-of-a-new-key`, async ({ oldOutputs, newOutputs }) => {
        if (uuidIn(oldOutputs) !== uuidIn(newOutputs)) await pulumi.log.info(newKeyText(pulumi.getStack(), workload));
    });
    return { afterCreate: [telling], afterUpdate: [telling] };
}

const uuidIn = (outputs: unknown) => (outputs as { uuid?: unknown } | undefined)?.uuid;

/**
 * @param stack the stack's name, as the commands take it
 * @param workload the identity of CI that owns the key
 */
export function newKeyText(stack: string, workload: string): string {
    const isFirst = workload === FIRST_WORKLOAD;
    const command = `-- --stack ${stack}${isFirst ? "" : ` --workload ${workload}`}`;
    return (
        `Next: ${isFirst ? "CI's API key" : `the API key of CI's identity ${workload}`} is new. ` +
        `Hand it to CI: npm run ci-secrets ${command}\n` +
        `Check from outside that everything is as declared: npm run verify ${command}`
    );
}

/** What a destroy leaves behind, in one line. @param onDestroy the setting `host.onDestroy` */
export function afterDestroyText(onDestroy: string): string {
    const left =
        onDestroy === "restore"
            ? "the registry is as it was before, open if it was"
            : "anyone reads, and nobody changes anything";
    return `${left}; CI's keys end`;
}

/**
 * A row in the preview of a destroy that says what it leaves behind. Before a destroy the engine asks neither the
 * program nor a provider, and hooks would make `pulumi destroy` fail without --run-program (CLI 3.259). The CLI shows a
 * resource's name, so the name carries the message.
 */
export class AfterDestroy extends pulumi.ComponentResource {
    constructor(onDestroy: string, opts?: pulumi.ComponentResourceOptions) {
        super(componentTypes.afterDestroy, afterDestroyText(onDestroy), {}, opts);
        this.registerOutputs({});
    }
}
