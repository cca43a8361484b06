/** What the program reads at its start, and what it leaves to be read when it is used. */
import { execFileSync } from "node:child_process";
import { statSync } from "node:fs";
import * as nodeModule from "node:module";
import * as path from "node:path";

const ROOT = path.resolve(__dirname, "../..");

/** What a script prints as JSON, run in a process of its own as the program is. */
const printed = (script: string) =>
    JSON.parse(
        execFileSync(process.execPath, ["-e", script], {
            cwd: ROOT,
            encoding: "utf8",
            env: { PATH: process.env.PATH },
        }),
    ) as unknown;

const hasHooks = "registerHooks" in nodeModule;

test("the program is called with a bounded number of modules, and without what only dynamic providers need", () => {
    // What compiles a bundle that is older than its sources is none of what a preview reads.
    printed('require("./build/compile.cjs").compiled("index.ts"); console.log("true")');
    const loaded = printed(`
        require("./build/program.cjs");
        console.log(JSON.stringify(Object.keys(require.cache)));
        process.exit();
    `) as string[];
    const ofPackages = (name: string) => loaded.filter((file) => file.includes(`/node_modules/${name}/`));
    if (hasHooks) {
        expect(ofPackages("typescript")).toEqual([]);
        expect(ofPackages("@npmcli/arborist")).toEqual([]);
        // 341 with version 3.259 of the SDK, where there were 784. What adds to it asks for a reason: each is read at
        // every preview.
        expect(loaded.length).toBeLessThan(350);
        // 6.2 million: 2.6 of the bundled program, 1.4 of the SDK's protocol messages, 0.7 of gRPC.
        const bytes = loaded.reduce((sum, file) => sum + statSync(file).size, 0);
        expect(bytes).toBeLessThan(6_600_000);
    }
    for (const unused of ["@bufbuild/cel", "ssh2", "commander", "@goauthentik/api", "esbuild"])
        expect(ofPackages(unused)).toEqual([]);
});

test("a function is written down as by an SDK that imports everything at once", () => {
    const written = (load: string) =>
        printed(`
            const { withLateModules } = require("./build/lateModules.cjs");
            const pulumi = ${load};
            const answer = 42;
            pulumi.runtime
                .serializeFunction(() => (answer > 41 ? require("node:os").EOL : "no"))
                .then(({ text }) => console.log(JSON.stringify(text)));
        `);
    const late = written('withLateModules(() => require("@pulumi/pulumi"))');
    expect(late).toContain("answer");
    expect(late).toBe(written('require("@pulumi/pulumi")'));
});

test("the packages that a function of a dynamic provider needs are found as before", () => {
    const paths = (load: string) =>
        printed(`
            const { withLateModules } = require("./build/lateModules.cjs");
            const pulumi = ${load};
            pulumi.runtime.computeCodePaths().then((found) => console.log(JSON.stringify([...found.keys()].sort())));
        `) as string[];
    const late = paths('withLateModules(() => require("@pulumi/pulumi"))');
    expect(late.length).toBeGreaterThan(10);
    expect(late).toEqual(paths('require("@pulumi/pulumi")'));
});

test("the trace of an error is mapped to the sources; that of an error without a message is left as it is", () => {
    const traces = printed(`
        Error.prepareStackTrace = (error) => "mapped";
        require("./build/stackTraces.cjs").mapErrorsOnly();
        const here = () => new Error("").stack;
        console.log(JSON.stringify({ said: new Error("nothing found").stack, silent: here() }));
    `) as Record<"said" | "silent", string>;
    expect(traces.said).toBe("mapped");
    expect(traces.silent).toMatch(/^Error\n {4}at here \(\[eval\]:4:\d+\)\n {4}at \[eval\]:5:\d+\n/);
});
