/** Secrets that come back: a server, or what stands in front of one, may repeat what it was sent. Pure. */

/** Of a secret that is cut off somewhere, a part as long as this is hidden too. In characters. */
const PART = 10;
/** What is shorter would be found everywhere. */
const SHORTEST = 8;
const HIDDEN = "[hidden]";
/** As far as parts are looked for: more of an answer no message shows. */
const LOOKED_AT = 8192;

/** A secret as it may come back; nothing for what is too short to be one. */
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

/** A text without a form of a secret, whole or in part. */
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
        // As far as what follows is of the secret too.
        let end = index + PART;
        while (end < text.length && starts.has(lower.slice(end - PART + 1, end + 1))) end++;
        result += HIDDEN;
        index = end;
    }
    return result;
}

/** Headers that hold no secret. */
const PLAIN = /^(accept|content-type|user-agent|x-zot-api-client)$/i;
/** Members of a body that hold one. */
const SECRET = /passw|secret|token|key|code/i;

/** What a server says of a request, without the secrets that the request had. */
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
