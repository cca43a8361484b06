/**
 * Addresses of registries, identity providers, forges and proxies: which addresses are valid, what is wrong with
 * others, and how they are shown. The only such rule. Pure.
 */
import { UserError } from "../userError";

/** What an address must satisfy. */
export interface AddressRule {
    /**
     * What travels to it and must not be read on the way, in the plural: "logins and keys". Then plain http is refused,
     * except to this machine. Undefined: nothing secret.
     */
    carries: string | undefined;
    /** What is wrong with its path as written ("" for none). Default: any path is valid. */
    path?(path: string): string | undefined;
    /** Whether others compare it letter by letter, like a redirect URI or an issuer. Default: no. */
    isComparedAsWritten?: boolean;
    /** Whether it may hold a user name and a password, like a proxy's. Default: no. */
    mayLogIn?: boolean;
}

/** The rule for addresses to which others append a path: no path, and no slash at the end. */
export const noPath = (path: string): string | undefined =>
    path === "/" ? "it ends in a slash" : path ? "it has a path" : undefined;

/** No path, but a slash at the end is ignored. */
export const slashAtMost = (path: string): string | undefined => (path === "/" ? undefined : noPath(path));

/** Whether a URL's host name always means this machine. */
export function isLoopback(hostname: string): boolean {
    return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Whether nobody on the way can read what is sent to a URL: https, or this machine. */
export function isConfidential(url: URL): boolean {
    return url.protocol === "https:" || isLoopback(url.hostname);
}

/**
 * Why a value is not a valid address under a rule, as a clause such as "it has a path"; undefined if it is valid. Never
 * repeats a secret from it.
 */
export function addressMistake(value: unknown, rule: AddressRule): string | undefined {
    const parsed = parsedAddress(value);
    if (!parsed) return noUrlBecause(value);
    const { text, url } = parsed;
    if (!rule.mayLogIn && /@/.test(beforePath(text))) return "it holds a user name or a password";
    if (rule.carries !== undefined && !isConfidential(url))
        return `over plain http, ${rule.carries} could be read on the way`;
    if (/[?#]/.test(text)) return "it has a query or a fragment";
    if (!rule.isComparedAsWritten) return rule.path?.(url.pathname === "/" && !text.endsWith("/") ? "" : url.pathname);
    const path = text.slice(url.origin.length);
    if (!text.startsWith(url.origin) || (path && !path.startsWith("/")))
        return `a browser would write it as ${url.origin}${path.replace(/^[^/]*/, "")}`;
    return rule.path?.(path);
}

/** Why a value is not an address, in words for the most frequent slips. */
function noUrlBecause(value: unknown): string {
    if (typeof value !== "string" || value === "") return "it is not a URL";
    if (/\s/.test(value)) return "it contains a blank or a line break";
    return /^https?:\/\//i.test(value) ? "it is not a URL" : "it does not begin with https:// or http://";
}

function parsedAddress(value: unknown): { text: string; url: URL } | undefined {
    // The URL parser ignores spaces, line breaks and missing slashes.
    if (typeof value !== "string" || !/^https?:\/\/[^/]/i.test(value) || /\s/.test(value)) return undefined;
    const url = urlOf(value);
    return url && { text: value, url };
}

/**
 * A text as a URL of any kind, not as an address to send something to; undefined if it is not a URL.
 *
 * @param base what it may be relative to
 */
export const urlOf = (text: string | null | undefined, base?: string | URL): URL | undefined =>
    typeof text === "string" && URL.canParse(text, base?.toString()) ? new URL(text, base) : undefined;

/**
 * A path on a server, whatever it contains: `//elsewhere/x` is a path too, not the address of another server. For
 * answers in which a server names the next request to itself.
 */
export function onServer(server: string | URL, path: string): URL {
    return new URL(`${new URL(server).origin}/${path.replace(/^\//, "")}`);
}

const beforePath = (text: string) => /^https?:\/\/([^/\\?#]*)/i.exec(text)![1]!;

/**
 * What is wrong with an address, as a sentence without a full stop; undefined if nothing is.
 *
 * @param what names the address, as the beginning of the sentence: "Authentik's address"
 */
export function addressProblem(value: unknown, what: string, rule: AddressRule): string | undefined {
    const because = addressMistake(value, rule);
    return because === undefined ? undefined : `${what} ${shownAddress(value)} cannot be used: ${because}`;
}

/**
 * A valid address, without slashes at its end.
 *
 * @param remedy what to do instead, as a sentence
 * @throws UserError with the address, why it cannot be used, and the remedy
 */
export function addressOf(value: unknown, what: string, rule: AddressRule, remedy: string): string {
    const problem = addressProblem(value, what, rule);
    if (problem !== undefined) throw new UserError(`${problem}. ${remedy}`);
    const { origin, pathname } = new URL(value as string);
    return withoutSlash(`${origin}${pathname}`);
}

/** An address without slashes at its end, so that a path can follow. */
export const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

/** A value that should be an address, in quotes, for a message; without anything that may be secret in it. */
export const shownAddress = (value: unknown): string =>
    typeof value === "string"
        ? JSON.stringify(
              withoutUserinfo(value, "[hidden]")
                  .replace(/^[^/]*@/, "[hidden]@")
                  .replace(/([?#])[\s\S]+$/, "$1[hidden]"),
          )
        : `(${value === null ? "null" : typeof value})`;

/**
 * The address of a login, for a report, without its query: that holds codes and states. Anything else stays as it is.
 */
export function withoutQuery(address: string | URL): string {
    const url = urlOf(String(address));
    return url ? `${url.origin}${url.pathname}${url.search ? "?…" : ""}` : String(address);
}

/**
 * Everything after the slashes of an address, to its end as somebody may have written it, for example with a slash in
 * the password.
 */
const AFTER_SLASHES = /\/\/[^\s"']+/g;

/** A text without the part before the host in each of its addresses: `user:password@`, or a token alone. */
export const withoutUserinfo = (text: string, replacement: string): string =>
    text.replace(AFTER_SLASHES, (address) => {
        // The @ before the digest of an image does not count.
        const at = address.replace(/@sha\d+:.*$/, "").lastIndexOf("@");
        return at < 0 || at === 2 ? address : `//${replacement}${address.slice(at)}`;
    });
