/** The CLI that the workflows run with is the one that was pinned, whatever is found on a runner. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const root = path.resolve(__dirname, "..", "..");
const folders: string[] = [];
afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true, force: true })));

function scratch(): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "zot-hardening-pulumi-cli-"));
    folders.push(folder);
    return folder;
}

const sha256 = (file: string) => createHash("sha256").update(fs.readFileSync(file)).digest("hex");

/** An archive as Pulumi's, whose CLI says `word`. */
function archiveThatSays(word: string): string {
    const folder = scratch();
    fs.mkdirSync(path.join(folder, "pulumi"));
    fs.writeFileSync(path.join(folder, "pulumi", "pulumi"), `#!/bin/sh\necho ${word}\n`, { mode: 0o755 });
    const file = path.join(folder, "archive.tar.gz");
    execFileSync("tar", ["-czf", file, "-C", folder, "pulumi"]);
    return file;
}

/** A checkout with the script and the sum of one archive, and a `curl` that answers with another file. */
class Runner {
    readonly checkout = scratch();
    readonly home = scratch();
    readonly temporary = scratch();
    readonly name = `pulumi-v3.259.0-linux-${process.arch === "arm64" ? "arm64" : "x64"}.tar.gz`;
    readonly asked = path.join(this.home, "asked");
    readonly folder = path.join(this.home, "pulumi-cli");

    constructor(pinned: string, served: string) {
        const scripts = path.join(this.checkout, ".github", "scripts");
        const toolchain = path.join(this.checkout, "testbed", "toolchain");
        const bin = path.join(this.home, "bin");
        for (const folder of [scripts, toolchain, bin]) fs.mkdirSync(folder, { recursive: true });
        fs.copyFileSync(path.join(root, ".github", "scripts", "pulumi-cli.sh"), path.join(scripts, "pulumi-cli.sh"));
        fs.writeFileSync(path.join(toolchain, "archives.sha256"), `${sha256(pinned)}  ${this.name}\n`);
        const curl =
            `#!/bin/sh\necho "$@" >>${this.asked}\nwhile [ "$1" != --output ]; do shift; ` +
            `done\ncp ${served} "$2"\n`;
        fs.writeFileSync(path.join(bin, "curl"), curl, { mode: 0o755 });
    }

    run(version = "3.259.0") {
        const env = { PATH: `${this.home}/bin:${process.env.PATH}`, HOME: this.home, RUNNER_TEMP: this.temporary };
        const script = path.join(this.checkout, ".github", "scripts", "pulumi-cli.sh");
        const { status, stdout, stderr } = spawnSync("sh", [script, version, this.folder], { env, encoding: "utf8" });
        return { status, stderr, folder: stdout.trim() };
    }

    said(folder: string): string {
        return execFileSync(path.join(folder, "pulumi"), { encoding: "utf8" }).trim();
    }

    downloads(): number {
        return fs.existsSync(this.asked) ? fs.readFileSync(this.asked, "utf8").trim().split("\n").length : 0;
    }
}

const describeOnLinux = process.platform === "linux" ? describe : describe.skip;
describeOnLinux("pulumi-cli.sh", () => {
    test("fetches the pinned archive once, and unpacks it anew for each run, where nobody else may write", () => {
        const official = archiveThatSays("official");
        const runner = new Runner(official, official);
        const [first, second] = [runner.run(), runner.run()];
        expect([first.status, second.status]).toEqual([0, 0]);
        expect(first.folder).not.toBe(second.folder);
        expect([first, second].map(({ folder }) => runner.said(folder))).toEqual(["official", "official"]);
        expect(fs.statSync(path.dirname(first.folder)).mode & 0o777).toBe(0o700);
        expect(runner.downloads()).toBe(1);
    });

    test("runs nothing that was there before: neither a CLI, nor an archive with other bytes", () => {
        const [official, planted] = [archiveThatSays("official"), archiveThatSays("planted")];
        const runner = new Runner(official, official);
        fs.mkdirSync(path.join(runner.folder, "pulumi"), { recursive: true });
        fs.writeFileSync(path.join(runner.folder, "pulumi", "pulumi"), "#!/bin/sh\necho v3.259.0\n", { mode: 0o755 });
        fs.copyFileSync(planted, path.join(runner.folder, runner.name));
        const { status, folder } = runner.run();
        expect(status).toBe(0);
        expect(runner.said(folder)).toBe("official");
        expect(runner.downloads()).toBe(1);
    });

    test("refuses a download with other bytes, and leaves none of it", () => {
        const runner = new Runner(archiveThatSays("official"), archiveThatSays("other"));
        const { status, stderr, folder } = runner.run();
        expect(status).toBe(1);
        expect(stderr).toContain("and not the one that is pinned in");
        expect(folder).toBe("");
        expect(fs.readdirSync(runner.temporary)).toEqual([]);
        expect(fs.existsSync(path.join(runner.folder, runner.name))).toBe(false);
    });

    test("does not fetch a version whose checksum is not pinned", () => {
        const official = archiveThatSays("official");
        const runner = new Runner(official, official);
        const { status, stderr } = runner.run("3.260.0");
        expect(status).toBe(1);
        expect(stderr).toContain("has no checksum in");
        expect(runner.downloads()).toBe(0);
    });
});

test("every workflow asks for the version that is pinned", () => {
    const { pulumi } = require("../../testbed/bootstrap/pins.cjs") as { pulumi: { version: string } };
    const workflows = [".github", ".forgejo"].flatMap((forge) =>
        fs
            .readdirSync(path.join(root, forge, "workflows"))
            .map((file) => fs.readFileSync(path.join(root, forge, "workflows", file), "utf8")),
    );
    const versions = workflows.flatMap((text) =>
        [...text.matchAll(/pulumi-cli\.sh"? (\S+)/g)].map(([, version]) => version),
    );
    expect(versions.length).toBeGreaterThan(0);
    expect(new Set(versions)).toEqual(new Set([pulumi.version]));
});
