import * as fs from "node:fs";
import * as path from "node:path";
import { scratchFolder } from "./scratch";

const dependencies = require("../../../testbed/bootstrap/dependencies.cjs") as {
    areInstalled(root: string): boolean;
    npm(env: NodeJS.ProcessEnv): { file: string; args: string[]; env: NodeJS.ProcessEnv };
};

type Packages = Record<
    string,
    { version?: string; integrity?: string; optional?: boolean; resolved?: string; link?: boolean }
>;

/** A checkout whose package-lock.json asks for some packages and whose node_modules, by npm's record, holds others. */
function checkout(wanted: Packages, present?: Packages): string {
    const root = scratchFolder();
    fs.writeFileSync(path.join(root, "package-lock.json"), JSON.stringify({ packages: { "": {}, ...wanted } }));
    if (present) {
        fs.mkdirSync(path.join(root, "node_modules"));
        fs.writeFileSync(path.join(root, "node_modules", ".package-lock.json"), JSON.stringify({ packages: present }));
    }
    return root;
}

const yaml = { "node_modules/yaml": { version: "2.9.1", integrity: "sha512-a" } };

describe("areInstalled", () => {
    test("not without node_modules", () => {
        expect(dependencies.areInstalled(checkout(yaml))).toBe(false);
    });
    test("by npm's record, whoever installed them", () => {
        expect(dependencies.areInstalled(checkout(yaml, { ...yaml, "node_modules/other": { version: "1.0.0" } }))).toBe(
            true,
        );
    });
    test.each<[string, Packages]>([
        ["one is missing", {}],
        ["one has another version", { "node_modules/yaml": { version: "2.9.0", integrity: "sha512-a" } }],
        ["one has another content", { "node_modules/yaml": { version: "2.9.1", integrity: "sha512-b" } }],
    ])("not where %s", (_, present) => {
        expect(dependencies.areInstalled(checkout(yaml, present))).toBe(false);
    });
    test("whatever is for other platforms need not be there, a linked package's folder neither", () => {
        const wanted = {
            ...yaml,
            "node_modules/@esbuild/other-platform": { version: "1.0.0", optional: true },
            "sdks/authentik": { version: "1.0.0" },
        };
        expect(dependencies.areInstalled(checkout(wanted, yaml))).toBe(true);
    });
    test("not any more once package-lock.json has changed", () => {
        const root = checkout(yaml, yaml);
        expect(dependencies.areInstalled(root)).toBe(true);
        const changed = { "node_modules/yaml": { version: "2.9.2", integrity: "sha512-c" } };
        fs.writeFileSync(path.join(root, "package-lock.json"), JSON.stringify({ packages: changed }));
        expect(dependencies.areInstalled(root)).toBe(false);
    });
});

describe("npm", () => {
    test("is the running one where npm has started us, without what that one says of its own script", () => {
        const file = path.join(scratchFolder(), "npm-cli.js");
        fs.writeFileSync(file, "");
        const found = dependencies.npm({
            npm_execpath: file,
            npm_lifecycle_event: "demo",
            npm_config_local_prefix: "/x",
            npm_config_proxy: "p",
        });
        expect(found).toEqual({
            file: process.execPath,
            args: [file],
            env: { npm_execpath: file, npm_config_proxy: "p" },
        });
    });
    test("is asked for where there is none", () => {
        expect(() => dependencies.npm({ PATH: scratchFolder() })).toThrow("npm is not on PATH");
    });
});
