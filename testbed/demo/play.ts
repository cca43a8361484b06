/** The demo continues: Enter previews the person's changes, "y" applies them. */
import { createInterface } from "node:readline";
import type { Stack } from "@pulumi/pulumi/automation";
import { changesInWords, type OutputLog } from "./engine";
import { type Done, indented, type Operation, operate } from "./operation";
import { matrixOfOutput, type Show } from "./show";

const ASK = 'Enter previews what is changed; "y" applies it; Ctrl-C ends it all and removes it.';

/** Until the input ends, or Ctrl-C. */
export async function play(
    show: Show,
    stack: Stack,
    log: OutputLog,
    input: NodeJS.ReadableStream = process.stdin,
): Promise<void> {
    show.say(`\n${ASK}`);
    for await (const line of createInterface({ input })) {
        const answer = line.trim().toLowerCase();
        if (answer === "") await operateAndShow(show, "preview", stack, log);
        else if (answer === "y" || answer === "yes") await operateAndShow(show, "up", stack, log);
        else show.say(ASK);
    }
}

async function operateAndShow(show: Show, operation: Operation, stack: Stack, log: OutputLog): Promise<void> {
    const isPreview = operation === "preview";
    show.say(isPreview ? "Looking at what would change …" : "Putting it into force …");
    let done: Done;
    try {
        done = await show.timed(operation, () => operate(stack, operation, log));
    } catch (error) {
        show.say((error as Error).message);
        return;
    }
    for (const text of [...done.messages, ...done.mistakes]) show.say(indented(text));
    if (done.mistakes.length > 0) {
        show.say(
            isPreview
                ? "Nothing is changed. Mend it, and press Enter again."
                : "Press Enter to see what is left to do.",
        );
        return;
    }
    const isEmpty = Object.keys(done.changes).length === 0;
    show.say(`  ${changesInWords(done.changes, !isPreview)}${isPreview && !isEmpty ? '; "y" applies it' : ""}`);
    const matrix = done.outputs.accessMatrix?.value as Parameters<typeof matrixOfOutput>[0] | undefined;
    if (!isPreview && matrix) show.say(`\n${indented(matrixOfOutput(matrix))}`);
}
