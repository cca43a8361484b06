/**
 * How requests leave this machine: through a proxy if one is set, and with a private authority if one is given.
 * Credentials are sent only if nobody on the way can read them. Only a limited part of an answer is read.
 */
import { readFileSync } from "node:fs";
import * as tls from "node:tls";
import { isConfidential } from "./address";
import { UnreachableError } from "./failures";

export interface OutgoingOptions {
    /** PEM file of certificate authorities that are trusted in addition to the usual ones. */
    caCertificateFile?: string;
    /**
     * URL of an HTTP proxy for every request except those to loopback and to hosts in `NO_PROXY`. Default:
     * `HTTPS_PROXY`, `HTTP_PROXY`.
     */
    proxy?: string;
}

export interface OutgoingRequest {
    method: string;
    headers: Record<string, string>;
    body?: string;
    signal: AbortSignal;
}

/**
 * Sends one request and follows no redirect.
 *
 * @throws UnreachableError for a request with a credential over plain http to another machine, which is not sent.
 *     Reading the answer's body throws it too, if the body is larger than {@link LARGEST_ANSWER}.
 */
export type Transport = (url: URL, request: OutgoingRequest) => Promise<Response>;

/** How many bytes of an answer are read. A list of a hundred thousand tags has a third of this. */
export const LARGEST_ANSWER = 16 * 1024 * 1024;

/** Headers with credentials. */
const CREDENTIALS = /^(authorization|cookie|private-token|x-authentik-csrf|proxy-authorization)$/i;

/** Never sent through a proxy: on the proxy's machine these would mean other hosts. */
const LOOPBACK = "localhost,127.0.0.1,::1,[::1]";

const inEnvironment = (environment: NodeJS.ProcessEnv, name: string) =>
    environment[name.toLowerCase()] || environment[name.toUpperCase()] || undefined;

/**
 * The way out of this machine. Node's own fetch supports neither proxies nor private authorities; if one is needed,
 * undici is loaded.
 *
 * @throws Error if the file cannot be read
 */
export function outgoing(options: OutgoingOptions = {}, environment: NodeJS.ProcessEnv = process.env): Transport {
    const send = transportThrough(options, environment);
    return async (url, request) => {
        if (!isConfidential(url) && Object.keys(request.headers).some((name) => CREDENTIALS.test(name))) {
            throw new UnreachableError(
                `nothing was sent to ${url.origin}: over plain http, ` +
                    "the credential of the request could be read on the way. Give the https address",
                true,
            );
        }
        return bounded(await send(url, request), url);
    };
}

/** An answer whose body is read only up to a limit. */
function bounded(response: Response, { origin }: URL, largest = LARGEST_ANSWER): Response {
    const tooLarge = () =>
        new UnreachableError(
            `${origin} sent an answer of more than ${largest / 1024 / 1024} MiB, and the rest was not read; ` +
                "see what answers at that address",
            true,
        );
    const bytes = async () => {
        const chunks: Uint8Array[] = [];
        let size = 0;
        for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
            size += chunk.byteLength;
            // Leaving the loop closes the connection.
            if (size > largest) throw tooLarge();
            chunks.push(chunk);
        }
        return Buffer.concat(chunks);
    };
    const text = async () => new TextDecoder().decode(await bytes());
    return Object.defineProperties(response, {
        text: { value: text },
        json: { value: async () => JSON.parse(await text()) as unknown },
        arrayBuffer: { value: async () => Uint8Array.from(await bytes()).buffer },
    });
}

function transportThrough(options: OutgoingOptions, environment: NodeJS.ProcessEnv): Transport {
    const httpsProxy =
        options.proxy ?? inEnvironment(environment, "https_proxy") ?? inEnvironment(environment, "http_proxy");
    const httpProxy = options.proxy ?? inEnvironment(environment, "http_proxy");
    const ca =
        options.caCertificateFile === undefined ? undefined : authorities(options.caCertificateFile, environment);
    if (!httpsProxy && !httpProxy && !ca) return (url, request) => fetch(url, { ...request, redirect: "manual" });

    const undici = require("undici") as typeof import("undici");
    const noProxy = [inEnvironment(environment, "no_proxy"), LOOPBACK].filter(Boolean).join(",");
    const agentOptions = ca ? { connect: { ca }, requestTls: { ca }, proxyTls: { ca } } : {};
    const dispatcher =
        httpsProxy || httpProxy
            ? withoutWarnings(
                  () =>
                      new undici.EnvHttpProxyAgent({
                          ...agentOptions,
                          httpProxy: httpProxy ?? "",
                          httpsProxy: httpsProxy ?? "",
                          noProxy,
                      }),
              )
            : new undici.Agent(agentOptions);
    return (url, request) =>
        undici.fetch(url, { ...request, redirect: "manual", dispatcher }) as unknown as Promise<Response>;
}

/** Given authorities replace Node's, so Node's are added. */
function authorities(file: string, environment: NodeJS.ProcessEnv): string[] {
    const files = [file, environment.NODE_EXTRA_CA_CERTS].filter((name): name is string => Boolean(name));
    return [...tls.rootCertificates, ...files.map((name) => readFileSync(name, "utf8"))];
}

/** Suppresses undici's warning that this agent is experimental; Pulumi would show it to the person. */
function withoutWarnings<T>(work: () => T): T {
    const { emitWarning } = process;
    process.emitWarning = () => undefined;
    try {
        return work();
    } finally {
        process.emitWarning = emitWarning;
    }
}
