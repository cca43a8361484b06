/**
 * Blueprints of Authentik: a second master, which writes over what it names whenever it is applied, and leaves no event
 * (2026.5).
 */
import { EndlessListError } from "../http/paging";
import { type ApiAccess, AuthentikApi, oneAttempt } from "./api";
import { failureIn } from "./failures";

/** A blueprint as Authentik's API lists it. */
export interface Blueprint {
    name: string;
    path: string;
    /** YAML, of one that is kept in the database; of one that comes from a file Authentik does not show it. */
    content: string;
    /** What `!Context` stands for in it. */
    context?: Record<string, unknown>;
    enabled: boolean;
}

/** All of them; or why they are not known: the status of the answer, undefined where there was none. */
export async function listBlueprints(access: ApiAccess): Promise<Blueprint[] | { status: number | undefined }> {
    try {
        const api = new AuthentikApi(access, oneAttempt());
        return await api.list<Blueprint>("The blueprints in Authentik", "/managed/blueprints/");
    } catch (error) {
        if (error instanceof EndlessListError) return { status: undefined };
        const failure = failureIn(error);
        if (failure) return { status: failure.status };
        throw error;
    }
}
