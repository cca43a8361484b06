import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";

import { type AuthentikStandIn, startAuthentikStandIn } from "../../../testbed/authentik/server";

// The contract that stand-in and real Authentik share: with AUTHENTIK_URL and AUTHENTIK_TOKEN these tests ask the real
// one, which must be on plain HTTP; otherwise a stand-in of their own. They remove whatever they make.

const realUrl = process.env.AUTHENTIK_URL?.replace(/\/+$/, "");
const realToken = process.env.AUTHENTIK_TOKEN;
export const isReal = Boolean(realUrl && realToken);

export interface Reply {
    readonly status: number;
    readonly headers: Record<string, string | string[] | undefined>;
    readonly text: string;
    /** The parsed body, undefined where it is not JSON. */
    readonly body: any;
}

export interface Call {
    readonly method?: string;
    readonly json?: unknown;
    readonly form?: Record<string, string>;
    readonly text?: string;
    readonly headers?: Record<string, string>;
}

/** One HTTP request, without following redirects. */
export function call(url: string, { method = "GET", json, form, text, headers = {} }: Call = {}): Promise<Reply> {
    const body = json !== undefined ? JSON.stringify(json) : form ? new URLSearchParams(form).toString() : text;
    const type = json !== undefined ? "application/json" : form ? "application/x-www-form-urlencoded" : undefined;
    return new Promise((resolve, reject) => {
        const sent = { ...(type ? { "content-type": type } : {}), ...headers };
        const outgoing = httpRequest(url, { method, headers: sent, agent: false }, (incoming) => {
            const chunks: Buffer[] = [];
            incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
            incoming.on("end", () => {
                const received = Buffer.concat(chunks).toString("utf8");
                let parsed: unknown;
                try {
                    parsed = JSON.parse(received);
                } catch {
                    parsed = undefined;
                }
                resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text: received, body: parsed });
            });
            incoming.on("error", reject);
        });
        outgoing.on("error", reject);
        outgoing.end(body);
    });
}

/** Authentik, real or not, with what a test has made in it. */
export class Target {
    private readonly made: string[] = [];
    private readonly suffix = randomBytes(3).toString("hex");
    private applications = 0;

    private constructor(
        readonly url: string,
        readonly token: string,
        readonly standIn: AuthentikStandIn | undefined,
    ) {}

    static async start(): Promise<Target> {
        if (realUrl && realToken) return new Target(realUrl, realToken, undefined);
        const token = randomBytes(16).toString("hex");
        // The version that the manners were measured on.
        const log = process.env.STAND_IN_LOG
            ? (message: string) => void process.stderr.write(`${message}\n`)
            : undefined;
        const standIn = await startAuthentikStandIn({ token, version: "2026.5.0-rc1", log });
        return new Target(standIn.url, token, standIn);
    }

    /** A name that no other run uses. */
    name(what: string): string {
        return `test-${what}-${this.suffix}`;
    }

    /** A request to the API, below /api/v3, as the superuser unless another token (or null for none) is given. */
    async api(method: string, path: string, json?: unknown, token: string | null = this.token): Promise<Reply> {
        const headers: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
        const ask = () =>
            call(`${this.url}/api/v3${path}`, { method, ...(json === undefined ? {} : { json }), headers });
        const reply = await ask();
        // A worker of a real Authentik is recycled once in some hundred requests. A read may be repeated.
        return method === "GET" && reply.status === 500 && reply.text === "Internal Server Error" ? ask() : reply;
    }

    /** Makes an object, remembers to remove it, and answers it. */
    async make(path: string, json: unknown, key = "pk"): Promise<any> {
        let reply = await this.api("POST", path, json);
        // A worker of a real Authentik that was recycled in between: it may have written, or not.
        if (reply.status === 500 && reply.text === "Internal Server Error") {
            const sent = json as Record<string, unknown>;
            const own =
                ["identifier", "slug", "username", "name"].find((member) => typeof sent[member] === "string") ?? "name";
            const { results = [] } = ((await this.api("GET", `${path}?search=${String(sent[own])}`)).body ?? {}) as {
                results?: Record<string, unknown>[];
            };
            const written = sent[own] === undefined ? undefined : results.find((object) => object[own] === sent[own]);
            reply = written ? { ...reply, status: 201, body: written } : await this.api("POST", path, json);
        }
        if (reply.status !== 201) throw new Error(`POST ${path} answered ${reply.status}: ${reply.text.slice(0, 300)}`);
        this.made.push(`${path}${reply.body[key]}/`);
        return reply.body;
    }

    /** Remembers to remove an object that a test made otherwise. */
    remember(path: string): void {
        this.made.push(path);
    }

    /** The first object of a list. */
    async find(path: string): Promise<any> {
        return (await this.api("GET", path)).body.results[0];
    }

    flow(slug: string): Promise<{ pk: string }> {
        return this.find(`/flows/instances/?slug=${slug}`);
    }

    /** A group, an account of a robot in it, a provider and an application that the group may open. */
    async makeApplication(overrides: { provider?: object; application?: object; grantTypes?: string[] } = {}) {
        const number = ++this.applications;
        const slug = this.name(`app${number}`);
        const group = await this.make("/core/groups/", { name: this.name(`group${number}`) });
        const user = await this.make("/core/users/", {
            username: this.name(`robot${number}`),
            name: "Robot",
            type: "service_account",
            groups: [group.pk],
            email: "robot@example.org",
        });
        const scopes = ["openid", "email", "profile"]
            .map((scope) => `managed=goauthentik.io/providers/oauth2/scope-${scope}`)
            .join("&");
        const mappings = (await this.api("GET", `/propertymappings/provider/scope/?${scopes}`)).body.results as {
            pk: string;
        }[];
        const provider = await this.make("/providers/oauth2/", {
            name: slug,
            authorization_flow: (await this.flow("default-provider-authorization-implicit-consent")).pk,
            invalidation_flow: (await this.flow("default-provider-invalidation-flow")).pk,
            client_id: slug,
            client_secret: "a client's secret",
            redirect_uris: [{ matching_mode: "strict", url: "http://127.0.0.1:9/callback" }],
            signing_key: (await this.find("/crypto/certificatekeypairs/?name=authentik+Self-signed+Certificate")).pk,
            property_mappings: mappings.map((mapping) => mapping.pk),
            sub_mode: "hashed_user_id",
            grant_types: overrides.grantTypes ?? ["authorization_code", "client_credentials"],
            ...overrides.provider,
        });
        const application = await this.make(
            "/core/applications/",
            { name: slug, slug, provider: provider.pk, ...overrides.application },
            "slug",
        );
        const binding = await this.make("/policies/bindings/", { target: application.pk, group: group.pk, order: 0 });
        return { slug, group, user, provider, application, binding };
    }

    /** A token with a key that the caller knows. */
    async makeToken(user: number, intent: "api" | "app_password"): Promise<string> {
        const identifier = this.name(`${intent}-${randomBytes(8).toString("hex")}`);
        await this.make("/core/tokens/", { identifier, intent, user, expiring: true }, "identifier");
        return (await this.api("GET", `/core/tokens/${identifier}/view_key/`)).body.key as string;
    }

    /** Removes what was made, newest first, and stops a stand-in. */
    async stop(): Promise<void> {
        for (const path of this.made.splice(0).reverse()) await this.api("DELETE", path);
        await this.standIn?.close();
    }
}

/** A browser without pages: it keeps cookies and says where it is sent. */
export class Visitor {
    readonly cookies = new Map<string, string>();

    constructor(private readonly origin: string) {}

    async go(path: string, options: Call = {}): Promise<Reply> {
        const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
        const headers = { ...(cookie ? { cookie } : {}), ...options.headers };
        const reply = await call(path.startsWith("http") ? path : `${this.origin}${path}`, { ...options, headers });
        for (const line of ([] as string[]).concat(reply.headers["set-cookie"] ?? [])) {
            const [pair] = line.split(";") as [string];
            const value = pair.slice(pair.indexOf("=") + 1);
            if (value === "" || value === '""') this.cookies.delete(pair.slice(0, pair.indexOf("=")));
            else this.cookies.set(pair.slice(0, pair.indexOf("=")), value);
        }
        return reply;
    }

    /** Asks a flow's executor, and follows its redirects to itself until there is a challenge. */
    async flow(slug: string, answer?: object, query = ""): Promise<Reply> {
        const path = `/api/v3/flows/executor/${slug}/?query=${encodeURIComponent(query)}`;
        const csrf = this.cookies.get("authentik_csrf");
        const headers: Record<string, string> = csrf ? { "x-authentik-csrf": csrf } : {};
        let reply = await this.go(path, answer ? { method: "POST", json: answer, headers } : {});
        for (let count = 0; reply.status === 302 && count < 9; count++)
            reply = await this.go(reply.headers.location as string);
        return reply;
    }

    /** Passes the default login flow. Answers the last challenge. */
    async logIn(username: string, password: string, query = ""): Promise<Reply> {
        await this.flow("default-authentication-flow", undefined, query);
        await this.flow("default-authentication-flow", { uid_field: username }, query);
        return this.flow("default-authentication-flow", { password }, query);
    }

    async isLoggedIn(): Promise<boolean> {
        return (await this.go("/api/v3/core/users/me/")).status === 200;
    }
}

/** Authentik for the tests of a file that calls `targetForAll`. */
export let target: Target;

/** For the tests of a file: starts Authentik, and removes what they made in it. */
export function targetForAll(): void {
    // A real Authentik takes its time.
    jest.setTimeout(300_000);
    // A worker of a real Authentik that is recycled in between answers 500, once in some hundred requests.
    if (isReal) jest.retryTimes(1);
    beforeAll(async () => {
        target = await Target.start();
    });
    afterAll(() => target.stop());
}
