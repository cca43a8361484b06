import { type ExpressionContext, parseExpression } from "./expressions";
import type { World } from "./objects/kind";
import type { Stored } from "./stored";

/** Decides by the policy bindings of an application, a flow or a stage's binding. Without bindings everybody passes. */
export class PolicyEngine {
    constructor(
        private readonly world: World,
        private readonly target: Stored,
    ) {}

    /**
     * Whether a user passes. Bindings to groups and users are looked at together, as Authentik does: in mode `any` one
     * of them must match, in mode `all` each.
     */
    passes(user: Stored | undefined, expressionContext: Partial<ExpressionContext> = {}): boolean {
        const { store, permissions } = this.world;
        const key = this.target.policybindingmodel_ptr_id ?? this.target.pk;
        const bindings = store
            .all("policies/bindings")
            .filter((binding) => binding.target === key && binding.enabled === true);
        if (!bindings.length) return true;
        const all = this.target.policy_engine_mode === "all";
        const groups = new Set(user ? permissions.groupsOf(user).map((group) => group.pk) : []);
        const results: boolean[] = [];
        const direct = bindings.filter((binding) => binding.policy === null);
        if (direct.length) {
            const matching = direct.filter((binding) => {
                if (!user) return false;
                const member = binding.group === null ? binding.user === user.pk : groups.has(binding.group as string);
                return member !== (binding.negate === true);
            });
            results.push(all ? matching.length === direct.length : matching.length > 0);
        }
        const context: ExpressionContext = {
            pendingUsername: undefined,
            authenticated: false,
            inFlow: false,
            ...expressionContext,
        };
        for (const binding of bindings.filter((candidate) => candidate.policy !== null)) {
            const policy = store.get("policies/expression", binding.policy) as Stored;
            const evaluate = parseExpression(policy.expression as string);
            if (typeof evaluate === "string") {
                this.world.log(`policy ${policy.name as string}: ${evaluate}`);
                results.push(binding.failure_result === true);
            } else {
                results.push(evaluate(context) !== (binding.negate === true));
            }
        }
        return all ? results.every(Boolean) : results.some(Boolean);
    }
}
