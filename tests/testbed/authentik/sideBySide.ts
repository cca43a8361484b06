import { randomBytes } from "node:crypto";

import { type AuthentikStandIn, startAuthentikStandIn } from "../../../testbed/authentik/server";
import { call, type Reply, realAuthentik } from "./target";

// The same requests to a stand-in and to a real Authentik, and what each answers, with whatever must differ (keys, times, ports) put
// into words that are the same on both.

/** One request. `{name}` in a path or a text of the body stands for what an earlier answer was kept under. */
export interface Step {
    readonly method: string;
    readonly path: string;
    readonly body?: unknown;
    /** A body that is sent as it is, instead of `body`. */
    readonly text?: string;
    readonly headers?: Readonly<Record<string, string>>;
    /** Keeps the answer's body: later steps write `{group.pk}` for its member. */
    readonly as?: string;
    /** Whose token asks: the name of an answer of view_key; null for none; the superuser's unless given. */
    readonly token?: string | null;
    /** What to compare of the answer, where not all of it; a list as a whole holds what others have made. */
    readonly pick?: (reply: Reply) => unknown;
}

export interface Difference {
    readonly step: string;
    readonly standIn: unknown;
    readonly real: unknown;
}

interface Side {
    readonly name: "standIn" | "real";
    readonly url: string;
    readonly token: string;
    /** Kept answers, by name. */
    readonly kept: Map<string, unknown>;
    readonly made: string[];
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
/** Members that hold numbers of users and providers. */
const keys = new Set([
    "pk",
    "user",
    "users",
    "provider",
    "backchannel_providers",
    "jwt_federation_providers",
    "user_pk",
]);
/** Members that are times, hashes or random on either side. */
const opaque = new Set([
    "uid",
    "num_pk",
    "key",
    "id",
    "date_joined",
    "last_updated",
    "last_login",
    "password_change_date",
    "expires",
    "avatar",
]);
/** Lists that the database keeps in no order. */
const unordered = new Set([
    "children",
    "parents",
    "users",
    "users_obj",
    "groups",
    "groups_obj",
    "roles",
    "roles_obj",
    "system_permissions",
]);
/** Headers that a client could go by. */
const headers = ["content-type", "allow", "www-authenticate", "vary", "location", "retry-after", "cache-control"];

/** The real one lost a request: what was compared since `clear` says nothing. */
export class Recycled extends Error {}

export class SideBySide {
    readonly suffix = randomBytes(3).toString("hex");
    readonly differences: Difference[] = [];
    steps = 0;

    private constructor(
        private readonly sides: readonly [Side, Side],
        private readonly server: AuthentikStandIn,
    ) {}

    static async start(): Promise<SideBySide> {
        if (!realAuthentik) throw new Error("no real Authentik: AUTHENTIK_URL and AUTHENTIK_TOKEN are not set");
        const token = randomBytes(16).toString("hex");
        const server = await startAuthentikStandIn({ token, version: "2026.5.0-rc1" });
        const side = (name: Side["name"], url: string, key: string): Side => ({
            name,
            url,
            token: key,
            kept: new Map(),
            made: [],
        });
        return new SideBySide(
            [side("standIn", server.url, token), side("real", realAuthentik.url, realAuthentik.token)],
            server,
        );
    }

    /** Forgets what was kept: another sequence begins. */
    clear(): void {
        for (const { kept } of this.sides) kept.clear();
    }

    /** Puts a step to both, and remembers a difference. Answers what both said, if they agree. */
    async ask(step: Step): Promise<boolean> {
        this.steps++;
        const shown: unknown[] = [];
        for (const side of this.sides) shown.push(await this.askOne(side, step));
        const [standIn, real] = shown as [unknown, unknown];
        const same = JSON.stringify(standIn) === JSON.stringify(real);
        const title = `${step.method} ${step.path} ${step.text ?? (step.body === undefined ? "" : JSON.stringify(step.body))}`;
        if (!same) this.differences.push({ step: title.trim(), standIn, real });
        return same;
    }

    async stop(): Promise<void> {
        for (const { url, token, made } of this.sides) {
            for (const path of made.splice(0).reverse()) {
                await call(`${url}${path}`, { method: "DELETE", headers: { authorization: `Bearer ${token}` } });
            }
        }
        await this.server.close();
    }

    private async askOne(side: Side, step: Step): Promise<unknown> {
        const filled = (text: string) =>
            text.replace(/\{([\w-]+)\.([\w.]+)\}/g, (whole, name: string, members: string) => {
                let value = side.kept.get(name);
                for (const member of members.split("."))
                    value = (value as Record<string, unknown> | undefined)?.[member];
                return value === undefined ? whole : String(value);
            });
        // A text that is nothing but a reference is what it refers to, number or text.
        const fill = (value: unknown): unknown => {
            if (typeof value === "string") {
                const whole = /^\{([\w-]+)\.(\w+)\}$/.exec(value);
                const object = whole && (side.kept.get(whole[1] as string) as Record<string, unknown> | undefined);
                if (object && (whole[2] as string) in object) return object[whole[2] as string];
                return this.suffixed(filled(value));
            }
            if (Array.isArray(value)) return value.map(fill);
            if (typeof value === "object" && value !== null) {
                return Object.fromEntries(
                    Object.entries(value).map(([name, member]) => [this.suffixed(name), fill(member)]),
                );
            }
            return value;
        };
        const path = this.suffixed(filled(step.path));
        const token =
            step.token === null
                ? undefined
                : step.token === undefined
                  ? side.token
                  : ((side.kept.get(step.token) as { key?: string } | undefined)?.key ?? step.token);
        const sent = { ...(token ? { authorization: `Bearer ${token}` } : {}), ...step.headers };
        const send = () =>
            call(`${side.url}${path.startsWith("/application") || path.startsWith("/if") ? "" : "/api/v3"}${path}`, {
                method: step.method,
                ...(step.text === undefined
                    ? step.body === undefined
                        ? {}
                        : { json: fill(step.body) }
                    : { text: step.text }),
                headers: sent,
            });
        let reply = await send();
        // A worker of the real one that is recycled in between: whether it wrote is not known.
        const recycled = () => reply.status === 500 && reply.text === "Internal Server Error";
        if (recycled() && step.method === "GET") reply = await send();
        if (recycled()) throw new Recycled();
        if (step.as !== undefined) side.kept.set(step.as, reply.body);
        if (reply.status === 201 && step.method === "POST" && reply.body) {
            const key = path.startsWith("/core/tokens/")
                ? reply.body.identifier
                : path.startsWith("/core/applications/") || path.startsWith("/flows/instances/")
                  ? reply.body.slug
                  : reply.body.pk;
            if (key !== undefined) side.made.push(`/api/v3${path}${key}/`);
        }
        const body = step.pick ? step.pick(reply) : (reply.body ?? this.page(reply.text));
        const told = Object.fromEntries(
            headers.flatMap((name) => (reply.headers[name] ? [[name, reply.headers[name]]] : [])),
        );
        return this.normalized(side, { status: reply.status, ...told, body });
    }

    private suffixed(text: string): string {
        return text.replaceAll("~", `-${this.suffix}`);
    }

    /** Of a page its heading. */
    private page(text: string): string {
        return (
            /<h1[^>]*>\s*([^<]*?)\s*<\/h1>/.exec(text)?.[1] ??
            /<title>\s*([^<]*?)\s*<\/title>/.exec(text)?.[1] ??
            text.slice(0, 200)
        );
    }

    private normalized(side: Side, value: unknown): unknown {
        const names = new Map<string, string>();
        for (const [name, body] of side.kept) {
            if (typeof body !== "object" || body === null) continue;
            for (const [member, key] of Object.entries(body)) {
                if (typeof key === "string" && key.match(uuid)) names.set(key, `<${name}.${member}>`);
            }
        }
        const numbers = new Map<number, string>();
        for (const [name, body] of side.kept) {
            const pk = (body as { pk?: unknown } | undefined)?.pk;
            if (typeof pk === "number") numbers.set(pk, `<${name}.pk>`);
        }
        const text = (raw: string) =>
            raw
                .replace(uuid, (found) => names.get(found) ?? (found.startsWith("00000000") ? found : "<uuid>"))
                .replaceAll(side.url, "<url>")
                .replaceAll(new URL(side.url).host, "<host>")
                .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?/g, "<time>")
                .replace(/\b[0-9a-f]{32}\b|\b[0-9a-f]{64}\b/g, "<hexadecimal>")
                .replaceAll(`-${this.suffix}`, "~")
                .replace(/(?<=^|user-|")\d+(?=$|")/g, (digits) => numbers.get(Number(digits)) ?? digits);
        const visit = (node: unknown, member?: string): unknown => {
            if (node === null || node === undefined) return node;
            if (member !== undefined && opaque.has(member) && (typeof node === "string" || typeof node === "number"))
                return `<${member}>`;
            if (typeof node === "string") return text(node);
            if (typeof node === "number")
                return member !== undefined && keys.has(member) ? (numbers.get(node) ?? node) : node;
            if (Array.isArray(node)) {
                const elements = node.map((element) => visit(element, member));
                return member !== undefined && unordered.has(member)
                    ? elements.map((e) => JSON.stringify(e)).sort()
                    : elements;
            }
            if (typeof node === "object")
                return Object.fromEntries(
                    Object.entries(node)
                        .sort(([a], [b]) => (a < b ? -1 : 1))
                        .map(([name, inner]) => [text(name), visit(inner, name)]),
                );
            return node;
        };
        return visit(value);
    }
}
