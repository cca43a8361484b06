/** Makes the resource hooks of this program. */
import { AsyncResource } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";

/**
 * A hook whose callback keeps the engine of the program that declared it. When the engine calls back, an inline program
 * (Automation API) has lost its context, and the callback's log would go to standard output (@pulumi/pulumi 3.259).
 *
 * @param name unique within the program
 */
export function resourceHook(
    name: string,
    callback: pulumi.ResourceHookFunction,
    options?: pulumi.ResourceHookOptions,
): pulumi.ResourceHook {
    return new pulumi.ResourceHook(name, AsyncResource.bind(callback), options);
}
