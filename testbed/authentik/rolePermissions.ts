/** Permissions: which there are, which roles hold them on an object, giving and taking them. */

import type { Fields, Operation } from "./apiSchema";
import { type Answer, json } from "./http";
import { demand, lookUp, paginated, visibleObjects } from "./lists";
import { type Context, UnhandledError } from "./objects/kind";
import { readBody } from "./writes";

export function listPermissions(context: Context): Answer {
    const { world, request } = context;
    const role = request.query.get("role");
    const held = new Set(
        world.store
            .grants()
            .filter((grant) => grant.role === role && grant.objectPk === undefined)
            .map((grant) => grant.permission),
    );
    const rows = world.permissions.rows.filter((row) => role === null || held.has(`${row.app_label}.${row.codename}`));
    return paginated(request, rows, (row) => row);
}

export function listAssigned(context: Context): Answer {
    const { world, request } = context;
    const visible = visibleObjects(context, world.store.kind("rbac/roles"));
    const [model, objectPk] = [request.query.get("model"), request.query.get("object_pk")];
    const grants = world.store.grants();
    const concerned = visible.filter((role) =>
        grants.some((grant) => grant.role === role.pk && grant.model === model && grant.objectPk === objectPk),
    );
    return paginated(request, concerned, (role) => {
        const show = (onObjects: boolean) =>
            grants
                .filter((grant) => grant.role === role.pk && (grant.objectPk !== undefined) === onObjects)
                .map((grant) => {
                    const row = world.permissions.row(grant.permission);
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
    demand(context, `authentik_rbac.${verb}_role_permissions`);
    const role = lookUp(world, world.store.kind("rbac/roles"), key);
    // A POST on an object counts as making one, a PATCH as changing it.
    demand(context, verb === "assign" ? "authentik_rbac.add_role" : "authentik_rbac.change_role", {
        model: "authentik_rbac.role",
        pk: role.pk,
    });
    const body = readBody(context, operation(request.method)?.request as Fields);
    const permissions = body.permissions as string[];
    const { model, object_pk: objectPk } = body as { model?: string; object_pk?: string };
    const kind = world.store.allKinds().find((candidate) => candidate.model === model);
    // A trap of Authentik: what is asked for on an object that does not exist is granted on every object.
    const object = kind && objectPk !== undefined ? world.store.get(kind.path, objectPk) : undefined;
    const grants = permissions.map((permission) => {
        // A bare code name, and a permission that is not there, are unhandled errors.
        const row = world.permissions.row(permission);
        if (!row) throw new UnhandledError(`no permission ${permission}`);
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
