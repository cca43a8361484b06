/**
 * Requests to Authentik's API. Everything that asks Authentik goes through here. It repeats what is safe to repeat, and
 * gives every failure its kind and its words.
 */
import type { UnreachableError } from "../http/failures";
import { outgoing, type Transport } from "../http/outgoing";
import { everyPage } from "../http/paging";
import { ANSWER_LIMIT, type Answer, type HttpRequest, sendOne } from "../http/request";
import { retrying } from "../http/retry";
import { currentCall } from "./call";
import { withoutApi } from "./connection";
import { type Asked, isSuccess, type Judged, judged, type Patience, withoutAnswer } from "./failures";

export type { Patience } from "./failures";

export const usualPatience: Patience = {
    refused: 10_000,
    starting: 150_000,
    answer: ANSWER_LIMIT,
    firstPause: 250,
    longestPause: 5_000,
    attempts: 5,
};

/** For a question that is only a convenience: one attempt. `answer` is in milliseconds. */
export const oneAttempt = (answer = ANSWER_LIMIT): Patience => ({
    ...usualPatience,
    refused: 0,
    starting: 0,
    attempts: 1,
    answer,
});

/**
 * For a look whose result matters: a worker of Authentik that is being recycled briefly answers 500. `answer` is in
 * milliseconds.
 */
export const twoAttempts = (answer = ANSWER_LIMIT): Patience => ({ ...oneAttempt(answer), attempts: 2 });

export interface ApiAccess {
    /** Authentik's address, for example `https://authentik.example.org`; with or without `/api/v3` at its end. */
    url: string;
    token: string;
    /** Sent with every request, for a proxy in front. Default: none. */
    headers?: Record<string, string>;
    /** How requests leave this machine. Default: directly, or through the environment's proxy. */
    transport?: Transport;
}

export interface ApiRequest {
    method?: string;
    /** Sent as JSON. */
    json?: unknown;
    /**
     * Whether a write may be sent twice, because a second one changes nothing more. Default: only reads are repeated.
     */
    isRepeatable?: boolean;
}

/** One page of a list, as Authentik answers it. */
export interface Page<Item> {
    results: Item[];
    pagination?: { next: number };
}

export class AuthentikApi {
    private transport: Transport | undefined;

    constructor(
        private readonly access: ApiAccess,
        private readonly patience: Patience = usualPatience,
    ) {
        this.transport = access.transport;
    }

    /** Authentik's address, without the part for the API. */
    get url(): string {
        return withoutApi(this.access.url);
    }

    /**
     * The answer's body; undefined if it has none.
     *
     * @param path below `/api/v3`, including the query
     * @throws ApiFailure
     */
    async request<Body>(path: string, request: ApiRequest = {}): Promise<Body> {
        const { text } = await this.send(`${this.url}/api/v3${path}`, request);
        return (text === "" ? undefined : JSON.parse(text)) as Body;
    }

    /** All items of a list, from all its pages. `what` names the list in messages: `The blueprints in Authentik`. */
    list<Item>(what: string, path: string, pageSize = 100): Promise<Item[]> {
        const page = async (number: number) => {
            const query = `${path.includes("?") ? "&" : "?"}page=${number}&page_size=${pageSize}`;
            const { results, pagination } = await this.request<Page<Item>>(`${path}${query}`);
            return { items: results, next: pagination?.next || undefined };
        };
        return everyPage(what, page, 1);
    }

    /**
     * Sends one request, and repeats it until an answer is a success.
     *
     * @throws ApiFailure
     */
    async send(target: string, request: HttpRequest & Pick<ApiRequest, "isRepeatable">): Promise<Answer> {
        const { method = "GET" } = request;
        const asked: Asked = {
            url: this.access.url,
            method,
            path: new URL(target).pathname,
            isRepeatable: request.isRepeatable ?? method === "GET",
            patience: this.patience,
        };
        const call = currentCall();
        let isTold = false;
        return retrying(() => this.attempt(target, request, asked), {
            worth: (error) => (error instanceof Failed ? error.judged.worth : undefined),
            firstPause: this.patience.firstPause,
            longestPause: this.patience.longestPause,
            cancelled: call?.cancelled,
            beforePause: async (error) => {
                if (isTold || !(error instanceof Failed) || error.judged.failure.kind !== "starting") return;
                isTold = true;
                const seconds = Math.round(this.patience.starting / 1000);
                await call?.log("info", `Authentik at ${asked.url} is starting; waiting for up to ${seconds} s.`);
            },
        }).catch((error: unknown) => {
            throw error instanceof Failed ? error.judged.failure : error;
        });
    }

    private async attempt(target: string, request: HttpRequest, asked: Asked): Promise<Answer> {
        const { token, headers } = this.access;
        this.transport ??= outgoing();
        const cancelled = currentCall()?.cancelled;
        const answer = await sendOne(this.transport, target, {
            ...request,
            headers: {
                ...headers,
                authorization: `Bearer ${token}`,
                accept: "application/json",
                ...request.headers,
            },
            timeout: this.patience.answer,
            cancelled,
        }).catch((error: unknown) => {
            cancelled?.throwIfAborted();
            throw new Failed(withoutAnswer(asked, error as UnreachableError));
        });
        if (!isSuccess(answer)) throw new Failed(judged(asked, answer));
        return answer;
    }
}

/** A failed attempt, and whether another one is worthwhile. */
class Failed extends Error {
    constructor(readonly judged: Judged) {
        super(judged.failure.message);
    }
}
