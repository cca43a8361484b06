/** Which objects somebody sees, and how lists of them are filtered, sorted and cut into pages. */

import type { Fields, Operation } from "./apiSchema";
import { type Answer, json, type Request } from "./http";
import { type Context, InvalidRequest, NotFound, type ObjectKind, PermissionDenied, type World } from "./objects/kind";
import { Permissions } from "./permissions";
import type { Stored } from "./stored";
import { unknownMembers } from "./versions";

const defaultPageSize = 20;
/** Authentik 2026.5.0-rc1 answers no more than this, whatever page_size asks for. */
const maximumPageSize = 100;
const notAmongChoices = "Select a valid choice. That choice is not one of the available choices.";
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
    const object = kind.lookup ? world.store.find(kind.path, kind.lookup, key) : world.store.get(kind.path, key);
    if (!object) throw new NotFound(`No ${kind.className} matches the given query.`);
    return object;
}

/** The objects that a user may see; 403 if there is none and the kind has no owners, as Authentik does. */
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
        objects = sorted(special, kind.ordering);
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
    return paginated(request, objects, (object) => shown(kind, object, { world, user: context.user, request }));
}

/** An object as the version that the stand-in is answers it. */
export function shown(kind: ObjectKind, object: Stored, context: Parameters<ObjectKind["represent"]>[1]): Fields {
    const fields = { ...kind.represent(object, context) };
    for (const name of unknownMembers(kind, context.world, "answered")) delete fields[name];
    return fields;
}

export function paginated<Row>(request: Request, rows: readonly Row[], represent: (row: Row) => unknown): Answer {
    const counted = rows.length;
    const asked = Number(request.query.get("page_size"));
    const size = Math.min(Number.isInteger(asked) && asked > 0 ? asked : defaultPageSize, maximumPageSize);
    const pages = Math.max(1, Math.ceil(counted / size));
    const current = Number(request.query.get("page") ?? "1");
    if (!Number.isInteger(current) || current < 1 || current > pages) throw new NotFound("Invalid page.");
    const start = (current - 1) * size;
    const results = rows.slice(start, start + size);
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
        for (const member of ordering) {
            const order = compare(a[member], b[member]);
            if (order) return order;
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
        const choices = kind.choices?.[name]?.(context) ?? choicesOf(context.world, kind, name);
        const unknown = choices && values.find((value) => !choices.includes(value));
        if (unknown !== undefined) {
            const named = schema.type === "array" ? `${unknown} is not one of the available choices.` : undefined;
            errors[name] = [named ? `Select a valid choice. ${named}` : notAmongChoices];
            continue;
        }
        // Parameters that only shape the answer (include_users) are no member of anything.
        tests.push((object) => !(name in object) || values.includes(String(object[name])));
    }
    if (Object.keys(errors).length) throw new InvalidRequest(errors);
    return (object) => tests.every((test) => test(object));
}

/** The keys of what a member refers to: a filter by one that is not there is 400. */
function choicesOf(world: World, kind: ObjectKind, member: string): string[] | undefined {
    const reference = kind.references?.[member];
    return reference?.to.flatMap((path) => world.store.all(path).map((object) => String(object.pk)));
}
