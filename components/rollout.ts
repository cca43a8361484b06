/** Deployments to several machines, one after the other: what is said of them while they go on. */
import * as pulumi from "@pulumi/pulumi";
import { resourceHook } from "./resourceHook";

/**
 * Hooks for the deployment to one of several machines: they say where it stands among the others. None where it is
 * alone.
 *
 * @param component name of the component that the machines belong to
 * @param machines what each is called, in the order in which they are deployed to
 */
export function tellOfRollout(
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
 * What is said before a deployment. Those before it were deployed to, in this update or in an earlier one, since each
 * waits for the one before; of those after it nothing is known.
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
        `${machine} goes back to what served before${rest}; the next pulumi up goes on from there.`
    );
}

const listed = (names: readonly string[]): string =>
    names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
