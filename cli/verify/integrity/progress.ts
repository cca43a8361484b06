/** Shows progress: one line on a terminal, which is overwritten. */
import { printable } from "../../../clients/outsideText";

/** A stream that a person may be watching. */
export interface Terminal {
    isTTY?: boolean;
    columns?: number;
    write(text: string): unknown;
}

/** Milliseconds between two updates of the line; without a terminal, between two lines. */
const OFTEN = { terminal: 100, elsewhere: 30_000 };

export class ProgressLine {
    private shown = 0;
    private isOpen = false;

    constructor(
        private readonly terminal: Terminal,
        private readonly now: () => number = Date.now,
    ) {
        this.shown = now();
    }

    /** @param text short; it is cut at the terminal's width */
    show(text: string): void {
        const { isTTY, columns = 80 } = this.terminal;
        if (this.now() - this.shown < (isTTY ? OFTEN.terminal : OFTEN.elsewhere)) return;
        this.shown = this.now();
        const line = printable(text);
        this.terminal.write(isTTY ? `\r\u001b[K${line.slice(0, columns - 1)}` : `${line}\n`);
        this.isOpen = isTTY === true;
    }

    /** Call this before anything else is written, and at the end. */
    clear(): void {
        if (this.isOpen) this.terminal.write("\r\u001b[K");
        this.isOpen = false;
    }
}
