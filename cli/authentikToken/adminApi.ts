/** Authentik's API with an administrator's token: finds objects, and writes with a certain outcome. */
import { AuthentikApi, type Page, usualPatience } from "../../clients/authentik/api";
import { failureIn } from "../../clients/authentik/failures";
import { permissionsOfRole } from "../../clients/authentik/permissions";
import type { Transport } from "../../clients/http/outgoing";
import { retrying } from "../../clients/http/retry";
import { UserError } from "../../clients/userError";

/** Something that could not be done, worded for the administrator. */
export class AdministrationError extends UserError {}

export interface User {
    pk: number;
    username: string;
    type: string;
    is_active: boolean;
    is_superuser: boolean;
    roles?: string[];
    groups_obj?: { name: string }[] | null;
    roles_obj?: { pk: string; name: string }[] | null;
}

export interface Token {
    identifier: string;
    intent: string;
    user: number;
    expiring: boolean;
}

export const tokenPath = (name: string) => `/core/tokens/${encodeURIComponent(name)}/`;

/** What else an account has, which is lost with the account. */
export function moreOf({ groups_obj: groups, roles_obj: roles }: User, name: string): string {
    const more = [
        ...(groups ?? []).map((group) => `the group ${group.name}`),
        ...(roles ?? [])
            .filter((role) => role.name !== name && !role.name.startsWith("ak-managed-role--"))
            .map((role) => `the role ${role.name}`),
    ];
    return more.length > 0 ? `, which also has ${more.join(", ")}` : "";
}

/** The first version with roles of users. */
const OLDEST = [2025, 12];
const PATIENCE = { ...usualPatience, attempts: 4, firstPause: 1_000 };

export class AdminApi {
    private readonly api: AuthentikApi;

    /** @param url Authentik's address, without a slash at its end */
    constructor(
        readonly url: string,
        token: string,
        readonly transport: Transport,
    ) {
        this.api = new AuthentikApi({ url, token, transport }, PATIENCE);
    }

    /** The owner of the token. */
    async self(): Promise<{ username: string; is_superuser: boolean }> {
        return (await this.get<{ user: { username: string; is_superuser: boolean } }>("/core/users/me/")).user;
    }

    /** @throws AdministrationError for a version that is too old */
    async version(): Promise<string> {
        const { version_current: version } = await this.get<{ version_current: string }>("/admin/version/");
        const [year = 0, month = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
        if (year < OLDEST[0]! || (year === OLDEST[0] && month < OLDEST[1]!)) {
            throw new AdministrationError(
                `Authentik ${version} has roles for groups only; users have them since 2025.12. ` +
                    "Create a role with the permissions that --steps lists, a group that has the role, " +
                    "and a service account in that group with an API token.",
            );
        }
        return version;
    }

    async userNamed(username: string): Promise<User | undefined> {
        const { results } = await this.get<Page<User>>(`/core/users/?username=${encodeURIComponent(username)}`);
        return results.find((user) => user.username === username);
    }

    async roleNamed(name: string): Promise<{ pk: string; name: string } | undefined> {
        const { results } = await this.get<Page<{ pk: string; name: string }>>(
            `/rbac/roles/?name=${encodeURIComponent(name)}`,
        );
        return results.find((role) => role.name === name);
    }

    /** The permissions that a role has on every object. */
    heldEverywhere(role: string): Promise<string[]> {
        return this.named(() => permissionsOfRole(this.api, role));
    }

    get<Body>(path: string): Promise<Body> {
        return this.named(() => this.api.request<Body>(path));
    }

    /** As {@link get}; undefined if there is no such object. */
    async find<Body>(path: string): Promise<Body | undefined> {
        try {
            return await this.get<Body>(path);
        } catch (error) {
            if (failureIn(error)?.kind === "not-found") return undefined;
            throw error;
        }
    }

    /** One attempt. If its outcome is unknown, {@link repeat} looks first. */
    write<Body>(method: "POST" | "PATCH" | "DELETE", path: string, json?: unknown): Promise<Body> {
        return this.named(() => this.api.request<Body>(path, { method, json }));
    }

    /** Removes an object; it is no error if it is already gone. */
    remove(path: string): Promise<void> {
        return this.repeat(async () => {
            if ((await this.find<unknown>(path)) !== undefined) await this.write("DELETE", path);
        });
    }

    /** Creates what does not exist yet. After an uncertain answer, it looks whether the object was created. */
    certain<Made>(find: () => Promise<Made | undefined>, make: () => Promise<Made>): Promise<Made> {
        return this.repeat(async () => (await find()) ?? make());
    }

    /** Repeats work that may be done twice. */
    repeat<Result>(work: () => Promise<Result>): Promise<Result> {
        return retrying(work, {
            worth: (error) => (failureIn(error)?.kind === "uncertain" ? { attempts: PATIENCE.attempts } : undefined),
            firstPause: PATIENCE.firstPause,
        });
    }

    /** In the table's messages the token has another name than here. */
    private async named<Result>(request: () => Promise<Result>): Promise<Result> {
        try {
            return await request();
        } catch (error) {
            const failure = failureIn(error);
            if (failure?.kind !== "bad-token") throw error;
            throw new AdministrationError(
                `Authentik at ${this.url} refused AUTHENTIK_ADMIN_TOKEN: ${failure.detail ?? failure.status}`,
            );
        }
    }
}
