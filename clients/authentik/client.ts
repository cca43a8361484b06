/**
 * Authentik's API by objects: the official typed client, loaded one part at a time, over the requests in api.ts.
 */
import type * as api from "@goauthentik/api";
import { everyPage as everyPageOf } from "../http/paging";
import { retrying } from "../http/retry";
import { UserError } from "../userError";
import { AuthentikApi, type Patience, usualPatience } from "./api";
import { currentCall } from "./call";
import type { Connection } from "./connection";
import { failureIn } from "./failures";
import { isAtLeast } from "./version";

/**
 * The versions that this program was written for. Older ones have other fields. Newer ones are used, with a warning.
 */
const oldestVersion = "2025.10";
const newestYear = 2026;

/** Attempts at a write that may be repeated, if no answer shows whether it was done. */
const REPETITIONS = 3;

export class Client {
    private readonly parts = new Map<string, unknown>();
    private readonly chains = new Map<string, Promise<unknown>>();
    private configuration: api.Configuration | undefined;
    private versionSeen: Promise<string | undefined> | undefined;
    private warnedOfVersion = false;
    /** The server's version, if a request has been answered already and the token may ask for it. */
    versionIfSeen: string | undefined;

    /** `connection` is called when it is first needed. What it throws reaches the person. */
    constructor(
        private readonly connection: () => Connection,
        private readonly patience: Patience = usualPatience,
    ) {}

    // Each part of the official client loads in a few milliseconds, together with its models. All parts together take
    // half a second.
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

    /** Authentik's address as the person set it. */
    get url(): string {
        return this.connection().url;
    }

    /** How long an answer may take, in milliseconds. */
    get answerLimit(): number {
        return this.patience.answer;
    }

    /**
     * A read. The server's version is checked once, in parallel with the first request.
     * @throws UserError for a version that is too old, instead of whatever it made of the request
     */
    async reading<Result>(request: () => Promise<Result>): Promise<Result> {
        const [version, result] = await Promise.allSettled([this.supportedVersion(), request()]);
        if (version.status === "rejected") throw version.reason;
        if (result.status === "rejected") throw result.reason;
        return result.value;
    }

    /** A write. It is not sent to a server whose version is too old. */
    async writing<Result>(request: () => Promise<Result>): Promise<Result> {
        await this.supportedVersion();
        return request();
    }

    /**
     * A write that may be repeated because a second one changes nothing more. It is repeated if the first one got no
     * certain answer.
     */
    repeating<Result>(request: () => Promise<Result>): Promise<Result> {
        return retrying(request, {
            worth: (error) =>
                failureIn(error)?.kind === "uncertain"
                    ? { attempts: REPETITIONS, within: this.patience.answer }
                    : undefined,
            firstPause: 2 * this.patience.firstPause,
        });
    }

    /** Runs work with the same key one after another. */
    async oneAfterAnother<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
        const before = this.chains.get(key) ?? Promise.resolve();
        const mine = before.then(work, work);
        this.chains.set(
            key,
            mine.catch(() => {}),
        );
        return mine;
    }

    /** The server's version; undefined if the token may not ask for it. */
    version(): Promise<string | undefined> {
        this.versionSeen ??= this.admin.adminVersionRetrieve().then(
            (version) => (this.versionIfSeen = version.versionCurrent),
            () => undefined, // The actual request fails for the same reason, and says so. A token may lack only this right.
        );
        return this.versionSeen;
    }

    private async supportedVersion(): Promise<void> {
        this.connection();
        const version = await this.version();
        if (version === undefined || !/^\d{4}\./.test(version)) return;
        if (!isAtLeast(version, oldestVersion)) {
            throw new UserError(
                `Authentik at ${this.url} is version ${version}; ` +
                    `this provider supports ${oldestVersion} to ${newestYear}.x. Upgrade Authentik first.`,
            );
        }
        if (Number(version.slice(0, 4)) > newestYear && !this.warnedOfVersion) {
            this.warnedOfVersion = true;
            await currentCall()?.log(
                "warning",
                `Authentik at ${this.url} is version ${version}, ` +
                    `newer than the versions this provider was written for (${oldestVersion} to ${newestYear}.x).`,
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
            const { basePath, url, token, headers } = this.connection();
            const { Configuration } = require("@goauthentik/api/dist/runtime") as typeof api;
            const sender = new AuthentikApi({ url, token, headers }, this.patience);
            this.configuration = new Configuration({
                basePath,
                fetchApi: async (target: string, { method, headers: given, body: text }: RequestInit = {}) => {
                    const answer = await sender.send(target, {
                        method,
                        headers: given as Record<string, string>,
                        body: (text ?? undefined) as string | undefined,
                    });
                    return new Response(answer.text === "" ? null : answer.text, answer);
                },
            });
        }
        return this.configuration;
    }
}

/**
 * All results of a list, page by page. It never asks for a page after the last one: on the last one Authentik says
 * `next: 0`.
 * @throws EndlessListError for a list without an end
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
