/** `/zot/auth/apikey`: a user's own API keys. A key may do here all that its owner may, make another one included. */
import { randomUUID } from "node:crypto";
import { keyPrefix } from "./authentication";
import { type Exchange, readBody, sendJson, sendStatus } from "./http";
import { type ApiKey, never, type Users } from "./users";

/** zot's own limit is 8 KiB; nothing of ours comes near. */
const longestBody = 64 * 1024;

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
    const wanted = parse(body ?? Buffer.alloc(0));
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
    let wanted: WantedKey;
    try {
        wanted = { label: "", scopes: null, expirationDate: "", ...JSON.parse(body.toString()) } as WantedKey;
    } catch {
        return undefined;
    }
    const { expirationDate } = wanted;
    if (expirationDate === "") return wanted;
    // RFC 3339: a date alone is none.
    const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(Z|[+-]\d{2}:\d{2})$/.test(expirationDate);
    return isTime && Date.parse(expirationDate) > Date.now() ? wanted : undefined;
}

/** Now, to the microsecond: no two keys are made at the same time. */
function preciseTime(): string {
    const microseconds = Math.round((performance.timeOrigin + performance.now()) * 1000);
    return `${new Date(Math.floor(microseconds / 1000)).toISOString().slice(0, -1)}${String(microseconds % 1000).padStart(3, "0")}Z`;
}
