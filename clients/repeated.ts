/** Hides secrets that come back: a server, or a proxy in front of it, may repeat what it was sent. Pure. */

/** How many characters of a truncated secret are enough to be hidden. */
const PART = 10;
/** Anything shorter would match everywhere. */
const SHORTEST = 8;
const HIDDEN = "[hidden]";
/** How far parts are searched for: no message shows more of an answer. */
const LOOKED_AT = 8192;

/** The forms in which a secret may come back; empty for a text that is too short to be a secret. */
export function formsOf(secret: string): string[] {
    if (secret.length < SHORTEST) return [];
    const base64 = [0, 1, 2].map((before) =>
        Buffer.concat([Buffer.alloc(before), Buffer.from(secret)])
            .toString("base64")
            .slice(before === 0 ? 0 : before + 1)
            .replace(/.?=*$/, ""),
    );
    return [
        secret,
        encodeURIComponent(secret),
        JSON.stringify(secret).slice(1, -1),
        Buffer.from(secret).toString("hex"),
        ...base64,
    ];
}

/** A text without a secret in one form, whole or in part. */
export function withoutForm(text: string, form: string): string {
    const starts = new Set<string>();
    for (let index = 0; index + PART <= form.length; index++) starts.add(form.slice(index, index + PART).toLowerCase());
    if (form.length < PART) return text.replaceAll(form, HIDDEN);
    const lower = text.toLowerCase();
    let result = "";
    for (let index = 0; index < text.length; ) {
        if (!starts.has(lower.slice(index, index + PART))) {
            result += text[index++];
            continue;
        }
        // Hides everything that belongs to the secret, not only the part found.
        let end = index + PART;
        while (end < text.length && starts.has(lower.slice(end - PART + 1, end + 1))) end++;
        result += HIDDEN;
        index = end;
    }
    return result;
}

/** Headers that hold no secret. */
const PLAIN = /^(accept|content-type|user-agent|x-zot-api-client)$/i;
/** Members of a body that hold a secret. */
const SECRET = /passw|secret|token|key|code/i;

/** A server's words about a request, without the secrets in the request. */
export function withoutSent(
    text: string,
    { headers, body }: { headers: Record<string, string>; body?: string },
): string {
    const secrets = [
        ...Object.entries(headers).flatMap(([name, value]) => (PLAIN.test(name) ? [] : inHeader(name, value))),
        ...inBody(body ?? ""),
    ];
    const forms = secrets.flatMap(formsOf);
    const whole = forms.reduce((rest, form) => rest.replaceAll(form, HIDDEN), text);
    const beginning = forms.reduce(withoutForm, whole.slice(0, LOOKED_AT));
    return beginning + whole.slice(LOOKED_AT);
}

function inHeader(name: string, value: string): string[] {
    if (/^cookie$/i.test(name)) return value.split("; ").map((cookie) => cookie.slice(cookie.indexOf("=") + 1));
    const [, scheme, credentials = value] = /^(\w+) (\S+)$/.exec(value) ?? [];
    if (!/^basic$/i.test(scheme ?? "")) return [credentials];
    const pair = Buffer.from(credentials, "base64").toString();
    return [credentials, pair.slice(pair.indexOf(":") + 1)];
}

function inBody(body: string): string[] {
    const found: string[] = [];
    try {
        JSON.parse(body, (member: string, value: unknown) => {
            if (typeof value === "string" && SECRET.test(member)) found.push(value);
            return value;
        });
    } catch {
        for (const [member, value] of new URLSearchParams(body)) if (SECRET.test(member)) found.push(value);
    }
    return found;
}
