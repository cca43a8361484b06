import type { Answer, Request } from "./http";

/** Something that goes wrong on demand, once. */
export interface Fault {
    /**
     * - `errorAfterWrite`: the request is carried out, and answered 500 `text/plain` "Internal Server Error" (a
     *   recycled worker);
     * - `emptyMethodNotAllowed`: answered 405 with an empty page, and not carried out (an unhandled error on a write);
     * - `serverError`: 500 with a page, not carried out (the database is down, on a read);
     * - `reset`: the connection is cut before the request is carried out;
     * - `resetAfterWrite`: the connection is cut after it was carried out.
     */
    readonly kind: "errorAfterWrite" | "emptyMethodNotAllowed" | "serverError" | "reset" | "resetAfterWrite";
    /** Only a request of this method; any if left out. */
    readonly method?: string;
    /** Only a request whose path starts with this, such as "/api/v3/core/users/"; any if left out. */
    readonly path?: string;
}

/** The faults that are waiting for their request. */
export class Faults {
    private waiting: Fault[] = [];

    add(fault: Fault): void {
        this.waiting.push(fault);
    }

    clear(): void {
        this.waiting = [];
    }

    /** The kinds of fault that strike a request. */
    take({ method, path }: Pick<Request, "method" | "path">): Set<Fault["kind"]> {
        const strikes = (fault: Fault) =>
            (fault.method ?? method) === method && (fault.path === undefined || path.startsWith(fault.path));
        const striking = this.waiting.filter(strikes);
        this.waiting = this.waiting.filter((fault) => !strikes(fault));
        return new Set(striking.map(({ kind }) => kind));
    }
}

export const internalServerError = (): Answer => ({
    status: 500,
    body: "Internal Server Error",
    headers: { "Content-Type": "text/plain; charset=utf-8" },
});
