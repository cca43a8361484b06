/** The way back from the identity provider, when something is wrong with what it answers: zot shows the browser why. */
import { generateKeyPairSync, sign } from "node:crypto";
import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { Browser } from "./logins";
import { type Answer, cleanUp, RunningZot, scratch, textOf, zots } from "./zots";

jest.setTimeout(60_000);

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
    private readonly server = http.createServer((request, response) => {
        const at = (request.url ?? "").split("?")[0];
        request.resume().on("end", () => {
            const replies: Record<string, Reply> = {
                "/token": this.token,
                "/userinfo": this.userInfo,
                "/keys": { body: { keys: [publishedKey] } },
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
            response_types_supported: ["code"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["RS256"],
        };
    }

    /** Everything as it should be, but for what is given. */
    answers({ claims = {}, header = {}, key = privateKey, token, userInfo }: Answers): void {
        const now = Math.floor(Date.now() / 1000);
        const whole = { iss: this.issuer, sub: "id of someone", aud: "zot", iat: now, exp: now + 300, ...claims };
        const encoded = [{ alg: "RS256", kid: "one", ...header }, whole]
            .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
            .join(".");
        const idToken = `${encoded}.${sign("sha256", Buffer.from(encoded), key).toString("base64url")}`;
        this.token = token ?? {
            body: { access_token: "an access token", token_type: "Bearer", expires_in: 300, id_token: idToken },
        };
        this.userInfo = userInfo ?? {
            body: { sub: "id of someone", preferred_username: "someone", email: "someone@example.org", groups: [] },
        };
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
}

const provider = new ForgedProvider();
beforeAll(() => provider.start());
afterAll(async () => {
    await cleanUp();
    await provider.close();
});

const start = (zot: (typeof zots)[number]) => {
    const folder = scratch();
    const credentialsFile = path.join(folder, "oidc.json");
    fs.writeFileSync(credentialsFile, JSON.stringify({ clientid: "zot", clientsecret: "a secret for tests" }));
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
async function comeBack(server: RunningZot, query: Record<string, string> = { code: "a code" }): Promise<Answer> {
    const browser = new Browser();
    const begun = await browser.request("GET", `${server.url}/zot/auth/login?provider=oidc&callback_ui=%2F`);
    const state = new URL(begun.headers.location ?? "").searchParams.get("state") ?? "";
    return browser.request("GET", `${server.url}/zot/auth/callback/oidc?${new URLSearchParams({ state, ...query })}`);
}

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
            () => ({ token: { status: 400, body: { error: "invalid_grant", error_description: "of another" } } }),
            'failed to exchange token: oauth2: "invalid_grant" "of another"',
        ],
        [
            "a client that is refused [fact: wrong client secret at zot: failed to exchange token]",
            () => ({ token: { status: 401, body: { error: "invalid_client" } } }),
            'failed to exchange token: oauth2: "invalid_client"',
        ],
        [
            "a provider that fails",
            () => ({ token: { status: 502, type: "text/html", body: "<h1>Bad Gateway</h1>" } }),
            "failed to exchange token: oauth2: cannot fetch token: 502",
        ],
        [
            "another issuer",
            () => ({ claims: { iss: "https://e.org/" } }),
            "failed to exchange token: issuer does not match: Expected: ISSUER, got: https://e.org/",
        ],
        [
            "no signing key",
            () => ({ header: { alg: "HS256" } }),
            "failed to exchange token: signature algorithm not supported",
        ],
        [
            "another key under the same name",
            () => ({ key: stranger.privateKey }),
            "failed to exchange token: invalid signature",
        ],
        [
            "user info that is refused",
            () => ({ userInfo: { status: 403, type: "text/plain", body: "no" } }),
            "userinfo failed: http status not ok: 403 Forbidden no",
        ],
        ["user info without a name", () => ({ userInfo: { body: { sub: "id of someone" } } }), ""],
    ])("%s is 401, with the reason", async (_, answers, words) => {
        provider.answers(answers());
        const answer = await comeBack(server);
        expect(answer.status).toBe(401);
        if (words === "") expect(textOf(answer)).toBe("");
        else expect(textOf(answer)).toContain(words.replace("ISSUER", provider.issuer));
    });

    test("the state must be the one of the cookie, and is forgotten once it was", async () => {
        const without = await server.request("GET", "/zot/auth/callback/oidc?code=x&state=y");
        expect([without.status, textOf(without)]).toEqual([
            401,
            "failed to get state: http: named cookie not present\n",
        ]);
        const other = await comeBack(server, { code: "x", state: "other" });
        expect([other.status, textOf(other)]).toEqual([401, "failed to get state: state does not compare\n"]);
        provider.answers({ token: { status: 400, body: { error: "invalid_grant" } } });
        const answer = await comeBack(server);
        expect(answer.headers["set-cookie"]).toEqual(["state=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax"]);
    });
});
