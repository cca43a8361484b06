/** What Pulumi does, shortened for a person who watches; the whole output goes to a file. */
import { appendFileSync, writeFileSync } from "node:fs";
import type { EngineEvent } from "@pulumi/pulumi/automation";

/** One preview, update or destruction, told in a few lines. */
export interface Told {
    /** What our program and its parts said, each once, warnings first. */
    messages: string[];
    /** What stands in the way, each once. */
    mistakes: string[];
    /** How many resources would be, or were, created, updated and so on; without those that do not change. */
    changes: Record<string, number>;
}

/** Collects the events of one operation of Pulumi. */
export class Listener {
    private readonly messages = new Map<string, "warning" | "info">();
    private readonly mistakes = new Set<string>();
    private changes: Record<string, number> = {};

    readonly onEvent = ({ diagnosticEvent, summaryEvent }: EngineEvent): void => {
        if (summaryEvent) this.changes = { ...summaryEvent.resourceChanges };
        if (!diagnosticEvent || diagnosticEvent.ephemeral) return;
        const { severity, message } = diagnosticEvent;
        const said = plain(message).trim();
        if (said === "" || isNoNews(said)) return;
        if (severity === "error") this.mistakes.add(said);
        else if (severity === "warning" || severity === "info") {
            if (this.messages.get(said) !== "warning") this.messages.set(said, severity);
        }
    };

    told(): Told {
        const of = (severity: string) => [...this.messages].flatMap(([text, one]) => (one === severity ? [text] : []));
        const changes = Object.entries(this.changes).filter(([operation, count]) => operation !== "same" && count > 0);
        return {
            messages: [...of("warning"), ...of("info")],
            mistakes: withoutParts([...this.mistakes]),
            changes: Object.fromEntries(changes),
        };
    }
}

/** Without Pulumi's marks for colours. */
const plain = (text: string) => text.replace(/<\{%[^%]*%\}>/g, "").replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");

/** Remarks of the engine beside a mistake, and of the stand-ins about themselves: the demo itself names its parts. */
const isNoNews = (text: string) =>
    /^(preview|update|destroy) failed$/.test(text) ||
    /^resource (plan|registration) failed|^Running program .* failed with an unhandled exception/i.test(text) ||
    /\bstand-in\b/.test(text);

/** The program reports a mistake, and the engine repeats it with other words around it. */
const withoutParts = (mistakes: readonly string[]) =>
    mistakes.filter((one) => !mistakes.some((other) => other !== one && one.includes(other)));

const VERBS: Record<string, string> = {
    create: "to create",
    update: "to update",
    delete: "to delete",
    replace: "to replace",
    "create-replacement": "to replace",
};
const DONE: Record<string, string> = { create: "created", update: "updated", delete: "deleted", replace: "replaced" };

/** "18 to create", or "18 created"; says that nothing changes if there is nothing else. */
export function changesInWords(changes: Record<string, number>, isDone: boolean): string {
    const words = Object.entries(changes).flatMap(([operation, count]) => {
        const word = (isDone ? DONE : VERBS)[operation];
        return word === undefined ? [] : [`${count} ${word}`];
    });
    return words.join(", ") || "nothing changes";
}

/** Pulumi's own output, for whoever wants to read it. */
export class OutputLog {
    constructor(
        readonly file: string,
        /** Where it is shown as well. */
        private readonly shown: ((text: string) => void) | undefined,
    ) {
        writeFileSync(file, "", { mode: 0o600 });
    }

    readonly onOutput = (text: string): void => {
        appendFileSync(this.file, text);
        this.shown?.(text);
    };

    heading(text: string): void {
        appendFileSync(this.file, `\n== ${text}\n`);
    }
}
