/**
 * Reads and evaluates expressions in CEL with the library. The library takes a tenth of a second to load, so it is
 * loaded only if a config has a condition of the site's own; few have one.
 */
import type * as Library from "@bufbuild/cel";

export type Expr = NonNullable<ReturnType<typeof Library.parse>["expr"]>;
export type Value = Library.CelValue;

let loaded: { cel: typeof Library; environment: Library.CelEnv } | undefined;

function library(): NonNullable<typeof loaded> {
    if (!loaded) {
        const cel = require("@bufbuild/cel") as typeof Library;
        const { strings } = require("@bufbuild/cel/ext") as { strings: Library.CelFunc[] };
        // zot's declaration: a map from names to anything.
        const variables = { req: cel.mapType(cel.CelScalar.STRING, cel.CelScalar.DYN) };
        loaded = { cel, environment: cel.celEnv({ variables, funcs: strings }) };
    }
    return loaded;
}

const parsed = new Map<string, Expr | string>();

/** The expression's tree, or the reason why there is none, as the middle of a sentence. */
export function parseCel(expression: string): Expr | string {
    const known = parsed.get(expression);
    if (known !== undefined) return known;
    let answer: Expr | string;
    try {
        answer = library().cel.parse(expression).expr ?? "it is empty";
    } catch (error) {
        answer = (error as Error).message.split("\n")[0]!.replace(/^<input>:/, "line ");
    }
    parsed.set(expression, answer);
    return answer;
}

/** The value of an expression; undefined if its evaluation fails, which zot treats as a refusal. */
export function evaluated(expression: Expr, req: object): Value | undefined {
    const { cel, environment } = library();
    try {
        const value = cel.plan(environment, expression)({ req: req as Library.CelInput });
        return cel.isCelError(value) ? undefined : value;
    } catch {
        return undefined;
    }
}

/** An expression as text again. */
export const textOf = (expression: Expr): string => library().cel.unparse(expression);

/** A point in time as a value of CEL. */
export const timestamp = (rfc3339: string): Value => library().cel.run(`timestamp("${rfc3339}")`) as Value;

/** The path of a member of the request, starting at `req`; undefined for anything else. */
export function requestPath(expression: Expr): string[] | undefined {
    const { exprKind } = expression;
    if (exprKind.case === "identExpr") return exprKind.value.name === "req" ? [] : undefined;
    if (exprKind.case === "selectExpr") {
        const above = exprKind.value.operand && requestPath(exprKind.value.operand);
        return above && [...above, exprKind.value.field];
    }
    if (exprKind.case === "callExpr" && exprKind.value.function === "_[_]") {
        const [operand, key] = exprKind.value.args;
        const above = operand && requestPath(operand);
        const constant = key?.exprKind.case === "constExpr" ? key.exprKind.value.constantKind : undefined;
        return above && constant?.case === "stringValue" ? [...above, constant.value] : undefined;
    }
    return undefined;
}

/** The direct parts of an expression. */
export function partsOf({ exprKind }: Expr): Expr[] {
    const parts = ((): (Expr | undefined)[] => {
        switch (exprKind.case) {
            case "selectExpr":
                return [exprKind.value.operand];
            case "callExpr":
                return [exprKind.value.target, ...exprKind.value.args];
            case "listExpr":
                return exprKind.value.elements;
            case "structExpr":
                return exprKind.value.entries.flatMap(({ keyKind, value }) => [
                    keyKind.case === "mapKey" ? keyKind.value : undefined,
                    value,
                ]);
            case "comprehensionExpr": {
                const { iterRange, accuInit, loopCondition, loopStep, result } = exprKind.value;
                return [iterRange, accuInit, loopCondition, loopStep, result];
            }
            default:
                return [];
        }
    })();
    return parts.filter((part) => part !== undefined);
}

/** Names that a part of an expression defines for itself (`groups.exists(group, …)`). */
export function namesBoundBy({ exprKind }: Expr): string[] {
    if (exprKind.case !== "comprehensionExpr") return [];
    const { iterVar, iterVar2, accuVar } = exprKind.value;
    return [iterVar, iterVar2, accuVar];
}

/** The variables that an expression reads, including `req`. */
export function variablesOf(tree: Expr, bound: readonly string[] = []): string[] {
    if (tree.exprKind.case === "identExpr") {
        const { name } = tree.exprKind.value;
        return bound.includes(name) ? [] : [name];
    }
    const inner = [...bound, ...namesBoundBy(tree)];
    return partsOf(tree).flatMap((part) => variablesOf(part, inner));
}

/** Names that CEL and zot's extensions define: types, and the first part of a function's name. */
export const OWN_NAMES: readonly string[] = [
    ...["int", "uint", "double", "bool", "string", "bytes", "list", "map", "null_type", "type"],
    ...["sets", "base64", "optional", "google"],
];
