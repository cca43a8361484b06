/** Which addresses are this machine, and where a credential may travel. Pure. */

/** Whether a URL's host name is this machine, whatever the network. */
export function isLoopback(hostname: string): boolean {
    return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Whether nobody on the way can read what is sent to a URL: https, or this machine. */
export function isConfidential(url: URL): boolean {
    return url.protocol === "https:" || isLoopback(url.hostname);
}
