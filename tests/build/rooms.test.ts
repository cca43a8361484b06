/** Arrows that the linter (`overrides` in biome.jsonc) does not see: `require` of a text. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const ROOT = path.resolve(__dirname, "../..");
const PRODUCT = ["index.ts", "build", "cli", "clients", "components", "host", "providers"];

test("nothing of the product requires the test bed or the tests", () => {
    const files = execFileSync("git", ["ls-files", "--", ...PRODUCT], { cwd: ROOT, encoding: "utf8" })
        .split("\n")
        .filter((file) => /\.(ts|cjs)$/.test(file));
    expect(files.length).toBeGreaterThan(100);
    expect(
        files.filter((file) =>
            /require\([^)]*["'/](testbed|tests)\b/.test(fs.readFileSync(path.join(ROOT, file), "utf8")),
        ),
    ).toEqual([]);
});
