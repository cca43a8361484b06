import type { Operation } from "./apiSchema";
import { type Answer, emptyMethodNotAllowed, json, notFoundPage, type Request } from "./http";
import { demand, denied, findVisible, list, lookUp, paginated, shown } from "./lists";
import {
    type Action,
    type Context,
    InvalidRequest,
    NotFound,
    type ObjectKind,
    PermissionDenied,
    UnhandledError,
    type World,
} from "./objects/kind";
import { stagePaths, stageSummary } from "./objects/stages";
import { isValid } from "./objects/tokens";
import { sessionUser } from "./objects/users";
import { Permissions } from "./permissions";
import { assign, listAssigned, listPermissions } from "./rolePermissions";
import type { Stored } from "./stored";
import { isNewer } from "./versions";
import { readBody, readChange, stored } from "./writes";

const base = "/api/v3/";

/** Answers a request below /api/v3/ (the flow executor has its own module). */
export function answerApi(world: World, request: Request): Answer {
    const route = findRoute(world, request.path.slice(base.length).split("/").map(decodeURIComponent).join("/"));
    return route ? answerRoute(world, route, request) : notFoundPage();
}

function answerRoute(world: World, route: Route, request: Request): Answer {
    try {
        const user = authenticate(world, request, route.ofObject);
        // Nothing of this project sends PUT.
        if (request.method === "PUT" || !route.operation(request.method))
            return json(405, { detail: `Method "${request.method}" not allowed.` });
        return checked(world, route.operation(request.method), route.answer({ world, request, user }));
    } catch (error) {
        if (error instanceof InvalidRequest) return json(400, error.errors);
        if (error instanceof PermissionDenied) return json(403, { detail: error.message });
        if (error instanceof NotFound) return json(404, { detail: error.message });
        if (error instanceof UnhandledError) return emptyMethodNotAllowed();
        throw error;
    }
}

interface Route {
    /** A route of one object says to somebody without credentials that a permission is missing. */
    readonly ofObject?: boolean;
    readonly operation: (method: string) => Operation | undefined;
    readonly answer: (context: Context) => Answer;
}

/** @param sent below the API's base, with the slash that ends every path of the API */
function findRoute(world: World, sent: string): Route | undefined {
    if (!sent.endsWith("/")) return undefined;
    const path = sent.slice(0, -1);
    const fixed = fixedRoutes[path];
    if (fixed) return { operation: (method) => world.schema.operation(method, `/${path}/`), answer: fixed };
    const assigning = /^rbac\/permissions\/assigned_by_roles\/([^/]+)\/(assign|unassign)$/.exec(path);
    if (assigning) {
        const [, role, verb] = assigning as unknown as [string, string, "assign" | "unassign"];
        const operation = (method: string) =>
            world.schema.operation(method, `/rbac/permissions/assigned_by_roles/{uuid}/${verb}/`);
        return { operation, answer: (context) => assign(context, role, verb, operation) };
    }
    // The longest path wins: stages/authenticator/totp is a kind, not an object of stages/authenticator.
    const kinds = world.store.allKinds().sort((a, b) => b.path.length - a.path.length);
    for (const kind of kinds) {
        const operationAt = (template: string) => (method: string) =>
            kind.readOnly && ["POST", "PATCH"].includes(method) ? undefined : world.schema.operation(method, template);
        if (path === kind.path) {
            const operation = operationAt(`/${kind.path}/`);
            return { operation, answer: (context) => answerCollection(context, kind, operation) };
        }
        if (!path.startsWith(`${kind.path}/`)) continue;
        const [key, verb, ...rest] = path.slice(kind.path.length + 1).split("/") as [
            string,
            string | undefined,
            ...string[],
        ];
        if (rest.length) continue;
        const operation = operationAt(`/${kind.path}/{${kind.pathParameter}}/${verb === undefined ? "" : `${verb}/`}`);
        if (verb === undefined)
            return { ofObject: true, operation, answer: (context) => answerObject(context, kind, key, operation) };
        const action = kind.actions?.[verb];
        if (action) return { operation, answer: (context) => act(context, kind, key, action, operation) };
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
    "rbac/permissions": listPermissions,
    "rbac/permissions/assigned_by_roles": listAssigned,
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
    // With a session alone this project looks who is logged in, and writes nothing.
    const user = world.store.get("core/users", world.sessions.of(request)?.user);
    if (request.method === "GET" && user?.is_active === true) return user;
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
    if (!kind.createWithoutPermission) demand(context, Permissions.of("add", kind));
    const change = readChange(context, kind, operation("POST") as Operation, undefined);
    const object = world.store.insert(kind.path, { ...kind.defaults(), ...stored(kind, change.attributes) });
    kind.written?.(object, change, context);
    return json(201, shown(kind, object, context));
}

function answerObject(
    context: Context,
    kind: ObjectKind,
    key: string,
    operation: (method: string) => Operation | undefined,
): Answer {
    const { world } = context;
    const { method } = context.request;
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
    action: Action,
    operation: (method: string) => Operation | undefined,
): Answer {
    const object = action.unfiltered ? lookUp(context.world, kind, key) : findVisible(context, kind, key);
    demand(context, action.permission, { model: kind.model, pk: object.pk });
    const schema = operation(context.request.method)?.request;
    const body = schema ? readBody(context, schema) : {};
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
    if (!world.permissions.has(user, "authentik_flows.view_stage")) throw denied();
    const visible = stagePaths.flatMap((path) => world.store.all(path));
    const name = request.query.get("name");
    const search = (request.query.get("search") ?? "").toLowerCase();
    const found = visible.filter(
        (stage) => (!name || stage.name === name) && String(stage.name).toLowerCase().includes(search),
    );
    return paginated(request, found, (stage) => stageSummary(world, stage.pk, false));
}
