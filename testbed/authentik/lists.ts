/** Which objects somebody sees, and how lists of them are filtered, sorted and cut into pages. */

import type { Fields, Operation } from "./apiSchema";
import { type Answer, json, type Request } from "./http";
import { isUuid } from "./identifiers";
import { type Context, InvalidRequest, NotFound, type ObjectKind, PermissionDenied, type World } from "./objects/kind";
import { Permissions } from "./permissions";
import type { Stored } from "./stored";
import { unknownMembers } from "./versions";

const defaultPageSize = 20;
/** Authentik 2026.5.0-rc1 answers no more than this, whatever page_size asks for. */
const maximumPageSize = 100;
export const notAmongChoices = "Select a valid choice. That choice is not one of the available choices.";
const pagination = new Set(["page", "page_size", "ordering", "search"]);

export const denied = () => new PermissionDenied("You do not have permission to perform this action.");

export function demand(
    { world, user }: Context,
    permission: string,
    object?: { model: string; pk: string | number },
): void {
    if (!world.permissions.has(user, permission, object)) throw denied();
}

export function lookUp(world: World, kind: ObjectKind, key: string): Stored {
    const member = kind.lookup ?? "pk";
    if (member === "pk" && !isKey(kind, key)) throw new NotFound("Not found.");
    const object =
        member === "pk"
            ? world.store.get(kind.path, kind.primaryKey === "uuid" ? key.toLowerCase() : key)
            : world.store.find(kind.path, member, key);
    if (!object) throw new NotFound(`No ${kind.className} matches the given query.`);
    return object;
}

export function isKey(kind: ObjectKind, text: string): boolean {
    return kind.primaryKey === "uuid" ? isUuid(text) : /^-?\d+$/.test(text);
}

/** The objects that a user may see; 403 where there is none and the kind has no owners, as Authentik does. */
export function visibleObjects(context: Context, kind: ObjectKind): Stored[] {
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

export function findVisible(context: Context, kind: ObjectKind, key: string): Stored {
    const visible = visibleObjects(context, kind);
    const object = lookUp(context.world, kind, key);
    if (visible.includes(object)) return object;
    throw new NotFound(`No ${kind.className} matches the given query.`);
}

export function list(context: Context, kind: ObjectKind, operation: Operation): Answer {
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
                return kind.search.some((member) =>
                    String(object[member] ?? "")
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
export function shown(kind: ObjectKind, object: Stored, context: Parameters<ObjectKind["represent"]>[1]): Fields {
    const fields = { ...kind.represent(object, context) };
    for (const name of unknownMembers(kind, context.world, "answered")) delete fields[name];
    return fields;
}

export function paginated<Row>(
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

export function sorted(objects: readonly Stored[], ordering: readonly string[]): Stored[] {
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
        const enumeration = context.world.schema.resolve((schema.items as Fields | undefined) ?? schema).enum as
            | string[]
            | undefined;
        const unlisted = enumeration && values.find((value) => !enumeration.includes(value));
        if (unlisted !== undefined) {
            errors[name] = [`Select a valid choice. ${unlisted} is not one of the available choices.`];
            continue;
        }
        const wrong = values.find((value) => format === "uuid" && !isUuid(value));
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
