/**
 * Watches a registry's host while something is done to it: what a client sees that pulls all along, and what is on the
 * disk.
 */
import * as fs from "node:fs";
import * as http from "node:http";
import type { Deployed, FaultHost } from "./host";

/**
 * What is served, as far as one can see from outside: the config of a deployment, by the client that logins go to the
 * issuer as; the read-only config; the open one of before; nothing; or something else.
 */
export type Served = string;
export const OPEN = "open";
export const READ_ONLY = "read-only";
export const DOWN = "down";
export const NONE = "none";

export interface Seen<T> {
    /** Milliseconds since the watch began. */
    at: number;
    what: T;
}

export interface History {
    /** Each change of what is served. */
    served: Seen<Served>[];
    /** Each change of what the config on the disk is: the name of what was deployed, `none`, or `torn`. */
    disk: Seen<string>[];
    /** Whatever is wrong with the secret files of the config on the disk. */
    broken: string[];
    pulls: { good: number; bad: number; longestGapMs: number };
    /** When pulls succeeded, as Date.now(). */
    goodPulls: number[];
}

export interface Known {
    name: string;
    config: string;
    clientId?: string;
    files?: Deployed["files"];
}

export class Watch {
    private readonly began = performance.now();
    private readonly history: History = {
        served: [],
        disk: [],
        broken: [],
        pulls: { good: 0, bad: 0, longestGapMs: 0 },
        goodPulls: [],
    };
    private over = false;
    private readonly loops: Promise<void>[];
    private lastGood: number | undefined;
    private readonly image: string;

    /** @param image path of a manifest that anyone may pull. */
    constructor(
        private readonly host: FaultHost,
        private readonly known: Known[],
        image: string,
        options: { look?: boolean } = {},
    ) {
        this.image = image;
        this.loops = [this.loop(() => this.pull(), 10)];
        if (options.look ?? true)
            this.loops.push(
                this.loop(() => this.identify(), 25),
                this.loop(async () => this.readDisk(), 5),
            );
    }

    /** What is served now. */
    async now(): Promise<Served> {
        return servedBy(this.host.url, this.known);
    }

    /**
     * What is served, given some time to come up: a machine that has just started, or a zot that is just being
     * restarted.
     */
    async settled(milliseconds: number): Promise<Served> {
        const deadline = performance.now() + milliseconds;
        for (;;) {
            const served = await this.now();
            if (served !== DOWN || performance.now() > deadline) return served;
            await new Promise((resolve) => setTimeout(resolve, 30));
        }
    }

    /** Waits until it has seen by itself that this is served. */
    async sees(what: Served): Promise<void> {
        const deadline = performance.now() + 20_000;
        while (this.history.served.at(-1)?.what !== what) {
            if (performance.now() > deadline)
                throw new Error(`It was not seen within 20 seconds that ${what} is served.`);
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    }

    /** What the config on the disk is now. */
    onDisk(): string {
        return this.readDisk();
    }

    mark(): number {
        return performance.now() - this.began;
    }

    async end(): Promise<History> {
        this.over = true;
        await Promise.all(this.loops);
        if (this.lastGood !== undefined)
            this.history.pulls.longestGapMs = Math.max(
                this.history.pulls.longestGapMs,
                performance.now() - this.lastGood,
            );
        return this.history;
    }

    private async loop(work: () => Promise<unknown>, interval: number): Promise<void> {
        while (!this.over) {
            await work();
            await new Promise((resolve) => setTimeout(resolve, interval));
        }
    }

    private async pull(): Promise<void> {
        const answer = await request("GET", `${this.host.url}${this.image}`);
        const now = performance.now();
        if (answer.status === 200) {
            this.history.pulls.good++;
            this.history.goodPulls.push(Date.now());
            if (this.lastGood !== undefined)
                this.history.pulls.longestGapMs = Math.max(this.history.pulls.longestGapMs, now - this.lastGood);
            this.lastGood = now;
        } else {
            this.history.pulls.bad++;
        }
    }

    private async identify(): Promise<void> {
        note(this.history.served, this.mark(), await this.now());
    }

    private readDisk(): string {
        const text = readOrUndefined(this.host.configFile);
        const found = this.known.find((one) => one.config === text);
        const what = text === undefined ? NONE : (found?.name ?? "torn");
        for (const { path, content } of found?.files ?? []) {
            const there = readOrUndefined(path);
            // The config may have been replaced meanwhile, and its files removed.
            if (there === content || readOrUndefined(this.host.configFile) !== text) continue;
            const problem =
                `the config of ${what} is in force, ` +
                `and ${path.split("/").pop()?.split(".")[0]} is ${there === undefined ? "missing" : "not its own"}`;
            if (!this.history.broken.includes(problem)) this.history.broken.push(problem);
        }
        note(this.history.disk, this.mark(), what);
        return what;
    }
}

function note<T>(list: Seen<T>[], at: number, what: T): void {
    if (list.at(-1)?.what !== what) list.push({ at: Math.round(at), what });
}

/** What a registry serves. */
export async function servedBy(url: string, known: Known[]): Promise<Served> {
    const login = await request("GET", `${url}/zot/auth/login?provider=oidc&callback_ui=%2F`);
    if (login.status === 302) {
        const client = new URL(login.location ?? url).searchParams.get("client_id");
        return known.find((one) => one.clientId === client)?.name ?? `logins as ${client}`;
    }
    // 503: the program that has taken zot's port.
    if (login.status !== 404) return login.status === 0 || login.status === 503 ? DOWN : `login ${login.status}`;
    const write = await request("PUT", `${url}/v2/watch/probe/manifests/probe`, { "content-type": "text/plain" }, "x");
    if (write.status === 401) return READ_ONLY;
    if (write.status === 415) return OPEN;
    return write.status === 0 || write.status === 503 ? DOWN : `write ${write.status}`;
}

interface Answer {
    /** 0: no answer. */
    status: number;
    location?: string;
}

function request(method: string, url: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
    return new Promise((resolve) => {
        const outgoing = http.request(url, { method, headers, agent: false, timeout: 3000 }, (incoming) => {
            incoming.resume();
            incoming.on("end", () =>
                resolve({ status: incoming.statusCode ?? 0, location: incoming.headers.location }),
            );
            incoming.on("error", () => resolve({ status: 0 }));
        });
        outgoing.on("timeout", () => outgoing.destroy());
        outgoing.on("error", () => resolve({ status: 0 }));
        outgoing.end(body);
    });
}

function readOrUndefined(file: string): string | undefined {
    try {
        return fs.readFileSync(file, "utf8");
    } catch {
        return undefined;
    }
}
