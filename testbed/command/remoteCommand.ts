/** The resource `command:remote:Command` as the official plugin 1.2.1 has it. */
import * as crypto from "node:crypto";
import {
    type CallContext,
    type PropertyMap,
    type PropertyValue,
    type ResourceHandler,
    UNKNOWN,
    unwrapMap,
} from "../../providers/protocol";
import { engineLog } from "../../providers/protocol/engineLog";
import { differences, sameWithMarks } from "./diff";
import { type CommandInputs, type CommandState, completed, inputFields, stateFields } from "./inputs";
import { peel } from "./marks";

const logToEngine = engineLog(process.argv[2]);

/** Calls `announce` before its first work: the stand-in says that it is one. */
export function remoteCommand(announce: (context: CallContext) => Promise<void>): ResourceHandler {
    return {
        async check({ inputs }, context) {
            await announce(context);
            return { inputs: completed(inputs, inputFields) };
        },

        async diff({ oldInputs, inputs }) {
            const properties = differences(oldInputs, inputs);
            return { changes: Object.keys(properties).length > 0, properties };
        },

        async create({ inputs, preview, name, timeoutSeconds }, context) {
            const id = `${name}${crypto.randomBytes(4).toString("hex")}`;
            if (preview) return { id, properties: { ...mirrored(inputs), stdout: UNKNOWN, stderr: UNKNOWN } };
            const plain = unwrapMap(completed(inputs, inputFields)) as unknown as CommandInputs;
            let output = { stdout: "", stderr: "" };
            refuseTraps(inputs);
            if (plain.create !== undefined)
                output = await runOnHost({ ...plain, ...output }, plain.create, timeoutSeconds, context);
            return { id, properties: { ...mirrored(inputs), ...output } };
        },

        // Nothing is looked at: what the state says is taken to be so.
        async read({ id, properties, inputs }) {
            return { id, properties, inputs };
        },

        async update({ oldOutputs, inputs, preview, timeoutSeconds }, context) {
            const old = unwrapMap(oldOutputs) as unknown as CommandState;
            let output = { stdout: old.stdout, stderr: old.stderr };
            if (preview) {
                const streams = affectsOutput(oldOutputs, inputs) ? { stdout: UNKNOWN, stderr: UNKNOWN } : output;
                return { ...mirrored(inputs), ...streams };
            }
            const plain = unwrapMap(completed(inputs, inputFields)) as unknown as CommandInputs;
            refuseTraps(inputs);
            const command = plain.update ?? plain.create;
            if (command !== undefined)
                output = await runOnHost({ ...plain, ...output }, command, timeoutSeconds, context);
            return { ...mirrored(inputs), ...output };
        },

        async delete({ properties, timeoutSeconds }, context) {
            const state = unwrapMap(completed(properties, stateFields)) as unknown as CommandState;
            if (state.delete !== undefined) await runOnHost(state, state.delete, timeoutSeconds, context);
        },
    };
}

async function runOnHost(
    state: CommandState,
    text: string,
    timeoutSeconds: number | undefined,
    context: CallContext,
): Promise<{ stdout: string; stderr: string }> {
    // ssh2 takes a tenth of a second to load, which a preview need not spend.
    const { dial } = require("./connection") as typeof import("./connection");
    const { run } = require("./session") as typeof import("./session");
    const signal = timeLimit(timeoutSeconds, context.cancelled);
    const status = async (message: string) => {
        if (!signal.aborted) await logToEngine("info", message, context.urn, true);
    };
    const client = await dial(state.connection, { status, signal });
    return run(client, text, state.stdin);
}

/**
 * What our program keeps away from, for the official plugin does with it what nobody wants: lines that are logged (a
 * long one hangs for ever), variables (which hosts refuse), and replacements by a trigger.
 */
function refuseTraps({ logging, addPreviousOutputInEnv, environment, triggers }: PropertyMap): void {
    if (logging === "none" && addPreviousOutputInEnv === false && environment === undefined && triggers === undefined)
        return;
    throw new Error(
        "The test bed's stand-in for the command plugin runs commands only with `logging` none and " +
            "`addPreviousOutputInEnv` false, and without `environment` and `triggers`.",
    );
}

/**
 * The time limit and the engine's request to stop end only the dialling; a command that runs is waited for in any case.
 */
function timeLimit(seconds: number | undefined, cancelled: AbortSignal): AbortSignal {
    const controller = new AbortController();
    const cancel = () => controller.abort(new Error("context canceled"));
    if (cancelled.aborted) cancel();
    else cancelled.addEventListener("abort", cancel, { once: true });
    if (seconds) setTimeout(() => controller.abort(new Error("context deadline exceeded")), seconds * 1000).unref();
    return controller.signal;
}

/** The inputs as outputs, secrets still marked. */
function mirrored(inputs: PropertyMap): PropertyMap {
    return Object.fromEntries(Object.entries(inputs).filter(([name, value]) => name in inputFields && value !== null));
}

/**
 * In a preview: whether an input is unknown, or differs from one that the state has. An input that is new counts for
 * nothing.
 */
function affectsOutput(oldOutputs: PropertyMap, inputs: PropertyMap): boolean {
    return Object.keys(inputFields).some((name) => {
        const value: PropertyValue | undefined = inputs[name];
        if (value !== undefined && peel(value).plain === UNKNOWN) return true;
        return oldOutputs[name] !== undefined && !sameWithMarks(oldOutputs[name], value);
    });
}
