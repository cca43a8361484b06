/**
 * Each function of the host script says above itself which variables of the script it reads and sets, and what it
 * prints. A shell has no variables of a function's own: what a function uses for itself (its scratch) must be nobody
 * else's.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { functionsOf, type ShellFunction } from "./shellFunctions";

const root = join(__dirname, "../..");
const files = [
    ...readdirSync(join(root, "host"))
        .filter((name) => name.endsWith(".sh"))
        .map((name) => `host/${name}`),
    "providers/zot/hostObservation.sh",
];
const parsed = files.map((file) => functionsOf(file, readFileSync(join(root, file), "utf8")));
const functions = parsed.flatMap((one) => one.functions);

/** Variables of the script: what a function reads that it does not set itself, and what is set outside of functions. */
const shared = new Set([
    ...functions.flatMap(({ reads, assigns, inner }) =>
        [...reads].filter((name) => !assigns.has(name) && !inner.has(name)),
    ),
    ...parsed.flatMap(({ outside }) => [...outside.assigns]),
]);

const HEADER =
    /^# Reads: (?<reads>[\w ]+|-)\. Sets: (?<sets>[\w ]+|-)\. Prints: (?<prints>.+?)\.(?: Scratch: (?<scratch>[\w ]+)\.)?$/;

/** The last sentence of the comment, in one line. */
function headerOf({ header }: ShellFunction): string {
    const lines = header.split("\n").filter((line) => line !== "" && !line.startsWith("# shellcheck"));
    const begin = lines.findIndex((line) => line.startsWith("# Reads: "));
    return begin < 0 ? "" : lines.slice(begin).join("\n").replace(/\n# +/g, " ");
}

const list = (names: Iterable<string>) => [...names].sort().join(" ") || "-";

function expected({ reads, assigns, isSubshell }: ShellFunction): Record<string, string> {
    const kept = isSubshell ? [] : [...assigns];
    return {
        reads: list([...reads].filter((name) => shared.has(name) && !(isSubshell && assigns.has(name)))),
        sets: list(kept.filter((name) => shared.has(name))),
        scratch: list(kept.filter((name) => !shared.has(name))),
    };
}

test("there are many of them", () => expect(functions.length).toBeGreaterThan(180));

test("each has a header in the one form, and it is true", () => {
    const wrong = functions.flatMap((one) => {
        const groups = HEADER.exec(headerOf(one))?.groups;
        if (!groups) return [`${one.file}: ${one.name} has no line "# Reads: … Sets: … Prints: …"`];
        return Object.entries(expected(one))
            .filter(([field, names]) => list((groups[field] ?? "-").split(" ").filter(Boolean)) !== names)
            .map(
                ([field, names]) => `${one.file}: ${one.name} ${field} ${names}, and its header says ${groups[field]}`,
            );
    });
    expect(wrong).toEqual([]);
});

test("what a function calls leaves its scratch alone", () => {
    /**
     * Everything that a call sets on its way, with whose it is; not what ends the script, after which nothing is read.
     */
    const setBy = ({ calls }: ShellFunction, seen = new Set<string>()): [string, string][] =>
        functions
            .filter(({ name, isSubshell }) => calls.has(name) && name !== "fail" && !isSubshell && !seen.has(name))
            .flatMap((called) => {
                seen.add(called.name);
                return [
                    ...[...called.assigns].map((name): [string, string] => [name, called.name]),
                    ...setBy(called, seen),
                ];
            });
    const overwritten = functions.flatMap((one) =>
        setBy(one)
            .filter(([name]) => one.assigns.has(name) && !shared.has(name))
            .map(([name, by]) => `${one.file}: ${one.name} uses ${name}, which ${by} sets`),
    );
    expect(overwritten).toEqual([]);
});

describe("the reader of shell text", () => {
    const of = (text: string) => {
        const { functions: found } = functionsOf("x.sh", text);
        const { reads, assigns, inner, calls } = found[0] as ShellFunction;
        return { reads: list(reads), assigns: list(assigns), inner: list(inner), calls: list(calls) };
    };

    test.each([
        ["an assignment", "f() {\n    a=$b\n}\n", { reads: "b", assigns: "a" }],
        ["of a command alone", 'f() {\n    LC_ALL=C awk "$b"\n}\n', { reads: "b", assigns: "-" }],
        ["in a subshell", "f() {\n    a=$(b=1; echo $c)\n    (d=2)\n}\n", { assigns: "a", inner: "b d" }],
        ["in quotes of either kind", `f() {\n    a='$b' c="$d"\n}\n`, { reads: "d", assigns: "a c" }],
        ["of a loop and of read", "f() {\n    for a in $b; do read -r c; done\n}\n", { assigns: "a c", reads: "b" }],
        [
            "in a branch of case",
            "f() {\n    case $a in\n    b | c) d=1 ;;\n    esac\n}\n",
            { assigns: "d", reads: "a" },
        ],
        ["after a condition", 'f() { [ -z "$a" ] || b=1; }\n', { assigns: "b", reads: "a" }],
        ["in arithmetic", "f() {\n    a=$((b + ${c:-0} + 1))\n}\n", { assigns: "a", reads: "b c" }],
        ["in a comment", "f() {\n    # a=1 of $b\n    g\n}\n", { assigns: "-", reads: "-", calls: "g" }],
    ])("%s", (_what, text, found) => expect(of(text)).toMatchObject(found));

    test("a body in brackets is a subshell", () => {
        expect(functionsOf("x.sh", "f() (\n    a=1\n)\n").functions[0]).toMatchObject({ isSubshell: true });
    });
});
