/**
 * Shows the output of a command line by line, with the trap of the official plugin 1.2.1: after 65,536 bytes without a
 * line break it reads no further, and whoever writes to it waits for ever.
 */
const LONGEST_LINE = 64 * 1024;

export class LineLog {
    private pending = Buffer.alloc(0);
    private stuck = false;
    private queue: Promise<void> = Promise.resolve();

    constructor(private readonly show: (line: string) => Promise<void>) {}

    /** Resolves when all of `chunk` has been taken; writers take turns. */
    write(chunk: Buffer): Promise<void> {
        this.queue = this.queue.then(() => this.take(chunk));
        return this.queue;
    }

    /** Shows what is left without a line break. */
    async end(): Promise<void> {
        await this.queue;
        if (!this.stuck && this.pending.length > 0) await this.show(lineText(this.pending));
    }

    private async take(chunk: Buffer): Promise<void> {
        for (let rest = chunk; rest.length > 0; ) {
            if (this.stuck) return new Promise<void>(() => {});
            const room = LONGEST_LINE - this.pending.length;
            this.pending = Buffer.concat([this.pending, rest.subarray(0, room)]);
            rest = rest.subarray(room);
            for (let end = this.pending.indexOf("\n"); end !== -1; end = this.pending.indexOf("\n")) {
                const line = this.pending.subarray(0, end);
                this.pending = this.pending.subarray(end + 1);
                await this.show(lineText(line));
            }
            this.stuck = this.pending.length >= LONGEST_LINE;
        }
    }
}

const lineText = (line: Buffer) => line.toString("utf8").replace(/\r$/, "");
