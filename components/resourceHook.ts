/** Hooks of resources, as this program makes them. */
import { AsyncResource } from "node:async_hooks";
import * as pulumi from "@pulumi/pulumi";

/**
 * A hook whose callback finds the engine of the program that declared it. Called back by the engine, an inline program
 * (Automation API) has lost its context: what the callback logs would go to standard output (@pulumi/pulumi 3.259).
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
