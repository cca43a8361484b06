/** Secrets and variables of Actions in Forgejo and Gitea, whose APIs are alike here. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, type BrowserRequest, sendOne, UnreachableError } from "../../clients/http/browser";
import type { Send } from "../../clients/http/outgoing";
import { everyPage } from "../../clients/http/paging";
import { masked } from "../shared/masked";
import type { Item } from "./outputs";
import { type Change, type Store, StoreError } from "./store";
import type { ForgeTarget } from "./target";

/** Attempts at a request that fails in passing; each of them may be sent twice without harm. */
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
        private readonly way: Send,
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
        // An organisation or repository that is not there has no secrets to list; a variable that is not there looks the same.
        this.existing = await this.secretNames();
        for (const { name, secret } of items) {
            if (secret) continue;
            const found = await this.send(`reading the variable ${name}`, `/variables/${name}`, {}, [200, 404]);
            this.variables.set(name, found.status === 200 ? (parsed<{ data?: string }>(found).data ?? "") : undefined);
        }
        // What a token may, only a request that writes is told: one that could remove, and finds nothing to.
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
        // 201 for one that is new, 204 for one that was there.
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

    /** There is no request for one secret's name, so all are listed. */
    private async secretNames(): Promise<Set<string>> {
        const names = new Set<string>();
        await everyPage(
            `The secrets of ${this.place}`,
            async (page: number) => {
                const answer = await this.send("listing the secrets", `/secrets?page=${page}&limit=${PAGE}`, {}, [200]);
                const items = (parsed<{ name: string }[] | null>(answer) ?? []).map(({ name }) => name.toUpperCase());
                const before = names.size;
                for (const name of items) names.add(name);
                // A forge may have smaller pages than were asked for.
                const total = Number(answer.headers.get("x-total-count"));
                const isLast = names.size === before || (total > 0 && names.size >= total);
                return { items, next: isLast ? undefined : page + 1 };
            },
            1,
        );
        return names;
    }

    private async send(
        what: string,
        path: string,
        request: BrowserRequest,
        expected: readonly number[],
    ): Promise<Answer> {
        for (let attempt = 1; ; attempt++) {
            const problem = await this.attempt(what, path, request, expected);
            if (!(problem instanceof Error)) return problem;
            if (!(problem instanceof UnreachableError) || attempt >= ATTEMPTS) throw new StoreError(problem.message);
            await sleep(PAUSE * attempt);
        }
    }

    private async attempt(
        what: string,
        path: string,
        request: BrowserRequest,
        expected: readonly number[],
    ): Promise<Answer | Error> {
        const { apiUrl, store, owner, repository } = this.target;
        const place = this.place;
        let answer: Answer;
        try {
            answer = await sendOne(this.way, `${apiUrl}/api/v1${this.path}${path}`, {
                ...request,
                headers: { accept: "application/json", authorization: `token ${this.token}` },
            });
        } catch (error) {
            return new UnreachableError(`While ${what} in ${place}: ${(error as Error).message}.`);
        }
        const { status } = answer;
        if (expected.includes(status) && (status !== 404 || isJson(answer))) return answer;
        const said = messageOf(answer);
        if (status >= 502 && status <= 504)
            return new UnreachableError(`${apiUrl} answered ${status} while ${what} in ${place}; try again.`);
        if (status === 401)
            return new StoreError(
                `${apiUrl} refused the token${said}: make a new one there (Settings, Applications), and give it as ${variablesFor(store)[0]} in the environment.`,
            );
        if (status === 403) {
            const scope =
                repository === undefined
                    ? "write:organization, and its user must own the organisation"
                    : "write:repository, and its user must administer the repository";
            return new StoreError(
                `The token may not do this: ${what} in ${place}${said}. It needs the scope ${scope}.`,
            );
        }
        if (status === 404 || status === 405) {
            return new StoreError(
                `${place} was not found while ${what} (${status}${said}): ${repository === undefined ? `there is no organisation ${owner} (for a user's repository give its name too)` : "there is no such repository"}, the token may not see it, Actions are off in it, or the forge is too old for secrets by API.`,
            );
        }
        if (status >= 300 && status < 400)
            return new StoreError(
                `${apiUrl} redirects${answer.location ? ` to ${answer.location.origin}` : ""} while ${what}: give the address at which the forge itself answers (ciSecrets.apiUrl), and the owner and repository by their present names.`,
            );
        if (status >= 200 && status < 300)
            return new StoreError(
                `${apiUrl} answered ${status} while ${what}, which a forge does not: is it ${store}?`,
            );
        return new StoreError(`${apiUrl} answered ${status} while ${what} in ${place}${said}.`);
    }
}

/** Where the token is taken from, in this order. */
export function variablesFor(store: ForgeTarget["store"]): readonly string[] {
    const own = { forgejo: ["FORGEJO_TOKEN"], gitea: ["GITEA_TOKEN"], github: ["GITHUB_TOKEN", "GH_TOKEN"] }[store];
    return ["FORGE_TOKEN", ...own];
}

export function placeOf({ owner, repository, apiUrl }: ForgeTarget): string {
    return `${repository === undefined ? `the organisation ${owner}` : `the repository ${owner}/${repository}`} at ${apiUrl}`;
}

const isJson = ({ headers }: Answer) => /\bjson\b/i.test(headers.get("content-type") ?? "");

function parsed<T>(answer: Answer): T {
    try {
        return JSON.parse(answer.text) as T;
    } catch {
        throw new StoreError(
            `${answer.url.origin} answered with something else than a forge's API does; is ciSecrets.apiUrl right, and does a proxy in front ask for a login?`,
        );
    }
}

/** What the forge said, without what it may repeat of the request: key and token. */
function messageOf(answer: Answer): string {
    try {
        const { message } = JSON.parse(answer.text) as { message?: unknown };
        return typeof message === "string" && message !== "" ? `, "${masked(message).slice(0, 200)}"` : "";
    } catch {
        return "";
    }
}
