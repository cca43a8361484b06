/** The body of a request: what it sets, and what is wrong with it. */

import type { FieldErrors, Fields, Operation } from "./apiSchema";
import { fieldErrors } from "./fieldErrors";
import { readValues } from "./fieldValues";
import { type Change, type Context, InvalidRequest, type ObjectKind } from "./objects/kind";
import type { Stored } from "./stored";
import { unknownMembers } from "./versions";

export function stored(kind: ObjectKind, attributes: Fields): Fields {
    return Object.fromEntries(Object.entries(attributes).filter(([name]) => !kind.elsewhere?.includes(name)));
}

/** Reads and checks what a write would set: schema.yml first, then references, uniqueness and the kind's own rules. */
export function readChange(
    context: Context,
    kind: ObjectKind,
    operation: Operation,
    existing: Stored | undefined,
): Change {
    const { world, request } = context;
    const method = request.method as Change["method"];
    const schema = operation.request as Fields;
    const relations = new Set(Object.keys(kind.references ?? {}));
    // A binding's target is of several kinds, and its check is its own.
    if (kind.path === "policies/bindings") relations.add("target");
    const { body: attributes, errors } = parseBody(context, schema, relations, kind);
    const sound = (member: string) => !(member in errors);
    if (method === "PUT") {
        for (const [name, value] of Object.entries(kind.putDefaults?.() ?? {})) attributes[name] ??= value;
    }
    for (const [member, reference] of Object.entries(kind.references ?? {})) {
        if (!sound(member)) continue;
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
    if (Object.keys(errors).length) throw new InvalidRequest(errors);
    kind.validate?.(change, context);
    return change;
}

/**
 * The members of a JSON body that the operation knows (the rest is ignored, as by Authentik), and what is wrong with
 * them.
 */
export function parseBody(
    { world, request }: Context,
    schema: Fields,
    relations: ReadonlySet<string>,
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
            throw new InvalidRequest({ detail: `JSON parse error - ${(error as Error).message}` });
        }
    }
    if (typeof body !== "object" || body === null || Array.isArray(body))
        throw new InvalidRequest({ non_field_errors: ["Invalid data. Expected a dictionary."] });
    for (const name of kind ? unknownMembers(kind, world, "written") : []) delete (body as Fields)[name];
    const values = readValues(world.schema, schema, body as Fields, relations);
    const known = Object.keys(world.schema.properties(schema));
    return {
        body: Object.fromEntries(Object.entries(values).filter(([name]) => known.includes(name))),
        errors: fieldErrors(world.schema.errors(schema, values), request.method === "PATCH"),
    };
}

export function readBody(context: Context, schema: Fields): Fields {
    const { body, errors } = parseBody(context, schema, new Set());
    if (Object.keys(errors).length) throw new InvalidRequest(errors);
    return body;
}

/** A body that is not JSON: 415. */
export class UnsupportedMediaType extends Error {
    constructor(contentType: string) {
        super(`Unsupported media type "${contentType}" in request.`);
    }
}
