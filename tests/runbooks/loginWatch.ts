/** Watches a registry while something is done to it: anonymous pulls, and logins of a person. */
import { setTimeout as sleep } from "node:timers/promises";
import { UnreachableError } from "../../clients/http/failures";
import { LoginError, ZotSession } from "../../clients/zot/session";
import type { Site } from "../../testbed/site";

/** Milliseconds on one clock. */
export interface Span {
    from: number;
    to: number;
    /** Why, where something failed. */
    reason?: string;
}

export interface Watched {
    /** Logins that succeeded. */
    logins: number;
    /** Logins that failed, from their beginning on. */
    refused: Span[];
    /** When the registry did not answer: from the last pull that it did answer to the next. */
    away: Span[];
}

export const length = ({ from, to }: Span): number => Math.round(to - from);

/** Begins to watch; what is answered ends it, and says what was seen. */
export async function watchLogins(site: Site, username: string): Promise<() => Promise<Watched>> {
    const password = await site.authentik.appPassword(username);
    const seen: Watched = { logins: 0, refused: [], away: [] };
    let ended = false;

    const pulls = async () => {
        let answered = performance.now();
        let missed = false;
        while (!ended) {
            const ok = await fetch(`${site.registryUrl}/v2/`, {
                headers: { connection: "close" },
                signal: AbortSignal.timeout(2_000),
            }).then(
                (response) => response.status < 500,
                () => false,
            );
            const now = performance.now();
            if (ok && missed) seen.away.push({ from: answered, to: now });
            if (ok) answered = now;
            missed = !ok;
            await sleep(20);
        }
        if (missed) seen.away.push({ from: answered, to: performance.now() });
    };
    const logins = async () => {
        while (!ended) {
            const from = performance.now();
            const reason = await loginProblem(site, username, password);
            if (reason === undefined) seen.logins++;
            else seen.refused.push({ from, to: performance.now(), reason });
            await sleep(100);
        }
    };
    const watches = Promise.all([pulls(), logins()]);
    return async () => {
        ended = true;
        await watches;
        return seen;
    };
}

/** Why a login does not end in a session, once; undefined where it does. */
async function loginProblem(site: Site, username: string, password: string): Promise<string | undefined> {
    try {
        const session = await ZotSession.login(
            site.registryUrl,
            { username, password },
            { identityProvider: [site.issuer] },
        );
        await session.end();
    } catch (error) {
        if (!(error instanceof LoginError || error instanceof UnreachableError)) throw error;
        // A registry that goes by e-mail addresses has let them in.
        if (!/ took the login of /.test(error.message)) return error.message;
    }
    return undefined;
}
