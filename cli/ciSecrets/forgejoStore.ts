/** Secrets and variables of Actions in Forgejo and Gitea, which have the same API for them. */
import { randomBytes } from "node:crypto";
import type { UnreachableError } from "../../clients/http/failures";
import type { Transport } from "../../clients/http/outgoing";
import { everyPage } from "../../clients/http/paging";
import { type Answer, type HttpRequest, isJson, jsonOf, sendOne } from "../../clients/http/request";
import { retrying } from "../../clients/http/retry";
import type { Item } from "./outputs";
import { type Change, type Store, StoreError, saidByForge } from "./store";
import type { ForgeTarget } from "./target";

/** Attempts at a request after passing failures; each may be sent twice without harm. */
const ATTEMPTS = 3;
const PAUSE = 1_000;
const PAGE = 50;

export class ForgejoStore implements Store {
    private readonly path: string;
    private existing = new Set<string>();
    private readonly variables = new Map<string, string | undefined>();

    constructor(
        private readonly target: ForgeTarget,
        private readonly token: string,
        private readonly transport: Transport,
    ) {
        const { owner, repository } = target;
        this.path =
            repository === undefined
                ? `/orgs/${encodeURIComponent(owner)}/actions`
                : `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repository)}/actions`;
    }

    get place(): string {
        return placeOf(this.target);
    }

    kindOf(item: Item): string {
        return item.secret ? "secret" : "variable";
    }

    async prepare(items: readonly Item[]): Promise<void> {
        // A missing organisation or repository has no secrets to list. For a missing variable the answer would not show
        // which of them is missing.
        this.existing = await this.secretNames();
        for (const { name, secret } of items) {
            if (secret) continue;
            const found = await this.send(`reading the variable ${name}`, `/variables/${name}`, {}, [200, 404]);
            this.variables.set(name, found.status === 200 ? (parsed<{ data?: string }>(found).data ?? "") : undefined);
        }
        // Only a request that writes shows what a token may do: this one could remove, and finds nothing to remove.
        for (const kind of new Set(items.map((item) => this.kindOf(item)))) {
            const nobody = `IS_NOT_THERE_${randomBytes(8).toString("hex").toUpperCase()}`;
            await this.send(
                `finding out whether a ${kind} may be written`,
                `/${kind}s/${nobody}`,
                { method: "DELETE" },
                [404, 204, 400, 405],
            );
        }
    }

    put(item: Item, dryRun: boolean): Promise<Change> {
        return item.secret ? this.putSecret(item, dryRun) : this.putVariable(item, dryRun);
    }

    private async putSecret({ name, value }: Item, dryRun: boolean): Promise<Change> {
        if (dryRun) return this.existing.has(name) ? "written" : "created";
        // 201 for a new one, 204 for an existing one.
        const answer = await this.send(
            `writing the secret ${name}`,
            `/secrets/${name}`,
            { method: "PUT", json: { data: value } },
            [201, 204],
        );
        return answer.status === 201 ? "created" : "written";
    }

    private async putVariable({ name, value }: Item, dryRun: boolean): Promise<Change> {
        const was = this.variables.get(name);
        if (was === value) return "unchanged";
        const change = was === undefined ? "created" : "changed";
        if (!dryRun)
            await this.send(
                `writing the variable ${name}`,
                `/variables/${name}`,
                { method: was === undefined ? "POST" : "PUT", json: { value } },
                [201, 204],
            );
        return change;
    }

    /** Lists all secrets, because no request asks about one name. */
    private async secretNames(): Promise<Set<string>> {
        const names = new Set<string>();
        await everyPage(
            `The secrets of ${this.place}`,
            async (page: number) => {
                const answer = await this.send("listing the secrets", `/secrets?page=${page}&limit=${PAGE}`, {}, [200]);
                const items = (parsed<{ name: string }[] | null>(answer) ?? []).map(({ name }) => name.toUpperCase());
                const before = names.size;
                for (const name of items) names.add(name);
                // A forge may return smaller pages than requested.
                const total = Number(answer.headers.get("x-total-count"));
                const isLast = names.size === before || (total > 0 && names.size >= total);
                return { items, next: isLast ? undefined : page + 1 };
            },
            1,
        );
        return names;
    }

    private async send(what: string, path: string, request: HttpRequest, expected: readonly number[]): Promise<Answer> {
        const place = this.place;
        return retrying(
            async () => {
                const answer = await sendOne(this.transport, `${this.target.apiUrl}/api/v1${this.path}${path}`, {
                    ...request,
                    headers: { accept: "application/json", authorization: `token ${this.token}` },
                }).catch((error: UnreachableError) => {
                    throw new Passing(`While ${what} in ${place}: ${error.message}.`);
                });
                const { status } = answer;
                if (expected.includes(status) && (status !== 404 || isJson(answer))) return answer;
                throw refusal(this.target, what, answer);
            },
            {
                worth: (error) => (error instanceof Passing ? { attempts: ATTEMPTS } : undefined),
                firstPause: PAUSE,
            },
        );
    }
}

/** A passing failure: no answer, or the answer of a server that is restarting. */
class Passing extends StoreError {}

interface Given {
    target: ForgeTarget;
    what: string;
    place: string;
    answer: Answer;
    /** What the forge said, with its introduction; empty if it said nothing. */
    said: string;
}

/** The meaning of an unexpected answer; the first row that matches counts. */
const REFUSALS: readonly { when(status: number): boolean; words(given: Given): string; passes?: true }[] = [
    {
        when: (status) => status >= 502 && status <= 504,
        words: ({ target, what, place, answer }) =>
            `${target.apiUrl} answered ${answer.status} while ${what} in ${place}; try again.`,
        passes: true,
    },
    {
        when: (status) => status === 401,
        words: ({ target: { apiUrl, store }, said }) =>
            `${apiUrl} refused the token${said}: make a new one there (Settings, Applications), ` +
            `and give it as ${variablesFor(store)[0]} in the environment.`,
    },
    {
        when: (status) => status === 403,
        words: ({ target: { repository }, what, place, said }) =>
            `The token may not do this: ${what} in ${place}${said}. It needs the scope ${
                repository === undefined
                    ? "write:organization, and its user must own the organisation"
                    : "write:repository, and its user must administer the repository"
            }.`,
    },
    {
        when: (status) => status === 404 || status === 405,
        words: ({ target: { owner, repository }, what, place, answer, said }) =>
            `${place} was not found while ${what} (${answer.status}${said}): ` +
            `${
                repository === undefined
                    ? `there is no organisation ${owner} (for a user's repository give its name too)`
                    : "there is no such repository"
            }, the token may not see it, Actions are off in it, or the forge is too old for secrets by API.`,
    },
    {
        when: (status) => status >= 300 && status < 400,
        words: ({ target: { apiUrl }, what, answer: { location } }) =>
            `${apiUrl} redirects${location ? ` to ${location.origin}` : ""} while ${what}: ` +
            "give the address at which the forge itself answers (ciSecrets.apiUrl), " +
            "and the present names of owner and repository.",
    },
    {
        when: (status) => status >= 200 && status < 300,
        words: ({ target: { apiUrl, store }, what, answer }) =>
            `${apiUrl} answered ${answer.status} while ${what}, which no forge does: is it ${store}?`,
    },
    {
        when: () => true,
        words: ({ target: { apiUrl }, what, place, answer, said }) =>
            `${apiUrl} answered ${answer.status} while ${what} in ${place}${said}.`,
    },
];

function refusal(target: ForgeTarget, what: string, answer: Answer): StoreError {
    const { words, passes } = REFUSALS.find((row) => row.when(answer.status))!;
    const message = words({ target, what, place: placeOf(target), answer, said: messageOf(answer) });
    return passes ? new Passing(message) : new StoreError(message);
}

/** The variables that may contain the token, in this order. */
export function variablesFor(store: ForgeTarget["store"]): readonly string[] {
    const own = { forgejo: ["FORGEJO_TOKEN"], gitea: ["GITEA_TOKEN"], github: ["GITHUB_TOKEN", "GH_TOKEN"] }[store];
    return ["FORGE_TOKEN", ...own];
}

export function placeOf({ owner, repository, apiUrl }: ForgeTarget): string {
    return `${repository === undefined ? `the organisation ${owner}` : `the repository ${owner}/${repository}`} at ${apiUrl}`;
}

function parsed<T>(answer: Answer): T {
    const body = jsonOf(answer);
    if (body !== undefined) return body as T;
    throw new StoreError(
        `${answer.url.origin} answered with something other than what a forge's API sends; ` +
            "is ciSecrets.apiUrl right, and does a proxy in front ask for a login?",
    );
}

/** What the forge said, without what it may repeat from the request: key and token. */
function messageOf(answer: Answer): string {
    const { message } = (jsonOf(answer) ?? {}) as { message?: unknown };
    return typeof message === "string" && message !== "" ? `, "${saidByForge(message)}"` : "";
}
