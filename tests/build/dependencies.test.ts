/** What the page on dependencies says, and what a bot raises, is what there is. */
import * as fs from "node:fs";
import * as path from "node:path";

const root = path.resolve(__dirname, "..", "..");
const read = (file: string) => fs.readFileSync(path.join(root, file), "utf8");
const { dependencies, devDependencies } = JSON.parse(read("package.json")) as Record<string, Record<string, string>>;

test("every dependency is on the page, with what it is for", () => {
    const page = read("docs/dependencies.md");
    const named = new Set(
        [...page.matchAll(/^\| (.+?) \| .+ \| .*\|$/gm)].flatMap(([, first]) =>
            [...first!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
        ),
    );
    const names = Object.entries({ ...dependencies, ...devDependencies }).flatMap(([name, version]) =>
        version.startsWith("file:") ? [] : [name],
    );
    expect(names.filter((name) => !named.has(name) && !(name.startsWith("@types/") && named.has("@types/*")))).toEqual(
        [],
    );
});

test("the bot's configuration is JSON, merges nothing, and names packages that there are", () => {
    const config = JSON.parse(read("renovate.json")) as {
        automerge: boolean;
        packageRules: { matchManagers: string[]; matchPackageNames?: string[]; automerge?: boolean }[];
    };
    expect([config.automerge, ...config.packageRules.map(({ automerge }) => automerge ?? false)]).not.toContain(true);
    const names = Object.keys({ ...dependencies, ...devDependencies });
    const patterns = config.packageRules.flatMap(({ matchPackageNames }) => matchPackageNames ?? []);
    const matches = (pattern: string) =>
        names.some((name) => (pattern.endsWith("/*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern));
    expect(patterns.filter((pattern) => !matches(pattern))).toEqual([]);
});

test("Pulumi is of one version wherever it is pinned", () => {
    const version = dependencies!["@pulumi/pulumi"]!;
    expect(read("testbed/bootstrap/pins.cjs")).toContain(`version: "${version}"`);
    expect(read("testbed/toolchain/pulumi/go.mod")).toMatch(
        new RegExp(`github\\.com/pulumi/pulumi/pkg/v3 v${version.replaceAll(".", "\\.")}\\b`),
    );
    expect(
        new Set(
            [...read("testbed/toolchain/archives.sha256").matchAll(/ {2}pulumi-v([\d.]+)-/g)].map(
                ([, pinned]) => pinned,
            ),
        ),
    ).toEqual(new Set([version]));
});

test("how to report is said where it is looked for", () => {
    expect(read("SECURITY.md")).toMatch(/report .*in private/i);
    expect(read("README.md")).toContain("SECURITY.md");
});
