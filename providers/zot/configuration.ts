/** The provider's configuration: Authentik's address and token, and how requests leave this machine. */
import { withoutApi } from "../../clients/authentik/connection";
import { type AddressRule, addressProblem } from "../../clients/http/address";
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
            "PEM file of certificate authorities to trust in addition to the usual ones. " +
            "The environment variable `NODE_EXTRA_CA_CERTS` also works.",
    },
    proxy: {
        type: "string",
        description:
            "URL of an HTTP proxy for requests to hosts that are neither loopback nor in `NO_PROXY`. " +
            "The environment variables `HTTPS_PROXY` and `HTTP_PROXY` also set it.",
    },
} as const;

/** A proxy's address may hold a user and a password. What goes through the proxy is encrypted end to end. */
const ADDRESSES: Readonly<Record<string, AddressRule>> = {
    authentikUrl: { carries: "the token" },
    proxy: { carries: undefined, mayLogIn: true },
};

const asText = (value: PropertyValue | undefined) =>
    typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;

/** What is wrong with a configuration, without sending requests. Values that are not known yet pass. */
export function checkConfiguration(config: PropertyMap): CheckFailure[] {
    const failures: CheckFailure[] = [];
    for (const [property, rule] of Object.entries(ADDRESSES)) {
        const value = config[property];
        const text = isKnown(value) ? asText(value) : undefined;
        const problem = text === undefined ? undefined : addressProblem(text, `zot:${property}`, rule);
        if (problem !== undefined) failures.push({ property, reason: `${problem}.` });
    }
    return failures;
}

export function configurationFrom(config: PropertyMap, environment: NodeJS.ProcessEnv): Configuration {
    const url = asText(config.authentikUrl) ?? asText(environment.AUTHENTIK_URL);
    return {
        authentikUrl: url && withoutApi(url),
        authentikToken: asText(config.authentikToken) ?? asText(environment.AUTHENTIK_TOKEN),
        caCertificateFile: asText(config.caCertificateFile),
        proxy: asText(config.proxy),
    };
}
