/** Blueprints of Authentik: a second master, which writes over what it names whenever it is applied, and leaves no event (2026.5). */
import type { Send } from "../http/outgoing";
import { EndlessListError, everyPage } from "../http/paging";

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

/** How long Authentik may take for one answer. In milliseconds. */
const TIMEOUT = 60_000;

/** All of them; or why they are not known: the status of the answer, undefined where there was none. */
export async function listBlueprints(
    { url, token }: { url: string; token: string },
    send: Send,
): Promise<Blueprint[] | { status: number | undefined }> {
    const base = url.replace(/\/+$/, "").replace(/\/api\/v3$/, "");
    /** Ends the list where a page cannot be had. */
    class Unknown extends Error {
        constructor(readonly status: number | undefined) {
            super();
        }
    }
    const read = async (page: number) => {
        const answer = await send(new URL(`${base}/api/v3/managed/blueprints/?page=${page}&page_size=100`), {
            method: "GET",
            headers: { accept: "application/json", authorization: `Bearer ${token}` },
            signal: AbortSignal.timeout(TIMEOUT),
        }).catch(() => undefined);
        if (answer?.status !== 200) throw new Unknown(answer?.status);
        const body = (await answer.json().catch(() => undefined)) as
            | { results?: Blueprint[]; pagination?: { next: number } }
            | undefined;
        if (!Array.isArray(body?.results)) throw new Unknown(answer.status);
        return { items: body.results, next: body.pagination?.next || undefined };
    };
    try {
        return await everyPage("The blueprints in Authentik", read, 1);
    } catch (error) {
        if (error instanceof Unknown) return { status: error.status };
        if (error instanceof EndlessListError) return { status: undefined };
        throw error;
    }
}
