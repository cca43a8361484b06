import type { FieldErrors, Fields, Operation } from "./apiSchema";
import { fieldErrors } from "./fieldErrors";
import { type RelationKey, readValues } from "./fieldValues";
import { type Answer, emptyMethodNotAllowed, json, notFoundPage, page, type Request } from "./http";
import { isUuid, timestamp } from "./identifiers";
import type { World } from "./objects/kind";
import {
    type Change,
    type Context,
    InvalidRequest,
    NotFound,
    type ObjectKind,
    PermissionDenied,
    UnhandledError,
} from "./objects/kind";
import { stagePaths, stageSummary } from "./objects/stages";
import { uidOf } from "./objects/summaries";
import { isValid } from "./objects/tokens";
import { sessionUser } from "./objects/users";
import { Permissions } from "./permissions";
import { generateCertificate } from "./selfSignedCertificate";
import { Sessions } from "./sessions";
import type { Stored } from "./stored";
import { isNewer, unknownMembers } from "./versions";

const base = "/api/v3/";
const defaultPageSize = 20;
/** Authentik 2026.5.0-rc1 answers no more than this, whatever page_size asks for. */
const maximumPageSize = 100;
const notAmongChoices = "Select a valid choice. That choice is not one of the available choices.";
const pagination = new Set(["page", "page_size", "ordering", "search"]);

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
        return { allow: "GET, HEAD, OPTIONS", open: path === "root/config" || path === "", operation, answer };
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
        const version = context.world.faults.version ?? context.world.version;
        return json(200, {
            version_current: version,
            version_latest: version,
            version_latest_valid: true,
            build_hash: "",
            outdated: false,
            outpost_outdated: false,
        });
    },
    "root/config": () =>
        json(200, {
            error_reporting: {
                enabled: false,
                sentry_dsn: "",
                environment: "stand-in",
                send_pii: false,
                traces_sample_rate: 0,
            },
            capabilities: ["can_impersonate"],
            cache_timeout: 300,
            cache_timeout_flows: 300,
            cache_timeout_policies: 300,
        }),
    "core/users/me": (context) => json(200, sessionUser(context)),
    "stages/all": listStages,
    "": () => page(200, { title: "API Browser - authentik" }),
    "rbac/permissions": listPermissions,
    "rbac/permissions/assigned_by_roles": listAssigned,
};

const postRoutes: Record<string, (context: Context) => Answer> = {
    "core/users/service_account": makeServiceAccount,
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

/** The user of a bearer token, or of a session. Without either, and with a bad one, 403; Authentik never answers 401. */
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

const denied = () => new PermissionDenied("You do not have permission to perform this action.");

function demand({ world, user }: Context, permission: string, object?: { model: string; pk: string | number }): void {
    if (!world.permissions.has(user, permission, object)) throw denied();
}

function methodNotAllowed(method: string, allowed: string): Answer {
    return json(405, { detail: `Method "${method}" not allowed.` }, { headers: { Allow: allowed } });
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

function stored(kind: ObjectKind, attributes: Fields): Fields {
    return Object.fromEntries(Object.entries(attributes).filter(([name]) => !kind.elsewhere?.includes(name)));
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
            ? parseBody(context, schema, new Map()).body
            : readBody(context, schema)
        : {};
    return action.run(object, body, context);
}

function lookUp(world: World, kind: ObjectKind, key: string): Stored {
    const member = kind.lookup ?? "pk";
    if (member === "pk" && !isKey(kind, key)) throw new NotFound("Not found.");
    const object =
        member === "pk"
            ? world.store.get(kind.path, kind.primaryKey === "uuid" ? key.toLowerCase() : key)
            : world.store.find(kind.path, member, key);
    if (!object) throw new NotFound(`No ${kind.className} matches the given query.`);
    return object;
}

function isKey(kind: ObjectKind, text: string): boolean {
    return kind.primaryKey === "uuid" ? isUuid(text) : /^-?\d+$/.test(text);
}

/** The objects that a user may see; 403 where there is none and the kind has no owners, as Authentik does. */
function visibleObjects(context: Context, kind: ObjectKind): Stored[] {
    const { world, user } = context;
    const permission = Permissions.of("view", kind);
    const all = world.store.all(kind.path);
    if (world.permissions.has(user, permission)) return all;
    if (kind.owner !== undefined) return all.filter((object) => object[kind.owner as string] === user.pk);
    const visible = all.filter((object) =>
        world.permissions.has(user, permission, { model: kind.model, pk: object.pk }),
    );
    if (!visible.length) throw denied();
    return visible;
}

function findVisible(context: Context, kind: ObjectKind, key: string): Stored {
    const visible = visibleObjects(context, kind);
    const object = lookUp(context.world, kind, key);
    if (visible.includes(object)) return object;
    throw new NotFound(`No ${kind.className} matches the given query.`);
}

function list(context: Context, kind: ObjectKind, operation: Operation): Answer {
    kind.checkQuery?.(context.request.query);
    const special = kind.list?.(context);
    const { request, world } = context;
    let objects: Stored[];
    if (special) {
        objects = sorted(special.visible, kind.ordering);
    } else {
        objects = visibleObjects(context, kind).filter(filterOf(context, kind, operation));
        const words = (request.query.get("search") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
        objects = objects.filter((object) =>
            words.every((word) => {
                const texts = { ...object, ...kind.searched?.(object, world) } as Fields;
                return kind.search.some((member) =>
                    String(texts[member] ?? "")
                        .toLowerCase()
                        .includes(word),
                );
            }),
        );
        const wanted = request.query.get("ordering")?.split(",").filter(Boolean);
        objects = sorted(objects, wanted?.length ? wanted : kind.ordering);
    }
    return paginated(
        request,
        objects,
        (object) => shown(kind, object, { world, user: context.user, request }),
        special?.counted,
    );
}

/** An object as the version that the stand-in is answers it. */
function shown(kind: ObjectKind, object: Stored, context: Parameters<ObjectKind["represent"]>[1]): Fields {
    const fields = { ...kind.represent(object, context) };
    for (const name of unknownMembers(kind, context.world, "answered")) delete fields[name];
    return fields;
}

function paginated<Row>(
    request: Request,
    rows: readonly Row[],
    represent: (row: Row) => unknown,
    counted = rows.length,
): Answer {
    const asked = Number(request.query.get("page_size"));
    const size = Math.min(Number.isInteger(asked) && asked > 0 ? asked : defaultPageSize, maximumPageSize);
    const pages = Math.max(1, Math.ceil(counted / size));
    const page = request.query.get("page") ?? "1";
    const current = page === "last" ? pages : Number(page);
    if (!Number.isInteger(current) || current < 1 || current > pages) throw new NotFound("Invalid page.");
    const start = (current - 1) * size;
    // A cached list of applications is answered whole, whatever was counted.
    const results = rows.length === counted ? rows.slice(start, start + size) : rows;
    return json(200, {
        pagination: {
            next: current < pages ? current + 1 : 0,
            previous: current - 1,
            count: counted,
            current,
            total_pages: pages,
            start_index: counted ? start + 1 : 0,
            end_index: Math.min(start + size, counted),
        },
        results: results.map(represent),
        autocomplete: {},
    });
}

function sorted(objects: readonly Stored[], ordering: readonly string[]): Stored[] {
    const compare = (a: unknown, b: unknown): number => {
        if (typeof a === "number" && typeof b === "number") return a - b;
        const [first, second] = [String(a ?? ""), String(b ?? "")];
        return first === second ? 0 : first < second ? -1 : 1;
    };
    return [...objects].sort((a, b) => {
        for (const entry of ordering) {
            const member = entry.replace(/^-/, "");
            const order = compare(a[member], b[member]);
            if (order) return entry.startsWith("-") ? -order : order;
        }
        return 0;
    });
}

/** The filter of a list: parameters that schema.yml does not know are ignored, as by Authentik. */
function filterOf(context: Context, kind: ObjectKind, operation: Operation): (object: Stored) => boolean {
    const tests: ((object: Stored) => boolean)[] = [];
    const errors: Fields = {};
    for (const { name, schema } of operation.queryParameters) {
        if (pagination.has(name)) continue;
        const values = context.request.query.getAll(name).filter((value) => value !== "");
        if (!values.length) continue;
        const isList = schema.type === "array";
        // Of a filter by one value only the last counts.
        if (!isList) values.splice(0, values.length - 1);
        if (schema.type === "boolean") {
            // Anything but true and false is no filter at all.
            const wanted = (values[0] as string).toLowerCase();
            if (wanted !== "true" && wanted !== "false") continue;
            values[0] = wanted;
        }
        const { format } = (schema.items as Fields | undefined) ?? schema;
        if (format === "date-time" && Number.isNaN(Date.parse(values[0] as string))) {
            errors[name] = ["Enter a valid date/time."];
            continue;
        }
        if (
            (schema.type === "integer" || schema.type === "number") &&
            !/^\s*[+-]?\d+(\.\d+)?\s*$/.test(values[0] as string)
        ) {
            errors[name] = [kind.references?.[name] ? notAmongChoices : "Enter a number."];
            continue;
        }
        const enumeration = context.world.schema.resolve((schema.items as Fields | undefined) ?? schema).enum as
            | string[]
            | undefined;
        const unlisted = enumeration && values.find((value) => !enumeration.includes(value));
        if (unlisted !== undefined) {
            errors[name] = [`Select a valid choice. ${unlisted} is not one of the available choices.`];
            continue;
        }
        const wrong = kind.textFilters?.includes(name)
            ? undefined
            : values.find((value) => format === "uuid" && !isUuid(value));
        if (wrong !== undefined) {
            const related = kind.references?.[name] !== undefined || kind.choices?.[name] !== undefined;
            errors[name] = [related ? `“${wrong}” is not a valid UUID.` : "Enter a valid UUID."];
            continue;
        }
        const choices = kind.choices?.[name]?.(context) ?? choicesOf(context.world, kind, name);
        const unknown = choices && values.find((value) => !choices.includes(value));
        if (unknown !== undefined) {
            const named = schema.type === "array" ? `${unknown} is not one of the available choices.` : undefined;
            errors[name] = [named ? `Select a valid choice. ${named}` : notAmongChoices];
            continue;
        }
        const special = kind.filters?.[name];
        if (special) {
            tests.push((object) => special(object, values, context));
        } else {
            // Parameters that only shape the answer (include_users) are no member of anything.
            tests.push((object) => !(name in object) || matches(object[name], values));
        }
    }
    if (Object.keys(errors).length) throw new InvalidRequest(errors);
    return (object) => tests.every((test) => test(object));
}

/** The keys of what a member refers to: a filter by one that is not there is 400. */
function choicesOf(world: World, kind: ObjectKind, member: string): string[] | undefined {
    const reference = kind.references?.[member];
    if (!reference || kind.filters?.[member]) return undefined;
    return reference.to.flatMap((path) =>
        world.store.allKinds().some((other) => other.path === path)
            ? world.store.all(path).map((object) => String(object.pk))
            : [],
    );
}

function matches(value: unknown, values: readonly string[]): boolean {
    if (typeof value === "boolean") {
        // Anything but true and false is no filter at all.
        const wanted = values.map((text) => text.toLowerCase()).filter((text) => ["true", "false"].includes(text));
        return !wanted.length || wanted.includes(String(value));
    }
    if (Array.isArray(value)) return value.some((element) => values.includes(String(element)));
    return values.includes(String(value));
}

/** Reads and checks what a write would set: schema.yml first, then references, uniqueness and the kind's own rules. */
function readChange(context: Context, kind: ObjectKind, operation: Operation, existing: Stored | undefined): Change {
    const { world, request } = context;
    const method = request.method as Change["method"];
    const schema = operation.request as Fields;
    const relations = new Map<string, RelationKey>();
    for (const [name, { to }] of Object.entries(kind.references ?? {})) {
        relations.set(name, world.store.allKinds().find((other) => to.includes(other.path))?.primaryKey ?? "uuid");
    }
    // A binding's target is of several kinds, and its check is its own.
    if (kind.path === "policies/bindings") relations.set("target", "uuid");
    const { body: attributes, errors } = parseBody(context, schema, relations, kind);
    const sound = (member: string) => !(member in errors);
    if (method === "PUT") {
        for (const [name, value] of Object.entries(kind.putDefaults?.() ?? {})) attributes[name] ??= value;
    }
    for (const [member, reference] of Object.entries(kind.references ?? {})) {
        // Of a list with a wrong key there is left what stands before it.
        if (!sound(member) && !Array.isArray(attributes[member])) continue;
        const keys = ([] as unknown[]).concat(attributes[member] ?? []);
        const missing = keys.find((key) => !reference.to.some((path) => world.store.get(path, key)));
        if (missing !== undefined) errors[member] = [`Invalid pk "${String(missing)}" - object does not exist.`];
    }
    for (const [member, { message, among }] of Object.entries(kind.unique ?? {}).filter(([name]) => sound(name))) {
        const value = attributes[member];
        if (value === undefined || value === null) continue;
        const taken = (among ?? [kind.path]).some((path) =>
            world.store.all(path).some((other) => other !== existing && other[member] === value),
        );
        if (taken) errors[member] = [message];
    }
    // The request is refused anyway; the kind's own checks need not expect values of a wrong type.
    for (const name of Object.keys(errors)) delete attributes[name];
    const change: Change = { method, attributes, existing };
    const found = Object.entries(kind.checkMembers?.(change, context) ?? {}).filter(([name]) => sound(name));
    Object.assign(errors, Object.fromEntries(found));
    if (Object.keys(errors).length)
        throw new InvalidRequest(inOrder(errors, Object.keys(world.schema.properties(schema))));
    kind.validate?.(change, context);
    return change;
}

function inOrder(errors: Fields, order: string[]): Fields {
    return Object.fromEntries(Object.entries(errors).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
}

/** The members of a JSON body that the operation knows (the rest is ignored, as by Authentik), and what is wrong with them. */
function parseBody(
    { world, request }: Context,
    schema: Fields,
    relations: ReadonlyMap<string, RelationKey>,
    kind?: ObjectKind,
): { body: Fields; errors: FieldErrors } {
    const contentType = request.headers["content-type"]?.split(";")[0]?.trim() ?? "";
    let body: unknown = {};
    if (request.body.length) {
        if (contentType !== "application/json") throw new UnsupportedMediaType(request.headers["content-type"] ?? "");
        const text = request.body.toString("utf8");
        try {
            body = JSON.parse(text);
        } catch (error) {
            throw new InvalidRequest({ detail: `JSON parse error - ${whereJsonEnds(text, error as Error)}` });
        }
    }
    if (typeof body !== "object" || body === null || Array.isArray(body)) {
        throw new InvalidRequest(
            fieldErrors(world.schema, schema, world.schema.errors(schema, body), body, { relations }),
        );
    }
    for (const name of kind ? unknownMembers(kind, world, "written") : []) delete (body as Fields)[name];
    const { values, errors } = readValues(world.schema, schema, body as Fields, relations);
    const found = fieldErrors(world.schema, schema, world.schema.errors(schema, values), values, {
        relations,
        slugMessage: kind?.slugMessage,
        partial: request.method === "PATCH",
    });
    const known = Object.keys(world.schema.properties(schema));
    for (const [name, value] of Object.entries(values)) {
        // What a list of keys holds has been looked at already.
        const declared = world.schema.resolve(world.schema.properties(schema)[name] ?? {});
        if (relations.has(name) && value !== null && (declared.type !== "array" || Array.isArray(value)))
            delete found[name];
    }
    return {
        body: Object.fromEntries(Object.entries(values).filter(([name]) => known.includes(name))),
        errors: { ...found, ...errors },
    };
}

/** The words of Authentik's JSON parser for a text that is none. */
function whereJsonEnds(text: string, error: Error): string {
    const position = /position (\d+)/.exec(error.message)?.[1];
    const at = position === undefined ? text.length : Number(position);
    const before = text.slice(0, at).split("\n");
    const what = at >= text.length ? "unexpected end of data" : "unexpected character";
    return `${what}: line ${before.length} column ${(before.at(-1) as string).length + 1} (char ${at})`;
}

function readBody(context: Context, schema: Fields): Fields {
    const { body, errors } = parseBody(context, schema, new Map());
    if (Object.keys(errors).length) throw new InvalidRequest(errors);
    return body;
}

/** A body that is not JSON: 415. */
class UnsupportedMediaType extends Error {
    constructor(contentType: string) {
        super(`Unsupported media type "${contentType}" in request.`);
    }
}

/** A service account with an app password, at once; path, groups and attributes cannot be chosen. */
function makeServiceAccount(context: Context): Answer {
    const { world } = context;
    const { store } = world;
    demand(context, "authentik_core.add_user");
    demand(context, "authentik_core.add_token");
    const body = readBody(context, world.schema.operation("POST", "/core/users/service_account/")?.request as Fields);
    const name = body.name as string;
    if (store.find("core/users", "username", name)) throw new InvalidRequest({ name: ["This field must be unique."] });
    const withGroup = body.create_group === true && world.permissions.has(context.user, "authentik_core.add_group");
    const identifier = `service-account-${name
        .toLowerCase()
        .replace(/[^\w\s-]/g, "")
        .trim()
        .replace(/[-\s]+/g, "-")}-password`;
    if ((withGroup && store.find("core/groups", "name", name)) || store.find("core/tokens", "identifier", identifier)) {
        throw new InvalidRequest({ non_field_errors: ["A user/group with these details already exists"] });
    }
    const expiring = body.expiring !== false;
    const [users, groups, tokens] = ["core/users", "core/groups", "core/tokens"].map((path) => store.kind(path)) as [
        ObjectKind,
        ObjectKind,
        ObjectKind,
    ];
    const group = withGroup ? store.insert(groups.path, { ...groups.defaults(), name }) : undefined;
    const user = store.insert(users.path, {
        ...users.defaults(),
        username: name,
        name,
        type: "service_account",
        attributes: { "goauthentik.io/user/token-expires": expiring },
        path: "goauthentik.io/service-accounts",
        groups: group ? [group.pk] : [],
        last_updated: timestamp(),
    });
    const expires = (body.expires as string | undefined) ?? timestamp(Date.now() + 360 * 24 * 60 * 60_000);
    const token = store.insert(tokens.path, {
        ...tokens.defaults(),
        identifier,
        intent: "app_password",
        user: user.pk,
        expires,
        expiring,
    });
    return json(200, {
        username: name,
        user_uid: uidOf(user),
        user_pk: user.pk,
        ...(group ? { group_pk: group.pk } : {}),
        token: token.key,
    });
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

function listPermissions(context: Context): Answer {
    const { world, request } = context;
    if (request.method !== "GET") return methodNotAllowed(request.method, "GET, HEAD, OPTIONS");
    const role = request.query.get("role");
    if (role !== null && !isUuid(role)) throw new InvalidRequest({ role: [`“${role}” is not a valid UUID.`] });
    if (role !== null && !world.store.get("rbac/roles", role)) {
        throw new InvalidRequest({ role: [notAmongChoices] });
    }
    const held = new Set(
        world.store
            .grants()
            .filter((grant) => grant.role === role && grant.objectPk === undefined)
            .map((grant) => grant.permission),
    );
    const wanted = (parameter: string, value: string) => [null, "", value].includes(request.query.get(parameter));
    const search = (request.query.get("search") ?? "").toLowerCase();
    const rows = world.permissions.rows
        .filter((row) => role === null || held.has(`${row.app_label}.${row.codename}`))
        .filter((row) => wanted("codename", row.codename))
        .filter((row) => wanted("content_type__model", row.model))
        .filter((row) => wanted("content_type__app_label", row.app_label))
        .filter((row) => `${row.name} ${row.codename} ${row.model} ${row.app_label}`.toLowerCase().includes(search));
    const order = request.query.get("ordering");
    const ordered = sorted(
        rows.map((row) => ({ ...row, pk: row.id })),
        [order && order.replace("-", "") in (rows[0] ?? {}) ? order : "name"],
    );
    return paginated(request, ordered, ({ pk: _pk, ...row }) => row);
}

function listAssigned(context: Context): Answer {
    const { world, request } = context;
    if (request.method !== "GET") return methodNotAllowed(request.method, "GET, HEAD, OPTIONS");
    const visible = visibleObjects(context, world.store.kind("rbac/roles"));
    const model = request.query.get("model");
    if (!model) throw new InvalidRequest({ model: ["This field is required."] });
    if (!world.schema.enumeration("ModelEnum").includes(model)) {
        throw new InvalidRequest({ model: [`Select a valid choice. ${model} is not one of the available choices.`] });
    }
    const objectPk = request.query.get("object_pk");
    const rowOf = (permission: string) => world.permissions.row(permission);
    const grants = world.store.grants();
    const concerned = visible.filter((role) =>
        grants.some((grant) => {
            if (grant.role !== role.pk) return false;
            const row = rowOf(grant.permission);
            if (!row || `${row.app_label}.${row.model}` !== model) return false;
            return grant.objectPk === undefined || grant.objectPk === objectPk;
        }),
    );
    return paginated(request, sorted(concerned, ["name"]), (role) => {
        const show = (onObjects: boolean) =>
            grants
                .filter((grant) => grant.role === role.pk && (grant.objectPk !== undefined) === onObjects)
                .map((grant) => {
                    const row = rowOf(grant.permission);
                    return {
                        id: grant.id,
                        codename: row?.codename,
                        model: row?.model,
                        app_label: row?.app_label,
                        ...(onObjects ? { object_pk: grant.objectPk } : {}),
                        name: row?.name,
                    };
                });
        return { role_pk: role.pk, name: role.name, object_permissions: show(true), model_permissions: show(false) };
    });
}

function assign(
    context: Context,
    key: string,
    verb: "assign" | "unassign",
    operation: (method: string) => Operation | undefined,
): Answer {
    const { world, request } = context;
    const method = verb === "assign" ? "POST" : "PATCH";
    demand(context, `authentik_rbac.${verb}_role_permissions`);
    if (request.method !== method) return methodNotAllowed(request.method, `${method}, OPTIONS`);
    const role = lookUp(world, world.store.kind("rbac/roles"), key);
    // A POST on an object counts as making one, a PATCH as changing it.
    demand(context, verb === "assign" ? "authentik_rbac.add_role" : "authentik_rbac.change_role", {
        model: "authentik_rbac.role",
        pk: role.pk,
    });
    const body = readBody(context, operation(method)?.request as Fields);
    const permissions = body.permissions as string[] | undefined;
    if (!permissions) throw new InvalidRequest({ permissions: ["This field is required."] });
    const { model, object_pk: objectPk } = body as { model?: string; object_pk?: string };
    if ((model === undefined) !== (objectPk === undefined)) {
        throw new InvalidRequest({ non_field_errors: ["The fields model, object_pk must be used together."] });
    }
    if (model === undefined && !permissions.every((permission) => permission.includes("."))) {
        throw new InvalidRequest({
            permissions: ["When assigning global permissions, codename must be given as app_label.codename"],
        });
    }
    const kind = world.store.allKinds().find((candidate) => candidate.model === model);
    // A trap of Authentik: what is asked for on an object that does not exist is granted on every object.
    const object = kind && objectPk !== undefined ? world.store.get(kind.path, objectPk) : undefined;
    if (kind && objectPk !== undefined && !isKey(kind, objectPk)) {
        if (kind.primaryKey === "integer") throw new UnhandledError("a key that is none");
        throw new InvalidRequest({ non_field_errors: [`“${objectPk}” is not a valid UUID.`] });
    }
    const grants = permissions.map((permission) => {
        // A bare code name, and a permission that is not there, are unhandled errors, on an object too.
        const row = world.permissions.row(permission);
        if (!row || (object && `${row.app_label}.${row.model}` !== model))
            throw new UnhandledError(`no permission ${permission}`);
        return {
            role: role.pk as string,
            permission: `${row.app_label}.${row.codename}`,
            ...(object ? { model: `${row.app_label}.${row.model}`, objectPk: String(object.pk) } : {}),
        };
    });
    if (verb === "unassign") {
        for (const grant of grants) world.store.revoke(grant);
        return json(204, undefined);
    }
    return json(
        200,
        grants.map((grant) => ({ id: String(world.store.grant(grant).id) })),
    );
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
        `the stand-in's own answer to ${operation.method} ${operation.path} does not fit schema.yml: ${first.join("; ")}`,
    );
}
