/** Requests that got no answer: what can go wrong before there is one, and the words for it. */
import { rootCause } from "../causes";
import { outsideText } from "../outsideText";
import { UserError } from "../userError";

/** Why there was no answer. */
export type NoAnswer =
    /** Nothing was sent, or nothing more was read, by a decision of ours. */
    | "refused here"
    /** The server's certificate is of an authority that is not trusted here, or is not for this name. */
    | "untrusted"
    | "certificate not valid now"
    /** What listens there speaks plain http, say. */
    | "no TLS"
    | "unknown host"
    /** The connection never came about, so whatever was to be sent was not. */
    | "not connected"
    | "timeout"
    /** Anything else: what was sent may have been done. */
    | "broken";

/** A request without an answer, in the words of the person who must act. */
export class UnreachableError extends UserError {
    constructor(
        message: string,
        /** Whether another attempt would end in the same way. */
        readonly isFinal = false,
        /** Default: what is known of a connection that broke. */
        readonly noAnswer: { kind: NoAnswer; reason: string; code?: string } = {
            kind: isFinal ? "refused here" : "broken",
            reason: message,
        },
    ) {
        super(message);
    }
}

/** Codes of Node, OpenSSL and undici, by what they mean. */
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
 * What became of a request to `origin` that threw.
 *
 * @param timeout milliseconds that the answer was waited for
 */
export function unreachable(origin: string, error: unknown, timeout: number): UnreachableError {
    if (error instanceof UnreachableError) return error;
    const cause = rootCause(error);
    // That of a DOMException is a number, which tells nobody anything.
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
    // Ports that Node's fetch never connects to.
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
                `its certificate is of an authority that is not trusted here (${code}); ` +
                "for a private authority set NODE_EXTRA_CA_CERTS in the environment to its PEM file"
            );
        case "no TLS":
            return `it speaks no TLS there (${code}); is it http:// in place of https://, or another port?`;
        case "certificate not valid now":
            return `its certificate is not valid now (${code}); renew it, or set the clock here`;
        default:
            return outsideText(message || code || "no answer");
    }
}
