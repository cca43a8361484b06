/**
 * Conditions of policies, as zot 2.1.20 has them: CEL over one variable `req`, whose members may be anything. All of a
 * policy's have to hold; one that fails, or comes to no truth value, refuses without a message.
 */
import type * as Library from "@bufbuild/cel";

export interface Condition {
    expression: string;
    message: string;
}

/** What conditions are asked about. */
export interface Asked {
    userName: string;
    groups: readonly string[];
    isAdmin: boolean;
    action: string;
    repository: string;
    /** A tag or a digest; empty if the route has none. */
    reference: string;
    method: string;
    userAgent: string;
    /** Of the other side of the connection. */
    address: string;
    forwardedFor: readonly string[];
    isTls: boolean;
}

/** Loaded where a config has conditions: it takes a tenth of a second. */
let loaded: { cel: typeof Library; environment: Library.CelEnv } | undefined;

function library(): NonNullable<typeof loaded> {
    if (!loaded) {
        const cel = require("@bufbuild/cel") as typeof Library;
        const { strings } = require("@bufbuild/cel/ext") as { strings: Library.CelFunc[] };
        const variables = { req: cel.mapType(cel.CelScalar.STRING, cel.CelScalar.DYN) };
        loaded = { cel, environment: cel.celEnv({ variables, funcs: strings }) };
    }
    return loaded;
}

/** What an expression comes to, or why it comes to nothing. */
function valueFor(expression: string, asked: Asked): { value: unknown } | { failure: string } {
    const { cel, environment } = library();
    try {
        const value = cel.plan(environment, cel.parse(expression))({ req: requestOf(asked) as Library.CelInput });
        return cel.isCelError(value) ? { failure: value.message } : { value };
    } catch (error) {
        return { failure: (error as Error).message };
    }
}

const NOBODY: Asked = {
    ...{ userName: "", groups: [], isAdmin: false, action: "read", repository: "", reference: "" },
    ...{ method: "GET", userAgent: "", address: "", forwardedFor: [], isTls: false },
};

/** Why zot would not start with such a condition, or undefined: it is no CEL, or names what there is not. */
export function mistakeIn(expression: string): string | undefined {
    try {
        library().cel.parse(expression);
    } catch (error) {
        return (error as Error).message;
    }
    const answer = valueFor(expression, NOBODY);
    return "failure" in answer && /^(unresolved attribute|unbound function)/.test(answer.failure)
        ? answer.failure
        : undefined;
}

/** Whether all conditions hold; where one does not, with its message. */
export function meets(conditions: readonly Condition[], asked: Asked): { met: boolean; message: string } {
    for (const { expression, message } of conditions) {
        const answer = valueFor(expression, asked);
        const value = "value" in answer ? answer.value : undefined;
        if (value !== true) return { met: false, message: value === false ? message : "" };
    }
    return { met: true, message: "" };
}

function requestOf({ userName, groups, action, repository, reference, ...rest }: Asked): object {
    const isDigest = reference.includes(":");
    return {
        time: library().cel.run(`timestamp("${new Date().toISOString()}")`),
        method: rest.method,
        userAgent: rest.userAgent,
        action,
        repository,
        reference,
        referenceType: reference === "" ? "" : isDigest ? "digest" : "tag",
        tag: isDigest ? "" : reference,
        digest: isDigest ? reference : "",
        user: { username: userName, groups: [...groups] },
        auth: { anonymous: userName === "", admin: rest.isAdmin },
        client: { ip: rest.address, forwardedFor: [...rest.forwardedFor] },
        tls: { enabled: rest.isTls, version: rest.isTls ? "1.3" : "" },
        claims: {},
    };
}
