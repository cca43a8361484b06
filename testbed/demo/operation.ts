/** One operation of Pulumi on the demo's stack, told in a few lines. */
import { CommandError, type OutputMap, type Stack, type UpResult } from "@pulumi/pulumi/automation";
import { UserError } from "../../clients/userError";
import { changesInWords, Listener, type OutputLog, type Told } from "./engine";
import type { Show } from "./show";

export type Operation = "preview" | "up" | "destroy";

export interface Done extends Told {
    /** Of an update that succeeded. */
    outputs: OutputMap;
}

/** Carries it out. A mistake is part of the report; any other error is thrown. */
export async function operate(stack: Stack, operation: Operation, log: OutputLog): Promise<Done> {
    const listener = new Listener();
    const options = { onOutput: log.onOutput, onEvent: listener.onEvent, color: "never" as const };
    log.heading(`pulumi ${operation}`);
    try {
        const result = await stack[operation](options);
        return { ...listener.told(), outputs: (result as Partial<UpResult>).outputs ?? {} };
    } catch (error) {
        const told = listener.told();
        if (told.mistakes.length > 0) return { ...told, outputs: {} };
        if (error instanceof CommandError)
            throw new UserError(`pulumi ${operation} ended with an error. What it said: ${log.file}`);
        throw error;
    }
}

/** The same, for a step that must succeed. @throws UserError with the reason why it did not */
export async function mustOperate(show: Show, stack: Stack, operation: Operation, log: OutputLog): Promise<Done> {
    const started = performance.now();
    const done = await show.timed(operation, () => operate(stack, operation, log));
    if (done.mistakes.length > 0)
        throw new UserError(`${done.mistakes.join("\n")}\nWhat pulumi ${operation} said: ${log.file}`);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    for (const message of done.messages) show.news(indented(message));
    show.say(`  ${changesInWords(done.changes, operation !== "preview")}, in ${seconds} s`);
    return done;
}

export const indented = (text: string) =>
    text
        .split("\n")
        .map((line) => `  ${line}`.trimEnd())
        .join("\n");
