/** What a person does after an update, and what a destroy would mean: said where they look. */
import * as pulumi from "@pulumi/pulumi";
import { resourceHook } from "./resourceHook";

/** Hooks for CI's key: once there is another one than before, they say where it is to go. */
export function tellOfNewKey(component: string): pulumi.ResourceHookBinding {
    const telling = resourceHook(`${component}-tells-of-a-new-key`, async ({ oldOutputs, newOutputs }) => {
        if (uuidIn(oldOutputs) !== uuidIn(newOutputs)) await pulumi.log.info(newKeyText(pulumi.getStack()));
    });
    return { afterCreate: [telling], afterUpdate: [telling] };
}

const uuidIn = (outputs: unknown) => (outputs as { uuid?: unknown } | undefined)?.uuid;

/** @param stack its name, as the commands take it */
export const newKeyText = (stack: string): string =>
    `Next: CI's API key is new. Hand it to CI: npm run ci-secrets -- --stack ${stack}\n` +
    `See from outside whether all is as declared: npm run verify -- --stack ${stack}`;

/**
 * What a destroy leaves. Neither the program nor its providers are asked before one: an output is what its preview
 * shows, with --diff.
 */
export function afterDestroyText(onDestroy: string): string {
    const left =
        onDestroy === "restore"
            ? "the config of before the first deployment is back on the host: an open registry, if it was one"
            : "anyone reads from the registry, and nobody changes anything";
    return `${left}; CI's keys end, and nobody logs in by the application in Authentik any more`;
}
