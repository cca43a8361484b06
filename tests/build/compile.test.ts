/** What is compiled here, and what is left to itself. */
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as ts from "typescript";

const ROOT = path.resolve(__dirname, "../..");

test("an SDK that pulumi package add has generated is left to its own build", () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "compile-test-"));
    try {
        fs.cpSync(path.resolve(__dirname, "../../build"), path.join(folder, "build"), { recursive: true });
        fs.symlinkSync(path.resolve(__dirname, "../../node_modules"), path.join(folder, "node_modules"), "dir");
        for (const [name, scripts] of Object.entries({ ours: undefined, generated: { build: "tsc" } })) {
            fs.mkdirSync(path.join(folder, "sdks", name), { recursive: true });
            fs.writeFileSync(path.join(folder, "sdks", name, "index.ts"), "export {};\n");
            fs.writeFileSync(
                path.join(folder, "sdks", name, "package.json"),
                JSON.stringify({ name, main: "bin/index.js", scripts }),
            );
        }
        const { programs } = require(path.join(folder, "build/compile.cjs")) as { programs(): { source: string }[] };
        expect(
            programs()
                .map(({ source }) => source)
                .filter((source) => source.startsWith("sdks/")),
        ).toEqual(["sdks/ours/index.ts"]);
    } finally {
        fs.rmSync(folder, { recursive: true, force: true });
    }
});

test(
    "the types of an SDK that Pulumi generated are not checked as this project's own: " +
        "those of ours are, where it is used",
    () => {
        const configuration = ts.getParsedCommandLineOfConfigFile(
            path.join(ROOT, "tsconfig.json"),
            {},
            { ...ts.sys, onUnRecoverableConfigFileDiagnostic: () => undefined },
        )!;
        expect(configuration.fileNames.filter((file) => file.includes("/sdks/authentik/"))).toEqual([]);
        // By the package's own word; a generated one has its declarations in bin/, which are not checked.
        expect(
            (JSON.parse(fs.readFileSync(path.join(ROOT, "sdks/authentik/package.json"), "utf8")) as { types: string })
                .types,
        ).toBe("index.ts");
        expect(configuration.options.skipLibCheck).toBe(true);
    },
);
