/** Files on the command line of `npm run`, which starts a command in the project's folder wherever it is called. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { stringify } from "yaml";
import { readPrivateKey } from "../../cli/setup/host";
import { givenFile, givenProgram } from "../../cli/shared/givenFile";
import { project, root, scratch, stackWithStorage } from "./projectCommand";

const { compiled } = require("../../build/compile.cjs") as { compiled: (source: string) => string };

describe("from a subfolder", () => {
    const inDocs = path.join(root, "docs", "none-of-this-name");

    test.each([
        ["keys", ["--from"]],
        ["config", ["--stack", "prod", "--from"]],
        ["setup", ["--yes", "--answers"]],
    ])("npm run %s -- %j FILE: it is the subfolder's", (name, args) => {
        compiled(`cli/${name}.ts`);
        const { status, stdout, stderr } = spawnSync(
            "npm",
            ["run", "--silent", name, "--", ...args, "none-of-this-name"],
            { cwd: path.join(root, "docs"), encoding: "utf8" },
        );
        expect([status, stdout]).toEqual([1, ""]);
        expect(stderr).toContain(`${inDocs} cannot be read: ENOENT.`);
    });

    /** A project, a folder in it, and what npm hands on there. */
    const calledIn = (name: string, settings: object) => {
        const folder = fs.realpathSync(project({ site: stringify({ config: settings }) }));
        const sub = path.join(folder, name);
        fs.mkdirSync(sub);
        const manifest = path.join(folder, "package.json");
        fs.writeFileSync(manifest, "{}");
        return { folder, sub, env: { PATH: process.env.PATH, INIT_CWD: sub, npm_package_json: manifest } };
    };

    test("npm run move-metadata -- --from FILE as well", () => {
        const { config } = stackWithStorage({
            remoteCache: true,
            cacheDriver: { name: "redis", url: "redis://127.0.0.1:6379", keyprefix: "mine" },
        });
        const { folder, sub, env } = calledIn("sub", config);
        const args = [compiled("cli/move-metadata.ts"), "--stack", "site", "--from", "meta.db"];
        expect(spawnSync(process.execPath, args, { cwd: folder, env, encoding: "utf8" }).stderr).toContain(
            `${path.join(sub, "meta.db")} cannot be read: ENOENT`,
        );
    });

    test("npm run ci-secrets -- --file FILE writes it there", () => {
        const { folder, sub, env } = calledIn("sub", {});
        const args = ["--from", "-", "--store", "json", "--file", "ci.json"];
        const { status, stdout } = spawnSync(process.execPath, [compiled("cli/ci-secrets.ts"), ...args], {
            cwd: folder,
            env,
            input: JSON.stringify({ ciApiKey: "zak_00000000000000000000000000000000" }),
            encoding: "utf8",
        });
        expect([status, stdout]).toEqual([0, expect.stringContaining(path.join(sub, "ci.json"))]);
        expect(fs.readdirSync(sub)).toEqual(["ci.json"]);
    });
});

describe("in this process", () => {
    const before = { ...process.env };
    afterEach(() => {
        process.env = { ...before };
    });
    const npmSays = (stoodIn: string, manifest: string) => {
        process.env = { ...before, INIT_CWD: stoodIn, npm_package_json: manifest };
    };
    const ours = path.join(process.cwd(), "package.json");

    test("- stays standard input, and a whole path what it is", () => {
        npmSays("/elsewhere", ours);
        expect(["-", "/etc/x", "x", "../x"].map(givenFile)).toEqual(["-", "/etc/x", "/elsewhere/x", "/x"]);
    });

    test("a name is left as it was typed where npm was called in the project's folder, or was not", () => {
        npmSays(process.cwd(), ours);
        expect(givenFile("x")).toBe("x");
        process.env = { ...before };
        delete process.env.INIT_CWD;
        expect(givenFile("x")).toBe("x");
    });

    test("a program is the one of this name on the PATH; else, and by its path, a file where one stands", () => {
        npmSays("/elsewhere", ours);
        const folder = scratch();
        fs.writeFileSync(path.join(folder, "a-browser"), "", { mode: 0o755 });
        fs.writeFileSync(path.join(folder, "no-program"), "", { mode: 0o644 });
        process.env.PATH = folder;
        expect(["a-browser", "no-program", "./a-browser", "sub/a-browser", "/opt/a-browser"].map(givenProgram)).toEqual(
            [
                path.join(folder, "a-browser"),
                "/elsewhere/no-program",
                "/elsewhere/a-browser",
                "/elsewhere/sub/a-browser",
                "/opt/a-browser",
            ],
        );
    });

    test("what npm said of another project, and a program inherited, does not count", () => {
        npmSays("/elsewhere", path.join(scratch(), "package.json"));
        expect(givenFile("x")).toBe("x");
    });

    test("setup finds a private key where one stands", () => {
        const folder = scratch();
        fs.writeFileSync(path.join(folder, "id"), "a key");
        npmSays(folder, ours);
        expect(readPrivateKey("id")).toBe("a key");
    });
});
