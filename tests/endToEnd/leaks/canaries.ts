/** Secrets that are looked for, and the texts in which they must not be. */

/** Where a secret was found that nobody may know there. Never says its value. */
export interface Leak {
    secret: string;
    where: string;
}

/** Shorter ones are found everywhere. */
const SHORTEST = 12;

export class Canaries {
    /** Names by form. */
    private readonly forms = new Map<string, string>();

    /** @param name what a reader calls it: it is told where its value is found */
    add(name: string, value: string): void {
        if (value.length < SHORTEST) throw new Error(`${name} is too short to be looked for.`);
        for (const form of formsOf(value)) this.forms.set(form, name);
    }

    /** The same for what only seems to be a secret, and may have a better name already. */
    learn(name: string, value: string): void {
        if (value.length < SHORTEST) return;
        for (const form of formsOf(value)) if (!this.forms.has(form)) this.forms.set(form, name);
    }

    get names(): string[] {
        return [...new Set(this.forms.values())];
    }

    /** The names of the secrets that a text holds, as they are or encoded. */
    in(text: string): string[] {
        return [...new Set([...this.forms].filter(([form]) => text.includes(form)).map(([, name]) => name))];
    }
}

/** A secret as it is, in an address, in JSON, in base64 of a text that it is part of, in hexadecimal digits; a key by its lines. */
function formsOf(secret: string): string[] {
    // The first line of a key in OpenSSH's form is that of every key of its kind.
    const lines = secret.split(/\r?\n/).filter((line) => line.length >= 40 && !line.startsWith("b3BlbnNzaC1rZXk"));
    return [secret, ...lines].flatMap((text) => {
        const bytes = Buffer.from(text);
        const base64 = [0, 1, 2].map((before) => {
            const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
            return shifted
                .toString("base64")
                .slice(before === 0 ? 0 : before + 1, Math.floor((shifted.length * 8) / 6));
        });
        const hex = bytes.toString("hex");
        return [
            ...new Set([
                text,
                encodeURIComponent(text),
                JSON.stringify(text).slice(1, -1),
                ...base64,
                ...base64.map((form) => form.replaceAll("+", "-").replaceAll("/", "_")),
                hex,
                hex.toUpperCase(),
            ]),
        ];
    });
}
