/**
 * Finds conditions that zot accepts but then never satisfies, and conditions that are satisfied more often than they
 * seem to say (zot 2.1.20). Each mistake is the middle of a sentence. Pure, except that it loads the library.
 */
import { ACTIONS, type Action } from "../settings/actions";
import { editDistance } from "../settings/editDistance";
import { shown } from "../settings/setting";
import { type Expr, evaluated, OWN_NAMES, parseCel, partsOf, requestPath, textOf, timestamp, variablesOf } from "./cel";
import { type KnownRequest, truthOf } from "./truth";

/** What zot tells a condition about a request: members and their members. `claims` comes from the identity provider. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
    time: [],
    method: [],
    userAgent: [],
    action: [],
    repository: [],
    reference: [],
    referenceType: [],
    tag: [],
    digest: [],
    user: ["username", "groups"],
    auth: ["anonymous", "admin"],
    client: ["ip", "forwardedFor"],
    tls: ["enabled", "version"],
    claims: [],
};
const TRUTHS = ["auth.anonymous", "auth.admin", "tls.enabled"];

/**
 * What is wrong with an expression in itself.
 *
 * @param expression CEL, as it stands in zot's config
 */
export function expressionMistakes(expression: string): string[] {
    const tree = parseCel(expression);
    if (typeof tree === "string") {
        const optional = /\.\?|\[\?/.test(expression);
        const instead = optional
            ? "optional members (.?) are not read here; ask by has(req.claims.name) && … instead"
            : "write it otherwise";
        return [`${shown(expression)} cannot be read as CEL (${tree}); ${instead}`];
    }
    const names = unknownNames(tree);
    if (names.length > 0) return names.map((name) => `${shown(expression)} names ${name}`);
    const atoms = atomsOf(tree);
    const failing = atoms.filter(
        (atom) => !isOpen(atom) && samples().every((one) => evaluated(atom, one) === undefined),
    );
    if (failing.length > 0)
        return failing.map(
            (atom) =>
                `${shown(textOf(atom))} fails for every request, and zot then refuses without giving a reason; ` +
                "compare values of one kind",
        );
    const untrue = atoms.find(isNoTruth);
    if (untrue)
        return [
            `${shown(textOf(untrue))} is no truth value, and zot then refuses without giving a reason; ` +
                "compare it with something",
        ];
    return [...opensMore(tree), ...alwaysMet(expression)];
}

/** A condition that holds for every request, and so restricts nothing. */
function alwaysMet(expression: string): string[] {
    const { yes, no, fails } = truthOf(expression, {});
    return yes && !no && !fails ? [`${shown(expression)} holds for every request; leave it out`] : [];
}

/** Variables and members that zot does not know, as nouns. */
const unknownNames = (tree: Expr): string[] => [
    ...variablesOf(tree)
        .filter((name) => name !== "req" && !OWN_NAMES.includes(name))
        .map((name) => `${name}, which zot does not have; the only variable is req, such as req.repository`),
    ...unknownMembers(tree),
];

function unknownMembers(tree: Expr): string[] {
    const path = requestPath(tree);
    if (path === undefined) return partsOf(tree).flatMap(unknownMembers);
    const [member, inner] = path;
    if (member === undefined || member === "claims") return [];
    if (!Object.hasOwn(MEMBERS, member))
        return [`req.${member}, which zot does not have${meant("req.", member, Object.keys(MEMBERS))}`];
    const inside = MEMBERS[member]!;
    if (inner === undefined || inside.length === 0 || inside.includes(inner)) return [];
    return [`req.${member}.${inner}, which zot does not have${meant(`req.${member}.`, inner, inside)}`];
}

function meant(before: string, name: string, names: readonly string[]): string {
    const [nearest] = names
        .map((other) => ({ other, distance: editDistance(name.toLowerCase(), other.toLowerCase()) }))
        .sort((left, right) => left.distance - right.distance);
    const known = `there are ${names.map((other) => `${before}${other}`).join(", ")}`;
    return nearest && nearest.distance <= 2 ? `; ${before}${nearest.other} was meant?` : `; ${known}`;
}

/** The operands of `&&`, `||`, `!` and `?:`, each of which must be a truth value. */
function atomsOf(tree: Expr): Expr[] {
    const call = tree.exprKind.case === "callExpr" ? tree.exprKind.value : undefined;
    return ["_&&_", "_||_", "!_", "_?_:_"].includes(call?.function ?? "") ? call!.args.flatMap(atomsOf) : [tree];
}

/** Whether it depends on what is unknown here: what a login says, or a function of one of zot's extensions. */
const isOpen = (tree: Expr): boolean =>
    requestPath(tree)?.[0] === "claims" ||
    (tree.exprKind.case === "identExpr" && OWN_NAMES.includes(tree.exprKind.value.name)) ||
    partsOf(tree).some(isOpen);

/**
 * Whether every sample for which an expression has a value, or at least one, gives something other than a truth value.
 */
function isNoTruth(atom: Expr): boolean {
    const path = requestPath(atom);
    if (path !== undefined && !(atom.exprKind.case === "selectExpr" && atom.exprKind.value.testOnly))
        return path[0] !== "claims" && !TRUTHS.includes(path.join("."));
    return samples().some((sample) => {
        const value = evaluated(atom, sample);
        return value !== undefined && typeof value !== "boolean";
    });
}

let sampled: KnownRequest[] | undefined;
/** Complete requests: for a tag, a digest and a blob; with optional parts present and empty. */
function samples(): KnownRequest[] {
    const digest = `sha256:${"0f".repeat(32)}`;
    const of = (reference: string, more: object): KnownRequest => ({
        time: timestamp("2026-11-29T08:00:00Z"),
        method: "PUT",
        userAgent: "crane/0.22.1",
        action: "create",
        repository: "team/app",
        reference,
        referenceType: reference === "" ? "" : reference === digest ? "digest" : "tag",
        tag: reference === digest ? "" : reference,
        digest: reference === digest ? digest : "",
        user: { username: "zot-ci", groups: ["artifact-workloads", "b"] },
        auth: { anonymous: false, admin: false },
        client: { ip: "192.0.2.7", forwardedFor: ["198.51.100.1", "192.0.2.1", "192.0.2.2"] },
        tls: { enabled: true, version: "1.3" },
        // What a login says is unknown. An expression that reads it fails here, and is not reported.
        claims: {},
        ...more,
    });
    sampled ??= [
        of("v1.4.2", {}),
        of(digest, {}),
        of("", { client: { ip: "192.0.2.7", forwardedFor: [] }, tls: { enabled: false, version: "" } }),
    ];
    return sampled;
}

/** Members for which finding a part of the text is not the same as comparing it. */
const NAMED = ["repository", "reference", "tag", "digest", "user.username", "client.ip"];

/** Where an expression is satisfied by more than it seems to say. */
function opensMore(tree: Expr): string[] {
    const found: string[] = [];
    const paths = new Set<string>();
    const walk = (part: Expr): void => {
        const path = requestPath(part)?.join(".");
        if (path !== undefined) paths.add(path);
        const call = part.exprKind.case === "callExpr" ? part.exprKind.value : undefined;
        const receiver = call?.target && requestPath(call.target)?.join(".");
        const argument = call?.args[0]?.exprKind;
        const constant = argument?.case === "constExpr" ? argument.value.constantKind : undefined;
        if (receiver !== undefined && NAMED.includes(receiver) && constant?.case === "stringValue")
            found.push(...looseText(call!.function, receiver, constant.value, textOf(part)));
        partsOf(part).forEach(walk);
    };
    walk(tree);
    if (paths.has("userAgent"))
        found.push("req.userAgent is what a client says about itself: anyone may send another one");
    const isForwarded = [...paths].some((path) => path.startsWith("client.forwardedFor"));
    if (isForwarded && !paths.has("client.ip"))
        found.push(
            "req.client.forwardedFor is a header that anyone may send; " +
                'also ask for the proxy\'s address: req.client.ip == "192.0.2.1" && …',
        );
    return found;
}

function looseText(method: string, member: string, text: string, written: string): string[] {
    const hint = (words: string) => [`${shown(written)} ${words}`];
    if (method === "matches" && !isWhole(text))
        return hint(
            `finds its text anywhere in req.${member}; write matches("^(?:…)$"), with .* where more may follow`,
        );
    if (method === "contains") return hint(`finds its text anywhere in req.${member}; compare the whole text`);
    if (method === "startsWith" && member === "repository" && !text.endsWith("/"))
        return hint(`also holds for ${text}x/…; end it in a slash, or write matches("^${text}.*$") if that is meant`);
    if (method === "startsWith" && member === "client.ip" && !/[.:]$/.test(text))
        return hint(`also holds for ${text}0 and the like; end it in a dot`);
    if (method === "endsWith" && member === "repository" && !text.startsWith("/"))
        return hint(`also holds for x${text}; begin it with a slash, or write matches("^.*${text}$") if that is meant`);
    return [];
}

/** Whether a regular expression matches only a whole text: anchored at both ends, no choice outside of parentheses. */
function isWhole(source: string): boolean {
    if (!source.startsWith("^") || !/[^\\]\$$/.test(source)) return false;
    let depth = 0;
    for (const [token] of source.matchAll(/\\.|\[\^?\]?[^\]]*\]|[()|]/g)) {
        if (token === "(") depth++;
        if (token === ")") depth--;
        if (token === "|" && depth === 0) return false;
    }
    return true;
}

/** Requests that every push or pull makes besides the one for its tag, with words for them. */
const NEEDED: Partial<Record<Action, { reference: "" | "digest"; words: string }[]>> = {
    read: [
        { reference: "", words: "pulls of blobs" },
        { reference: "digest", words: "pulls by digest" },
    ],
    create: [
        { reference: "", words: "uploads of blobs, so that nothing can be pushed" },
        { reference: "digest", words: "pushes by digest (each platform of an image)" },
    ],
    update: [{ reference: "digest", words: "a push of a digest with ?tag=" }],
};

/**
 * What a grant stops besides what it seems to be about.
 *
 * @param conditions expressions, all of which must hold
 * @param actions the actions that nothing else grants to the same users and groups
 */
export function stoppedBy(conditions: readonly string[], actions: readonly Action[]): string[] {
    return ACTIONS.filter((action) => actions.includes(action)).flatMap((action) => {
        const mayHold = (reference: KnownRequest) =>
            conditions.every((condition) => truthOf(condition, { action, ...reference }).yes);
        if (!mayHold({ referenceType: "tag" })) return [];
        const stopped = (NEEDED[action] ?? []).filter(({ reference }) => !mayHold(REQUESTS[reference]));
        if (stopped.length === 0) return [];
        const instead = 'one that begins with req.referenceType != "tag" || lets them pass';
        return [
            `the condition also stops, for ${action}, ${stopped.map(({ words }) => words).join(" and ")}; ${instead}`,
        ];
    });
}

const REQUESTS: Record<"" | "digest", KnownRequest> = {
    "": { reference: "", referenceType: "", tag: "", digest: "" },
    digest: { referenceType: "digest", tag: "" },
};
