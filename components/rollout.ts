/** Reports the progress of deployments to several machines, one after the other. */
import * as pulumi from "@pulumi/pulumi";
import { resourceHook } from "./resourceHook";

/**
 * Hooks for the deployment to one of several machines: they say where it stands among the others. No hooks for a single
 * machine.
 *
 * @param component name of the component that the machines belong to
 * @param machines the machines' names, in the order of deployment
 */
export function announceRollout(
    component: string,
    machines: readonly string[],
    machine: string,
): pulumi.ResourceHookBinding | undefined {
    if (machines.length < 2) return undefined;
    const position = machines.indexOf(machine);
    const tell = resourceHook(`${component}-tells-of-deployment-${position + 1}`, async () => {
        await pulumi.log.info(rolloutText(machines, position));
    });
    return { beforeCreate: [tell], beforeUpdate: [tell] };
}

/**
 * The message before a deployment. The machines before it have been deployed to, in this update or in an earlier one,
 * because each deployment waits for the one before. Nothing is known of those after it.
 */
export function rolloutText(machines: readonly string[], position: number): string {
    const machine = machines[position]!;
    const before = machines.slice(0, position);
    const after = machines.slice(position + 1);
    const had = before.length === 0 ? "" : ` ${listed(before)} ${before.length === 1 ? "has" : "have"} it.`;
    const rest =
        after.length === 0 ? "" : `, and ${listed(after)} ${after.length === 1 ? "keeps" : "keep"} what is there`;
    return (
        `zot's config goes to ${machine} now, ${position + 1} of ${machines.length}.${had} If that fails, ` +
        `${machine} returns to what served before${rest}; the next pulumi up continues from there.`
    );
}

const listed = (names: readonly string[]): string =>
    names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
