/** What an expression policy can look at. */
export interface ExpressionContext {
    /** `request.context["pending_user"].username`; undefined before a user has been identified. */
    readonly pendingUsername: string | undefined;
    /** Whether a backend has authenticated the pending user. */
    readonly authenticated: boolean;
    /** `request.user.username` */
    readonly username: string | undefined;
    /** Whether the policy is asked while a flow is carried out. */
    readonly inFlow: boolean;
}

export type Evaluate = (context: ExpressionContext) => boolean;

/** The two expressions of the default authentication flow (its blueprint), by what marks each. */
const ofTheDefaultFlow: readonly { mark: string; evaluate: Evaluate }[] = [
    // The password stage is skipped for a user whom an earlier stage has authenticated.
    { mark: 'return not hasattr(flow_plan.context.get("pending_user"), "backend")', evaluate: (context) => !context.authenticated },
    // The second factor is skipped after a passkey, which the stand-in does not have.
    { mark: 'return not (flow_plan.context.get("auth_method") == "auth_webauthn_pwl")', evaluate: () => true },
];

const comparison = /^request\.(?:context\s*\[\s*(["'])pending_user\1\s*\]|user)\.username\s*(==|!=)\s*(["'])([^"'\\]*)\3$/;

/**
 * Reads an expression: `[return] request.context["pending_user"].username == "NAME"` (or `!=`, or `request.user.username`), `[return]
 * True` and `False`, and those of the default authentication flow.
 *
 * @returns how to evaluate it, or, for anything else, a sentence that says what is understood: Authentik runs Python, which a stand-in
 * cannot, and a policy that is silently not evaluated would be a hole in a test.
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
        const [, , operator, , name] = match;
        const pending = text.startsWith("request.context");
        return (context) => {
            const username = pending ? context.pendingUsername : context.username;
            // Outside a flow `request.context["pending_user"]` is a KeyError in Python: the policy fails.
            if (username === undefined) return false;
            return operator === "==" ? username === name : username !== name;
        };
    }
    return (
        "The stand-in for Authentik evaluates only expressions of the form " +
        'request.context["pending_user"].username == "NAME" (with or without "return"), True and False. ' +
        "Use a real Authentik (AUTHENTIK_URL, AUTHENTIK_TOKEN) for this one."
    );
}
