/** What the SDK tells the engine of each resource: nothing, since it tells the values too. */
import * as pulumi from "@pulumi/pulumi";

/**
 * Silences the SDK's log at debug level. It holds every value of a resource that was registered, secrets in clear, and
 * the engine passes it on in its event stream (`pulumi up --json`, the Automation API), whether or not anybody asked
 * for it (measured on
 * @pulumi/pulumi 3.259.0). Call it before the first resource is declared.
 */
export function silenceDebugLog(): void {
    Object.assign(pulumi.log, { debug: () => Promise.resolve() });
}
