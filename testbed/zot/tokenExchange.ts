/**
 * A code for tokens, and the tokens for what they say of the user: in the order and with the words of the client
 * library of zot 2.1.20, which its answer to a failed login shows to the browser, and by which an operator finds what
 * is set wrong in the identity provider.
 */
import { constants, createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { bodyOf, send } from "./outgoing";

/** What an issuer says of itself, as far as it is read here. */
export interface IssuerMetadata {
    issuer: string;
    authorization_endpoint?: string;
    token_endpoint?: string;
    userinfo_endpoint?: string;
    jwks_uri?: string;
    end_session_endpoint?: string;
}

export type Claims = Record<string, unknown>;

/** A login that ended on the way back: its message is the body of the answer, after what it was that failed. */
export class ExchangeError extends Error {}

export interface Client {
    metadata: IssuerMetadata;
    clientId: string;
    clientSecret: string;
    redirectUri: string;
}

/** Seconds by which clocks may differ. */
const CLOCK_TOLERANCE = 5;

/** By endpoint, how a client secret was accepted last: in the header, as is tried first, or in the body. */
const acceptedIn = new Map<string, "header" | "body">();

/** Exchanges a code. Answers the access token and the claims of the ID token. Throws ExchangeError. */
export async function exchangeCode(
    client: Client,
    code: string,
    verifier: string | undefined,
): Promise<{ accessToken: string; tokenType: string; claims: Claims }> {
    const endpoint = client.metadata.token_endpoint ?? "";
    const form = {
        grant_type: "authorization_code",
        code,
        redirect_uri: client.redirectUri,
        ...(verifier !== undefined && { code_verifier: verifier }),
    };
    const key = `${endpoint} ${client.clientId}`;
    const known = acceptedIn.get(key);
    let token: Claims;
    try {
        token = await requestToken(client, endpoint, form, known ?? "header");
        acceptedIn.set(key, known ?? "header");
    } catch (error) {
        if (known !== undefined) throw error;
        token = await requestToken(client, endpoint, form, "body");
        acceptedIn.set(key, "body");
    }
    const { access_token: accessToken = "", token_type: tokenType = "", id_token: idToken } = token;
    if (accessToken === "") throw new ExchangeError("oauth2: server response missing access_token");
    if (typeof idToken !== "string") throw new ExchangeError("id_token missing");
    const claims = await verifiedClaims(client, idToken, String(accessToken));
    return {
        accessToken: String(accessToken),
        tokenType: /^bearer$/i.test(String(tokenType)) || tokenType === "" ? "Bearer" : String(tokenType),
        claims,
    };
}

/** Asks who a token is for. Throws ExchangeError. */
export async function fetchUserInfo(
    { metadata }: Client,
    accessToken: string,
    tokenType: string,
    subject: string,
): Promise<Claims> {
    const { status, statusText, text } = await ask("Get", metadata.userinfo_endpoint ?? "", {
        headers: { Authorization: `${tokenType} ${accessToken}` },
    });
    if (status !== 200) throw new ExchangeError(failureOf(status, statusText, text));
    const { value, problem } = parsed(text);
    if (problem) throw new ExchangeError(`failed to unmarshal response: ${problem} ${text}`);
    if (value["sub"] !== subject) throw new ExchangeError("sub from userinfo does not match the sub from the id_token");
    return value;
}

async function requestToken(
    client: Client,
    endpoint: string,
    form: Record<string, string>,
    secretIn: "header" | "body",
): Promise<Claims> {
    const { clientId, clientSecret } = client;
    const credentials = Buffer.from(`${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`).toString(
        "base64",
    );
    const inBody = { client_id: clientId, ...(clientSecret !== "" && { client_secret: clientSecret }) };
    const body = new URLSearchParams(secretIn === "body" ? { ...form, ...inBody } : form).toString();
    const headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        ...(secretIn === "header" && { Authorization: `Basic ${credentials}` }),
    };
    const { status, statusText, text } = await ask("Post", endpoint, { method: "POST", headers, body });
    const failed = status < 200 || status > 299;
    const { value, problem } = parsed(text);
    if (problem && !failed) throw new ExchangeError(`oauth2: cannot parse json: ${problem}`);
    const [error = "", ...more] = ["error", "error_description", "error_uri"].map((name) =>
        typeof value[name] === "string" ? (value[name] as string) : "",
    );
    if (error !== "")
        throw new ExchangeError(
            `oauth2: ${[error, ...more]
                .filter((part) => part !== "")
                .map((part) => JSON.stringify(part))
                .join(" ")}`,
        );
    if (failed) throw new ExchangeError(`oauth2: cannot fetch token: ${status} ${statusText}\nResponse: ${text}`);
    return value;
}

interface Asked {
    status: number;
    statusText: string;
    text: string;
}

async function ask(verb: "Get" | "Post", url: string, options: Parameters<typeof send>[1]): Promise<Asked> {
    let answer: IncomingMessage;
    try {
        answer = await send(url, options);
    } catch (error) {
        throw new ExchangeError(`${verb} ${JSON.stringify(url)}: ${networkProblem(error)}`);
    }
    return {
        status: answer.statusCode ?? 0,
        statusText: answer.statusMessage ?? "",
        text: (await bodyOf(answer)).toString(),
    };
}

/** In Go's words, as far as they are known. */
export function networkProblem(error: unknown): string {
    const { code, address, port, hostname, message } = error as NodeJS.ErrnoException & {
        address?: string;
        port?: number;
        hostname?: string;
    };
    if (code === "ECONNREFUSED")
        return `dial tcp ${address?.includes(":") ? `[${address}]` : address}:${port}: connect: connection refused`;
    if (code === "ENOTFOUND") return `dial tcp: lookup ${hostname}: no such host`;
    if (code === "ECONNRESET") return "EOF";
    return message;
}

/** The answer of an endpoint that is not 200: an OAuth error is told by its parts, anything else whole. */
function failureOf(status: number, statusText: string, text: string): string {
    const { error, error_description: description } = parsed(text).value;
    if (typeof error !== "string" || error === "") return `http status not ok: ${status} ${statusText} ${text}`;
    return `ErrorType=${error}${typeof description === "string" && description !== "" ? ` Description=${description}` : ""}`;
}

function parsed(text: string): { value: Claims; problem?: string } {
    try {
        const value = JSON.parse(text) as unknown;
        return { value: typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Claims) : {} };
    } catch {
        const start = text.trimStart()[0];
        return {
            value: {},
            problem:
                start === undefined
                    ? "unexpected end of JSON input"
                    : `invalid character '${start}' looking for beginning of value`,
        };
    }
}

/** Checks an ID token, in the library's order. */
async function verifiedClaims({ metadata, clientId }: Client, token: string, accessToken: string): Promise<Claims> {
    const parts = token.split(".");
    if (parts.length !== 3)
        throw new ExchangeError("parsing of request failed: token contains an invalid number of segments");
    const [encodedHeader = "", payload = "", signature = ""] = parts;
    const { value: claims, problem } = parsed(Buffer.from(payload, "base64url").toString());
    if (problem) throw new ExchangeError(problem);
    const text = (name: string) => (typeof claims[name] === "string" ? (claims[name] as string) : "");
    const audience = ([] as unknown[]).concat(claims["aud"] ?? []);
    if (text("sub") === "") throw new ExchangeError("subject missing");
    if (text("iss") !== metadata.issuer)
        throw new ExchangeError(`issuer does not match: Expected: ${metadata.issuer}, got: ${text("iss")}`);
    if (!audience.includes(clientId))
        throw new ExchangeError(`audience is not valid: Audience must contain client_id ${JSON.stringify(clientId)}`);
    if (audience.length > 1 && text("azp") === "") {
        throw new ExchangeError(
            "authorized party is not set. If Token is valid for multiple audiences, azp must not be empty",
        );
    }
    if (text("azp") !== "" && text("azp") !== clientId) {
        const words = "authorized party is not valid";
        throw new ExchangeError(
            `${words}: ${words}: azp ${JSON.stringify(text("azp"))} must be equal to client_id ` +
                `${JSON.stringify(clientId)}`,
        );
    }
    const { value: header } = parsed(Buffer.from(encodedHeader, "base64url").toString());
    const algorithm = await checkSignature(
        metadata,
        header,
        `${encodedHeader}.${payload}`,
        Buffer.from(signature, "base64url"),
    );
    const now = Date.now() / 1000;
    if (!(now + CLOCK_TOLERANCE < Number(claims["exp"] ?? 0))) throw new ExchangeError("token has expired");
    const issuedAt = Number(claims["iat"] ?? 0);
    if (issuedAt === 0) throw new ExchangeError("issuedAt of token is missing");
    const latest = Math.round(now + CLOCK_TOLERANCE);
    if (issuedAt > latest)
        throw new ExchangeError(
            `issuedAt of token is in the future: (iat: ${goTime(issuedAt)}, now with offset: ${goTime(latest)})`,
        );
    if (text("nonce") !== "")
        throw new ExchangeError(`nonce does not match: expected "" but was ${JSON.stringify(text("nonce"))}`);
    if (text("at_hash") !== "") {
        const hash = createHash(`sha${algorithm.slice(2)}`)
            .update(accessToken)
            .digest();
        if (hash.subarray(0, hash.length / 2).toString("base64url") !== text("at_hash"))
            throw new ExchangeError("at_hash does not correspond to access token");
    }
    return claims;
}

const goTime = (seconds: number) =>
    `${new Date(seconds * 1000).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;

const ALGORITHMS = ["RS256", "ES256", "PS256"];

interface JsonWebKey {
    kty?: string;
    kid?: string;
    use?: string;
}

async function checkSignature(
    { jwks_uri: url = "" }: IssuerMetadata,
    header: Claims,
    signed: string,
    signature: Buffer,
): Promise<string> {
    const algorithm = String(header["alg"] ?? "");
    if (!ALGORITHMS.includes(algorithm)) throw new ExchangeError("signature algorithm not supported");
    const wrong = (reason: string) => new ExchangeError(`invalid signature (${reason})`);
    let keys: JsonWebKey[];
    try {
        const { status, statusText, text } = await ask("Get", url, {});
        if (status !== 200) throw new ExchangeError(failureOf(status, statusText, text));
        keys = (parsed(text).value["keys"] ?? []) as JsonWebKey[];
    } catch (error) {
        throw wrong(
            `unable to fetch key for signature validation: oidc: failed to get keys: ${(error as Error).message}`,
        );
    }
    const type = algorithm.startsWith("ES") ? "EC" : "RSA";
    const usable = keys.filter((key) => key.kty === type && (key.use === "sig" || !key.use));
    const id = typeof header["kid"] === "string" ? header["kid"] : "";
    const possible = usable.filter((key) => !key.kid || id === "");
    const found =
        usable.find((key) => id !== "" && key.kid === id) ?? (possible.length === 1 ? possible[0] : undefined);
    if (!found)
        throw wrong(
            "unable to validate signature: " +
                `${possible.length > 1 ? "multiple possible keys match" : "no possible keys matches"}`,
        );
    const key: KeyObject = createPublicKey({ key: found as import("node:crypto").JsonWebKey, format: "jwk" });
    const padding = algorithm.startsWith("PS") ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 } : {};
    const isRight = verify("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363", ...padding }, signature);
    if (!isRight) throw wrong("signature verification failed: go-jose/go-jose: error in cryptographic primitive");
    return algorithm;
}
