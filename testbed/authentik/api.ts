import type { Fields, Operation } from "./apiSchema";
import { type Answer, emptyMethodNotAllowed, json, methodNotAllowed, notFoundPage, page, type Request } from "./http";
import { demand, denied, findVisible, list, lookUp, paginated, shown } from "./lists";
import type { World } from "./objects/kind";
import {
    type Context,
    InvalidRequest,
    NotFound,
    type ObjectKind,
    PermissionDenied,
    UnhandledError,
} from "./objects/kind";
import { stagePaths, stageSummary } from "./objects/stages";
import { isValid } from "./objects/tokens";
import { sessionUser } from "./objects/users";
import { Permissions } from "./permissions";
import { assign, listAssigned, listPermissions } from "./rolePermissions";
import { generateCertificate } from "./selfSignedCertificate";
import { Sessions } from "./sessions";
import type { Stored } from "./stored";
import { isNewer } from "./versions";
import { parseBody, readBody, readChange, stored, UnsupportedMediaType } from "./writes";

const base = "/api/v3/";

/** Answers a request below /api/v3/ (the flow executor has its own module). */
export function answerApi(world: World, request: Request): Answer {
    if (!request.path.endsWith("/")) {
        return request.method === "GET" || request.method === "HEAD" ? notFoundPage() : emptyMethodNotAllowed();
    }
    const segments = request.path.slice(base.length, -1).split("/").map(decodeURIComponent);
    const route = findRoute(world, segments);
    const reading = ["GET", "HEAD", "OPTIONS"].includes(request.method);
    if (!route) return reading ? notFoundPage() : emptyMethodNotAllowed();
    // A HEAD is a GET whose body is left out (server.ts).
    const asked = request.method === "HEAD" ? { ...request, method: "GET" } : request;
    const answer = answerRoute(world, route, asked);
    if (answer.status >= 500 || (answer.status === 405 && answer.body === "")) return answer;
    return { ...answer, headers: { ...(route.allow ? { Allow: route.allow } : {}), Vary: vary, ...answer.headers } };
}

function answerRoute(world: World, route: Route, request: Request): Answer {
    try {
        const user = route.open ? anonymous : authenticate(world, request, route.ofObject);
        return checked(world, route.operation(request.method), route.answer({ world, request, user }));
    } catch (error) {
        if (error instanceof UnsupportedMediaType) return json(415, { detail: error.message });
        if (error instanceof InvalidRequest) return json(400, error.errors);
        if (error instanceof PermissionDenied) return json(403, { detail: error.message });
        if (error instanceof NotFound) return json(404, { detail: error.message });
        if (error instanceof UnhandledError) {
            // On a read it would be a page with status 500.
            return request.method === "GET" ? page(500, { heading: "Server Error" }) : emptyMethodNotAllowed();
        }
        throw error;
    }
}

/** Nobody, for what needs no login. */
const anonymous: Stored = { pk: 0, username: "", groups: [], roles: [] };
const vary = "Accept-Encoding, Accept-Language, Cookie";

interface Route {
    /** The methods that it has, as the header `Allow` lists them. */
    readonly allow?: string;
    /** A route of one object says to somebody without credentials that a permission is missing. */
    readonly ofObject?: boolean;
    /** Needs no credentials. */
    readonly open?: boolean;
    readonly operation: (method: string) => Operation | undefined;
    readonly answer: (context: Context) => Answer;
}

function findRoute(world: World, segments: string[]): Route | undefined {
    const path = segments.join("/");
    const fixed = fixedRoutes[path];
    if (fixed) {
        const answer = (context: Context) =>
            context.request.method === "GET"
                ? fixed(context)
                : methodNotAllowed(context.request.method, "GET, HEAD, OPTIONS");
        const operation = (method: string) => world.schema.operation(method, `/${path}/`);
        return { allow: "GET, HEAD, OPTIONS", open: path === "", operation, answer };
    }
    const posted = postRoutes[path];
    if (posted) {
        const answer = (context: Context) =>
            context.request.method === "POST"
                ? posted(context)
                : methodNotAllowed(context.request.method, "POST, OPTIONS");
        return { allow: "POST, OPTIONS", operation: (method) => world.schema.operation(method, `/${path}/`), answer };
    }
    const assigning = /^rbac\/permissions\/assigned_by_roles\/([^/]+)\/(assign|unassign)$/.exec(path);
    if (assigning) {
        const [, role, verb] = assigning as unknown as [string, string, "assign" | "unassign"];
        const operation = (method: string) =>
            world.schema.operation(method, `/rbac/permissions/assigned_by_roles/{uuid}/${verb}/`);
        const allow = `${verb === "assign" ? "POST" : "PATCH"}, OPTIONS`;
        return { allow, operation, answer: (context) => assign(context, role, verb, operation) };
    }
    // The longest path wins: stages/authenticator/totp is a kind, not an object of stages/authenticator.
    const kinds = world.store.allKinds().sort((a, b) => b.path.length - a.path.length);
    for (const kind of kinds) {
        if (path === kind.path) {
            const operation = (method: string) => world.schema.operation(method, `/${kind.path}/`);
            const allow = kind.readOnly ? "GET, HEAD, OPTIONS" : "GET, POST, HEAD, OPTIONS";
            return { allow, operation, answer: (context) => answerCollection(context, kind, operation) };
        }
        if (!path.startsWith(`${kind.path}/`)) continue;
        const [key, verb, ...rest] = path.slice(kind.path.length + 1).split("/") as [
            string,
            string | undefined,
            ...string[],
        ];
        if (rest.length) continue;
        const template = `/${kind.path}/{${kind.pathParameter}}/${verb === undefined ? "" : `${verb}/`}`;
        const operation = (method: string) => world.schema.operation(method, template);
        if (verb === undefined) {
            const allow = kind.readOnly ? "GET, DELETE, HEAD, OPTIONS" : "GET, PUT, PATCH, DELETE, HEAD, OPTIONS";
            return {
                allow,
                ofObject: true,
                operation,
                answer: (context) => answerObject(context, kind, key, operation),
            };
        }
        const action = kind.actions?.[verb];
        if (action) {
            const allow = action.method === "GET" ? "GET, HEAD, OPTIONS" : `${action.method}, OPTIONS`;
            return { allow, operation, answer: (context) => act(context, kind, key, verb, operation) };
        }
    }
    return undefined;
}

const fixedRoutes: Record<string, (context: Context) => Answer> = {
    "admin/version": (context) => {
        const { version } = context.world;
        return json(200, {
            version_current: version,
            version_latest: version,
            version_latest_valid: true,
            build_hash: "",
            outdated: false,
            outpost_outdated: false,
        });
    },
    "core/users/me": (context) => json(200, sessionUser(context)),
    "stages/all": listStages,
    "": () => page(200, { title: "API Browser - authentik" }),
    "rbac/permissions": listPermissions,
    "rbac/permissions/assigned_by_roles": listAssigned,
};

const postRoutes: Record<string, (context: Context) => Answer> = {
    "crypto/certificatekeypairs/generate": (context) => {
        const { world } = context;
        const kind = world.store.kind("crypto/certificatekeypairs");
        demand(context, Permissions.of("add", kind));
        const body = readBody(
            context,
            world.schema.operation("POST", "/crypto/certificatekeypairs/generate/")?.request as Fields,
        );
        const made = generateCertificate(body.common_name as string, body.validity_days as number);
        return json(200, shown(kind, world.store.insert(kind.path, { ...kind.defaults(), ...made }), context));
    },
};

/**
 * The user of a bearer token, or of a session. Without either, and with a bad one, 403; Authentik never answers 401.
 */
function authenticate(world: World, request: Request, ofObject?: boolean): Stored {
    const key = /^bearer (.+)$/i.exec((request.headers.authorization ?? "").trim())?.[1];
    if (key) {
        const token = world.store
            .all("core/tokens")
            .find((candidate) => candidate.key === key && candidate.intent === "api");
        const user = token && isValid(token) ? world.store.get("core/users", token.user) : undefined;
        if (user?.is_active !== true) throw new PermissionDenied("Token invalid/expired");
        return user;
    }
    const session = world.sessions.of(request);
    const user = session?.user === undefined ? undefined : world.store.get("core/users", session.user);
    if (session && user?.is_active === true) {
        if (!["GET", "HEAD", "OPTIONS"].includes(request.method) && !Sessions.carriesCsrfToken(request, session)) {
            throw new PermissionDenied("CSRF Failed: CSRF token missing.");
        }
        return user;
    }
    if (ofObject) throw denied();
    throw new PermissionDenied("Authentication credentials were not provided.");
}

function answerCollection(
    context: Context,
    kind: ObjectKind,
    operation: (method: string) => Operation | undefined,
): Answer {
    const { request, world } = context;
    if (request.method === "GET") return list(context, kind, operation("GET") as Operation);
    if (kind.readOnly) demand(context, Permissions.of("add", kind));
    if (request.method !== "POST" || kind.readOnly) return methodNotAllowed(request.method, "GET, POST, HEAD, OPTIONS");
    if (!kind.createWithoutPermission) demand(context, Permissions.of("add", kind));
    const change = readChange(context, kind, operation("POST") as Operation, undefined);
    const object = world.store.insert(kind.path, { ...kind.defaults(), ...stored(kind, change.attributes) });
    kind.written?.(object, change, context);
    kind.created?.(object, context);
    return json(201, shown(kind, object, context));
}

function answerObject(
    context: Context,
    kind: ObjectKind,
    key: string,
    operation: (method: string) => Operation | undefined,
): Answer {
    const { request, world } = context;
    const { method } = request;
    if (
        !["GET", "PUT", "PATCH", "DELETE"].includes(method) ||
        (kind.readOnly && (method === "PUT" || method === "PATCH"))
    ) {
        return methodNotAllowed(method, "GET, PUT, PATCH, DELETE, HEAD, OPTIONS");
    }
    const object = findVisible(context, kind, key);
    if (method === "GET") return json(200, shown(kind, object, context));
    const owned = kind.owner !== undefined && object[kind.owner] === context.user.pk;
    if (!owned)
        demand(context, Permissions.of(method === "DELETE" ? "delete" : "change", kind), {
            model: kind.model,
            pk: object.pk,
        });
    if (method === "DELETE") {
        world.store.remove(kind.path, object.pk);
        return json(204, undefined);
    }
    const change = readChange(context, kind, operation(method) as Operation, object);
    world.store.update(object, stored(kind, change.attributes));
    kind.written?.(object, change, context);
    return json(200, shown(kind, object, context));
}

function act(
    context: Context,
    kind: ObjectKind,
    key: string,
    verb: string,
    operation: (method: string) => Operation | undefined,
): Answer {
    const { request } = context;
    const action = kind.actions?.[verb];
    if (!action) throw new NotFound("Not found.");
    if (request.method !== action.method) return methodNotAllowed(request.method, `${action.method}, OPTIONS`);
    const object = action.unfiltered ? lookUp(context.world, kind, key) : findVisible(context, kind, key);
    demand(context, action.permission, { model: kind.model, pk: object.pk });
    const owned = kind.owner !== undefined && object[kind.owner] === context.user.pk;
    if (action.alsoNeeds && !owned) demand(context, action.alsoNeeds, { model: kind.model, pk: object.pk });
    const schema = operation(action.method)?.request;
    const body = schema
        ? action.unchecked
            ? parseBody(context, schema, new Set()).body
            : readBody(context, schema)
        : {};
    return action.run(object, body, context);
}

/** Whether a member is missed that came after the version that the stand-in is. */
function isOfNewer(world: World, { keyword, params }: { keyword: string; params: Record<string, unknown> }): boolean {
    return keyword === "required" && isNewer(world, String(params.missingProperty));
}

/** Holds an answer against schema.yml: a stand-in that answers what Authentik never would is worse than none. */
function checked(world: World, operation: Operation | undefined, answer: Answer): Answer {
    if (!operation?.response || answer.status >= 300 || typeof answer.body === "string" || answer.body === undefined)
        return answer;
    const errors = world.schema.errors(operation.response, answer.body).filter((error) => !isOfNewer(world, error));
    if (!errors.length) return answer;
    const first = errors.slice(0, 3).map((error) => `${error.instancePath || "the answer"} ${error.message}`);
    throw new Error(
        `the stand-in's own answer to ${operation.method} ${operation.path} does not fit schema.yml: ` +
            `${first.join("; ")}`,
    );
}

/** Stages of every kind, as their base class shows them: for those who may see any stage. */
function listStages(context: Context): Answer {
    const { world, request, user } = context;
    if (request.method !== "GET") return methodNotAllowed(request.method, "GET, HEAD, OPTIONS");
    if (!world.permissions.has(user, "authentik_flows.view_stage")) throw denied();
    const visible = stagePaths.flatMap((path) => world.store.all(path));
    const name = request.query.get("name");
    const search = (request.query.get("search") ?? "").toLowerCase();
    const found = visible.filter(
        (stage) => (!name || stage.name === name) && String(stage.name).toLowerCase().includes(search),
    );
    return paginated(request, found, (stage) => stageSummary(world, stage.pk, false));
}
