/** Stops the SDK from logging each resource to the engine, because it logs the values too. */
import * as pulumi from "@pulumi/pulumi";

/**
 * Silences the SDK's log at debug level. That log holds every value of each registered resource, with secrets in clear
 * text. The engine passes it on in its event stream (`pulumi up --json`, the Automation API) whether or not anybody
 * asked for it (measured on @pulumi/pulumi 3.259.0). Call it before the first resource is declared.
 */
export function silenceDebugLog(): void {
    Object.assign(pulumi.log, { debug: () => Promise.resolve() });
}
