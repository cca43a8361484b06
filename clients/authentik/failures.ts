/**
 * Everything that can go wrong between this program and Authentik, each with its own kind and words, in one table.
 * A message says what was asked, what was found, and what to do.
 */
import { causesOf } from "../causes";
import type { NoAnswer, UnreachableError } from "../http/failures";
import { type Answer, isJson, jsonOf, retryAfter } from "../http/request";
import type { Worth } from "../http/retry";
import { outsideText } from "../outsideText";
import { UserError } from "../userError";

export type FailureKind =
    /** The request never got an answer, and certainly changed nothing. */
    | "unreachable"
    /** Authentik answers 503 while it starts. */
    | "starting"
    /** No token, or one that is invalid or expired. Authentik answers both with 403, never with 401. */
    | "bad-token"
    /** The token is valid, but may not do this. */
    | "forbidden"
    | "not-found"
    /** A validation error: {@link ApiFailure.fields} says what is wrong with each field. */
    | "invalid"
    /**
     * A write with an unknown outcome. Either the connection broke, or Authentik gave an answer that it also gives
     * after it has committed the write (500 from a recycled worker; 405 with an empty page; measured on 2026.5).
     */
    | "uncertain"
    | "unexpected";

export class ApiFailure extends UserError {
    constructor(
        readonly kind: FailureKind,
        message: string,
        /** By the API's field in camel case; complaints about no particular field are under "". */
        readonly fields: Readonly<Record<string, readonly string[]>> = {},
        readonly status?: number,
        /** What Authentik itself said, if it said anything. */
        readonly detail?: string,
    ) {
        super(message);
    }
}

/** The failure inside an error of the API's client, which wraps whatever its fetch throws. */
export const failureIn = (error: unknown): ApiFailure | undefined =>
    causesOf(error).find((cause) => cause instanceof ApiFailure);

/** Whether the failure says that an object does not exist. */
export const isNotFound = (error: unknown): boolean => failureIn(error)?.kind === "not-found";

/** How long to keep trying. All in milliseconds. */
export interface Patience {
    /** While nothing listens at the address. */
    refused: number;
    /**
     * While Authentik says that it is starting. With an empty database that takes about a minute (measured on 2026.5).
     */
    starting: number;
    /** For one answer. No new attempt after a passing failure begins later than this after the first one. */
    answer: number;
    /** The first pause between two attempts. Each next one is twice as long, up to `longestPause`. */
    firstPause: number;
    longestPause: number;
    /** Attempts at a request that may be repeated, after passing failures. */
    attempts: number;
}

/** What was asked of Authentik. */
export interface Asked {
    /** Authentik's address, as the person wrote it. */
    url: string;
    method: string;
    /** Below the address, without a query: `/api/v3/core/users/`. */
    path: string;
    /** Whether the request may be sent twice: reads, and writes of which a second one changes nothing more. */
    isRepeatable: boolean;
    patience: Patience;
}

/** A failure, and whether trying again is worthwhile; undefined if it would fail in the same way. */
export interface Judged {
    failure: ApiFailure;
    worth: Worth | undefined;
}

const placeOf = ({ method, path }: Asked) => `${method} ${path}`;
const inPassing = ({ isRepeatable, patience }: Asked): Worth | undefined =>
    isRepeatable ? { attempts: patience.attempts, within: patience.answer } : undefined;

// Without an answer

type Words = (asked: Asked, reason: string) => string;

const WITHOUT_ANSWER: Record<NoAnswer, Words> = {
    "refused here": ({ url }, reason) => `Authentik at ${url}: ${reason}.`,
    untrusted: ({ url }, code) =>
        `The certificate of ${url} is not trusted here (${code}). ` +
        "For a private authority set NODE_EXTRA_CA_CERTS to its PEM file; authentik:insecure accepts any certificate.",
    "certificate not valid now": ({ url }, code) =>
        `The certificate of ${url} is not valid now (${code}). ` +
        "Renew it, or set the clock here; authentik:insecure accepts any certificate.",
    "no TLS": ({ url }, code) =>
        `What listens at ${url} does not speak TLS (${code}). Is authentik:url right: http:// in place of https://, or another port?`,
    "unknown host": ({ url }) =>
        `The host name in ${url} is not known (ENOTFOUND). Is authentik:url right, and the network up?`,
    "not connected": ({ url }, code) =>
        `Authentik cannot be reached at ${url} (${code}). Is it running there, and does the network let you through?`,
    timeout: (asked) =>
        `Authentik at ${asked.url} gave no answer to ${placeOf(asked)} within ${asked.patience.answer / 1000} seconds. ` +
        "It may be overloaded or halted, or a proxy in front of it may hold requests back. Look at its log; " +
        `try again when ${asked.url}/-/health/ready/ answers 200.`,
    broken: (asked, reason) => `Authentik at ${asked.url} gave no answer to ${placeOf(asked)} (${reason}).`,
};

/** The failure of a request that got no answer. */
export function withoutAnswer(asked: Asked, { noAnswer: { kind, reason, code } }: UnreachableError): Judged {
    const mayBeDone = kind === "timeout" || kind === "broken";
    const failureKind: FailureKind =
        kind === "refused here" ? "unexpected" : mayBeDone && !asked.isRepeatable ? "uncertain" : "unreachable";
    const failure = new ApiFailure(failureKind, WITHOUT_ANSWER[kind](asked, code ?? reason));
    if (kind === "not connected") return { failure, worth: { within: asked.patience.refused } };
    return { failure, worth: mayBeDone ? inPassing(asked) : undefined };
}

// Unusable answers

interface Given {
    asked: Asked;
    answer: Answer;
    /** What Authentik said about it, if it said anything. */
    detail: string | undefined;
}

interface Row {
    when(given: Given): boolean;
    kind: FailureKind | ((given: Given) => FailureKind);
    words(given: Given): string;
    /** Default: trying again is not worthwhile. */
    worth?(given: Given): Worth | undefined;
}

const said = (detail: string | undefined) => (detail ? `: ${detail}` : "");
const TOKEN_PROBLEM = /token invalid|credentials were not provided|expired/i;

/** The first row that matches an answer says what it means. */
const ANSWERS: readonly Row[] = [
    {
        when: ({ answer }) => answer.status >= 200 && answer.status < 300,
        kind: "unexpected",
        words: ({ asked, answer }) =>
            `${asked.url} answered ${placeOf(asked)} with something other than what Authentik's API sends ` +
            `(${outsideText(answer.headers.get("content-type") ?? "no content type", 80)}). ` +
            "Is authentik:url right, and does a proxy in front ask for a login?",
    },
    {
        // A redirect is not followed: that would turn a POST into a GET, and lose what was to be written.
        when: ({ answer }) => answer.status >= 300 && answer.status < 400,
        kind: "unexpected",
        words: ({ asked, answer }) =>
            `${asked.url} redirects ${placeOf(asked)}${toWhere(answer)}. ` +
            "Set authentik:url to the address that Authentik itself answers at (often the same with https).",
    },
    {
        // Authentik's front end answers this before its core runs, so nothing was written.
        when: ({ answer }) => answer.status === 503 && retryAfter(answer) !== undefined,
        kind: "starting",
        words: ({ asked: { url, patience } }) =>
            `Authentik at ${url} has been starting for ${Math.round(patience.starting / 1000)} s and is not ` +
            `ready. Look at its log; try again when ${url}/-/health/ready/ answers 200.`,
        worth: ({ asked: { patience }, answer }) => ({
            within: patience.starting,
            pause: Math.min(retryAfter(answer)!, patience.longestPause),
        }),
    },
    {
        when: ({ answer: { status }, detail }) =>
            status === 401 || (status === 403 && TOKEN_PROBLEM.test(detail ?? "")),
        kind: "bad-token",
        words: ({ asked, detail }) =>
            `Authentik at ${asked.url} refused the API token: ` +
            `${(detail ?? "it is invalid or expired").replace(/\.$/, "")}. ` +
            "Set a good one with: pulumi config set --secret authentik:token (or in the environment: " +
            "AUTHENTIK_TOKEN). A refresh and a destroy use the token of the last update: " +
            "if a new one is already set, first run pulumi up, without --refresh.",
    },
    {
        when: ({ answer }) => answer.status === 403,
        kind: "forbidden",
        words: ({ detail }) => detail ?? "You do not have permission to perform this action.",
    },
    {
        when: ({ answer }) => answer.status === 404 && isJson(answer),
        kind: "not-found",
        words: ({ detail }) => detail ?? "Not found.",
    },
    {
        when: ({ answer }) => answer.status === 404,
        kind: "unexpected",
        words: ({ asked }) =>
            `${asked.url} has no API at ${placeOf(asked)} (404). Is authentik:url right? ` +
            "If Authentik is served below a path, the path is part of the URL.",
    },
    {
        when: ({ answer }) => answer.status === 400 && isJson(answer),
        kind: "invalid",
        words: ({ answer }) => answer.text,
    },
    {
        when: ({ answer }) => answer.status === 429,
        kind: "unexpected",
        words: ({ asked }) =>
            `Authentik at ${asked.url} answers that there are too many requests (429 to ${placeOf(asked)}). ` +
            "Try again later.",
        worth: ({ asked: { patience }, answer }) => ({
            within: 60_000,
            attempts: patience.attempts,
            pause: retryAfter(answer),
        }),
    },
    {
        // A server error, or the empty 405 that an unhandled one causes: the write may have been committed all the
        // same.
        when: ({ answer }) => answer.status >= 500 || (answer.status === 405 && !isJson(answer)),
        kind: ({ asked }) => (asked.isRepeatable ? "unexpected" : "uncertain"),
        words: ({ asked, answer: { status }, detail }) =>
            `Authentik at ${asked.url} failed at ${placeOf(asked)} (${status}${said(detail)}). Its log says why.`,
        worth: ({ asked, answer }) => (answer.status === 405 && asked.method === "GET" ? undefined : inPassing(asked)),
    },
    {
        when: () => true,
        kind: "unexpected",
        words: ({ asked, answer: { status }, detail }) =>
            `Authentik at ${asked.url} answered ${status} to ${placeOf(asked)}${said(detail)}.`,
    },
];

/** Whether an answer says that the API carried out the request. */
export const isSuccess = (answer: Answer): boolean =>
    answer.status >= 200 && answer.status < 300 && (answer.status === 204 || answer.status === 205 || isJson(answer));

/** The failure that an answer without success means. */
export function judged(asked: Asked, answer: Answer): Judged {
    const body = isJson(answer) ? jsonOf(answer) : undefined;
    const detail = typeof body === "object" && body !== null && "detail" in body ? outsideText(body.detail) : undefined;
    const given: Given = { asked, answer, detail };
    const { kind, words, worth } = ANSWERS.find((row) => row.when(given))!;
    const failureKind = typeof kind === "function" ? kind(given) : kind;
    const fields = failureKind === "invalid" ? complaintsByField(body) : {};
    return { failure: new ApiFailure(failureKind, words(given), fields, answer.status, detail), worth: worth?.(given) };
}

/** A proxy's redirect may carry a session in its query. */
function toWhere({ headers, location }: Answer): string {
    if (location) return ` to ${outsideText(`${location.origin}${location.pathname}`)}`;
    return headers.has("location") ? " to another address" : "";
}

// Complaints about fields

const camelCase = (field: string) => field.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());

/** The complaints of a 400 answer by field, nested ones under the outermost field. */
export function complaintsByField(body: unknown): Record<string, string[]> {
    if (body === null || typeof body !== "object") return {};
    if (Array.isArray(body)) return { "": flatten(body) };
    const fields: Record<string, string[]> = {};
    for (const [field, complaints] of Object.entries(body)) {
        const key = field === "non_field_errors" || field === "detail" || field === "__all__" ? "" : camelCase(field);
        fields[key] = [...(fields[key] ?? []), ...flatten(complaints)];
    }
    return fields;
}

function flatten(complaints: unknown): string[] {
    if (typeof complaints === "string") return [complaints];
    if (Array.isArray(complaints)) return complaints.flatMap(flatten);
    if (complaints !== null && typeof complaints === "object") {
        return Object.entries(complaints).flatMap(([field, inner]) =>
            flatten(inner).map((complaint) => `${field}: ${complaint}`),
        );
    }
    return complaints === undefined || complaints === null ? [] : [String(complaints)];
}
