/** API keys under Pulumi's real engine: preview, up, refresh, destroy, and where secrets end up. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { LocalWorkspace, type ProjectSettings, type Stack } from "@pulumi/pulumi/automation";
import type { ApiKeyArgs } from "pulumi-zot";
import { RegistryClient } from "../../../clients/zot/registry";
import { findToolchain, skippable, toolchainEnvironment } from "../../../testbed/bootstrap/toolchain.cjs";
import { root } from "./plugin";
import { startWorld, type World } from "./world";

jest.setTimeout(300_000);

const { toolchain, reason } = findToolchain();

(toolchain ? describe : describe.skip)(skippable("under the engine", reason), () => {
    let world: World;
    let folder: string;
    let stack: Stack;
    let pidFile: string;
    let args: Partial<ApiKeyArgs> = {};
    const passphrase = randomBytes(20).toString("hex");
    let said: string[] = [];
    const heard = {
        onOutput: (text: string) => void said.push(text),
        onError: (text: string) => void said.push(text),
        color: "never" as const,
    };

    beforeAll(async () => {
        world = await startWorld();
        const compile = require("../../../build/compile.cjs") as { compiled(source: string): string };
        compile.compiled("sdks/zot/index.ts");
        compile.compiled("providers/zot/main.ts");
        folder = fs.mkdtempSync(path.join(os.tmpdir(), "zot-engine-"));
        // The plugin as it is, and its process id, by which a test ends it.
        pidFile = path.join(folder, "plugin.pid");
        fs.writeFileSync(
            path.join(folder, "pulumi-resource-zot"),
            `#!/bin/sh\necho $$ >'${pidFile}'\nexec '${root}/providers/zot/pulumi-resource-zot' "$@"\n`,
            { mode: 0o755 },
        );
        const program = async () => {
            const zot = require("pulumi-zot") as typeof import("pulumi-zot");
            const provider = new zot.Provider("zot", {
                authentikUrl: world.authentikGate.url,
                authentikToken: pulumi.secret(world.authentik.token),
            });
            const key = new zot.ApiKey(
                "ci",
                {
                    registryUrl: world.registryUrl,
                    user: world.ciUser,
                    repository: world.repository,
                    lifetime: "1h",
                    ...args,
                },
                { provider },
            );
            return { key: key.key, expires: key.expires, uuid: key.uuid };
        };
        stack = await LocalWorkspace.createOrSelectStack(
            { stackName: "test", projectName: "zot-provider-test", program },
            {
                workDir: folder,
                envVars: {
                    ...(toolchainEnvironment(toolchain!) as Record<string, string>),
                    PULUMI_BACKEND_URL: `file://${folder}`,
                    PULUMI_CONFIG_PASSPHRASE: passphrase,
                    PULUMI_HOME: path.join(folder, "home"),
                },
                projectSettings: {
                    name: "zot-provider-test",
                    runtime: "nodejs",
                    plugins: { providers: [{ name: "zot", path: folder }] },
                } as ProjectSettings,
            },
        );
    });
    afterAll(async () => {
        await stack?.destroy().catch(() => undefined);
        await world?.stop();
        if (folder) fs.rmSync(folder, { recursive: true, force: true });
    });
    beforeEach(() => {
        said = [];
        world.authentikGate.reset();
        world.registryGate.reset();
    });

    const up = async () => {
        const result = await stack.up(heard);
        return {
            changes: result.summary.resourceChanges ?? {},
            key: result.outputs.key!,
            uuid: result.outputs.uuid!.value as string,
        };
    };
    const asked = () =>
        [...world.authentikGate.requests, ...world.registryGate.requests].map(
            (request) => `${request.method} ${request.path}`,
        );
    const uuids = async () => (await world.keys()).map((key) => key.uuid).sort();
    const push = (key: string, tag: string) =>
        new RegistryClient(world.registryUrl, { username: world.ciUser, key }).push("team/app", tag, tag);
    const isRunning = (pid: number) => {
        try {
            process.kill(pid, 0);
            return true;
        } catch {
            return false;
        }
    };

    test(
        "preview asks nobody and shows key, uuid and expiry as not yet known; up makes a key that pushes; " +
            "another up changes nothing",
        async () => {
            await stack.preview(heard);
            expect(asked()).toEqual([]);
            expect(said.join("")).toContain(`An API key of ${world.ciUser} will be made`);
            const first = await up();
            expect(first.key.secret).toBe(true);
            expect(await push(first.key.value as string, "v1")).toBe(201);
            world.authentikGate.reset();
            world.registryGate.reset();
            const again = await up();
            expect(again.changes).toEqual({ same: 3 });
            expect(asked()).toEqual([]);
        },
    );

    test("past its time it is rotated in place, and preview says so and why", async () => {
        args = { rotateAfter: "1s" };
        await sleep(1_100);
        const before = (await stack.outputs()).key!.value as string;
        const preview = await stack.preview({ ...heard, diff: true });
        expect(preview.changeSummary).toEqual({ same: 2, update: 1 });
        expect(said.join("")).toMatch(/A new API key of .* will be made: the present one is/);
        expect(asked()).toEqual([]);
        const rotated = await up();
        expect(rotated.changes).toEqual({ same: 2, update: 1 });
        expect(rotated.key.secret).toBe(true);
        expect([await push(before, "v2"), await push(rotated.key.value as string, "v3")]).toEqual([201, 201]);
        args = {};
        await up();
    });

    test("killed while it makes the key, the next up ends in the declared state", async () => {
        args = { generation: 2 };
        const before = await stack.outputs();
        world.registryGate.after = async (request) => {
            if (request.path !== "/zot/auth/apikey" || request.method !== "POST") return;
            const pid = Number(fs.readFileSync(pidFile, "utf8"));
            process.kill(pid, "SIGKILL");
            while (isRunning(pid)) await sleep(10);
        };
        await expect(up()).rejects.toThrow();
        world.registryGate.reset();
        expect((await stack.outputs()).uuid!.value).toBe(before.uuid!.value);
        const after = await up();
        expect(after.uuid).not.toBe(before.uuid!.value);
        expect(await uuids()).toEqual([after.uuid]);
    });

    test(
        "a key that exists is in the state at once, though the update fails after it; " + "the next up goes on with it",
        async () => {
            args = { generation: 3 };
            world.registryGate.before = (request) => (request.method === "PUT" ? { status: 403 } : undefined);
            await expect(up()).rejects.toThrow(/may not push/);
            world.registryGate.reset();
            const [kept] = await uuids();
            const after = await up();
            expect(after.uuid).toBe(kept);
            expect(await uuids()).toEqual([kept]);
        },
    );

    test("refresh finds a revoked key, and the next up replaces it", async () => {
        await world.revokeAllByHand();
        await stack.refresh(heard);
        expect(said.join("")).toContain("no longer accepts the API key");
        const after = await up();
        expect(after.changes).toEqual({ same: 2, update: 1 });
        expect(await uuids()).toEqual([after.uuid]);
        expect(await push(after.key.value as string, "v4")).toBe(201);
    });

    test("a replacement that somebody asks for ends with one key too", async () => {
        const { deployment } = await stack.exportStack();
        const { urn } = (deployment as { resources: { urn: string; type: string }[] }).resources.find(
            (resource) => resource.type === "zot:index/apiKey:ApiKey",
        )!;
        const before = (await stack.outputs()).uuid!.value as string;
        const replaced = await stack.up({ ...heard, replace: [urn] });
        expect(replaced.outputs.uuid!.value).not.toBe(before);
        expect(await uuids()).toEqual([replaced.outputs.uuid!.value]);
        expect(await push(replaced.outputs.key!.value as string, "v5")).toBe(201);
    });

    // `pulumi import` by the CLI starts the language host.
    (toolchain?.pulumi.languageHost ? test : test.skip)(
        skippable(
            "import is refused",
            toolchain?.pulumi.languageHost ? undefined : "the Pulumi CLI has no language host for Node here",
        ),
        async () => {
            const words = [
                "import",
                "zot:index/apiKey:ApiKey",
                "imported",
                `${world.ciUser}@x`,
                "--yes",
                "--stack",
                "test",
                "--provider",
                `zot=${await providerUrn()}`,
                "--non-interactive",
            ];
            const imported = promisify(execFile)(toolchain!.pulumi.path, words, {
                cwd: folder,
                env: { ...process.env, ...stack.workspace.envVars },
            });
            await expect(
                imported.catch((error: { stdout: string; stderr: string }) => error.stdout + error.stderr),
            ).resolves.toContain("cannot be imported");
        },
    );

    const providerUrn = async () => {
        const { deployment } = await stack.exportStack();
        return (deployment as { resources: { urn: string; type: string }[] }).resources.find(
            (resource) => resource.type === "pulumi:providers:zot",
        )!.urn;
    };

    test("nothing secret is in state, output or logs in plain text, and destroy revokes every key", async () => {
        const { key } = await stack.outputs();
        const log: string[] = [];
        args = { generation: 4 };
        await stack.up({
            ...heard,
            debug: true,
            logToStdErr: true,
            logVerbosity: 9,
            onError: (text) => void log.push(text),
            onOutput: (text) => void log.push(text),
        } as Parameters<Stack["up"]>[0]);
        const latest = (await stack.outputs()).key!.value as string;
        const passwords = world.authentikGate.requests
            .filter((request) => request.path.endsWith("/set_password/"))
            .map((request) => (JSON.parse(request.body) as { password: string }).password);
        expect(passwords).toHaveLength(2);
        const stateFiles = filesIn(path.join(folder, ".pulumi")).map((file) => fs.readFileSync(file, "utf8"));
        expect(stateFiles.join("")).toContain("zot:index/apiKey:ApiKey");
        for (const secret of [key!.value as string, latest, ...passwords, world.authentik.token, passphrase]) {
            expect(stateFiles.some((text) => text.includes(secret))).toBe(false);
            expect(said.join("").includes(secret)).toBe(false);
            // The engine's own log at this level has what travels between it and the plugin, secrets in their marks.
            if (secret !== key!.value && secret !== latest && secret !== world.authentik.token)
                expect(log.join("").includes(secret)).toBe(false);
        }
        await stack.destroy(heard);
        expect(await uuids()).toEqual([]);
    });
});

function filesIn(folder: string): string[] {
    return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
        const file = path.join(folder, entry.name);
        return entry.isDirectory() ? filesIn(file) : [file];
    });
}
