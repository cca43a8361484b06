/**
 * Addresses of registries, identity providers, forges and proxies: the one rule for what may be one, what is wrong with
 * another, and how it is shown. Pure.
 */
import { UserError } from "../userError";

/** What an address has to be. */
export interface AddressRule {
    /**
     * What travels there and must not be read on the way, in the plural: "logins and keys". With it, plain http is
     * refused but to this machine. `undefined`: nothing that is secret.
     */
    carries: string | undefined;
    /** What is wrong with its path as it is written, "" where there is none. Default: any will do. */
    path?(path: string): string | undefined;
    /** Whether others compare it letter by letter, as a redirect URI or an issuer. Default: no. */
    isComparedAsWritten?: boolean;
    /** Whether it may hold a user name and a password, as a proxy's. Default: no. */
    mayLogIn?: boolean;
}

/** A path that others would have to add theirs to: there is none, and no slash. */
export const noPath = (path: string): string | undefined =>
    path === "/" ? "it ends in a slash" : path ? "it has a path" : undefined;

/** No path, but a slash at the end is passed over. */
export const slashAtMost = (path: string): string | undefined => (path === "/" ? undefined : noPath(path));

/** Whether a URL's host name is this machine, whatever the network. */
export function isLoopback(hostname: string): boolean {
    return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

/** Whether nobody on the way can read what is sent to a URL: https, or this machine. */
export function isConfidential(url: URL): boolean {
    return url.protocol === "https:" || isLoopback(url.hostname);
}

/**
 * Why this is no address of this rule, as a clause such as "it has a path"; undefined where it is one. It repeats no
 * secret of it.
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

/** What keeps a value from being an address, in the words of the most frequent slips. */
function noUrlBecause(value: unknown): string {
    if (typeof value !== "string" || value === "") return "it is not a URL";
    if (/\s/.test(value)) return "it has a blank or a line break in it";
    return /^https?:\/\//i.test(value) ? "it is not a URL" : "it does not begin with https:// or http://";
}

function parsedAddress(value: unknown): { text: string; url: URL } | undefined {
    // A URL's own parser passes over spaces, line breaks and missing slashes.
    if (typeof value !== "string" || !/^https?:\/\/[^/]/i.test(value) || /\s/.test(value)) return undefined;
    const url = urlOf(value);
    return url && { text: value, url };
}

/**
 * A text as a URL of any kind, not as an address to send something to; undefined where it is none.
 *
 * @param base what it may be relative to
 */
export const urlOf = (text: string | null | undefined, base?: string | URL): URL | undefined =>
    typeof text === "string" && URL.canParse(text, base?.toString()) ? new URL(text, base) : undefined;

/**
 * A path on a server, whatever it holds: `//elsewhere/x` is one too, and no address of another server. For what a
 * server names as the next request to itself.
 */
export function onServer(server: string | URL, path: string): URL {
    return new URL(`${new URL(server).origin}/${path.replace(/^\//, "")}`);
}

const beforePath = (text: string) => /^https?:\/\/([^/\\?#]*)/i.exec(text)![1]!;

/**
 * What is wrong with an address, as a sentence without its end; undefined where nothing is.
 *
 * @param what whose it is, as the beginning of the sentence: "Authentik's address"
 */
export function addressProblem(value: unknown, what: string, rule: AddressRule): string | undefined {
    const because = addressMistake(value, rule);
    return because === undefined ? undefined : `${what} ${shownAddress(value)} cannot be used: ${because}`;
}

/**
 * An address of this rule, without slashes at its end.
 *
 * @param remedy what to do instead, as a sentence
 * @throws UserError with what it is, why it cannot be used, and the remedy
 */
export function addressOf(value: unknown, what: string, rule: AddressRule, remedy: string): string {
    const problem = addressProblem(value, what, rule);
    if (problem !== undefined) throw new UserError(`${problem}. ${remedy}`);
    const { origin, pathname } = new URL(value as string);
    return withoutSlash(`${origin}${pathname}`);
}

/** An address without slashes at its end, for a path to follow. */
export const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

/** A value that should be an address, in quotes, for a message: without what may be a secret in it. */
export const shownAddress = (value: unknown): string =>
    typeof value === "string"
        ? JSON.stringify(
              withoutUserinfo(value, "[hidden]")
                  .replace(/^[^/]*@/, "[hidden]@")
                  .replace(/([?#])[\s\S]+$/, "$1[hidden]"),
          )
        : `(${value === null ? "null" : typeof value})`;

/** An address of a login for a report: its query holds codes and states. What is no URL stays as it is. */
export function withoutQuery(address: string | URL): string {
    const url = urlOf(String(address));
    return url ? `${url.origin}${url.pathname}${url.search ? "?…" : ""}` : String(address);
}

/**
 * What follows the slashes of an address, to its end as somebody may have written it: with a slash in the password,
 * say.
 */
const AFTER_SLASHES = /\/\/[^\s"']+/g;

/** A text without what stands before the host of each address in it: `user:password@`, or a token alone. */
export const withoutUserinfo = (text: string, replacement: string): string =>
    text.replace(AFTER_SLASHES, (address) => {
        // The @ before the digest of an image is none of an address.
        const at = address.replace(/@sha\d+:.*$/, "").lastIndexOf("@");
        return at < 0 || at === 2 ? address : `//${replacement}${address.slice(at)}`;
    });
