import type { ObjectStore } from "../store";
import type { Stored } from "../stored";
import { expressionPolicy } from "./expressionPolicies";
import { type Context, InvalidRequest, type ObjectKind, UnhandledError } from "./kind";
import { partialGroup, partialUser } from "./summaries";

const bindables = ["core/applications", "flows/instances", "flows/bindings"];

/**
 * Policy bindings, with their traps: a duplicate is accepted, and every update that leaves the two alike is then 400;
 * PATCH without `target` is an unhandled error (405, empty), without `group`, `user` or `policy` 400. A target may be
 * named by its own key or by its policybindingmodel_ptr_id, and is always shown by its own; the filter `target` knows
 * only the second.
 */
export const policyBindings: ObjectKind = {
    path: "policies/bindings",
    model: "authentik_policies.policybinding",
    className: "PolicyBinding",
    verboseName: "Policy Binding",
    applicationName: "authentik Policies",
    primaryKey: "uuid",
    pathParameter: "policy_binding_uuid",
    defaults: () => ({
        policy: null,
        group: null,
        user: null,
        negate: false,
        enabled: true,
        timeout: 30,
        failure_result: false,
        expires: null,
    }),
    references: {
        policy: { to: ["policies/expression"], whenDeleted: "cascade" },
        group: { to: ["core/groups"], whenDeleted: "cascade" },
        user: { to: ["core/users"], whenDeleted: "cascade" },
    },
    ordering: ["order", "pk"],
    search: [],
    choices: { target: bindingModels },
    checkMembers: ({ attributes }, { world }) => {
        if (attributes.target === undefined) return {};
        const target = bindingTarget(world.store, attributes.target as string);
        if (!target) return { target: [`Invalid pk "${String(attributes.target)}" - object does not exist.`] };
        attributes.target = target.bindingModel;
        return {};
    },
    validate: ({ method, attributes, existing }, { world }) => {
        if (attributes.target === undefined) throw new UnhandledError("PATCH of a policy binding without target");
        const set = ["group", "policy", "user"].filter(
            (name) => attributes[name] !== undefined && attributes[name] !== null,
        );
        if (set.length !== 1) {
            const rule = set.length
                ? "Only one of 'group', 'policy', 'user' can be set."
                : "One of 'group', 'policy', 'user' must be set.";
            throw new InvalidRequest({ non_field_errors: [rule] });
        }
        // A new one is held against others only where it binds a policy.
        if (method === "POST" && (attributes.policy === undefined || attributes.policy === null)) return;
        const after = { ...existing, ...attributes } as Stored;
        const twin = world.store
            .all("policies/bindings")
            .some(
                (other) =>
                    other.pk !== existing?.pk &&
                    other.policy === after.policy &&
                    other.target === after.target &&
                    other.order === after.order,
            );
        if (twin)
            throw new InvalidRequest({
                non_field_errors: ["The fields policy, target, order must make a unique set."],
            });
    },
    represent: (binding, { world }) => {
        const policy = binding.policy === null ? undefined : world.store.get("policies/expression", binding.policy);
        const group = binding.group === null ? undefined : world.store.get("core/groups", binding.group);
        const user = binding.user === null ? undefined : world.store.get("core/users", binding.user);
        return {
            pk: binding.pk,
            policy: binding.policy,
            group: binding.group,
            user: binding.user,
            policy_obj: policy ? expressionPolicy(policy, world) : null,
            group_obj: group ? partialGroup(group) : null,
            user_obj: user ? partialUser(user) : null,
            target: bindingTarget(world.store, binding.target as string)?.object.pk,
            negate: binding.negate,
            enabled: binding.enabled,
            order: binding.order,
            timeout: binding.timeout,
            failure_result: binding.failure_result,
            // Nothing that may be written: an access request that was granted gives it.
            expires: binding.expires ?? null,
            expiring: Boolean(binding.expires),
        };
    },
};

/** What a binding binds to, by its own key or its policybindingmodel_ptr_id. */
export function bindingTarget(store: ObjectStore, key: string): { object: Stored; bindingModel: string } | undefined {
    for (const path of bindables) {
        const member = store.kind(path).policyBindingModel as string;
        const object = store.all(path).find((candidate) => candidate.pk === key || candidate[member] === key);
        if (object) return { object, bindingModel: object[member] as string };
    }
    return undefined;
}

function bindingModels({ world: { store } }: Context): string[] {
    return bindables.flatMap((path) =>
        store.all(path).map((object) => object[store.kind(path).policyBindingModel as string] as string),
    );
}
