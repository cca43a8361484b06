/** Secrets and variables of GitHub Actions, through GitHub's own client. */
import { randomBytes } from "node:crypto";
import { unreachable } from "../../clients/http/failures";
import type { Transport } from "../../clients/http/outgoing";
import { everyPage } from "../../clients/http/paging";
import { placeOf } from "./forgejoStore";
import type { Item } from "./outputs";
import { packageMissing, sealed } from "./sealedBox";
import { type Change, type Store, StoreError, saidByForge } from "./store";
import type { ForgeTarget } from "./target";

type Octokit = import("@octokit/core", { with: { "resolution-mode": "import" }}).Octokit;

const API_VERSION = "2022-11-28";
const TIMEOUT = 30_000;

export class GitHubStore implements Store {
    private key: { key_id: string; key: string } | undefined;
    private readonly secrets = new Map<string, { status: number; visibility: Record<string, unknown> }>();
    private readonly variables = new Map<string, { status: number; value?: string }>();

    private constructor(
        private readonly target: ForgeTarget,
        private readonly octokit: Octokit,
    ) {}

    static async open(target: ForgeTarget, token: string, transport: Transport): Promise<GitHubStore> {
        const { Octokit } = await import("@octokit/core").catch(packageMissing);
        const quiet = () => undefined;
        const octokit = new Octokit({
            auth: token,
            baseUrl: target.apiUrl,
            userAgent: "zot-hardening",
            log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
            request: { fetch: fetchBy(transport) },
        });
        return new GitHubStore(target, octokit);
    }

    get place(): string {
        return placeOf(this.target);
    }

    kindOf(item: Item): string {
        return item.secret ? "secret" : "variable";
    }

    async prepare(items: readonly Item[]): Promise<void> {
        // A missing place looks like a missing secret, but every place has a public key.
        this.key = (
            await this.request<{ key_id: string; key: string }>("reading the public key", "GET", "/secrets/public-key")
        ).data;
        for (const { name, secret } of items) {
            if (secret) {
                const seen = await this.request<{ visibility?: string }>(
                    `looking for the secret ${name}`,
                    "GET",
                    `/secrets/${name}`,
                    {},
                    true,
                );
                this.secrets.set(name, {
                    status: seen.status,
                    visibility: await this.visibilityOf(name, "secrets", seen.data?.visibility),
                });
            } else {
                const seen = await this.request<{ value?: string }>(
                    `reading the variable ${name}`,
                    "GET",
                    `/variables/${name}`,
                    {},
                    true,
                );
                this.variables.set(name, { status: seen.status, value: seen.data?.value });
            }
        }
        // Only a request that writes shows what a token may do: this one could remove, and finds nothing to remove.
        for (const kind of new Set(items.map((item) => this.kindOf(item)))) {
            await this.request(
                `finding out whether a ${kind} may be written`,
                "DELETE",
                `/${kind}s/IS_NOT_THERE_${randomBytes(8).toString("hex").toUpperCase()}`,
                {},
                true,
            );
        }
    }

    put(item: Item, dryRun: boolean): Promise<Change> {
        return item.secret ? this.putSecret(item, dryRun) : this.putVariable(item, dryRun);
    }

    private async putSecret({ name, value }: Item, dryRun: boolean): Promise<Change> {
        const { status, visibility } = this.secrets.get(name)!;
        if (!dryRun)
            await this.request(`writing the secret ${name}`, "PUT", `/secrets/${name}`, {
                encrypted_value: await sealed(value, this.key!.key),
                key_id: this.key!.key_id,
                ...visibility,
            });
        return status === 404 ? "created" : "written";
    }

    private async putVariable({ name, value }: Item, dryRun: boolean): Promise<Change> {
        const seen = this.variables.get(name)!;
        if (seen.value === value) return "unchanged";
        if (seen.status === 404) {
            if (!dryRun)
                await this.request(`creating the variable ${name}`, "POST", "/variables", {
                    name,
                    value,
                    ...(await this.visibilityOf(name, "variables", undefined)),
                });
            return "created";
        }
        // What is omitted stays: which repositories can use it.
        if (!dryRun)
            await this.request(`changing the variable ${name}`, "PATCH", `/variables/${name}`, { name, value });
        return "changed";
    }

    /**
     * An organisation's secret says which repositories can use it. For an existing secret, the administrator's choice
     * is sent again.
     */
    private async visibilityOf(
        name: string,
        kind: "secrets" | "variables",
        present: string | undefined,
    ): Promise<Record<string, unknown>> {
        if (this.target.repository !== undefined) return {};
        if (present !== "selected") return { visibility: present ?? this.target.visibility };
        let seen = 0;
        const ids = await everyPage(
            `The repositories that see ${name}`,
            async (page: number) => {
                const path = `/${kind}/${name}/repositories?per_page=100&page=${page}`;
                const { data } = await this.request<{ total_count: number; repositories: { id: number }[] }>(
                    `reading which repositories see ${name}`,
                    "GET",
                    path,
                );
                seen += data.repositories.length;
                const isLast = data.repositories.length === 0 || seen >= data.total_count;
                return { items: data.repositories.map(({ id }) => id), next: isLast ? undefined : page + 1 };
            },
            1,
        );
        return { visibility: present, selected_repository_ids: ids };
    }

    private async request<T>(
        what: string,
        method: string,
        path: string,
        body: Record<string, unknown> = {},
        mayBeMissing = false,
    ): Promise<{ status: number; data: T }> {
        const { owner, repository } = this.target;
        const base =
            repository === undefined
                ? `/orgs/${encodeURIComponent(owner)}/actions`
                : `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repository)}/actions`;
        let answer: { status: number; data: unknown };
        try {
            answer = await this.octokit.request(`${method} ${base}${path}`, {
                ...body,
                headers: { "x-github-api-version": API_VERSION },
                request: { signal: AbortSignal.timeout(TIMEOUT) },
            });
        } catch (error) {
            const { status } = error as { status?: number };
            if (status === 404 && mayBeMissing) return { status, data: undefined as T };
            throw this.problem(what, error as RequestProblem);
        }
        if (answer.status >= 300)
            throw new StoreError(
                `${this.target.apiUrl} redirects while ${what}: ${this.place} was renamed or moved; ` +
                    "give its present owner and name.",
            );
        return answer as { status: number; data: T };
    }

    private problem(what: string, error: RequestProblem): StoreError {
        const { apiUrl, repository } = this.target;
        const said =
            typeof error.response?.data?.message === "string" ? `, "${saidByForge(error.response.data.message)}"` : "";
        if (error.response === undefined)
            return new StoreError(
                `${apiUrl} cannot be reached while ${what}: ${unreachable(apiUrl, error, TIMEOUT).noAnswer.reason}.`,
            );
        switch (error.status) {
            case 401:
                return new StoreError(
                    `${apiUrl} refused the token (401${said}): give a valid one as GITHUB_TOKEN in the environment.`,
                );
            case 403:
            case 429:
                return new StoreError(
                    `${apiUrl} does not allow ${what} in ${this.place} (${error.status}${said}). ` +
                        `The token needs ${
                            repository === undefined
                                ? "the organisation permissions Secrets and Variables: " + "write (classic: admin:org)"
                                : "the repository permissions Secrets and Variables: " + "write (classic: repo)"
                        }; the token of a workflow run (GITHUB_TOKEN there) never has them.`,
                );
            case 404:
                return new StoreError(
                    `${this.place} was not found while ${what} (404): ` +
                        "it does not exist, or the token may not see it or its secrets.",
                );
            default:
                return new StoreError(`${apiUrl} answered ${error.status} while ${what} in ${this.place}${said}.`);
        }
    }
}

interface RequestProblem extends Error {
    status?: number;
    response?: { data?: { message?: unknown } };
}

/**
 * The function by which GitHub's client sends: through the environment's proxy, if there is one, and without following
 * a redirect with the token.
 */
function fetchBy(transport: Transport) {
    return (
        url: string,
        {
            method,
            headers,
            body,
            signal,
        }: { method: string; headers: Record<string, string>; body?: string; signal?: AbortSignal },
    ) => transport(new URL(url), { method, headers, body, signal: signal ?? AbortSignal.timeout(TIMEOUT) });
}
