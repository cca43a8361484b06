/**
 * What zot remembers about users: the groups of the last login, and API keys, as SHA-256. It is in `meta.db` below the
 * root directory and survives restarts; if the file is lost, the keys are lost.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";

/** An API key as clients see it; the fields and their order are zot's. */
export interface ApiKey {
    createdAt: string;
    /** RFC 3339; `0001-01-01T00:00:00Z`: never. */
    expirationDate: string;
    isExpired: boolean;
    creatorUa: string;
    generatedBy: "manual";
    lastUsed: string;
    label: string;
    scopes: string[] | null;
    uuid: string;
}

export const never = "0001-01-01T00:00:00Z";

interface User {
    groups: string[];
    /** By the SHA-256 of the key, in hexadecimal. */
    apiKeys: Record<string, ApiKey>;
}

const notice = "the stand-in for zot's own database; a real zot cannot read it";

export class Users {
    private readonly users = new Map<string, User>();
    private readonly owners = new Map<string, string>();
    private pending: NodeJS.Timeout | undefined;

    /** Throws when the file is not one of the stand-in's. */
    constructor(private readonly file: string) {
        if (!fs.existsSync(file)) {
            this.save();
            return;
        }
        let content: { users?: Record<string, User> };
        try {
            content = JSON.parse(fs.readFileSync(file, "utf8")) as typeof content;
        } catch {
            throw new Error(
                `${file} is not a database of the stand-in for zot: ` +
                    "a real zot has used this root directory, give the stand-in another",
            );
        }
        for (const [name, user] of Object.entries(content.users ?? {})) {
            this.users.set(name, user);
            for (const hash of Object.keys(user.apiKeys)) this.owners.set(hash, name);
        }
    }

    groupsOf(name: string): string[] | undefined {
        return this.users.get(name)?.groups;
    }

    setGroups(name: string, groups: string[]): void {
        this.userCalled(name).groups = groups;
        this.save();
    }

    /** In no particular order; whatever has expired is marked so. */
    keysOf(name: string): ApiKey[] {
        const keys = Object.values(this.users.get(name)?.apiKeys ?? {});
        for (const key of keys) key.isExpired = key.isExpired || hasExpired(key);
        return keys;
    }

    addKey(name: string, secret: string, key: ApiKey): void {
        const hash = hashOf(secret);
        this.userCalled(name).apiKeys[hash] = key;
        this.owners.set(hash, name);
        this.save();
    }

    /** False when the user is not known; an unknown id is no mistake. */
    removeKey(name: string, uuid: string): boolean {
        const user = this.users.get(name);
        if (!user) return false;
        for (const [hash, key] of Object.entries(user.apiKeys)) {
            if (key.uuid !== uuid) continue;
            delete user.apiKeys[hash];
            this.owners.delete(hash);
        }
        this.save();
        return true;
    }

    /** The groups of a user who shows a key, or undefined when it is not theirs, expired or revoked. */
    useKey(name: string, secret: string): string[] | undefined {
        const hash = hashOf(secret);
        if (this.owners.get(hash) !== name) return undefined;
        const user = this.userCalled(name);
        const key = user.apiKeys[hash];
        if (!key || key.isExpired || hasExpired(key)) return undefined;
        key.lastUsed = new Date().toISOString();
        // A moment later, and together with others: nobody waits for it.
        this.pending ??= setTimeout(() => this.save(), 500).unref();
        return user.groups;
    }

    /** Writes what is still to be written. */
    close(): void {
        if (this.pending) this.save();
    }

    private userCalled(name: string): User {
        let user = this.users.get(name);
        if (!user) this.users.set(name, (user = { groups: [], apiKeys: {} }));
        return user;
    }

    private save(): void {
        clearTimeout(this.pending);
        this.pending = undefined;
        const temporary = `${this.file}.new`;
        fs.writeFileSync(temporary, JSON.stringify({ standIn: notice, users: Object.fromEntries(this.users) }), {
            mode: 0o600,
        });
        fs.renameSync(temporary, this.file);
    }
}

const hashOf = (secret: string) => createHash("sha256").update(secret).digest("hex");

const hasExpired = (key: ApiKey) => key.expirationDate !== never && Date.parse(key.expirationDate) < Date.now();
