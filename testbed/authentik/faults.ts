import type { Answer, Request } from "./http";

/** Something that goes wrong on demand. */
export interface Fault {
    /**
     * - `errorAfterWrite`: the request is carried out, and answered 500 `text/plain` "Internal Server Error" (a
     *   recycled worker);
     * - `emptyMethodNotAllowed`: answered 405 with an empty page, and not carried out (an unhandled error on a write);
     * - `starting`: 503 `text/plain` with `Retry-After: 5`, not carried out;
     * - `serverError`: 500 with a page, not carried out (the database is down, on a read);
     * - `delay`: carried out after `milliseconds`;
     * - `reset`: the connection is cut before the request is carried out;
     * - `resetAfterWrite`: the connection is cut after it was carried out.
     */
    readonly kind: (typeof faultKinds)[number];
    /** Only requests of this method; any where left out. */
    readonly method?: string;
    /** Only requests whose path starts with this, such as "/api/v3/core/users/"; any where left out. */
    readonly path?: string;
    /** How many requests it strikes; 1 where left out, null for all. */
    readonly times?: number | null;
    /** How many matching requests it lets pass first; 0 where left out. */
    readonly after?: number;
    /** For `delay`. */
    readonly milliseconds?: number;
}

export const faultKinds = [
    "errorAfterWrite",
    "emptyMethodNotAllowed",
    "starting",
    "serverError",
    "delay",
    "reset",
    "resetAfterWrite",
] as const;

/** The faults that are waiting, and the version that the stand-in shows. */
export class Faults {
    private waiting: { fault: Fault; skip: number; left: number }[] = [];
    /** Shown instead of the true version. */
    version: string | undefined;

    /** Adds a fault. @throws Error naming what is wrong with it. */
    add(fault: Fault): void {
        if (!faultKinds.includes(fault.kind)) {
            throw new Error(`a fault of kind ${JSON.stringify(fault.kind)}; there are: ${faultKinds.join(", ")}`);
        }
        this.waiting.push({
            fault,
            skip: fault.after ?? 0,
            left: fault.times === null ? Infinity : (fault.times ?? 1),
        });
    }

    clear(): void {
        this.waiting = [];
        this.version = undefined;
    }

    /** The faults that strike a request. */
    take(request: Pick<Request, "method" | "path">): Fault[] {
        const striking: Fault[] = [];
        for (const entry of this.waiting) {
            const { fault } = entry;
            if (fault.method !== undefined && fault.method !== request.method) continue;
            if (fault.path !== undefined && !request.path.startsWith(fault.path)) continue;
            if (entry.skip > 0) {
                entry.skip--;
            } else {
                entry.left--;
                striking.push(fault);
            }
        }
        this.waiting = this.waiting.filter((entry) => entry.left > 0);
        return striking;
    }
}

export const startingAnswer = (): Answer => ({
    status: 503,
    body: "authentik starting",
    headers: { "Content-Type": "text/plain", "Retry-After": "5" },
});

export const internalServerError = (): Answer => ({
    status: 500,
    body: "Internal Server Error",
    headers: { "Content-Type": "text/plain; charset=utf-8" },
});
