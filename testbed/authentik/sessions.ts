import type { FlowPlan } from "./flowPlan";
import type { Request } from "./http";
import { newHexadecimal, newKey } from "./identifiers";

export const sessionCookie = "authentik_session";
export const csrfCookie = "authentik_csrf";

/** A browser's session; it exists before login, to hold the flow that is being carried out. */
export interface Session {
    key: string;
    /** The user who is logged in. */
    user?: number;
    /** When they logged in, in milliseconds. */
    loggedInAt?: number;
    csrfToken?: string;
    /** Milliseconds; Authentik keeps a session without an expiry of its own for a day. */
    expires: number;
    /** Whether the cookie carries an expiry (a login stage with a session duration). */
    persistent: boolean;
    plan?: FlowPlan;
}

const day = 24 * 60 * 60_000;

/** Sessions, in memory: a restart ends them. */
export class Sessions {
    private readonly sessions = new Map<string, Session>();

    /** The session of a request's cookie, if it is still there. */
    of(request: Request): Session | undefined {
        const session = this.sessions.get(request.cookies[sessionCookie] ?? "");
        if (session && session.expires < Date.now()) {
            this.sessions.delete(session.key);
            return undefined;
        }
        return session;
    }

    create(): Session {
        const session: Session = { key: newKey(32), expires: Date.now() + day, persistent: false };
        this.sessions.set(session.key, session);
        return session;
    }

    /** Logs a user in: the session gets a new key, so that one that was known before login is worth nothing. */
    logIn(session: Session, user: number, duration: number): void {
        this.sessions.delete(session.key);
        const now = Date.now();
        Object.assign(session, {
            key: newKey(32),
            user,
            loggedInAt: now,
            csrfToken: newKey(64),
            expires: now + (duration || day),
            persistent: duration > 0,
        });
        this.sessions.set(session.key, session);
    }

    end(session: Session): void {
        this.sessions.delete(session.key);
    }

    /** How many sessions are logged in, for tests that look for what was left behind. */
    loggedIn(): number {
        return [...this.sessions.values()].filter(
            (session) => session.user !== undefined && session.expires >= Date.now(),
        ).length;
    }

    /** The Set-Cookie lines for a session; `ended` deletes the cookie. */
    cookies(request: Request, session: Session, options: { ended?: boolean; loggedIn?: boolean } = {}): string[] {
        const secure = request.origin.startsWith("https:");
        const attributes = `Path=/; SameSite=${secure ? "None; Secure" : "Lax"}`;
        if (options.ended) {
            return [`${sessionCookie}=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; ${attributes}`];
        }
        const lasting = (seconds: number) =>
            `expires=${new Date(Date.now() + seconds * 1000).toUTCString()}; Max-Age=${seconds}`;
        const lifetime = session.persistent
            ? `expires=${new Date(session.expires).toUTCString()}; ` +
              `Max-Age=${Math.floor((session.expires - Date.now()) / 1000)}; `
            : "";
        const cookies = [`${sessionCookie}=${session.key}; ${lifetime}HttpOnly; ${attributes}`];
        if (options.loggedIn) {
            cookies.unshift(
                `authentik_device=${newHexadecimal(32)}; ${lasting(2_592_000)}; ${attributes}`,
                `${csrfCookie}=${session.csrfToken ?? ""}; ${lasting(31_449_600)}; ${attributes}`,
            );
        }
        return cookies;
    }

    /** Whether a request that changes something carries the token that its session's cookie was given. */
    static carriesCsrfToken(request: Request, session: Session): boolean {
        return session.csrfToken !== undefined && request.headers["x-authentik-csrf"] === session.csrfToken;
    }
}
