/** A bounded number of requests over a few connections that are kept open, and what they took. */
import { readFileSync } from "node:fs";
import { Agent, request as httpRequest } from "node:http";
import { performance } from "node:perf_hooks";

/** One request, and how it has to be answered. */
export interface Sent {
    method: string;
    path: string;
    headers?: Record<string, string>;
    body?: string;
    status: number;
}

/** What the requests of one series took. */
export interface Answered {
    requests: number;
    seconds: number;
    /** Time on a processor of who answered; undefined if there is no /proc. */
    processorSeconds?: number;
}

/** Few, so that the client is not what is measured. */
const CONNECTIONS = 6;
/** No request is begun after so many seconds. */
const MOST_SECONDS = 20;

/**
 * Sends the requests.
 *
 * @param pid of the process that answers
 * @throws Error if one is not answered as it has to be
 */
export async function answered(
    url: string,
    pid: number,
    count: number,
    nth: (index: number) => Sent,
): Promise<Answered> {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
    let next = 0;
    const before = processorSecondsOf(pid);
    const started = performance.now();
    const deadline = started + MOST_SECONDS * 1000;
    const work = async () => {
        while (next < count && performance.now() < deadline) await send(url, agent, nth(next++));
    };
    try {
        await Promise.all(Array.from({ length: CONNECTIONS }, work));
    } finally {
        agent.destroy();
    }
    const seconds = (performance.now() - started) / 1000;
    const after = processorSecondsOf(pid);
    const took = before === undefined || after === undefined ? {} : { processorSeconds: after - before };
    return { requests: next, seconds, ...took };
}

function send(url: string, agent: Agent, { method, path, headers = {}, body, status }: Sent): Promise<void> {
    return new Promise((resolve, reject) => {
        const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
        const outgoing = httpRequest(new URL(path, url), { method, agent, headers: { ...headers, ...length } });
        outgoing.on("error", reject);
        outgoing.on("response", (incoming) => {
            let text = "";
            incoming.on("data", (chunk: Buffer) => (text += String(chunk)));
            incoming.on("error", reject);
            incoming.on("end", () => {
                if (incoming.statusCode === status) resolve();
                else reject(new Error(`${method} ${path} at ${url} was answered with ${incoming.statusCode}: ${text}`));
            });
        });
        outgoing.end(body);
    });
}

/** How many ticks of /proc are a second; Linux tells every program so. */
const TICKS = 100;

/** Time that a process has had on a processor so far; undefined if there is no /proc. */
function processorSecondsOf(pid: number): number | undefined {
    try {
        return processorSecondsIn(readFileSync(`/proc/${pid}/stat`, "latin1"));
    } catch {
        return undefined;
    }
}

/** Of a line of /proc/PID/stat, in which the name stands in parentheses and may itself contain some. */
export function processorSecondsIn(stat: string): number {
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // In its own mode and in that of the kernel: the 14th and the 15th field of the whole line.
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
