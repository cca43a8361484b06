/** The provider's configuration: `authentik:url`, `authentik:token`, `authentik:insecure`, `authentik:headers`, or the environment. */
import { isConfidential } from "../../clients/http/address";
import { type CheckFailure, isKnown, type PropertyMap, type PropertyValue } from "../protocol";
import { UserError } from "./errors";

export interface Settings {
    /** Where the API is, without a slash at the end: `https://authentik.example.com/api/v3`. */
    basePath: string;
    /** As the person wrote it, for messages. */
    url: string;
    token: string;
    headers: Record<string, string>;
}

export const configurationProperties = {
    url: {
        type: "string",
        description:
            "Authentik's address, for example `https://authentik.example.com`; a path below which Authentik is served belongs to it. The environment variable `AUTHENTIK_URL` also sets it.",
    },
    token: {
        type: "string",
        secret: true,
        description:
            "An API token. The environment variable `AUTHENTIK_TOKEN` also sets it, and is never written to the state.",
    },
    insecure: {
        type: "boolean",
        description:
            "Whether to accept any certificate; `NODE_EXTRA_CA_CERTS` is the way to trust a private authority. The environment variable `AUTHENTIK_INSECURE` also sets it.",
    },
    headers: {
        type: "object",
        secret: true,
        description: "HTTP headers to send with every request, for a proxy in front of Authentik.",
    },
} as const;

const asText = (value: PropertyValue | undefined) =>
    typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;

/** What is wrong with a configuration, found without asking Authentik. Values that are not known yet pass. */
export function checkConfiguration(config: PropertyMap): CheckFailure[] {
    const failures: CheckFailure[] = [];
    const attempt = (property: keyof typeof configurationProperties, parse: (value: PropertyValue) => unknown) => {
        const value = config[property];
        if (value === undefined || value === null || !isKnown(value)) return;
        try {
            parse(value);
        } catch (error) {
            failures.push({ property, reason: (error as Error).message });
        }
    };
    attempt("url", (value) => parseUrl(String(value), "authentik:url"));
    attempt("insecure", (value) => parseBoolean(value, "authentik:insecure"));
    attempt("headers", parseHeaders);
    return failures;
}

/** @throws UserError where what is there cannot be used. */
export function isInsecure(config: PropertyMap, environment: NodeJS.ProcessEnv): boolean {
    if (config.insecure !== undefined && config.insecure !== null && config.insecure !== "")
        return parseBoolean(config.insecure, "authentik:insecure");
    return environment.AUTHENTIK_INSECURE ? parseBoolean(environment.AUTHENTIK_INSECURE, "AUTHENTIK_INSECURE") : false;
}

/**
 * The settings, once they are needed.
 * @throws UserError with the command that sets what is missing.
 */
export function settingsFrom(config: PropertyMap, environment: NodeJS.ProcessEnv): Settings {
    const url = asText(config.url) ?? asText(environment.AUTHENTIK_URL);
    const token = asText(config.token) ?? asText(environment.AUTHENTIK_TOKEN);
    const missing: string[] = [];
    if (!url)
        missing.push(
            "Authentik's address is not set. Set it with: pulumi config set authentik:url https://authentik.example.com (or in the environment: AUTHENTIK_URL).",
        );
    if (!token) {
        missing.push(
            "No API token for Authentik is set. Set it with: pulumi config set --secret authentik:token (or in the environment: AUTHENTIK_TOKEN).",
        );
    }
    if (!url || !token) throw new UserError(missing.join(" "));
    if (/[^\x21-\x7e]/.test(token))
        throw new UserError(
            "The API token for Authentik holds a character that no token has (a space or line break inside, or a letter beyond ASCII). Set it again with: pulumi config set --secret authentik:token",
        );
    const origin =
        config.url === undefined || config.url === null || config.url === "" ? "AUTHENTIK_URL" : "authentik:url";
    return { basePath: parseUrl(url, origin), url, token, headers: parseHeaders(config.headers ?? {}) };
}

function parseUrl(value: string, name: string): string {
    let url: URL | undefined;
    try {
        url = new URL(value.trim());
    } catch {
        // Said below, with what is allowed.
    }
    if (!url || !/^https?:$/.test(url.protocol) || url.search || url.hash) {
        throw new UserError(
            `${name} must be an http or https address such as https://authentik.example.com, not ${JSON.stringify(value)}.`,
        );
    }
    if (!isConfidential(url)) {
        throw new UserError(
            `${name} is ${JSON.stringify(value)}: over plain http, the API token could be read on the way. Give Authentik's https address (http is for a loopback host only).`,
        );
    }
    if (url.username || url.password)
        throw new UserError(`${name} must hold no user name or password; the API token is authentik:token.`);
    const base = `${url.origin}${url.pathname}`.replace(/\/+$/, "");
    return base.endsWith("/api/v3") ? base : `${base}/api/v3`;
}

function parseBoolean(value: PropertyValue, name: string): boolean {
    const word = String(value).trim().toLowerCase();
    if (["true", "1"].includes(word)) return true;
    if (["false", "0", ""].includes(word)) return false;
    throw new UserError(`${name} must be true or false, not ${JSON.stringify(value)}.`);
}

/** Headers come as JSON text from `Pulumi.<stack>.yaml`. What they hold is secret and is not repeated in a message. */
function parseHeaders(value: PropertyValue): Record<string, string> {
    let headers = value;
    if (typeof value === "string") {
        try {
            headers = JSON.parse(value);
        } catch {
            headers = null;
        }
    }
    if (
        headers === null ||
        typeof headers !== "object" ||
        Array.isArray(headers) ||
        Object.values(headers).some((header) => typeof header !== "string")
    ) {
        throw new UserError(
            'authentik:headers must be an object of texts, for example {"X-Forwarded-For":"10.0.0.1"}.',
        );
    }
    return headers as Record<string, string>;
}
