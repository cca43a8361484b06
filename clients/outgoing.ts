/** How requests leave this machine: through a proxy where one is set, and trusting a private authority where one is given. */
import { readFileSync } from "node:fs";
import * as tls from "node:tls";

export interface OutgoingOptions {
    /** PEM file of certificate authorities that are trusted beside the usual ones. */
    caCertificateFile?: string;
    /** URL of an HTTP proxy for every request but those to loopback and to hosts in `NO_PROXY`. Default: `HTTPS_PROXY`, `HTTP_PROXY`. */
    proxy?: string;
}

export interface OutgoingRequest {
    method: string;
    headers: Record<string, string>;
    body?: string;
    signal: AbortSignal;
}

/** Sends one request and follows no redirect. */
export type Send = (url: URL, request: OutgoingRequest) => Promise<Response>;

/** Never sent through a proxy: on the proxy's machine these are other hosts. */
const LOOPBACK = "localhost,127.0.0.1,::1,[::1]";

const inEnvironment = (environment: NodeJS.ProcessEnv, name: string) => environment[name.toLowerCase()] || environment[name.toUpperCase()] || undefined;

/**
 * The way out. Node's own fetch knows neither proxies nor authorities of one's own, so undici is loaded where one is needed.
 *
 * @throws Error where the file cannot be read.
 */
export function outgoing(options: OutgoingOptions = {}, environment: NodeJS.ProcessEnv = process.env): Send {
    const httpsProxy = options.proxy ?? inEnvironment(environment, "https_proxy") ?? inEnvironment(environment, "http_proxy");
    const httpProxy = options.proxy ?? inEnvironment(environment, "http_proxy");
    const ca = options.caCertificateFile === undefined ? undefined : authorities(options.caCertificateFile, environment);
    if (!httpsProxy && !httpProxy && !ca) return (url, request) => fetch(url, { ...request, redirect: "manual" });

    const undici = require("undici") as typeof import("undici");
    const noProxy = [inEnvironment(environment, "no_proxy"), LOOPBACK].filter(Boolean).join(",");
    const agentOptions = ca ? { connect: { ca }, requestTls: { ca }, proxyTls: { ca } } : {};
    const dispatcher =
        httpsProxy || httpProxy
            ? withoutWarnings(() => new undici.EnvHttpProxyAgent({ ...agentOptions, httpProxy: httpProxy ?? "", httpsProxy: httpsProxy ?? "", noProxy }))
            : new undici.Agent(agentOptions);
    return (url, request) => undici.fetch(url, { ...request, redirect: "manual", dispatcher }) as unknown as Promise<Response>;
}

/** Given authorities take the place of Node's, so those come along. */
function authorities(file: string, environment: NodeJS.ProcessEnv): string[] {
    const files = [file, environment.NODE_EXTRA_CA_CERTS].filter((name): name is string => Boolean(name));
    return [...tls.rootCertificates, ...files.map((name) => readFileSync(name, "utf8"))];
}

/** undici calls this agent experimental, on standard error, which Pulumi shows to the person. */
function withoutWarnings<T>(work: () => T): T {
    const { emitWarning } = process;
    process.emitWarning = () => undefined;
    try {
        return work();
    } finally {
        process.emitWarning = emitWarning;
    }
}
