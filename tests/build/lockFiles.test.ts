/** What npm installs is what was looked at: a registry that answers something else is refused. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";

const root = path.resolve(__dirname, "..", "..");

interface Locked {
    version?: string;
    integrity?: string;
    resolved?: string;
    link?: boolean;
}

/** The packages of a lock file that a registry is asked for. */
function fromRegistry(file: string): [name: string, locked: Locked][] {
    const { packages } = JSON.parse(fs.readFileSync(path.join(root, file), "utf8")) as {
        packages: Record<string, Locked>;
    };
    return Object.entries(packages).filter(([place, { link }]) => place.includes("node_modules/") && !link);
}

/** Below a folder, but for what was installed or made. */
function lockFilesIn(folder: string): string[] {
    return fs.readdirSync(path.join(root, folder), { withFileTypes: true }).flatMap((entry) => {
        const place = path.join(folder, entry.name);
        if (entry.isDirectory())
            return ["node_modules", "dist"].includes(entry.name) || entry.name.startsWith(".")
                ? []
                : lockFilesIn(place);
        return entry.name === "package-lock.json" ? [place] : [];
    });
}

const lockFiles = lockFilesIn("").sort();

test("every lock file is looked at", () => {
    const toolchain = "testbed/toolchain";
    expect(lockFiles).toEqual([
        "package-lock.json",
        `${toolchain}/node/package-lock.json`,
        `${toolchain}/nodes/package-lock.json`,
    ]);
});

describe.each(lockFiles)("%s", (file) => {
    test("has a sha512 for every package that is not ours", () => {
        const packages = fromRegistry(file);
        const isWhole = ({ integrity }: Locked) => /^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "");
        expect(packages.length).toBeGreaterThan(0);
        expect(packages.filter(([, locked]) => !isWhole(locked)).map(([name]) => name)).toEqual([]);
    });

    test("names no host: every site asks the registry that it is set up for", () => {
        expect(
            fromRegistry(file)
                .filter(([, { resolved }]) => resolved !== undefined)
                .map(([name]) => name),
        ).toEqual([]);
    });

    test("has one version of each, to the letter", () => {
        expect(
            fromRegistry(file)
                .filter(([, { version }]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version ?? ""))
                .map(([name]) => name),
        ).toEqual([]);
    });
});

test("what package.json asks for is one version each, or a folder of ours", () => {
    const { dependencies, devDependencies } = JSON.parse(
        fs.readFileSync(path.join(root, "package.json"), "utf8"),
    ) as Record<string, Record<string, string>>;
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
        ([, version]) => !/^(\d+\.\d+\.\d+|file:sdks\/\w+)$/.test(version),
    );
    expect(loose).toEqual([]);
});

test("no script of a package runs when it is installed, whatever npm installs it", () => {
    const { stdout } = spawnSync("npm", ["config", "get", "ignore-scripts"], {
        cwd: root,
        encoding: "utf8",
        env: { PATH: process.env.PATH, HOME: process.env.HOME },
    });
    expect(stdout.trim()).toBe("true");
});
