/** The requests to Authentik's API that a login as a service account needs (measured on Authentik 2026.5). */
import type { Transport } from "../http/outgoing";
import { UserError } from "../userError";
import { type ApiRequest, AuthentikApi, type Page, usualPatience } from "./api";
import { failureIn } from "./failures";

export interface AuthentikUser {
    pk: number;
    username: string;
    /** `service_account`, or the type of a person's account. */
    type: string;
    is_active: boolean;
}

/** Authentik refused something; the message names the remedy. */
export class AuthentikError extends UserError {}

/** Authentik sometimes answers 500 although it has done what it was asked to do. */
const PATIENCE = { ...usualPatience, refused: 3_000, attempts: 4 };

export class AuthentikUsers {
    private readonly api: AuthentikApi;

    /** @param url Authentik's address, for example `https://authentik.example.org` */
    constructor(
        transport: Transport,
        private readonly url: string,
        token: string,
    ) {
        this.api = new AuthentikApi({ url, token, transport }, PATIENCE);
    }

    /** The service account with a name. Any other user is refused: a person's password must never be changed. */
    async serviceAccount(username: string): Promise<AuthentikUser> {
        const { results } = await this.request<Page<AuthentikUser>>(
            `looking for the user ${username}`,
            "authentik_core.view_user",
            `/core/users/?username=${encodeURIComponent(username)}`,
        );
        // Authentik ignores unknown filters, so the result is checked.
        const user = results.find((candidate) => candidate.username === username);
        if (!user) {
            throw new AuthentikError(
                `Authentik at ${this.url} shows no user ${username}: ` +
                    "it does not exist (identity.ciUser, ci.workloads.NAME.user), or the token lacks the permission " +
                    "authentik_core.view_user, without which the list is empty.",
            );
        }
        if (user.type !== "service_account") {
            throw new AuthentikError(
                `The user ${username} in Authentik is not a service account (its type is ${user.type}), ` +
                    "so its password is not changed: name a service account " +
                    "(identity.ciUser, ci.workloads.NAME.user), or change the user's type.",
            );
        }
        if (!user.is_active)
            throw new AuthentikError(`The service account ${username} is not active in Authentik: activate it.`);
        return user;
    }

    /** The secret of the OAuth2 client with an id; undefined if there is no such client, or it has no secret. */
    async clientSecret(clientId: string): Promise<string | undefined> {
        const path = `/providers/oauth2/?client_id=${encodeURIComponent(clientId)}`;
        const { results } = await this.request<Page<{ client_id: string; client_secret?: string }>>(
            `looking for the OAuth2 client ${clientId}`,
            "authentik_providers_oauth2.view_oauth2provider",
            path,
        );
        return results.find((candidate) => candidate.client_id === clientId)?.client_secret || undefined;
    }

    async setPassword(user: AuthentikUser, password: string): Promise<void> {
        await this.request(
            `setting a random password for ${user.username}`,
            "authentik_core.reset_user_password",
            `/core/users/${user.pk}/set_password/`,
            { method: "POST", json: { password }, isRepeatable: true },
        );
    }

    /**
     * @param what what is being done, for a message: `looking for the user ci`
     * @param permission the permission that it needs
     * @throws AuthentikError
     */
    private async request<Body>(
        what: string,
        permission: string,
        path: string,
        request: ApiRequest = {},
    ): Promise<Body> {
        try {
            return await this.api.request<Body>(path, request);
        } catch (error) {
            const failure = failureIn(error);
            if (!failure) throw error;
            if (failure.kind === "bad-token")
                throw new AuthentikError(
                    `Authentik at ${this.url} refused the API token (${failure.detail || failure.status}): ` +
                        "set a good one with: pulumi config set --secret authentik:token",
                );
            if (failure.kind === "forbidden")
                throw new AuthentikError(
                    `The token for Authentik lacks the permission ${permission}, ` +
                        `needed for ${what} (${failure.message}). Give it to the token's user, through a role.`,
                );
            if (failure.kind === "not-found")
                throw new AuthentikError(
                    `Authentik at ${this.url} has nothing at ${path} (404), while ${what}: ` +
                        `the token may not see that user (${permission}), or authentik:url is not Authentik's address.`,
                );
            throw new AuthentikError(`While ${what}: ${failure.message}`);
        }
    }
}
