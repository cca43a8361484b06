/** Secrets that a command knows, and what it prints: a forge or a registry may repeat what it was sent. */

const known = new Set<string>();
/** Of a secret that is cut off somewhere, a part as long as this is masked too. In characters. */
const PART = 10;

/** From now on {@link masked} hides it; what is shorter than eight characters would be found everywhere. */
export function hide(secret: string): void {
    if (secret.length < 8) return;
    const base64 = [0, 1, 2].map((before) =>
        Buffer.concat([Buffer.alloc(before), Buffer.from(secret)])
            .toString("base64")
            .slice(before === 0 ? 0 : before + 1)
            .replace(/.?=*$/, ""),
    );
    for (const form of [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
        Buffer.from(secret).toString("hex"),
        ...base64,
    ])
        known.add(form);
}

/** A text without the secrets, as they are or encoded, whole or in part. */
export function masked(text: string): string {
    return [...known].reduce(without, text);
}

function without(text: string, secret: string): string {
    const starts = new Set<string>();
    for (let index = 0; index + PART <= secret.length; index++)
        starts.add(secret.slice(index, index + PART).toLowerCase());
    if (secret.length < PART) return text.replaceAll(secret, "[hidden]");
    const lower = text.toLowerCase();
    let result = "";
    for (let index = 0; index < text.length; ) {
        if (!starts.has(lower.slice(index, index + PART))) {
            result += text[index++];
            continue;
        }
        // As far as what follows is of the secret too.
        let end = index + PART;
        while (end < text.length && starts.has(lower.slice(end - PART + 1, end + 1))) end++;
        result += "[hidden]";
        index = end;
    }
    return result;
}
