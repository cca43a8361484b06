/** What requests of a registry cost: how figures become rows, and what the registries are. */
import { SHAPES, withoutLogins } from "../../../testbed/bench/registries";
import { comparisonsOf } from "../../../testbed/bench/registry";
import { type Answered, processorSecondsIn } from "../../../testbed/bench/requests";
import { identities, teamRules } from "../../../testbed/bench/shapes";
import { siteSettings } from "../../support/settings";

/** Each series the same, but for one. */
function resultsWith(name: string, own: Answered, all: Answered): Record<string, Answered[]> {
    const operations = ["pull", "pull by key", "push by key", "push"];
    const names = Object.keys(SHAPES).flatMap((shape) => operations.map((operation) => `${shape}: ${operation}`));
    return Object.fromEntries(names.map((one) => [one, [one === name ? own : all]]));
}

const usual: Answered = { requests: 100, seconds: 0.5, processorSeconds: 0.1 };

test("a row for a request's time on a processor, and one for the requests of a second", () => {
    const slow = { requests: 100, seconds: 2, processorSeconds: 0.8 };
    const rows = comparisonsOf(resultsWith("1000 rules: pull by key", slow, usual));
    const own = rows.filter(({ name }) => name === "pull by key, 1000 rules");
    expect(own.map(({ with: other, ours, other: theirs, unit }) => [other, ours, theirs, unit])).toEqual([
        ["one rule", 8, 1, "ms"],
        ["one rule", 50, 200, "/s"],
    ]);
    expect(own.map(({ ratio }) => ratio)).toEqual([8, 0.25]);
    expect(rows.filter(({ ratio }) => ratio !== 1)).toEqual(own);
});

test("what CI pushes by its key stands beside what anyone pushes to a bare one", () => {
    const rows = comparisonsOf(resultsWith("bare: push", { ...usual, processorSeconds: 0.05 }, usual));
    expect(rows.filter(({ ratio }) => ratio !== 1).map(({ name, with: other }) => [name, other])).toEqual([
        ["push by key", "a bare zot's push"],
    ]);
});

test("without /proc there are the requests of a second alone", () => {
    const { processorSeconds, ...without } = usual;
    expect(processorSeconds).toBe(0.1);
    const rows = comparisonsOf(resultsWith("", usual, without));
    expect(new Set(rows.map(({ unit }) => unit))).toEqual(new Set(["/s"]));
});

test("the processor time of a process is that of itself and of the kernel for it, whatever its name", () => {
    const stat = "77 (a ) 1 2 b) S 1 77 77 0 -1 4194560 900 0 3 0 250 50 9 9 20 0 12 0 1234 567 89";
    expect(processorSecondsIn(stat)).toBe(3);
});

test("a bare registry has neither logins nor rights, and all else as it was", () => {
    const http = { port: "1", auth: { apikey: true }, accessControl: { repositories: {} } };
    const config = { http, storage: { rootDirectory: "/images" } };
    expect(withoutLogins(config)).toEqual({ http: { port: "1" }, storage: { rootDirectory: "/images" } });
});

test("every registry's rights are ones that the program takes", () => {
    const shapes = Object.entries(SHAPES).map(([name, shape]) => {
        const { matrix, policy } = siteSettings({ access: "access" in shape ? shape.access : {} });
        expect(matrix).toBeDefined();
        return [name, policy.rules.length];
    });
    expect(Object.fromEntries(shapes)).toMatchObject({ "the program's": 1, "one rule": 2, "1000 rules": 1001 });
});

test("large sites are as large as is asked for, and ones that the program takes", () => {
    expect([0, 3, 1000].map((number) => Object.keys(teamRules(number)).length)).toEqual([0, 3, 1000]);
    const { settings } = siteSettings({ ci: { workloads: identities(20) }, access: { rules: teamRules(20) } });
    expect(
        [Object.keys(settings.ci.workloads), Object.keys(settings.access.rules)].map(({ length }) => length),
    ).toEqual([20, 20]);
});
