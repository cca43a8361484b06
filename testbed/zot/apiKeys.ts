/** `/zot/auth/apikey`: a user's own API keys. A key may do here all that its owner may, make another one included. */
import { randomUUID } from "node:crypto";
import { keyPrefix } from "./authentication";
import { type Exchange, readBody, sendJson, sendStatus } from "./http";
import { type ApiKey, never, type Users } from "./users";

const longestBody = 8 * 1024;

export async function handleApiKeys(exchange: Exchange, users: Users): Promise<void> {
    switch (exchange.method) {
        case "GET":
            return listKeys(exchange, users);
        case "POST":
            return createKey(exchange, users);
        case "DELETE":
            return revokeKey(exchange, users);
        default:
            return sendStatus(exchange, 405);
    }
}

// Anonymous readers get past the authentication, and zot has nothing better for them here than 500.

function listKeys(exchange: Exchange, users: Users): void {
    if (exchange.who.userName === "") return sendStatus(exchange, 500);
    sendJson(exchange, 200, { apiKeys: users.keysOf(exchange.who.userName) });
}

async function createKey(exchange: Exchange, users: Users): Promise<void> {
    const body = await readBody(exchange, longestBody);
    if (!body) {
        exchange.response.setHeader("Connection", "close");
        return sendStatus(exchange, 413);
    }
    const wanted = parse(body);
    if (!wanted) return sendStatus(exchange, 400);
    const { userName } = exchange.who;
    if (userName === "") return sendStatus(exchange, 500);
    const secret = randomUUID().replaceAll("-", "");
    const key: ApiKey = {
        createdAt: preciseTime(),
        expirationDate: wanted.expirationDate || never,
        isExpired: false,
        creatorUa: exchange.request.headers["user-agent"] ?? "",
        generatedBy: "manual",
        lastUsed: never,
        label: wanted.label,
        scopes: wanted.scopes,
        uuid: randomUUID(),
    };
    users.addKey(userName, secret, key);
    sendJson(exchange, 201, { ...key, apiKey: keyPrefix + secret });
}

function revokeKey(exchange: Exchange, users: Users): void {
    const ids = exchange.query.getAll("id");
    if (ids.length !== 1) return sendStatus(exchange, 400);
    const { userName } = exchange.who;
    sendStatus(exchange, userName !== "" && users.removeKey(userName, ids[0] ?? "") ? 200 : 500);
}

interface WantedKey {
    label: string;
    scopes: string[] | null;
    expirationDate: string;
}

/** Undefined for whatever zot answers with 400. */
function parse(body: Buffer): WantedKey | undefined {
    let value: Partial<Record<string, unknown>> | null;
    try {
        value = JSON.parse(body.toString()) as typeof value;
    } catch {
        return undefined;
    }
    if (typeof value !== "object" || Array.isArray(value)) return undefined;
    // As Go reads JSON: in any case, and of a name that comes twice the last.
    const named = Object.fromEntries(
        Object.entries(value ?? {}).map(([name, content]) => [name.toLowerCase(), content]),
    );
    const { label = "", scopes = null, expirationdate: expirationDate = "" } = named;
    const isList = scopes === null || (Array.isArray(scopes) && scopes.every((scope) => typeof scope === "string"));
    if (typeof (label ?? "") !== "string" || !isList || typeof (expirationDate ?? "") !== "string") return undefined;
    const wanted = {
        label: (label ?? "") as string,
        scopes: scopes as string[] | null,
        expirationDate: (expirationDate ?? "") as string,
    };
    if (wanted.expirationDate !== "" && !(timeOf(wanted.expirationDate) > Date.now())) return undefined;
    return wanted;
}

/** Milliseconds of a time in RFC 3339, or NaN. */
function timeOf(text: string): number {
    const [, day = "", hour = "", zone = ""] =
        /^(\d{4}-\d{2}-\d{2})T(\d{2}):\d{2}:\d{2}(?:\.\d+)?(Z|[+-]\d{2}:\d{2})$/.exec(text) ?? [];
    const midnight = new Date(`${day}T00:00:00Z`);
    // JavaScript takes the 30th of February for the 2nd of March, and knows an hour 24.
    if (zone === "" || hour === "24" || Number.isNaN(midnight.getTime()) || midnight.toISOString().slice(0, 10) !== day)
        return NaN;
    return Date.parse(text);
}

/** Now, to the microsecond: no two keys are made at the same time. */
function preciseTime(): string {
    const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
    return `${new Date(Math.floor(microseconds / 1000)).toISOString().slice(0, -1)}${String(microseconds % 1000).padStart(3, "0")}Z`;
}
