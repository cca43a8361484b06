/** Commands that need no engine, run as an operator runs them, in projects of their own. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { stringify } from "yaml";

export const root = path.resolve(__dirname, "../..");
const { compiled } = require("../../build/compile.cjs") as { compiled: (source: string) => string };
const programs = {
    config: compiled("cli/config.ts"),
    "host-rights": compiled("cli/host-rights.ts"),
    matrix: compiled("cli/matrix.ts"),
    settings: compiled("cli/settings.ts"),
};
const folders: string[] = [];

/** A folder that goes with the tests of the file. */
export function scratch(): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "cli-test-"));
    folders.push(folder);
    return folder;
}

jest.setTimeout(60_000);
afterAll(() => folders.forEach((folder) => fs.rmSync(folder, { recursive: true })));

/** Runs a command with nothing of Pulumi in the environment. */
export function run(command: keyof typeof programs, args: string[], cwd = root) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [programs[command], ...args], {
        cwd,
        encoding: "utf8",
        env: { PATH: "/usr/bin:/bin" },
        timeout: 30_000,
    });
    return { status, stdout, stderr };
}

/** What a stack's file has for a registry whose images, or what zot knows of them, are where `storage` says. */
export const stackWithStorage = (storage: object) => ({
    config: {
        "zot-hardening:registry": { url: "https://registry.example.org" },
        "zot-hardening:identity": { issuer: "https://id.example.org/application/o/zot/" },
        "zot-hardening:zot": {
            binary: "/usr/local/bin/zot",
            configFile: "/etc/zot/config.json",
            rootDirectory: "/var/lib/zot",
            extraConfig: { storage },
        },
    },
});

/** A project of its own with the declarations of this one. */
export function project(stacks: Record<string, object | string>): string {
    const folder = scratch();
    fs.copyFileSync(path.join(root, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
    for (const [name, content] of Object.entries(stacks))
        fs.writeFileSync(
            path.join(folder, `Pulumi.${name}.yaml`),
            typeof content === "string" ? content : stringify(content),
        );
    return folder;
}
