/**
 * The provider's configuration: `authentik:url`, `authentik:token`, `authentik:insecure`, `authentik:headers`, or the
 * environment.
 */
import { parseHeaders, parseUrl } from "../../clients/authentik/connection";
import { UserError } from "../../clients/userError";
import { type CheckFailure, isKnown, type PropertyMap, type PropertyValue } from "../protocol";

export const configurationProperties = {
    url: {
        type: "string",
        description:
            "Authentik's address, for example `https://authentik.example.com`; " +
            "a path below which Authentik is served is part of it. " +
            "The environment variable `AUTHENTIK_URL` also sets it.",
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
            "Whether to accept any certificate; `NODE_EXTRA_CA_CERTS` is the way to trust a private authority. " +
            "The environment variable `AUTHENTIK_INSECURE` also sets it.",
    },
    headers: {
        type: "object",
        secret: true,
        description: "HTTP headers to send with every request, for a proxy in front of Authentik.",
    },
} as const;

/** What is wrong with a configuration, without asking Authentik. Values that are not known yet pass. */
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

/** @throws UserError if the value cannot be used */
export function isInsecure(config: PropertyMap, environment: NodeJS.ProcessEnv): boolean {
    if (config.insecure !== undefined && config.insecure !== null && config.insecure !== "")
        return parseBoolean(config.insecure, "authentik:insecure");
    return environment.AUTHENTIK_INSECURE ? parseBoolean(environment.AUTHENTIK_INSECURE, "AUTHENTIK_INSECURE") : false;
}

function parseBoolean(value: PropertyValue, name: string): boolean {
    const word = String(value).trim().toLowerCase();
    if (["true", "1"].includes(word)) return true;
    if (["false", "0", ""].includes(word)) return false;
    throw new UserError(`${name} must be true or false, not ${JSON.stringify(value)}.`);
}
