/** The way back from the identity provider, when something is wrong with what it answers: zot shows the browser why. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { Browser } from "./logins";
import { type Answer, cleanUp, RunningZot, scratch, textOf, zots } from "./zots";

jest.setTimeout(60_000);

const ACCESS_TOKEN = "an access token";
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 });
const publishedKey = { ...publicKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" };

interface Reply {
    status?: number;
    type?: string;
    body: unknown;
}

/** An identity provider whose answers the tests write themselves. */
class ForgedProvider {
    token: Reply = { body: {} };
    userInfo: Reply = { body: {} };
    keys: Reply = { body: {} };
    /** The token requests: how the client gave its secret. */
    asked: string[] = [];
    private readonly server = http.createServer((request, response) => {
        const at = (request.url ?? "").split("?")[0];
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
            if (at === "/token") {
                const body = new URLSearchParams(Buffer.concat(chunks).toString());
                this.asked.push(
                    request.headers.authorization
                        ? "header"
                        : body.get("client_secret") === "a secret for tests"
                          ? "body"
                          : "no secret",
                );
            }
            const replies: Record<string, Reply> = {
                "/token": this.token,
                "/userinfo": this.userInfo,
                "/keys": this.keys,
                "/.well-known/openid-configuration": { body: this.metadata },
            };
            const { status = 200, type = "application/json", body } = replies[at ?? ""] ?? { status: 404, body: {} };
            const text = typeof body === "string" ? body : JSON.stringify(body);
            response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(text) }).end(text);
        });
    });

    async start(): Promise<void> {
        await new Promise<void>((resolve) => this.server.listen(0, "127.0.0.1", resolve));
    }

    get issuer(): string {
        return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
    }

    private get metadata() {
        const { issuer } = this;
        return {
            issuer,
            authorization_endpoint: `${issuer}/authorize`,
            token_endpoint: `${issuer}/token`,
            userinfo_endpoint: `${issuer}/userinfo`,
            jwks_uri: `${issuer}/keys`,
            end_session_endpoint: `${issuer}/end`,
            response_types_supported: ["code"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
        };
    }

    /** Everything as it should be, but for what is given. */
    answers({ claims = {}, header = {}, key = privateKey, token, userInfo, keys }: Answers): void {
        const now = Math.floor(Date.now() / 1000);
        const whole = { iss: this.issuer, sub: "id of someone", aud: "zot", iat: now, exp: now + 300, ...claims };
        const encoded = [{ alg: "RS256", kid: "one", ...header }, whole]
            .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
            .join(".");
        const idToken = `${encoded}.${sign("sha256", Buffer.from(encoded), key).toString("base64url")}`;
        this.asked = [];
        this.token = token ?? {
            body: { access_token: ACCESS_TOKEN, token_type: "Bearer", expires_in: 300, id_token: idToken },
        };
        this.userInfo = userInfo ?? {
            body: { sub: "id of someone", preferred_username: "someone", email: "someone@example.org", groups: [] },
        };
        this.keys = keys ?? { body: { keys: [publishedKey] } };
    }

    close(): Promise<unknown> {
        this.server.closeAllConnections();
        return new Promise((resolve) => this.server.close(resolve));
    }
}

interface Answers {
    claims?: object;
    header?: object;
    key?: typeof privateKey;
    token?: Reply;
    userInfo?: Reply;
    keys?: Reply;
}

const provider = new ForgedProvider();
beforeAll(() => provider.start());
afterAll(async () => {
    await cleanUp();
    await provider.close();
});

const start = (zot: (typeof zots)[number], clientSecret = "a secret for tests") => {
    const folder = scratch();
    const credentialsFile = path.join(folder, "oidc.json");
    fs.writeFileSync(credentialsFile, JSON.stringify({ clientid: "zot", clientsecret: clientSecret }));
    const oidc = {
        credentialsFile,
        issuer: provider.issuer,
        scopes: ["openid", "profile"],
        claimMapping: { username: "preferred_username" },
    };
    return RunningZot.start(
        zot,
        (externalUrl) => ({ http: { externalUrl, auth: { openid: { providers: { oidc } } } } }),
        folder,
    );
};

/** Begins a login and comes back with a code, or with what is given in its place. */
async function comeBack(
    server: RunningZot,
    query: Record<string, string> = { code: "a code" },
    browser = new Browser(),
): Promise<Answer> {
    const begun = await browser.request("GET", `${server.url}/zot/auth/login?provider=oidc&callback_ui=%2F`);
    const state = new URL(begun.headers.location ?? "").searchParams.get("state") ?? "";
    return browser.request("GET", `${server.url}/zot/auth/callback/oidc?${new URLSearchParams({ state, ...query })}`);
}

const anHour = 3600;
const nowInSeconds = () => Math.floor(Date.now() / 1000);

describe.each(zots)("$name", (zot) => {
    let server: RunningZot;
    beforeAll(async () => {
        provider.answers({});
        server = await start(zot);
    });

    test("what is right is let in", async () => {
        provider.answers({});
        const answer = await comeBack(server);
        expect([answer.status, answer.headers.location]).toEqual([302, "/"]);
    });

    test.each<[string, () => Answers, string]>([
        [
            "a code that is refused",
            () => ({ token: { status: 400, body: { error: "invalid_grant", error_description: 'of "another"' } } }),
            'failed to exchange token: oauth2: "invalid_grant" "of \\"another\\""',
        ],
        [
            "a client that is refused",
            () => ({ token: { status: 401, body: { error: "invalid_client" } } }),
            'failed to exchange token: oauth2: "invalid_client"',
        ],
        [
            "a client that is refused, with an address",
            () => ({
                token: {
                    status: 401,
                    body: { error: "invalid_client", error_description: "no", error_uri: "https://e.org" },
                },
            }),
            'failed to exchange token: oauth2: "invalid_client" "no" "https://e.org"',
        ],
        [
            "a refusal that is 200",
            () => ({ token: { body: { error: "invalid_grant" } } }),
            'failed to exchange token: oauth2: "invalid_grant"',
        ],
        [
            "a provider that fails",
            () => ({ token: { status: 500, type: "text/html", body: "<h1>Server Error</h1>" } }),
            "failed to exchange token: oauth2: cannot fetch token: 500 Internal Server Error\nResponse: " +
                "<h1>Server Error</h1>",
        ],
        [
            "a proxy that fails",
            () => ({ token: { status: 502, type: "application/json", body: "" } }),
            "failed to exchange token: oauth2: cannot fetch token: 502 Bad Gateway\nResponse: ",
        ],
        [
            "a page for a token",
            () => ({ token: { type: "text/html", body: "<html>" } }),
            "failed to exchange token: oauth2: cannot parse json: invalid character '<' looking for beginning of value",
        ],
        [
            "no access token",
            () => ({ token: { body: {} } }),
            "failed to exchange token: oauth2: server response missing access_token",
        ],
        [
            "no ID token",
            () => ({ token: { body: { access_token: "x" } } }),
            "failed to exchange token: id_token missing",
        ],
        [
            "half an ID token",
            () => ({ token: { body: { access_token: "x", id_token: "a.b" } } }),
            "failed to exchange token: parsing of request failed: token contains an invalid number of segments",
        ],
        ["no subject", () => ({ claims: { sub: undefined } }), "failed to exchange token: subject missing"],
        [
            "another issuer",
            () => ({ claims: { iss: "https://e.org/" } }),
            "failed to exchange token: issuer does not match: Expected: ISSUER, got: https://e.org/",
        ],
        [
            "another audience",
            () => ({ claims: { aud: ["other"] } }),
            'failed to exchange token: audience is not valid: Audience must contain client_id "zot"',
        ],
        [
            "several audiences",
            () => ({ claims: { aud: ["zot", "other"] } }),
            "failed to exchange token: authorized party is not set. " +
                "If Token is valid for multiple audiences, azp must not be empty",
        ],
        [
            "another party",
            () => ({ claims: { azp: "other" } }),
            "failed to exchange token: authorized party is not valid: authorized party is not valid: " +
                'azp "other" must be equal to client_id "zot"',
        ],
        [
            "no signing key",
            () => ({ header: { alg: "HS256" } }),
            "failed to exchange token: signature algorithm not supported",
        ],
        [
            "no signature at all",
            () => ({ header: { alg: "none" } }),
            "failed to exchange token: signature algorithm not supported",
        ],
        [
            "another key under the same name",
            () => ({ key: stranger.privateKey }),
            "failed to exchange token: invalid signature (signature verification failed: go-jose/go-jose: " +
                "error in cryptographic primitive)",
        ],
        [
            "a key that is not published",
            () => ({ header: { kid: "two" }, keys: { body: { keys: [publishedKey] } } }),
            "failed to exchange token: invalid signature (unable to validate signature: no possible keys matches)",
        ],
        [
            "a token that has expired",
            () => ({ claims: { exp: nowInSeconds() - anHour } }),
            "failed to exchange token: token has expired",
        ],
        [
            "a token that is about to expire",
            () => ({ claims: { exp: nowInSeconds() + 2 } }),
            "failed to exchange token: token has expired",
        ],
        [
            "a token without its date",
            () => ({ claims: { iat: undefined } }),
            "failed to exchange token: issuedAt of token is missing",
        ],
        [
            "a nonce that was not asked for",
            () => ({ claims: { nonce: "n" } }),
            'failed to exchange token: nonce does not match: expected "" but was "n"',
        ],
        [
            "another access token's hash",
            () => ({ claims: { at_hash: "other" } }),
            "failed to exchange token: at_hash does not correspond to access token",
        ],
        [
            "user info that is refused",
            () => ({ userInfo: { status: 403, type: "text/plain", body: "no" } }),
            "userinfo failed: http status not ok: 403 Forbidden no",
        ],
        [
            "user info that is refused with an error",
            () => ({ userInfo: { status: 401, body: { error: "invalid_token", error_description: "old" } } }),
            "userinfo failed: ErrorType=invalid_token Description=old",
        ],
        [
            "user info of someone else",
            () => ({ userInfo: { body: { sub: "another" } } }),
            "userinfo failed: sub from userinfo does not match the sub from the id_token",
        ],
        [
            "user info that is a page",
            () => ({ userInfo: { type: "text/html", body: "<html>" } }),
            "userinfo failed: failed to unmarshal response: " +
                "invalid character '<' looking for beginning of value <html>",
        ],
        ["user info without a name", () => ({ userInfo: { body: { sub: "id of someone" } } }), ""],
    ])("%s is 401, with the reason", async (_, answers, words) => {
        provider.answers(answers());
        const answer = await comeBack(server);
        expect([answer.status, textOf(answer)]).toEqual([
            401,
            words === "" ? "" : `${words.replace("ISSUER", provider.issuer)}\n`,
        ]);
    });

    test("a token of the future is 401, with both times", async () => {
        provider.answers({ claims: { iat: nowInSeconds() + anHour } });
        const answer = await comeBack(server);
        expect(answer.status).toBe(401);
        expect(textOf(answer)).toMatch(
            /^failed to exchange token: issuedAt of token is in the future: \(iat: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC, now with offset: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+0000 UTC\)\n$/,
        );
    });

    test("a hash of the access token that is right is let in", async () => {
        const half = createHash("sha256").update(ACCESS_TOKEN).digest().subarray(0, 16).toString("base64url");
        provider.answers({ claims: { at_hash: half } });
        expect((await comeBack(server)).status).toBe(302);
    });

    test("keys that cannot be had are 401, when a key is not known yet", async () => {
        const own = await start(zot);
        provider.answers({ keys: { status: 500, type: "text/plain", body: "no keys" } });
        expect(textOf(await comeBack(own))).toBe(
            "failed to exchange token: invalid signature (unable to fetch key for signature validation: oidc: " +
                "failed to get keys: http status not ok: 500 Internal Server Error no keys)\n",
        );
        provider.answers({
            header: { kid: undefined },
            keys: { body: { keys: [publishedKey, { ...publishedKey, kid: "two" }] } },
        });
        expect(textOf(await comeBack(own))).toBe(
            "failed to exchange token: invalid signature (unable to validate signature: " +
                "multiple possible keys match)\n",
        );
        provider.answers({ header: { kid: undefined } });
        expect((await comeBack(own)).status).toBe(302);
    });

    test("the secret is tried in the header, then in the body, and what was right once is kept", async () => {
        const own = await start(zot);
        const refused: Reply = { status: 401, body: { error: "invalid_client" } };
        provider.answers({ token: refused });
        await comeBack(own);
        expect(provider.asked).toEqual(["header", "body"]);
        provider.answers({});
        await comeBack(own);
        provider.answers({ token: refused });
        await comeBack(own);
        expect(provider.asked).toEqual(["header"]);
    });

    test.each<[string, Record<string, string>, string]>([
        [
            "with an error and its description",
            { error: "access_denied", error_description: "not allowed" },
            "access_denied: not allowed\n",
        ],
        ["with an error alone", { error: "server_error" }, "server_error: \n"],
    ])("a provider that sends back %s is 500", async (_, query, words) => {
        const answer = await comeBack(server, query);
        expect([answer.status, textOf(answer), answer.headers["content-type"]]).toEqual([
            500,
            words,
            "text/plain; charset=utf-8",
        ]);
    });

    test("the state must be the one of the cookie, and is forgotten once it was", async () => {
        const back = (query: string, headers: Record<string, string> = {}) =>
            server.request("GET", `/zot/auth/callback/oidc?${query}`, { headers });
        expect(textOf(await back("code=x&state=y"))).toBe("failed to get state: http: named cookie not present\n");
        expect(textOf(await back("code=x&state=y", { Cookie: "state=Zm9yZ2VkLi4u" }))).toBe(
            "failed to get state: securecookie: the value is not valid\n",
        );
        const garbled =
            "failed to get state: securecookie: base64 decode failed - caused by: illegal base64 data at input byte";
        expect(textOf(await back("code=x&state=y", { Cookie: "state=forged" }))).toBe(`${garbled} 4\n`);
        expect(textOf(await back("code=x&state=y", { Cookie: "state=a.b" }))).toBe(`${garbled} 1\n`);
        expect(textOf(await comeBack(server, { code: "x", state: "other" }))).toBe(
            "failed to get state: state does not compare\n",
        );
        provider.answers({ token: { status: 400, body: { error: "invalid_grant" } } });
        const answer = await comeBack(server);
        expect(answer.headers["set-cookie"]).toEqual(["state=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"]);
    });

    test("a client without a secret proves itself by a code of its own", async () => {
        const own = await start(zot, "");
        provider.answers({});
        const browser = new Browser();
        const begun = await browser.request("GET", `${own.url}/zot/auth/login?provider=oidc`);
        const asked = new URL(begun.headers.location ?? "").searchParams;
        expect([asked.get("code_challenge_method"), asked.get("code_challenge")]).toEqual([
            "S256",
            expect.stringMatching(/^[\w-]{43}$/),
        ]);
        expect((await comeBack(own, { code: "x" }, browser)).status).toBe(302);
        expect(provider.asked[0]).not.toBe("body");
    });
});
