/**
 * Authentik's API for the resources and functions: the official typed client, loaded one part at a time, over one way of
 * sending requests that retries what is safe to retry and gives every failure its kind (errors.ts).
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type * as api from "@goauthentik/api";
import { outgoing, type Send, UnreachableError } from "../../clients/http/outgoing";
import { everyPage as everyPageOf } from "../../clients/http/paging";
import { outsideText } from "../../clients/outsideText";
import type { CallContext } from "../protocol";
import type { Settings } from "./configuration";
import { ApiFailure, complaintsByField, failureIn, UserError } from "./errors";

/** How long to go on trying. All in milliseconds. */
export interface Patience {
    /** While nothing listens at the address. */
    refused: number;
    /** While Authentik says that it is starting; an empty database takes it about a minute (measured on 2026.5). */
    starting: number;
    /** For one answer. */
    answer: number;
    /** The first pause between two attempts; each next one is twice as long, up to `longestPause`. */
    firstPause: number;
    longestPause: number;
    /** Attempts at a read that fails in passing. */
    attempts: number;
}

export const usualPatience: Patience = {
    refused: 10_000,
    starting: 150_000,
    answer: 60_000,
    firstPause: 250,
    longestPause: 5_000,
    attempts: 5,
};

/** The versions that this provider was written for. Older ones have other fields; newer ones are tried, with a warning. */
const oldestVersion = "2025.10";
const newestYear = 2026;

const callContext = new AsyncLocalStorage<CallContext>();

/**
 * Runs one call of the engine, so that whatever it waits for is told to the person, and ends when the engine is told to stop or the
 * program's time limit for it (`customTimeouts`) is over.
 */
export async function during<Result>(
    context: CallContext,
    work: () => Promise<Result>,
    timeoutSeconds?: number,
): Promise<Result> {
    if (!timeoutSeconds) return callContext.run(context, work);
    const limit = AbortSignal.timeout(timeoutSeconds * 1000);
    try {
        return await callContext.run({ ...context, cancelled: AbortSignal.any([context.cancelled, limit]) }, work);
    } catch (error) {
        if (!limit.aborted) throw error;
        throw new UserError(
            `It did not come to an end within ${timeoutSeconds} s, the customTimeouts of the resource. Whether Authentik did it all the same, pulumi refresh or the next pulumi up will show.`,
        );
    }
}

/** Whether `version` is `least` or newer; both as `2026.5.0-rc1`. */
export function isAtLeast(version: string, least: string): boolean {
    const numbers = (text: string) =>
        text
            .split(/[.-]/)
            .slice(0, 3)
            .map((part) => Number.parseInt(part, 10) || 0);
    const [have, want] = [numbers(version), numbers(least)];
    for (let index = 0; index < 3; index++) {
        const difference = (have[index] ?? 0) - (want[index] ?? 0);
        if (difference !== 0) return difference > 0;
    }
    return true;
}

export class Client {
    private readonly parts = new Map<string, unknown>();
    private readonly chains = new Map<string, Promise<unknown>>();
    private configuration: api.Configuration | undefined;
    private versionSeen: Promise<string | undefined> | undefined;
    private warnedOfVersion = false;
    /** The server's version, where a request has been answered already and the token may ask for it. */
    versionIfSeen: string | undefined;
    /** Made with the first request: where a proxy is set, it loads a library. */
    private way: Send | undefined;

    /** `settings` is called when they are first needed; what it throws reaches the person. */
    constructor(
        private readonly settings: () => Settings,
        private readonly patience: Patience = usualPatience,
    ) {}

    // Each part of the official client and the models it needs load in a few milliseconds; all of them take half a second.
    get core(): api.CoreApi {
        return this.part(
            "core",
            (configuration) => new (require("@goauthentik/api/dist/apis/CoreApi") as typeof api).CoreApi(configuration),
        );
    }
    get providers(): api.ProvidersApi {
        return this.part(
            "providers",
            (configuration) =>
                new (require("@goauthentik/api/dist/apis/ProvidersApi") as typeof api).ProvidersApi(configuration),
        );
    }
    get policies(): api.PoliciesApi {
        return this.part(
            "policies",
            (configuration) =>
                new (require("@goauthentik/api/dist/apis/PoliciesApi") as typeof api).PoliciesApi(configuration),
        );
    }
    get flows(): api.FlowsApi {
        return this.part(
            "flows",
            (configuration) =>
                new (require("@goauthentik/api/dist/apis/FlowsApi") as typeof api).FlowsApi(configuration),
        );
    }
    get stages(): api.StagesApi {
        return this.part(
            "stages",
            (configuration) =>
                new (require("@goauthentik/api/dist/apis/StagesApi") as typeof api).StagesApi(configuration),
        );
    }
    get propertyMappings(): api.PropertymappingsApi {
        return this.part(
            "propertyMappings",
            (configuration) =>
                new (require("@goauthentik/api/dist/apis/PropertymappingsApi") as typeof api).PropertymappingsApi(
                    configuration,
                ),
        );
    }
    get crypto(): api.CryptoApi {
        return this.part(
            "crypto",
            (configuration) =>
                new (require("@goauthentik/api/dist/apis/CryptoApi") as typeof api).CryptoApi(configuration),
        );
    }
    private get admin(): api.AdminApi {
        return this.part(
            "admin",
            (configuration) =>
                new (require("@goauthentik/api/dist/apis/AdminApi") as typeof api).AdminApi(configuration),
        );
    }

    /** Authentik's address as the person wrote it. */
    get url(): string {
        return this.settings().url;
    }

    /**
     * A read. The server's version is looked at once, beside the first request.
     * @throws UserError for a version that is too old, rather than whatever it made of the request.
     */
    async reading<Result>(request: () => Promise<Result>): Promise<Result> {
        const [version, result] = await Promise.allSettled([this.supportedVersion(), request()]);
        if (version.status === "rejected") throw version.reason;
        if (result.status === "rejected") throw result.reason;
        return result.value;
    }

    /** A write, which is not sent to a server whose version is too old. */
    async writing<Result>(request: () => Promise<Result>): Promise<Result> {
        await this.supportedVersion();
        return request();
    }

    /** A write that may be sent twice, since the second changes nothing more; it is, where the first gave no certain answer. */
    async repeating<Result>(request: () => Promise<Result>): Promise<Result> {
        for (let attempt = 1; ; attempt++) {
            try {
                return await request();
            } catch (error) {
                if (failureIn(error)?.kind !== "uncertain" || attempt >= 3) throw error;
                await sleep(this.patience.firstPause * 2 ** attempt);
            }
        }
    }

    /** Work under one key is done one after another. */
    async oneAfterAnother<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
        const before = this.chains.get(key) ?? Promise.resolve();
        const mine = before.then(work, work);
        this.chains.set(
            key,
            mine.catch(() => {}),
        );
        return mine;
    }

    /** The server's version; undefined where the token may not ask. */
    version(): Promise<string | undefined> {
        this.versionSeen ??= this.admin.adminVersionRetrieve().then(
            (version) => (this.versionIfSeen = version.versionCurrent),
            () => undefined, // The request proper fails for the same reason, and says so; a token may lack this right and have all others.
        );
        return this.versionSeen;
    }

    private async supportedVersion(): Promise<void> {
        this.settings();
        const version = await this.version();
        if (version === undefined || !/^\d{4}\./.test(version)) return;
        if (!isAtLeast(version, oldestVersion)) {
            throw new UserError(
                `Authentik at ${this.url} is version ${version}; this provider supports ${oldestVersion} to ${newestYear}.x. Upgrade Authentik first.`,
            );
        }
        if (Number(version.slice(0, 4)) > newestYear && !this.warnedOfVersion) {
            this.warnedOfVersion = true;
            await callContext
                .getStore()
                ?.log(
                    "warning",
                    `Authentik at ${this.url} is version ${version}, newer than what this provider was written for (${oldestVersion} to ${newestYear}.x).`,
                );
        }
    }

    private part<Api>(name: string, make: (configuration: api.Configuration) => Api): Api {
        let part = this.parts.get(name);
        if (!part) {
            part = make(this.clientConfiguration());
            this.parts.set(name, part);
        }
        return part as Api;
    }

    private clientConfiguration(): api.Configuration {
        if (!this.configuration) {
            const settings = this.settings();
            const { Configuration } = require("@goauthentik/api/dist/runtime") as typeof api;
            this.configuration = new Configuration({
                basePath: settings.basePath,
                headers: { ...settings.headers, authorization: `Bearer ${settings.token}`, accept: "application/json" },
                fetchApi: (url: string, init?: RequestInit) => this.send(url, init ?? {}),
            });
        }
        return this.configuration;
    }

    /** Sends one request until there is an answer to go by. Answers with success, or throws an {@link ApiFailure}. */
    private async send(url: string, init: RequestInit): Promise<Response> {
        const began = Date.now();
        const isRead = (init.method ?? "GET") === "GET";
        const context = callContext.getStore();
        let announced = false;
        for (let attempt = 1; ; attempt++) {
            context?.cancelled.throwIfAborted();
            const outcome = await this.attempt(url, init, isRead);
            if (outcome instanceof Response) return outcome;

            const { failure, retryFor, retryAfter } = outcome;
            const pause =
                retryAfter ?? Math.min(this.patience.firstPause * 2 ** (attempt - 1), this.patience.longestPause);
            const isTimeLeft = Date.now() - began + pause <= retryFor.milliseconds;
            if (!isTimeLeft || attempt >= retryFor.attempts) throw failure;
            if (failure.kind === "starting" && !announced) {
                announced = true;
                await context?.log(
                    "info",
                    `Authentik at ${this.url} is starting; waiting for up to ${Math.round(retryFor.milliseconds / 1000)} s.`,
                );
            }
            await sleep(pause, undefined, context ? { signal: context.cancelled } : {});
        }
    }

    private async attempt(url: string, init: RequestInit, isRead: boolean): Promise<Response | RetryableFailure> {
        const never = { milliseconds: 0, attempts: 1 };
        const inPassing = { milliseconds: Number.POSITIVE_INFINITY, attempts: this.patience.attempts };
        const place = `${init.method ?? "GET"} ${new URL(url).pathname}`;
        let response: Response;
        let body: string;
        try {
            const signals = [
                AbortSignal.timeout(this.patience.answer),
                ...(callContext.getStore() ? [callContext.getStore()!.cancelled] : []),
            ];
            // Following a redirect would turn a POST into a GET and lose what was to be written.
            this.way ??= outgoing();
            const request = {
                method: init.method ?? "GET",
                headers: init.headers as Record<string, string>,
                body: init.body as string | undefined,
            };
            // Follows no redirect, which would turn a POST into a GET and lose what was to be written.
            response = await this.way(new URL(url), { ...request, signal: AbortSignal.any(signals) });
            // The whole body now: a connection that breaks halfway is a failure of this attempt.
            body = await response.text();
        } catch (error) {
            callContext.getStore()?.cancelled.throwIfAborted();
            if (error instanceof UnreachableError)
                return {
                    failure: new ApiFailure("unexpected", `Authentik at ${this.url}: ${error.message}.`),
                    retryFor: never,
                };
            return this.withoutAnswer(error, place, isRead, inPassing, never);
        }
        const answered = () =>
            new Response(isBodyless(response.status) ? null : body, {
                status: response.status,
                headers: response.headers,
            });
        const isJson = /^application\/([\w.-]+\+)?json\b/i.test(response.headers.get("content-type") ?? "");

        if (response.ok) {
            if (isBodyless(response.status) || isJson) return answered();
            return {
                failure: new ApiFailure(
                    "unexpected",
                    `${this.url} answered ${place} with something else than Authentik's API does (${outsideText(response.headers.get("content-type") ?? "no content type", 80)}). Is authentik:url right, and does a proxy in front ask for a login?`,
                ),
                retryFor: never,
            };
        }

        const parsed = isJson ? parseJson(body) : undefined;
        const detail =
            typeof parsed === "object" && parsed !== null && "detail" in parsed
                ? outsideText(parsed.detail)
                : undefined;
        const { status } = response;
        if (status >= 300 && status < 400) {
            const location = response.headers.get("location");
            return {
                failure: new ApiFailure(
                    "unexpected",
                    `${this.url} redirects ${place}${location ? ` to ${withoutQuery(location, url)}` : ""}. Set authentik:url to the address that Authentik itself answers at (often the same with https).`,
                    {},
                    status,
                ),
                retryFor: never,
            };
        }
        if (status === 503) {
            const retryAfter = Number(response.headers.get("retry-after")) * 1000;
            if (retryAfter > 0) {
                // Said by Authentik's front before its core runs: nothing was written.
                return {
                    failure: new ApiFailure(
                        "starting",
                        `Authentik at ${this.url} has been starting for ${Math.round(this.patience.starting / 1000)} s and is not ready. Look at its log; try again when ${this.url}/-/health/ready/ answers 200.`,
                        {},
                        status,
                    ),
                    retryFor: { milliseconds: this.patience.starting, attempts: Number.POSITIVE_INFINITY },
                    retryAfter: Math.min(retryAfter, this.patience.longestPause),
                };
            }
        }
        if (
            status === 401 ||
            (status === 403 && /token invalid|credentials were not provided|expired/i.test(detail ?? ""))
        ) {
            return {
                failure: new ApiFailure(
                    "bad-token",
                    `Authentik at ${this.url} refused the API token: ${(detail ?? "it is invalid or expired").replace(/\.$/, "")}. Set a good one with: pulumi config set --secret authentik:token (or in the environment: AUTHENTIK_TOKEN). A refresh and a destroy go by the token of the last update: where a new one is set already, first run pulumi up, without --refresh.`,
                    {},
                    status,
                ),
                retryFor: never,
            };
        }
        if (status === 403)
            return {
                failure: new ApiFailure(
                    "forbidden",
                    detail ?? "You do not have permission to perform this action.",
                    {},
                    status,
                ),
                retryFor: never,
            };
        if (status === 404) {
            return isJson
                ? { failure: new ApiFailure("not-found", detail ?? "Not found.", {}, status), retryFor: never }
                : {
                      failure: new ApiFailure(
                          "unexpected",
                          `${this.url} has no API at ${place} (404). Is authentik:url right? A path below which Authentik is served belongs to it.`,
                          {},
                          status,
                      ),
                      retryFor: never,
                  };
        }
        if (status === 400 && isJson)
            return { failure: new ApiFailure("invalid", body, complaintsByField(parsed), status), retryFor: never };
        if (status === 429) {
            const retryAfter = Number(response.headers.get("retry-after")) * 1000;
            return {
                failure: new ApiFailure(
                    "unexpected",
                    `Authentik at ${this.url} answers that there are too many requests (429 to ${place}). Try again later.`,
                    {},
                    status,
                ),
                retryFor: { milliseconds: 60_000, attempts: this.patience.attempts },
                ...(retryAfter > 0 ? { retryAfter: Math.min(retryAfter, 30_000) } : {}),
            };
        }
        // A server error on a write, or the empty 405 that an unhandled one shows as: it may have been committed all the same.
        if (status >= 500 || (status === 405 && !isJson)) {
            const message = `Authentik at ${this.url} failed at ${place} (${status}${detail ? `: ${detail}` : ""}). Its log says why.`;
            return isRead
                ? {
                      failure: new ApiFailure("unexpected", message, {}, status),
                      retryFor: status === 405 ? never : inPassing,
                  }
                : { failure: new ApiFailure("uncertain", message, {}, status), retryFor: never };
        }
        return {
            failure: new ApiFailure(
                "unexpected",
                `Authentik at ${this.url} answered ${status} to ${place}${detail ? `: ${detail}` : ""}.`,
                {},
                status,
            ),
            retryFor: never,
        };
    }

    private withoutAnswer(
        error: unknown,
        place: string,
        isRead: boolean,
        inPassing: Retrying,
        never: Retrying,
    ): RetryableFailure {
        const code = codeOf(error);
        const reason = code ?? (error as Error).message ?? String(error);
        if (code && certificateCodes.has(code)) {
            return {
                failure: new ApiFailure(
                    "unreachable",
                    `The certificate of ${this.url} is not trusted here (${code}). For a private authority set NODE_EXTRA_CA_CERTS to its PEM file; authentik:insecure accepts any certificate.`,
                ),
                retryFor: never,
            };
        }
        if (code === "ENOTFOUND") {
            return {
                failure: new ApiFailure(
                    "unreachable",
                    `The host name in ${this.url} is not known (ENOTFOUND). Is authentik:url right, and the network up?`,
                ),
                retryFor: never,
            };
        }
        if (code && neverSentCodes.has(code)) {
            return {
                failure: new ApiFailure(
                    "unreachable",
                    `Authentik cannot be reached at ${this.url} (${code}). Is it running there, and does the network let you through?`,
                ),
                retryFor: { milliseconds: this.patience.refused, attempts: Number.POSITIVE_INFINITY },
            };
        }
        const message = `Authentik at ${this.url} gave no answer to ${place} (${reason}).`;
        return isRead
            ? { failure: new ApiFailure("unreachable", message), retryFor: inPassing }
            : { failure: new ApiFailure("uncertain", message), retryFor: never };
    }
}

interface Retrying {
    milliseconds: number;
    attempts: number;
}

interface RetryableFailure {
    failure: ApiFailure;
    /** For how long, and how often at most, it is worth sending the same request again. */
    retryFor: Retrying;
    /** Milliseconds to wait before that, where the server said. */
    retryAfter?: number;
}

const isBodyless = (status: number) => status === 204 || status === 205 || status === 304;

const certificateCodes = new Set([
    "SELF_SIGNED_CERT_IN_CHAIN",
    "DEPTH_ZERO_SELF_SIGNED_CERT",
    "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    "UNABLE_TO_GET_ISSUER_CERT",
    "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    "CERT_HAS_EXPIRED",
    "CERT_NOT_YET_VALID",
    "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** The connection never came about, so whatever was to be sent was not. */
const neverSentCodes = new Set([
    "ECONNREFUSED",
    "EHOSTUNREACH",
    "ENETUNREACH",
    "EAI_AGAIN",
    "UND_ERR_CONNECT_TIMEOUT",
    "EHOSTDOWN",
    "ENETDOWN",
    "EADDRNOTAVAIL",
]);

/** The system's code for what went wrong, which fetch hides under its own error. */
function codeOf(error: unknown): string | undefined {
    if (error === null || typeof error !== "object") return undefined;
    const { code, cause, errors } = error as { code?: unknown; cause?: unknown; errors?: unknown };
    if (typeof code === "string") return code;
    // A host with several addresses fails with one error for each.
    const each = Array.isArray(errors) ? errors.map(codeOf) : [];
    return each.find((found) => found !== undefined) ?? codeOf(cause);
}

function parseJson(body: string): unknown {
    try {
        return JSON.parse(body);
    } catch {
        return undefined;
    }
}

/** A proxy's redirect may carry a session in its query. */
function withoutQuery(location: string, base: string): string {
    try {
        const url = new URL(location, base);
        return outsideText(`${url.origin}${url.pathname}`);
    } catch {
        return "another address";
    }
}

/** Whether the failure says that an object is not there. */
export const isNotFound = (error: unknown) => failureIn(error)?.kind === "not-found";

/**
 * All the results of a list, page by page. A page beyond the last one is never asked for: Authentik says `next: 0` on the last.
 * @throws EndlessListError for a list that does not come to an end.
 */
export function everyPage<Item>(
    list: (page: number, pageSize: number) => Promise<{ pagination: { next: number }; results: Item[] }>,
): Promise<Item[]> {
    return everyPageOf(
        "The lists of Authentik",
        async (page: number) => {
            const { results, pagination } = await list(page, 100);
            return { items: results, next: pagination.next > 0 ? pagination.next : undefined };
        },
        1,
    );
}
