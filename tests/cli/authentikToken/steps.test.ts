/** npm run authentik-token without an administrator's token: the steps for a person, and a script that does them. */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findExecutable, skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { runCommand } from "../ciSecrets/command";
import { administratorForAll, makeServiceAccount, nameFor, project, run, target } from "./administrator";

administratorForAll();

test("without an administrator's token: what to do, and what the token could still do", async () => {
    const ran = await runCommand("cli/authentik-token.ts", ["--stack", "site"], { cwd: project() });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    expect(ran.stdout).toMatch(/AUTHENTIK_ADMIN_TOKEN is not in the environment, so nothing was made/);
    expect(ran.stdout).toMatch(
        /Directory > Roles: create the role pulumi-zot-site\.\n[\s\S]*authentik_core\.reset_user_password[\s\S]*pulumi config set --secret authentik:token --stack site[\s\S]*as good as a superuser's/,
    );
    const preview = await runCommand(
        "cli/authentik-token.ts",
        ["--stack", "site", "--for", "preview", "--steps", "ui"],
        { cwd: project() },
    );
    expect(preview.stdout).toContain("pulumi-zot-site-preview");
    expect(preview.stdout).not.toContain("ask POST");
});

test.each([["--config", "--json"], ["--output", "token"], ["--json"], ["--dry-run"]])(
    "without an administrator's token, what was asked for is not done, and nobody takes it for done: %s %s",
    async (...args) => {
        const ran = await runCommand("cli/authentik-token.ts", ["--stack", "site", ...args], { cwd: project() });
        expect(ran).toMatchObject({ status: 1, stdout: "" });
        expect(ran.stderr).toMatch(/^AUTHENTIK_ADMIN_TOKEN is not in the environment, so nothing was made\./);
    },
);

test("what is mistaken on the command line ends with 2", async () => {
    const cwd = project();
    const stackFile = join(cwd, "Pulumi.site.yaml");
    writeFileSync(stackFile, readFileSync(stackFile, "utf8").replace(/^ *authentik:url:.*\n/m, ""));
    expect(await runCommand("cli/authentik-token.ts", ["--stack", "site"], { cwd })).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/Authentik's address is not set: give --url/) as string,
    });
    expect(
        await runCommand("cli/authentik-token.ts", ["--stack", "site", "--steps", "ui", "--json"], { cwd }),
    ).toMatchObject({ status: 2 });
});

const missing = ["curl", "jq"].filter((name) => !findExecutable(name));
(missing.length > 0 ? test.skip : test)(
    skippable(
        "the script does what the command does",
        missing.length > 0 ? `there is no ${missing.join(" and no ")}` : undefined,
    ),
    async () => {
        const ciUser = target.name("script-ci");
        const folder = project({ manageWorkloads: false, ciUser });
        await makeServiceAccount(ciUser);
        const name = nameFor("script");
        const { stdout: script } = await run(folder, ["--name", name, "--steps", "api"]);
        const child = spawn("/bin/sh", ["-s"], {
            env: { PATH: process.env.PATH, AUTHENTIK_ADMIN_TOKEN: target.token },
            stdio: ["pipe", "pipe", "pipe"],
        });
        const output: Buffer[] = [];
        const errors: Buffer[] = [];
        child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
        child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
        child.stdin.end(script);
        const status = await new Promise((done) => child.on("close", done));
        expect([status, Buffer.concat(errors).toString()]).toEqual([0, ""]);
        const token = Buffer.concat(output).toString();
        const file = join(folder, "token");
        // Nothing is left for the command to do.
        const ran = await run(folder, ["--name", name, "--output", file, "--json"]);
        expect((JSON.parse(ran.stdout) as { done: { change: string }[] }).done.map(({ change }) => change)).toEqual(
            Array(6).fill("unchanged"),
        );
        expect(readFileSync(file, "utf8").trim()).toBe(token);
    },
);
