/** Reads the accounts that zot keeps, with their API keys and the groups of their last login, from `meta.db`. Pure. */
import { BoltError, bucketOf } from "./bolt";

export interface AccountKey {
    uuid: string;
    label: string;
    created: string;
    /** Undefined for a key that never ends. */
    expires: string | undefined;
    /** Undefined if it was never used. */
    lastUsed: string | undefined;
}

export interface Account {
    name: string;
    /** The groups of the last login, which decide what the account's keys may do. */
    groups: string[];
    /** The keys that still work, oldest first. */
    keys: AccountKey[];
    /** How many have expired. */
    expired: number;
    /** Why nobody can log in as this account any more, if its name shows that. */
    former?: string;
}

/** @throws BoltError if the bytes are not such a file */
export function accountsIn(file: Buffer, now: Date): Account[] {
    const accounts = bucketOf(file, "UserData");
    if (accounts === undefined)
        throw new BoltError(
            "it contains no accounts of zot (no bucket UserData); name the meta.db in zot's rootDirectory",
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
            ? { former: "its name is an e-mail address, so it was made before the claim mapping" }
            : {}),
    };
}

function recordIn(name: string, value: Buffer): Record<string, unknown> {
    try {
        return JSON.parse(value.toString("utf8")) as Record<string, unknown>;
    } catch {
        throw new BoltError(`the account ${JSON.stringify(name)} in it cannot be read. Copy it again`);
    }
}

function keyOf(record: Record<string, unknown>): AccountKey {
    const text = (name: string) => (typeof record[name] === "string" ? record[name] : "");
    // Go writes its zero time for none.
    const time = (name: string) => (/^0001-/.test(text(name)) || text(name) === "" ? undefined : text(name));
    return {
        uuid: text("uuid"),
        label: text("label"),
        created: text("createdAt"),
        expires: time("expirationDate"),
        lastUsed: time("lastUsed"),
    };
}
