/** The two requests of Authentik's API that a login as a service account needs (measured on Authentik 2026.5). */
import { setTimeout as sleep } from "node:timers/promises";
import { type Answer, type BrowserRequest, sendOne, UnreachableError } from "../http/browser";
import type { Send } from "../http/outgoing";
import { outsideText } from "../outsideText";

export interface AuthentikUser {
    pk: number;
    username: string;
    /** `service_account`, or what a person's account has. */
    type: string;
    is_active: boolean;
}

/** Something that Authentik refused; the message names the remedy. */
export class AuthentikError extends Error {}

/** How long to wait for an Authentik that says that it is starting; an empty database takes it about a minute. In milliseconds. */
const STARTING_PATIENCE = 150_000;
/** Attempts at a request that fails in passing, as when a worker is recycled. */
const ATTEMPTS = 4;
const PAUSE = 500;

export class AuthentikUsers {
    /** @param url Authentik's address, for example `https://authentik.example.org` */
    constructor(
        private readonly way: Send,
        private readonly url: string,
        private readonly token: string,
    ) {}

    /** The service account of a name. Any other user is refused: a person's password must not be changed. */
    async serviceAccount(username: string): Promise<AuthentikUser> {
        const answer = await this.request(
            `looking for the user ${username}`,
            "authentik_core.view_user",
            `/core/users/?username=${encodeURIComponent(username)}`,
            {},
        );
        const { results } = parsed<{ results: AuthentikUser[] }>(answer);
        // Filters that Authentik does not know are ignored, so what came back is looked at.
        const user = results.find((candidate) => candidate.username === username);
        if (!user) {
            throw new AuthentikError(
                `Authentik at ${this.url} shows no user ${username}: it is not there (identity.ciUser), or the token lacks the permission authentik_core.view_user, without which the list is empty.`,
            );
        }
        if (user.type !== "service_account") {
            throw new AuthentikError(
                `The user ${username} in Authentik is no service account (its type is ${user.type}), and its password is not touched: name a service account (identity.ciUser), or change the user's type.`,
            );
        }
        if (!user.is_active)
            throw new AuthentikError(`The service account ${username} is not active in Authentik: activate it.`);
        return user;
    }

    /** The secret of the OAuth2 client of an id; undefined where there is no such client, or it has none. */
    async clientSecret(clientId: string): Promise<string | undefined> {
        const path = `/providers/oauth2/?client_id=${encodeURIComponent(clientId)}`;
        const answer = await this.request(
            `looking for the OAuth2 client ${clientId}`,
            "authentik_providers_oauth2.view_oauth2provider",
            path,
            {},
        );
        const { results } = parsed<{ results: { client_id: string; client_secret?: string }[] }>(answer);
        return results.find((candidate) => candidate.client_id === clientId)?.client_secret || undefined;
    }

    async setPassword(user: AuthentikUser, password: string): Promise<void> {
        await this.request(
            `setting a random password for ${user.username}`,
            "authentik_core.reset_user_password",
            `/core/users/${user.pk}/set_password/`,
            { method: "POST", json: { password } },
        );
    }

    /** One request that may be repeated: Authentik answers 500 now and then although it has done what it was asked to. */
    private async request(what: string, permission: string, path: string, request: BrowserRequest): Promise<Answer> {
        const began = Date.now();
        for (let attempt = 1; ; attempt++) {
            const outcome = await this.attempt(what, permission, path, request);
            if (!("problem" in outcome)) return outcome;
            const { problem, retryAfter } = outcome;
            const isFinal = problem instanceof UnreachableError && problem.isFinal;
            const goOn = isFinal
                ? false
                : retryAfter === undefined
                  ? attempt < ATTEMPTS
                  : Date.now() - began + retryAfter < STARTING_PATIENCE;
            if (!goOn) throw problem;
            await sleep(retryAfter ?? PAUSE * attempt);
        }
    }

    private async attempt(
        what: string,
        permission: string,
        path: string,
        request: BrowserRequest,
    ): Promise<Answer | { problem: Error; retryAfter?: number }> {
        let answer: Answer;
        try {
            answer = await sendOne(this.way, `${this.url}/api/v3${path}`, {
                ...request,
                headers: { authorization: `Bearer ${this.token}`, accept: "application/json" },
            });
        } catch (problem) {
            return {
                problem: new UnreachableError(
                    `While ${what}: ${(problem as Error).message}.`,
                    (problem as UnreachableError).isFinal,
                ),
            };
        }
        const { status } = answer;
        if (status >= 200 && status < 300) return answer;
        const detail = detailOf(answer);
        if (status === 503) {
            const retryAfter = Number(answer.headers.get("retry-after")) * 1000;
            return {
                problem: new UnreachableError(
                    `Authentik at ${this.url} is starting, and was not ready while ${what}; try again.`,
                ),
                ...(retryAfter > 0 ? { retryAfter } : {}),
            };
        }
        // An unhandled error of the server shows as 405 with an empty page.
        if (status >= 500 || (status === 405 && detail === ""))
            return {
                problem: new UnreachableError(
                    `Authentik at ${this.url} failed (${status}) while ${what}; its log says why.`,
                ),
            };
        if (status === 401 || (status === 403 && /token invalid|credentials were not provided|expired/i.test(detail))) {
            throw new AuthentikError(
                `Authentik at ${this.url} refused the API token (${detail || status}): set a good one with: pulumi config set --secret authentik:token`,
            );
        }
        if (status === 403)
            throw new AuthentikError(
                `The token for Authentik lacks the permission ${permission}, needed for ${what} (${detail}). Give it to the token's user, through a role.`,
            );
        if (status === 404)
            throw new AuthentikError(
                `Authentik at ${this.url} has nothing at ${path} (404), while ${what}: the token may not see that user (${permission}), or authentik:url is not where Authentik is.`,
            );
        throw new AuthentikError(
            `Authentik at ${this.url} answered ${status} while ${what}${detail ? `: ${detail}` : ""}.`,
        );
    }
}

function parsed<T>(answer: Answer): T {
    try {
        return JSON.parse(answer.text) as T;
    } catch {
        throw new AuthentikError(
            `${answer.url.origin} answered with something else than Authentik's API does; is authentik:url right, and does a proxy in front ask for a login?`,
        );
    }
}

function detailOf(answer: Answer): string {
    try {
        const body = JSON.parse(answer.text) as { detail?: unknown };
        return outsideText(typeof body.detail === "string" ? body.detail : answer.text);
    } catch {
        return "";
    }
}
