/** Permissions: which there are, which roles hold them, giving and taking them. */

import type { Fields, Operation } from "./apiSchema";
import { type Answer, json, methodNotAllowed } from "./http";
import { isUuid } from "./identifiers";
import { demand, isKey, lookUp, notAmongChoices, paginated, sorted, visibleObjects } from "./lists";
import { type Context, InvalidRequest, UnhandledError } from "./objects/kind";
import { readBody } from "./writes";

export function listPermissions(context: Context): Answer {
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

export function listAssigned(context: Context): Answer {
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

export function assign(
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
