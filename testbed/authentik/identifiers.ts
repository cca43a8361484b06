import { createHash, randomBytes, randomUUID } from "node:crypto";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Random letters and digits, as Authentik makes keys (60), client ids (40) and client secrets (128). */
export function newKey(length: number): string {
    let key = "";
    while (key.length < length) {
        for (const byte of randomBytes(length)) {
            // Bytes past the last whole alphabet would favour its first letters.
            if (byte < 248 && key.length < length) key += alphabet[byte % alphabet.length];
        }
    }
    return key;
}

export const newUuid = (): string => randomUUID();

export function newHexadecimal(length: number): string {
    return randomBytes(length / 2).toString("hex");
}

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The present moment as Authentik writes it, with six digits after the second. */
export function timestamp(milliseconds: number = Date.now()): string {
    return new Date(milliseconds).toISOString().replace("Z", "000Z");
}

const units: Record<string, number> = {
    microseconds: 0.001,
    milliseconds: 1,
    seconds: 1000,
    minutes: 60_000,
    hours: 3_600_000,
    days: 86_400_000,
    weeks: 604_800_000,
};

/** Milliseconds of a duration as Authentik writes it ("hours=3;minutes=1"), or undefined if it is not one. */
export function milliseconds(duration: string): number | undefined {
    let total = 0;
    for (const part of duration.split(";")) {
        const [unit, amount] = part.split("=");
        const factor = units[(unit ?? "").trim().toLowerCase()];
        if (factor === undefined || !/^-?\d+(\.\d+)?$/.test((amount ?? "").trim())) return undefined;
        total += factor * Number(amount);
    }
    return total;
}
