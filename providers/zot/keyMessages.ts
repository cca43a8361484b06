/** Messages about a user's keys. */
import { momentText } from "../../clients/durations";
import { ownerIn, ownerText } from "../../clients/zot/keyOwner";
import type { CallContext } from "../protocol";
import type { KeyPlan, Predecessor } from "./plan";

/** The setting that ends all keys of a user except one. A further identity has its own. */
export const GENERATION = "ci.keyGeneration (of a further identity of CI: ci.workloads.NAME.keyGeneration)";

/** The refusal if other stacks have keys of the user. @param owners the names of their owners */
export const refusedText = (owners: readonly string[], user: string, registryUrl: string): string =>
    `${user} has API keys at ${registryUrl} that another Pulumi stack made: ` +
    `${owners.join(", ")}. Each of the two would revoke the other's keys. ` +
    "Give this stack a service account of its own (identity.ciUser, or ci.workloads.NAME.user), " +
    "or destroy the other stack; if that one is gone for good, " +
    "take its keys over as predecessors: pulumi config set --path ci.takeOverKeys true " +
    "(of a further identity of CI: ci.workloads.NAME.takeOverKeys)";

/**
 * Reports what was done to the user's keys.
 *
 * @param present uuid of the key that the stack had before; if it was replaced and revoked, it is reported apart from
 *     the others
 */
export async function reportKeys(
    done: KeyPlan,
    user: string,
    present: string | undefined,
    context: CallContext,
): Promise<void> {
    if (done.orphans.length > 0) {
        await context.log(
            "info",
            `API keys of ${user} that nobody holds were revoked, because they expired or a run was cut off: ` +
                `${done.orphans.map((orphan) => orphan.uuid).join(", ")}.`,
        );
    }
    const others = done.over.filter(({ uuid }) => uuid !== present);
    const why = done.revokeOthers ? ", because the generation was raised," : " whose time is over";
    if (others.length > 0)
        await context.log(
            "info",
            `${done.revokeOthers ? "Other API keys" : "API keys"} of ${user}${why} were revoked: ` +
                `${others.map(({ uuid, label }) => `${uuid} (${label})`).join(", ")}.`,
        );
    if (done.found.length > 0)
        await context.log(
            "info",
            `${user} had API keys that this stack did not make. ` +
                `They keep working for now: ${done.found.map(predecessorText).join("; ")}.`,
        );
    await reportForeign(done, user, context);
}

/** Reports keys of another stack, which are not touched. */
export async function reportForeign({ foreign }: KeyPlan, user: string, context: CallContext): Promise<void> {
    if (foreign.length === 0) return;
    await context.log(
        "warning",
        `${user} has API keys that another Pulumi stack made; they are not touched: ` +
            `${foreign.map((key) => `${key.uuid} of ${ownerText(ownerIn(key.label)!)}`).join(", ")}. ` +
            `Use one stack per registry and user; to revoke them, raise ${GENERATION} by one.`,
    );
}
export function predecessorText({ uuid, label, revokeAfter }: Predecessor): string {
    return `${uuid} (${label}) until ${momentText(revokeAfter)}`;
}

export function predecessorsText(predecessors: readonly Predecessor[], user: string): string {
    const now = Date.now();
    const isOver = (predecessor: Predecessor) => Date.parse(predecessor.revokeAfter) <= now;
    const [over, living] = [predecessors.filter(isOver), predecessors.filter((predecessor) => !isOver(predecessor))];
    return [
        living.length > 0
            ? `Earlier API keys of ${user} that still work, ` +
              `and are revoked by the first update after their time: ${living.map(predecessorText).join("; ")}.`
            : "",
        over.length > 0
            ? `Earlier API keys of ${user} whose time is over, and which this update revokes: ` +
              `${over.map(({ uuid, label }) => `${uuid} (${label})`).join("; ")}.`
            : "",
    ]
        .filter(Boolean)
        .join(" ");
}
