import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";

// A stand-in's passwords live as long as a test; the cost is for speed, not for an attacker.
const cost = { N: 1024, r: 8, p: 1 };

/** A salted hash: passwords are not kept, not even in the state file of a stand-in. */
export function hashPassword(password: string): string {
    const salt = randomBytes(16);
    return `${salt.toString("hex")}:${scryptSync(password, salt, 32, cost).toString("hex")}`;
}

export function verifyPassword(password: string, stored: unknown): boolean {
    if (typeof stored !== "string") return false;
    const [salt, hash] = stored.split(":") as [string, string];
    return timingSafeEqual(scryptSync(password, Buffer.from(salt, "hex"), 32, cost), Buffer.from(hash, "hex"));
}
