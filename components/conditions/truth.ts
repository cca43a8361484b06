/**
 * Evaluates a condition when only part of the request is known: whether it may hold, must hold, or may fail. `&&`,
 * `||`, `!` and `?:` are worked out here. The library evaluates their operands if everything that they read is known;
 * otherwise an operand may have any value. Pure, except that it loads the library.
 */
import { type Expr, evaluated, namesBoundBy, parseCel, partsOf, requestPath } from "./cel";

/**
 * The possible results of an expression. zot treats a failure as a refusal, and also a result that is no truth value.
 */
export interface Truth {
    yes: boolean;
    no: boolean;
    fails: boolean;
}

const YES: Truth = { yes: true, no: false, fails: false };
const NO: Truth = { yes: false, no: true, fails: false };
const FAILS: Truth = { yes: false, no: false, fails: true };
const ANYTHING: Truth = { yes: true, no: true, fails: true };

/** Known members of a request, nested as zot nests them (`req.user.groups`). An absent one may have any value. */
export type KnownRequest = { readonly [member: string]: unknown };

/** The possible results of a condition for such a request; any result if it cannot be read here. */
export function truthOf(expression: string, known: KnownRequest): Truth {
    const tree = parseCel(expression);
    return typeof tree === "string" ? ANYTHING : truthOfTree(tree, known);
}

/** The same for part of an expression. */
function truthOfTree(tree: Expr, known: KnownRequest): Truth {
    const call = tree.exprKind.case === "callExpr" ? tree.exprKind.value : undefined;
    const of = (part: Expr) => truthOfTree(part, known);
    switch (call?.function) {
        case "_&&_":
            return negated(call.args.map(of).map(negated).reduce(either));
        case "_||_":
            return call.args.map(of).reduce(either);
        case "!_":
            return negated(of(call.args[0]!));
        case "_?_:_": {
            const [test, then, otherwise] = call.args.map(of) as [Truth, Truth, Truth];
            const branches = [...(test.yes ? [then] : []), ...(test.no ? [otherwise] : [])];
            return branches.reduce(union, test.fails ? FAILS : { yes: false, no: false, fails: false });
        }
    }
    if (!pathsIn(tree).every((path) => path !== undefined && isKnown(known, path))) return ANYTHING;
    const value = evaluated(tree, known);
    return value === true ? YES : value === false ? NO : FAILS;
}

const negated = ({ yes, no, fails }: Truth): Truth => ({ yes: no, no: yes, fails });
const union = (one: Truth, other: Truth): Truth => ({
    yes: one.yes || other.yes,
    no: one.no || other.no,
    fails: one.fails || other.fails,
});
/** CEL's `||`: true takes precedence over a failure, and a failure over false. */
const either = (one: Truth, other: Truth): Truth => ({
    yes: one.yes || other.yes,
    no: one.no && other.no,
    fails: (one.fails && (other.no || other.fails)) || (other.fails && one.no),
});

/** The members of the request that an expression reads, as the longest paths written; undefined for any other name. */
function pathsIn(tree: Expr, bound: readonly string[] = []): (string[] | undefined)[] {
    const path = requestPath(tree);
    if (path) return [path];
    if (tree.exprKind.case === "identExpr") return bound.includes(tree.exprKind.value.name) ? [] : [undefined];
    const inner = [...bound, ...namesBoundBy(tree)];
    return partsOf(tree).flatMap((part) => pathsIn(part, inner));
}

/** Whether a member is known. A map that is read as a whole may hold more than what is known. */
function isKnown(known: unknown, path: readonly string[]): boolean {
    const isPart = known !== null && typeof known === "object" && !Array.isArray(known);
    const [member, ...rest] = path;
    if (member === undefined) return !isPart;
    return !isPart || (Object.hasOwn(known, member) && isKnown((known as KnownRequest)[member], rest));
}
