/** The accounts that zot keeps, with the groups of their last login and their API keys, out of its `meta.db`. Pure. */
import { BoltError, bucketOf } from "./bolt";

export interface AccountKey {
    uuid: string;
    label: string;
    created: string;
    /** Undefined for a key without an end. */
    expires: string | undefined;
    /** Undefined where it never was. */
    lastUsed: string | undefined;
}

export interface Account {
    name: string;
    /** Of the last login: what its keys may is what these may. */
    groups: string[];
    /** Those that still work, by the time they were made. */
    keys: AccountKey[];
    /** How many have come to their end. */
    expired: number;
    /** Why nobody logs in as this account any more, where its name says so. */
    former?: string;
}

/** @throws BoltError where the bytes are no such file. */
export function accountsIn(file: Buffer, now: Date): Account[] {
    const accounts = bucketOf(file, "UserData");
    if (accounts === undefined)
        throw new BoltError(
            "it has no accounts of zot's in it (no bucket UserData); name the meta.db in zot's rootDirectory",
        );
    return accounts.map(([name, value]) => accountOf(name, value, now));
}

function accountOf(name: string, value: Buffer, now: Date): Account {
    const data = recordIn(name, value);
    const found = Object.values((data.APIKeys ?? {}) as Record<string, Record<string, unknown>>).map(keyOf);
    const isOver = ({ expires }: AccountKey) => expires !== undefined && new Date(expires) <= now;
    const keys = found.filter((key) => !isOver(key)).sort((left, right) => (left.created < right.created ? -1 : 1));
    return {
        name,
        groups: Array.isArray(data.Groups) ? data.Groups.map(String) : [],
        keys,
        expired: found.length - keys.length,
        ...(name.includes("@")
            ? { former: "its name is an e-mail address, so that it is from before the claim mapping" }
            : {}),
    };
}

function recordIn(name: string, value: Buffer): Record<string, unknown> {
    try {
        return JSON.parse(value.toString("utf8")) as Record<string, unknown>;
    } catch {
        throw new BoltError(`what it has of the account ${JSON.stringify(name)} cannot be read. Copy it again`);
    }
}

function keyOf(record: Record<string, unknown>): AccountKey {
    const text = (name: string) => (typeof record[name] === "string" ? record[name] : "");
    // Go's zero time stands for none.
    const time = (name: string) => (/^0001-/.test(text(name)) || text(name) === "" ? undefined : text(name));
    return {
        uuid: text("uuid"),
        label: text("label"),
        created: text("createdAt"),
        expires: time("expirationDate"),
        lastUsed: time("lastUsed"),
    };
}
