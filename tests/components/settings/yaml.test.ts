/** A stack's file means to our commands what it means to Pulumi: what `pulumi config` says is what they say. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import fc from "fast-check";
import { StackFileError, settingsFromStackFile } from "../../../components/settings/fromStackFile";
import { plainValue, YamlMistake, yamlAsPulumi } from "../../../components/settings/yaml";
import { findToolchain, skippable } from "../../../testbed/bootstrap/toolchain.cjs";

jest.setTimeout(300_000);

describe("plain values, as yaml.v3 takes them", () => {
    test.each<[text: string, value: unknown]>([
        ...[
            "yes",
            "no",
            "on",
            "off",
            "y",
            "n",
            "Yes",
            "ON",
            "0b2",
            "0o8",
            "1.2.3",
            "._5",
            "1e",
            "0x",
            "-",
            "+",
            "+a",
            "1:30",
            "a_b",
            "Null ",
            "1_a",
        ].map((text): [string, unknown] => [text, text]),
        ...["", "~", "null", "Null", "NULL"].map((text): [string, unknown] => [text, null]),
        ["true", true],
        ["True", true],
        ["FALSE", false],
        ["0777", 511],
        ["0o17", 15],
        ["0O17", 15],
        ["08", 8],
        ["0x1F", 31],
        ["0b11", 3],
        ["-0b11", -3],
        ["-017", -15],
        ["+5", 5],
        ["1_000", 1000],
        ["0x_1F", 31],
        ["1__0", 10],
        [".5", 0.5],
        ["1.", 1],
        ["1e3", 1000],
        ["-1.5E-1", -0.15],
        ["1_0.5", 10.5],
        ["2001-12-14", undefined],
        ["2001-1-2 03:04:05", undefined],
        ["2001-12-14t21:59:43Z", undefined],
    ])("%j is %j", (text, value) => expect(plainValue(text)).toBe(value)); // prettier-ignore
});

test(
    "merge keys and anchors: what stands in the map goes before what is merged, " +
        "and the first of a list before the second",
    () => {
        const text =
            "base: &base {port: 1, address: a, deep: {x: 1}}\nother: &other {port: 2, more: 3}\nzot:\n  <<: " +
            '[*base, *other]\n  address: b\nsame: *base\nquoted: {"<<": 5}\n';
        expect(yamlAsPulumi(text)).toMatchObject({
            zot: { port: 1, address: "b", more: 3, deep: { x: 1 } },
            same: { port: 1 },
            quoted: { "<<": 5 },
        });
    },
);

test("what looks like those, and is read alike, is taken", () => {
    const text =
        "a: {b: , 'c':, \"d\":}\ne: ['?x', \"y:\", 'z:]', http://x/y]\nf: &y-z_1 ?z\ng: *y-z_1\n" +
        "h: |\n  x\n\n  y\n\ni: 1 2\n\n  - y\n";
    expect(yamlAsPulumi(text)).toEqual({
        a: { b: null, c: null, d: null },
        e: ["?x", "y:", "z:]", "http://x/y"],
        f: "?z",
        g: "?z",
        h: "x\n\ny\n",
        i: "1 2\n- y",
    });
});

test.each<[title: string, text: string, message: RegExp, line: number | undefined]>([
    ["a date", "a: 2001-12-14", /for a date; put it in quotes/, 1],
    ["a key that is no text", "a: 1\n8080: x", /a key only as a text/, 2],
    ["a key that is a truth value", "true: 1", /a key only as a text/, 1],
    ["a key that is a list", "? [a]\n: 1", /a key only as a text/, 1],
    ["a tag", "a: !!str 5", /a value with a tag/, 1],
    ["a tag of a map", "a: !!set {b}", /a value with a tag/, 1],
    ["a merge of no map", "a: &a [1]\nb: {<<: *a}", /./, undefined],
    ["a merge of a text", "b: {<<: x}", /"<<" takes a map/, 1],
    ["two merges", "a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", /unique|"<<" twice/, undefined],
    ["a key twice", "a: 1\na: 2", /unique/, 2],
    ["two documents", "a: 1\n---\na: 2", /multiple documents/, 2],
    ["an anchor that is not there", "a: *b", /alias/, undefined],
    ["a map within itself", "a: &a\n  b: *a\n", /the anchor "a" contains itself/, 2],
    ["a list within itself", "a: &a [{ b: *a }]\n", /the anchor "a" contains itself/, 1],
    ["an end of a line that not everyone sees", "# harmless\u0085a: 1", /U\+0085/, 1],
    ["another", "a: 1 # harmless\u2028b: 1", /U\+2028/, 1],
    ["a carriage return alone", "# harmless\ra: 1", /U\+000D/, 1],
    ["what is no number", "a: .inf", /no such number/, 1],
    // Read by yaml.v3 as another value: a key "b:", a map {c: null}, a key b, a text "?z", "x\n " and "x".
    ["a colon before a bracket", "a: {b:}", /a colon is followed by a space/, 1],
    ["a colon before a bracket of a list", "a:\n  - [x, b:]", /a colon is followed by a space/, 2],
    ["a question mark in brackets", "a: [b: c, ?c]", /begins with \? is written in quotes/, 1],
    ["a key with a question mark in brackets", "a: {?b: c}", /begins with \? is written in quotes/, 1],
    ["an anchor of other characters", "a: &y?z\n", /letters, digits, - and _/, 1],
    ["a line of spaces behind a text of several lines", "a: |-\n   x\n  \nb: 1\n", /has a line of spaces/, 1],
    ["a line of spaces in a text of several lines", "a: >\n   x\n \n   y\nb: 1\n", /has a line of spaces/, 1],
    ["an escaped end of a line before an empty one", 'a: "x\\\n\n  y"\n', /is followed by an empty one/, 1],
    ["a text of several lines at an end without a line break", "a: |\n  x", /ends without a line break/, 1],
])("refuses %s", (_title, text, message, line) => {
    try {
        yamlAsPulumi(text);
    } catch (error) {
        expect(error).toBeInstanceOf(YamlMistake);
        expect((error as YamlMistake).message).toMatch(message);
        if (line !== undefined) expect((error as YamlMistake).line).toBe(line);
        return;
    }
    throw new Error("it was read");
});

// --- beside the real CLI

const folders: string[] = [];
afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));
const { toolchain, reason } = findToolchain();

/** A project with one stack, of which the CLI is asked. */
function project(): {
    folder: string;
    pulumi(...args: string[]): { status: number | null; stdout: string; stderr: string };
} {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "yaml-"));
    folders.push(folder);
    fs.writeFileSync(path.join(folder, "Pulumi.yaml"), "name: zot-hardening\nruntime: nodejs\n");
    fs.mkdirSync(path.join(folder, "state"));
    const env = {
        PATH: process.env.PATH,
        HOME: folder,
        PULUMI_HOME: path.join(folder, "home"),
        PULUMI_BACKEND_URL: `file://${folder}/state`,
        PULUMI_CONFIG_PASSPHRASE: "x",
        PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    return {
        folder,
        pulumi: (...args) =>
            spawnSync(toolchain!.pulumi.path, [...args, "--non-interactive"], { cwd: folder, env, encoding: "utf8" }),
    };
}

/** A setting's value on one or more lines, below its key. */
const plain = fc.oneof(
    fc.constantFrom(
        "yes",
        "no",
        "on",
        "off",
        "true",
        "False",
        "~",
        "null",
        "0777",
        "0o17",
        "0x1F",
        "1_000",
        "08",
        "1e3",
        ".5",
        "-0b11",
        "1:30",
        "a b",
        "<<",
        "24h",
        "1.2.3",
        "@x",
        "'a'b",
        "Null",
    ),
    fc.stringMatching(/^[-+]?[0-9a-fxob_.e]{1,6}$/),
    fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_.:/*-]{0,8}[a-z]$/),
);
const quoted = fc.oneof(
    fc.string({ maxLength: 6 }).map((text) => `'${text.replace(/[^\x20-\x7e]/g, "").replaceAll("'", "''")}'`),
    fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text.replace(/[^\x20-\x7e]/g, ""))),
    fc.constantFrom(
        '"\\u00e9\\t\\n"',
        "'0777'",
        '"yes"',
        "|\n        two\n        lines",
        ">-\n        two\n        lines",
        "[1, yes, {a: 0b1}]",
        "{a: [x], 'b': ~}",
    ),
);
const value = fc.oneof(
    plain,
    quoted,
    fc.constantFrom(
        "*map",
        "*list",
        "*text",
        "{<<: *map}",
        "{<<: [*map, {port: 7, own: 08}], port: 9}",
        "{port: 9, <<: *map}",
    ),
);

(reason ? describe.skip : describe)(skippable("beside the real CLI", reason), () => {
    test("what `pulumi config` says of a stack's file is what is read here", () => {
        const { folder, pulumi } = project();
        expect(pulumi("stack", "init", "s").status).toBe(0);
        const anchors =
            "  zot-hardening:anchors:\n    map: &map {port: 1, address: yes, deep: {x: 0777}}\n    list: " +
            "&list [1, 0x10, no]\n    text: &text 08\n";
        const file = path.join(folder, "Pulumi.s.yaml");
        const salt = fs.readFileSync(file, "utf8");
        let compared = 0;
        fc.assert(
            fc.property(fc.array(value, { minLength: 40, maxLength: 60 }), (values) => {
                // What is refused here is no difference; each by itself, so that it does not hide the rest.
                const taken = values.filter((one) => {
                    try {
                        yamlAsPulumi(`config:\n${anchors}  g:\n    k: ${one}\n`);
                        return true;
                    } catch {
                        return false;
                    }
                });
                const lines = taken.map((one, index) => `    k${index}: ${one}\n`).join("");
                fs.writeFileSync(
                    file,
                    `${salt}config:\n${anchors}  zot-hardening:zot:\n    <<: *map\n    first: 1\n${lines}`,
                );
                const { status, stdout, stderr } = pulumi("config", "--json", "--stack", "s");
                expect([status, stderr]).toEqual([0, ""]);
                const said = JSON.parse(stdout) as Record<string, { value: string; objectValue?: unknown }>;
                const { groups } = settingsFromStackFile(folder, "s");
                // A zero has no sign that a setting could have.
                const unsigned = (settings: unknown) => JSON.parse(JSON.stringify(settings)) as unknown;
                for (const key of ["zot", "anchors"])
                    expect(unsigned(groups[key])).toEqual(unsigned(JSON.parse(said[`zot-hardening:${key}`]!.value)));
                compared += taken.length;
            }),
            { numRuns: Number(process.env.YAML_RUNS ?? 6) },
        );
        expect(compared).toBeGreaterThan(100);
    });

    test("another file of the project, or of the stacks, is not passed over", () => {
        const { folder, pulumi } = project();
        expect(pulumi("stack", "init", "s").status).toBe(0);
        const here = path.join(folder, "Pulumi.s.yaml");
        fs.appendFileSync(here, "config:\n  zot-hardening:zot: {port: 1}\n");
        const port = () =>
            (JSON.parse(pulumi("config", "--json", "--stack", "s").stdout) as Record<string, { value: string }>)[
                "zot-hardening:zot"
            ]?.value;
        expect(port()).toBe('{"port":1}');
        expect(settingsFromStackFile(folder, "s").groups.zot).toEqual({ port: 1 });

        fs.mkdirSync(path.join(folder, "elsewhere"));
        fs.writeFileSync(
            path.join(folder, "elsewhere", "Pulumi.s.yaml"),
            `${fs.readFileSync(here, "utf8").replace("port: 1", "port: 2")}`,
        );
        fs.writeFileSync(
            path.join(folder, "Pulumi.yaml"),
            "name: zot-hardening\nruntime: nodejs\nstackConfigDir: elsewhere\n",
        );
        expect(port()).toBe('{"port":2}');
        expect(() => settingsFromStackFile(folder, "s")).toThrow(/from another folder \(stackConfigDir\)/);

        fs.writeFileSync(path.join(folder, "Pulumi.yaml"), "name: zot-hardening\nruntime: nodejs\n");
        fs.writeFileSync(path.join(folder, "Pulumi.json"), '{"name": "zot-hardening", "runtime": "nodejs"}');
        fs.writeFileSync(
            path.join(folder, "Pulumi.s.json"),
            JSON.stringify({
                encryptionsalt: /encryptionsalt: (.*)/.exec(fs.readFileSync(here, "utf8"))![1],
                config: { "zot-hardening:zot": { port: 3 } },
            }),
        );
        expect(port()).toBe('{"port":3}');
        expect(() => settingsFromStackFile(folder, "s")).toThrow(StackFileError);
    });

    test("a comment that ends in what one parser takes for the end of a line would be a setting to Pulumi", () => {
        const { folder, pulumi } = project();
        expect(pulumi("stack", "init", "s").status).toBe(0);
        fs.appendFileSync(
            path.join(folder, "Pulumi.s.yaml"),
            "config:\n  zot-hardening:zot:\n    port: 1 # harmless\u0085    hidden: 2\n",
        );
        expect(pulumi("config", "--json", "--stack", "s").stdout).toContain("hidden");
        expect(() => settingsFromStackFile(folder, "s")).toThrow(/U\+0085/);
    });
});
