/** The provider's configuration: where Authentik is, its token, and how requests leave this machine. */
import { isConfidential } from "../../clients/http/address";
import { type CheckFailure, isKnown, type PropertyMap, type PropertyValue } from "../protocol";

export interface Configuration {
    /** Authentik's address, without a slash at the end. */
    authentikUrl: string | undefined;
    authentikToken: string | undefined;
    caCertificateFile: string | undefined;
    proxy: string | undefined;
}

export const configurationProperties = {
    authentikUrl: {
        type: "string",
        description:
            "Authentik's address, for example `https://authentik.example.org`. " +
            "The environment variable `AUTHENTIK_URL` also sets it.",
    },
    authentikToken: {
        type: "string",
        secret: true,
        description:
            "An API token of Authentik that may see the service account and set its password. " +
            "The environment variable `AUTHENTIK_TOKEN` also sets it, and is never written to the state.",
    },
    caCertificateFile: {
        type: "string",
        description:
            "PEM file of certificate authorities to trust beside the usual ones. " +
            "The environment variable `NODE_EXTRA_CA_CERTS` also works.",
    },
    proxy: {
        type: "string",
        description:
            "URL of an HTTP proxy for requests to hosts that are neither loopback nor in `NO_PROXY`. " +
            "The environment variables `HTTPS_PROXY` and `HTTP_PROXY` also set it.",
    },
} as const;

const asText = (value: PropertyValue | undefined) =>
    typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;

/** What is wrong with a configuration, found without asking anybody. Values that are not known yet pass. */
export function checkConfiguration(config: PropertyMap): CheckFailure[] {
    const failures: CheckFailure[] = [];
    for (const [property, problem] of [
        ["authentikUrl", addressProblem],
        ["proxy", urlProblem],
    ] as const) {
        const value = config[property];
        const text = isKnown(value) ? asText(value) : undefined;
        const reason = text === undefined ? undefined : problem(text);
        if (reason) failures.push({ property, reason: `zot:${property} ${reason}` });
    }
    return failures;
}

export function configurationFrom(config: PropertyMap, environment: NodeJS.ProcessEnv): Configuration {
    return {
        authentikUrl: baseUrl(asText(config.authentikUrl) ?? asText(environment.AUTHENTIK_URL)),
        authentikToken: asText(config.authentikToken) ?? asText(environment.AUTHENTIK_TOKEN),
        caCertificateFile: asText(config.caCertificateFile),
        proxy: asText(config.proxy),
    };
}

/** The API's own path may be part of what was given. */
const baseUrl = (url: string | undefined) => url?.replace(/\/+$/, "").replace(/\/api\/v3$/, "");

/** Why this is not where a token may be sent. */
function addressProblem(text: string): string | undefined {
    return (
        urlProblem(text) ??
        (isConfidential(new URL(text))
            ? undefined
            : "must be https: over plain http, the token could be read on the way.")
    );
}

/** Why this is not an address to send requests to; a proxy's may hold its user and password, which are not repeated. */
function urlProblem(text: string): string | undefined {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    return url && /^https?:$/.test(url.protocol) ? undefined : "must be an http or https URL.";
}
