/** Requests that got no answer: what can go wrong before there is one, with words for it. */
import { rootCause } from "../causes";
import { outsideText } from "../outsideText";
import { UserError } from "../userError";

/** Why there was no answer. */
export type NoAnswer =
    /** This program decided not to send anything, or not to read any more. */
    | "refused here"
    /** The server's certificate comes from an authority that is not trusted here, or is for another name. */
    | "untrusted"
    | "certificate not valid now"
    /** For example, the server speaks plain http. */
    | "no TLS"
    | "unknown host"
    /** There was no connection, so nothing was sent. */
    | "not connected"
    | "timeout"
    /** Anything else: the server may have carried out the request. */
    | "broken";

/** A request without an answer, worded for the person who must act. */
export class UnreachableError extends UserError {
    constructor(
        message: string,
        /** Whether another attempt would fail in the same way. */
        readonly isFinal = false,
        /** Default: a connection that broke. */
        readonly noAnswer: { kind: NoAnswer; reason: string; code?: string } = {
            kind: isFinal ? "refused here" : "broken",
            reason: message,
        },
    ) {
        super(message);
    }
}

/** Codes of Node, OpenSSL and undici, by their meaning. */
const CODES: readonly [Exclude<NoAnswer, "refused here" | "broken">, RegExp][] = [
    [
        "untrusted",
        /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|ERR_TLS_CERT_ALTNAME_INVALID)$/,
    ],
    ["certificate not valid now", /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/],
    ["no TLS", /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/],
    ["unknown host", /^ENOTFOUND$/],
    [
        "not connected",
        /^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EAI_AGAIN|UND_ERR_CONNECT_TIMEOUT|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL)$/,
    ],
];

/**
 * The failure of a request to `origin` that threw.
 *
 * @param timeout how many milliseconds were spent waiting for the answer
 */
export function unreachable(origin: string, error: unknown, timeout: number): UnreachableError {
    if (error instanceof UnreachableError) return error;
    const cause = rootCause(error);
    // The code of a DOMException is a number, which means nothing to people.
    const code = typeof cause.code === "string" ? cause.code : "";
    const kind = kindOf(cause, code);
    const reason = reasonOf(kind, code, cause, timeout);
    const isFinal = kind === "untrusted" || kind === "certificate not valid now" || kind === "no TLS";
    return new UnreachableError(`${origin} cannot be reached: ${reason}`, isFinal, {
        kind,
        reason,
        ...(code ? { code } : {}),
    });
}

function kindOf({ name, message }: Partial<Error>, code: string): NoAnswer {
    if (name === "TimeoutError") return "timeout";
    // Node's fetch refuses some ports.
    if (message === "bad port") return "not connected";
    return CODES.find(([, codes]) => codes.test(code))?.[0] ?? "broken";
}

function reasonOf(kind: NoAnswer, code: string, { message }: Partial<Error>, timeout: number): string {
    switch (kind) {
        case "timeout":
            return `no answer within ${timeout / 1000} seconds`;
        case "untrusted":
            if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `its certificate is for another name (${message})`;
            return (
                `its certificate comes from an authority that is not trusted here (${code}); ` +
                "for a private authority set NODE_EXTRA_CA_CERTS in the environment to its PEM file"
            );
        case "no TLS":
            return `it does not speak TLS there (${code}); is it http:// in place of https://, or another port?`;
        case "certificate not valid now":
            return `its certificate is not valid now (${code}); renew it, or set the clock here`;
        default:
            return outsideText(message || code || "no answer");
    }
}
