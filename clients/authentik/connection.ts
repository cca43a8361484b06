/** Where Authentik is, and with which token to ask it, from the settings and the environment. Pure. */
import { addressOf, withoutSlash } from "../http/address";
import { UserError } from "../userError";

export interface Connection {
    /** Address of the API, without a slash at the end: `https://authentik.example.com/api/v3`. */
    basePath: string;
    /** The address as the person set it, for messages. */
    url: string;
    token: string;
    headers: Record<string, string>;
}

/** The properties as a stack's file has them; an empty one counts as absent. */
export interface ConnectionProperties {
    url?: unknown;
    token?: unknown;
    headers?: unknown;
}

const asText = (value: unknown) => (typeof value === "string" && value.trim() !== "" ? value.trim() : undefined);

/**
 * The connection's settings, read when they are first needed.
 * @throws UserError with the command that sets what is missing
 */
export function connectionFrom(config: ConnectionProperties, environment: NodeJS.ProcessEnv): Connection {
    const url = asText(config.url) ?? asText(environment.AUTHENTIK_URL);
    const token = asText(config.token) ?? asText(environment.AUTHENTIK_TOKEN);
    const missing: string[] = [];
    if (!url)
        missing.push(
            "Authentik's address is not set. Set it with: " +
                "pulumi config set authentik:url https://authentik.example.com (or in the environment: AUTHENTIK_URL).",
        );
    if (!token) {
        missing.push(
            "No API token for Authentik is set. Set it with: " +
                "pulumi config set --secret authentik:token (or in the environment: AUTHENTIK_TOKEN).",
        );
    }
    if (!url || !token) throw new UserError(missing.join(" "));
    if (/[^\x21-\x7e]/.test(token))
        throw new UserError(
            "The API token for Authentik contains a character that no token has (a space or line break inside, " +
                "or a letter outside of ASCII). Set it again with: pulumi config set --secret authentik:token",
        );
    const origin =
        config.url === undefined || config.url === null || config.url === "" ? "AUTHENTIK_URL" : "authentik:url";
    return { basePath: parseUrl(url, origin), url, token, headers: parseHeaders(config.headers ?? {}) };
}

/**
 * The API's address, derived from Authentik's address.
 *
 * @param name the setting's name, for a message
 * @throws UserError
 */
export function parseUrl(value: string, name: string): string {
    const base = addressOf(
        value.trim(),
        name,
        { carries: "the API token" },
        "Give Authentik's address, such as https://authentik.example.com (http:// is for a loopback host only; " +
            "the API token is authentik:token).",
    );
    return `${withoutApi(base)}${API}`;
}

/** The path of Authentik's API, below its own address. */
const API = "/api/v3";

/** Authentik's address without the part for its API. */
export const withoutApi = (url: string): string => withoutSlash(withoutSlash(url).replace(/\/api\/v3$/, ""));

/** Reads headers from the JSON text in `Pulumi.<stack>.yaml`. Their content is secret, so messages never repeat it. */
export function parseHeaders(value: unknown): Record<string, string> {
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
