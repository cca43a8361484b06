/** The body of a request: what it sets, and what is wrong with it. */
import type { FieldErrors, Fields, Operation } from "./apiSchema";
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
    const attributes = readBody(context, operation.request as Fields, unknownMembers(kind, world, "written"));
    const errors: FieldErrors = {};
    for (const [member, reference] of Object.entries(kind.references ?? {})) {
        const keys = ([] as unknown[]).concat(attributes[member] ?? []);
        const missing = keys.find((key) => !reference.to.some((path) => world.store.get(path, key)));
        if (missing !== undefined) errors[member] = [`Invalid pk "${String(missing)}" - object does not exist.`];
    }
    for (const [member, { message, among }] of Object.entries(kind.unique ?? {})) {
        const value = attributes[member];
        if (value === undefined || value === null) continue;
        const taken = (among ?? [kind.path]).some((path) =>
            world.store.all(path).some((other) => other !== existing && other[member] === value),
        );
        if (taken) errors[member] = [message];
    }
    const change: Change = { method, attributes, existing };
    Object.assign(errors, kind.checkMembers?.(change, context));
    if (Object.keys(errors).length) throw new InvalidRequest(errors);
    kind.validate?.(change, context);
    return change;
}

/** The members of a JSON body that the operation knows; the rest is ignored, as by Authentik. */
export function readBody({ world, request }: Context, schema: Fields, ignored: readonly string[] = []): Fields {
    const sent = request.body.length ? (JSON.parse(request.body.toString("utf8")) as Fields) : {};
    const body = Object.fromEntries(
        Object.keys(world.schema.properties(schema))
            .filter((name) => name in sent && !ignored.includes(name))
            .map((name) => [name, trimmed(sent[name])]),
    );
    const errors: FieldErrors = {};
    for (const { keyword, instancePath, params, message } of world.schema.errors(schema, body)) {
        const [, member = String(params.missingProperty)] = instancePath.split("/");
        errors[member] ??= [keyword === "required" ? "This field is required." : `${message ?? "does not fit"}.`];
    }
    if (Object.keys(errors).length) throw new InvalidRequest(errors);
    return body;
}

/** Texts as Authentik stores them, without white space around them. */
const trimmed = (value: unknown): unknown => (typeof value === "string" ? value.trim() : value);
