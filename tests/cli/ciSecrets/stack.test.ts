/** npm run ci-secrets with a stack: its settings say where to, and Pulumi gives its outputs. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fakePulumi, removeScratch, runCommand, scratch } from "./command";
import { closeAll, forgejo, handOver, KEY, kept, outputs, TOKEN } from "./handOver";

jest.setTimeout(60_000);
afterEach(closeAll);
afterAll(removeScratch);

test("its settings say where to; Pulumi sees no token of the forge, and no secret is an argument", async () => {
    const forge = await forgejo();
    forge.has("ops/images");
    const folder = scratch();
    writeFileSync(join(folder, "Pulumi.yaml"), "name: zot-hardening\nruntime: nodejs\n");
    writeFileSync(
        join(folder, "Pulumi.site.yaml"),
        `config:\n  zot-hardening:ciSecrets:\n    store: forgejo\n    apiUrl: ${forge.url}\n    owner: ` +
            `ops\n    repository: images\n    names: {ciApiKey: REGISTRY_KEY}\n`,
    );
    const pulumi = fakePulumi(folder, JSON.stringify(outputs));
    const ran = await runCommand("cli/ci-secrets.ts", ["--stack", "site"], {
        cwd: folder,
        env: { ...pulumi.env, FORGE_TOKEN: TOKEN, GITHUB_TOKEN: TOKEN, PULUMI_CONFIG_PASSPHRASE: "kept" },
    });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    expect(kept(forge.secrets.get("ops/images"))).toEqual({ REGISTRY_KEY: KEY });
    const calls = readFileSync(pulumi.calls, "utf8");
    expect(calls).toMatch(/^<stack><output><--json><--show-secrets><--stack><site><--non-interactive>\n/);
    expect(calls).toContain("PULUMI_CONFIG_PASSPHRASE=kept");
    expect(calls).not.toContain(TOKEN);
});

test("which one, a Pulumi that is missing, one that fails, and outputs that cannot be used", async () => {
    const folder = scratch();
    writeFileSync(join(folder, "Pulumi.yaml"), "name: zot-hardening\nruntime: nodejs\n");
    writeFileSync(join(folder, "Pulumi.site.yaml"), "config: {}\n");
    const options = ["--store", "json", "--file", join(folder, "out.json")];
    expect(await runCommand("cli/ci-secrets.ts", options, { cwd: folder })).toMatchObject({
        status: 2,
        stderr: expect.stringMatching(/Which stack\?.*site/),
    });
    const missing = await runCommand("cli/ci-secrets.ts", ["--stack", "site", ...options], {
        cwd: folder,
        env: { PATH: "/nonexistent" },
    });
    expect(missing).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/The Pulumi CLI is not on the PATH/),
    });
    writeFileSync(join(folder, "pulumi"), "#!/bin/sh\necho 'error: no stack named site found' >&2\nexit 255\n", {
        mode: 0o755,
    });
    const failed = await runCommand("cli/ci-secrets.ts", ["--stack", "site", ...options], {
        cwd: folder,
        env: { PATH: `${folder}:/usr/bin:/bin` },
    });
    expect(failed).toMatchObject({
        status: 1,
        stderr:
            "Pulumi could not read the outputs of the stack site (exit code 255): error: " +
            "no stack named site found\n",
    });
    expect(
        await handOver(["--store", "json", "--file", join(folder, "out.json")], {
            input: JSON.stringify({ ...outputs, ciApiKeyExpires: "2020-01-01T00:00:00Z" }),
        }),
    ).toMatchObject({ status: 1, stderr: expect.stringMatching(/expired at 2020/) });
    expect(existsSync(join(folder, "out.json"))).toBe(false);
});

test("a command line that does not say where to ends with 2", async () => {
    expect(await runCommand("cli/ci-secrets.ts", ["--from", "-"], { input: "{}" })).toMatchObject({
        status: 2,
        stderr: expect.stringContaining("there is no store") as string,
    });
});
