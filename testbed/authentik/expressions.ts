/** What an expression policy can look at. */
export interface ExpressionContext {
    /** `request.context["pending_user"].username`; undefined before a user has been identified. */
    readonly pendingUsername: string | undefined;
    /** Whether a backend has authenticated the pending user. */
    readonly authenticated: boolean;
    /** Whether the policy is asked while a flow is carried out. */
    readonly inFlow: boolean;
}

export type Evaluate = (context: ExpressionContext) => boolean;

/** The two expressions of the default authentication flow (its blueprint), by what marks each. */
const ofTheDefaultFlow: readonly { mark: string; evaluate: Evaluate }[] = [
    // The password stage is skipped for a user whom an earlier stage has authenticated.
    {
        mark: 'return not hasattr(flow_plan.context.get("pending_user"), "backend")',
        evaluate: (context) => !context.authenticated,
    },
    // The second factor is skipped after a passkey, which the stand-in does not have.
    { mark: 'return not (flow_plan.context.get("auth_method") == "auth_webauthn_pwl")', evaluate: () => true },
];

const comparison = /^request\.context\s*\[\s*(["'])pending_user\1\s*\]\.username\s*==\s*(["'])([^"'\\]*)\2$/;

/** What a scope mapping can say of a user. */
interface ClaimsContext {
    readonly username: string;
    readonly name: string;
    readonly email: string;
    readonly groups: readonly string[];
}

const names: Record<string, keyof ClaimsContext> = {
    "request.user.username": "username",
    "request.user.name": "name",
    "request.user.email": "email",
};
const listOfGroups = /^\[\s*group\.name\s+for\s+group\s+in\s+request\.user\.groups\.all\(\)\s*\]$/;

/**
 * Reads the expression of a scope mapping as the default ones are: `return { "claim": VALUE, … }` of True, False, None,
 * `request.user.username`, `.name`, `.email` and the list of the names of the user's groups.
 */
export function parseClaims(expression: string): (context: ClaimsContext) => Record<string, unknown> {
    const [, inner = ""] = /^return\s*\{([\s\S]*)\}$/.exec(expression.trim()) ?? [];
    const claims = [...inner.matchAll(/"(\w+)"\s*:\s*(\[[^\]]*\]|[\w.]+)/g)].map(
        ([, name = "", value = ""]) => [name, value] as const,
    );
    return (context) => Object.fromEntries(claims.map(([name, value]) => [name, claimOf(value, context)]));
}

function claimOf(text: string, context: ClaimsContext): unknown {
    const constants: Record<string, unknown> = { True: true, False: false, None: null };
    if (text in constants) return constants[text];
    const member = names[text];
    if (member) return context[member];
    if (listOfGroups.test(text)) return context.groups;
    throw new Error(`the stand-in for Authentik evaluates no ${text} in a scope mapping`);
}

/**
 * Reads an expression: `[return] request.context["pending_user"].username == "NAME"`, `[return] True` and `False`, and
 * those of the default authentication flow.
 *
 * @returns how to evaluate it, or, for anything else, a sentence that says what is understood: Authentik runs Python,
 * which a stand-in cannot, and a policy that is silently not evaluated would be a hole in a test.
 */
export function parseExpression(expression: string): Evaluate | string {
    const known = ofTheDefaultFlow.find(({ mark }) => expression.includes(mark));
    if (known) return known.evaluate;
    const lines = expression
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line && !line.startsWith("#"));
    const text = lines.join(" ").replace(/^return\s+/, "");
    if (lines.length === 1 && (text === "True" || text === "False")) return () => text === "True";
    const match = lines.length === 1 ? comparison.exec(text) : null;
    if (match) {
        // Outside a flow `request.context["pending_user"]` is a KeyError in Python: the policy fails.
        const [, , , name] = match;
        return ({ pendingUsername }) => pendingUsername === name;
    }
    return (
        "The stand-in for Authentik evaluates only expressions of the form " +
        'request.context["pending_user"].username == "NAME" (with or without "return"), True and False. ' +
        "Use a real Authentik (AUTHENTIK_URL, AUTHENTIK_TOKEN) for this one."
    );
}
