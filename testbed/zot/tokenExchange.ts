/**
 * A code for tokens, and the tokens for what they say of the user. The words of a failure are shown to the browser;
 * those that an operator is helped by (a wrong client secret, no signing key, another issuer, no mapping openid) are
 * zot's own.
 */
import { createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { bodyOf, send } from "./outgoing";

/** What an issuer says of itself, as far as it is read here. */
export interface IssuerMetadata {
    issuer: string;
    authorization_endpoint?: string;
    token_endpoint?: string;
    userinfo_endpoint?: string;
    jwks_uri?: string;
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

/** Exchanges a code. Answers the access token and the claims of the ID token. Throws ExchangeError. */
export async function exchangeCode(client: Client, code: string): Promise<{ accessToken: string; claims: Claims }> {
    const { clientId, clientSecret, redirectUri, metadata } = client;
    const credentials = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
    const { status, text, value } = await ask(metadata.token_endpoint ?? "", {
        method: "POST",
        headers: {
            "Content-Type": "application/x-www-form-urlencoded",
            Authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
        },
        body: new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri: redirectUri }).toString(),
    });
    const refusal = [value["error"], value["error_description"]].filter((part) => typeof part === "string");
    if (refusal.length > 0) throw new ExchangeError(`oauth2: ${refusal.map((part) => JSON.stringify(part)).join(" ")}`);
    if (status !== 200) throw new ExchangeError(`oauth2: cannot fetch token: ${status}\nResponse: ${text}`);
    const { access_token: accessToken, id_token: idToken } = value;
    return { accessToken: String(accessToken), claims: await verifiedClaims(client, String(idToken)) };
}

/** Asks who a token is for. Throws ExchangeError. */
export async function fetchUserInfo({ metadata }: Client, accessToken: string): Promise<Claims> {
    const headers = { Authorization: `Bearer ${accessToken}` };
    const { status, statusText, text, value } = await ask(metadata.userinfo_endpoint ?? "", { headers });
    if (status !== 200) throw new ExchangeError(`http status not ok: ${status} ${statusText} ${text}`);
    return value;
}

async function ask(url: string, options: Parameters<typeof send>[1]) {
    try {
        const answer = await send(url, options);
        const text = (await bodyOf(answer)).toString();
        return {
            status: answer.statusCode ?? 0,
            statusText: answer.statusMessage ?? "",
            text,
            value: parsed(text),
        };
    } catch (error) {
        throw new ExchangeError(`${url}: ${(error as Error).message}`);
    }
}

/** The members of an object in JSON; none if the text is anything else. */
function parsed(text: string): Claims {
    try {
        return Object.assign({}, JSON.parse(text)) as Claims;
    } catch {
        return {};
    }
}

/** Checks who signed an ID token, and for which issuer. The stand-ins' providers err in nothing else. */
async function verifiedClaims({ metadata }: Client, token: string): Promise<Claims> {
    const [header = "", payload = "", signature = ""] = token.split(".");
    const decoded = (part: string) => parsed(Buffer.from(part, "base64url").toString());
    const claims = decoded(payload);
    if (claims["iss"] !== metadata.issuer)
        throw new ExchangeError(`issuer does not match: Expected: ${metadata.issuer}, got: ${claims["iss"]}`);
    const { alg, kid } = decoded(header);
    if (alg !== "RS256") throw new ExchangeError("signature algorithm not supported");
    const { value } = await ask(metadata.jwks_uri ?? "", {});
    const keys = (value["keys"] ?? []) as (JsonWebKey & { kid?: string })[];
    const key = keys.find((each) => each.kid === kid);
    const isRight =
        key !== undefined &&
        verify(
            "sha256",
            Buffer.from(`${header}.${payload}`),
            createPublicKey({ key, format: "jwk" }),
            Buffer.from(signature, "base64url"),
        );
    if (!isRight) throw new ExchangeError("invalid signature");
    return claims;
}
