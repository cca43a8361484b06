/**
 * Blueprints of Authentik. Whenever a blueprint is applied, it overwrites the objects that it names, and leaves no
 * event (2026.5).
 */
import { EndlessListError } from "../http/paging";
import { type ApiAccess, AuthentikApi, oneAttempt } from "./api";
import { failureIn } from "./failures";

/** A blueprint as Authentik's API lists it. */
export interface Blueprint {
    name: string;
    path: string;
    /** YAML, if the blueprint is stored in the database. Authentik does not show the content of one from a file. */
    content: string;
    /** The values that `!Context` stands for in it. */
    context?: Record<string, unknown>;
    enabled: boolean;
}

/** All blueprints; or why they are not known: the status of the answer, undefined if there was none. */
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
