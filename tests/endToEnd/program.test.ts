/**
 * The whole program with the real engine, over SSH and HTTP, on a site on loopback: stand-ins, or the real parts where
 * they are at hand (see testbed/site).
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { UpResult } from "@pulumi/pulumi/automation";
import { RegistryClient } from "../../clients/zot/registry";

import program = require("../../index");

import { findToolchain, skippable, toolchainEnvironment } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack, STACK } from "../../testbed/site/scratchStack";
import { operationApart } from "../support/refusedOperation";

const { reason } = findToolchain();
const describeWithEngine = reason ? describe.skip : describe;
const ROOT = resolve(__dirname, "../..");

jest.setTimeout(180_000);

describeWithEngine(skippable("the program, with the engine", reason), () => {
    let site: Site;
    let scratch: ScratchStack;
    let up: UpResult;
    const printed: string[] = [];
    const onOutput = (text: string) => void printed.push(text);
    /** The engine's event stream, which `pulumi up --json` prints as well. */
    const events: string[] = [];
    const operation = {
        color: "never",
        onOutput,
        onEvent: (event: unknown) => void events.push(JSON.stringify(event)),
    } as const;

    beforeAll(async () => {
        site = await startSite();
        scratch = await createScratchStack(site, ROOT, program);
        const preview = await scratch.stack.preview(operation);
        expect(preview.changeSummary.create).toBeGreaterThan(10);
        expect(existsSync(join(site.folder, "zot", "config.json"))).toBe(true);
        expect(await new RegistryClient(site.registryUrl).push("before/preview", "v1", "x")).toBe(201);
        up = await scratch.stack.up(operation);
    });

    afterAll(async () => {
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        await site?.stop();
    });

    const changes = ({ summary }: UpResult) =>
        Object.entries(summary.resourceChanges ?? {}).filter(
            ([operationName, count]) => operationName !== "same" && (count ?? 0) > 0,
        );
    const groupId = async () =>
        (await site.authentik.api<{ results: { pk: string }[] }>("GET", "/core/groups/?name=artifact-workloads"))
            .results[0]!.pk;

    test("anyone reads, nobody writes without a login", async () => {
        const anyone = new RegistryClient(site.registryUrl);
        expect(await anyone.pull("before/preview", "v1")).toBe(200);
        expect(await anyone.push("before/preview", "v2", "x")).toBe(401);
    });

    test("the outputs describe what is on the host", () => {
        const values = Object.fromEntries(
            Object.entries(up.outputs).map(([name, output]) => [name, output.value as unknown]),
        );
        expect(Object.keys(values).sort()).toEqual(
            expect.arrayContaining([
                "accessMatrix",
                "ciUserName",
                "issuer",
                "oidcClientId",
                "registryHost",
                "registryUrl",
                "zotConfigSha256",
            ]),
        );
        expect(values).toMatchObject({
            registryUrl: site.registryUrl,
            issuer: site.issuer,
            oidcClientId: "zot",
            ciUserName: "zot-ci",
        });
        const text = readFileSync(join(site.folder, "zot", "config.json"), "utf8");
        expect(values).not.toHaveProperty("zotConfig");
        expect(createHash("sha256").update(text).digest("hex")).toBe(values.zotConfigSha256);
    });

    test("files on the host have their modes, and no other names are left", () => {
        const folder = join(site.folder, "zot");
        const modes = Object.fromEntries(
            readdirSync(folder)
                .filter((name) => name.endsWith(".json") && !name.startsWith("."))
                .map((name) => [
                    name.replace(/[0-9a-f]{64}/, "HASH"),
                    (statSync(join(folder, name)).mode & 0o777).toString(8),
                ]),
        );
        expect(modes).toEqual({
            "config.json": "644",
            "oidc-credentials.HASH.json": "600",
            "session-keys.HASH.json": "600",
        });
    });

    test("a second up, and a refresh, change nothing", async () => {
        const connections = site.ssh.connections();
        expect(changes(await scratch.stack.up(operation))).toEqual([]);
        const refreshed = await scratch.stack.refresh(operation);
        expect(Object.keys(refreshed.summary.resourceChanges ?? {})).toEqual(["same"]);
        // The up looks at the host, once.
        expect(site.ssh.connections()).toBe(connections + 1);
    });

    test("what was changed by hand in Authentik is seen by a refresh and mended by the next up", async () => {
        await site.authentik.api("PATCH", "/core/applications/zot/", { name: "Changed by hand" });
        const mended = await scratch.stack.up({ ...operation, refresh: true });
        expect(changes(mended)).toEqual([["update", 1]]);
        expect((await site.authentik.api<{ name: string }>("GET", "/core/applications/zot/")).name).toBe(
            "Zot Registry",
        );
    });

    test("a blueprint that names what is declared is warned of in preview, as long as it is enabled", async () => {
        const name = `end-to-end-${Date.now()}`;
        const content =
            "version: 1\nentries:\n  - model: authentik_core.application\n    identifiers:\n      slug: " +
            "zot\n    state: created\n";
        const { pk } = await site.authentik.api<{ pk: string }>("POST", "/managed/blueprints/", {
            name,
            path: "",
            content,
            enabled: false,
        });
        try {
            expect((await scratch.stack.preview(operation)).stdout).not.toContain(name);
            await site.authentik.api("PATCH", `/managed/blueprints/${pk}/`, { enabled: true });
            expect((await scratch.stack.preview(operation)).stdout).toContain(
                `The blueprint ${name} is enabled and names slug zot: whenever it is applied, it overwrites what pulumi up has changed`,
            );
        } finally {
            await site.authentik.api("DELETE", `/managed/blueprints/${pk}/`);
        }
    });

    test("one changed right is a preview of a few lines, and among the first ten says who gets what", async () => {
        scratch.changeSettings({ access: { adminsMayUpdate: true } });
        try {
            const { stdout } = await scratch.stack.preview({ color: "never" });
            // What is rewritten in place on a terminal is not counted: lines of progress, a dot each.
            // Nor what the stand-in for the command plugin says of itself.
            const lines = stdout
                .split("\n")
                .filter((line) => line.trim() !== "" && !/^[.@]|^ {2,}(\S+ registry {2})?Commands on hosts/.test(line));
            expect(lines.length).toBeLessThan(40);
            expect(lines.slice(0, 10).join("\n")).toMatch(/WIDER .*admins.* update/);
        } finally {
            scratch.changeSettings({ access: { adminsMayUpdate: false } });
        }
    });

    test("a renamed slug is refused at preview, with the way to do it", async () => {
        scratch.changeSettings({
            identity: { applicationSlug: "other", issuer: site.issuer.replace("/zot/", "/other/") },
        });
        try {
            const { printed, succeeded } = await operationApart(scratch, "preview");
            expect(succeeded).toBe(false);
            expect(printed).toMatch(
                /identity\.applicationSlug would change from "zot" to "other" under a live registry[\s\S]*identity\.acceptRename/,
            );
        } finally {
            scratch.changeSettings({ identity: { applicationSlug: "zot", issuer: site.issuer } });
        }
    });

    test("mistakes in the settings are told all at once, without a stack trace, and change nothing", async () => {
        const file = join(scratch.folder, "Pulumi.demo.yaml");
        const before = readFileSync(file, "utf8");
        scratch.changeSettings({
            zot: { port: 70000 },
            access: { rules: { "Team/**": { ci: ["push"] } } },
            host: { hostKey: "SHA256:abc" },
        });
        try {
            const { stdout, status } = spawnSync(
                scratch.toolchain.node.path,
                [join(ROOT, "tests/support/inlineOperation.cjs"), scratch.folder, STACK, "up"],
                {
                    env: { ...toolchainEnvironment(scratch.toolchain), ...scratch.environment },
                    encoding: "utf8",
                },
            );
            expect(status).toBe(1);
            expect(stdout).toMatch(/There are 4 mistakes/);
            expect(stdout).toMatch(/zot\.port: 70000 is not allowed/);
            expect(stdout).toMatch(/access\.rules/);
            expect(stdout).toMatch(/host\.hostKey/);
            expect(stdout).not.toMatch(/components\/settings|\n +at /);
        } finally {
            writeFileSync(file, before);
        }
    });

    test("a config that zot cannot start with is refused, and the registry serves as before", async () => {
        const before = readFileSync(join(site.folder, "zot", "config.json"), "utf8");
        // zot verify accepts it, and zot serve does not.
        scratch.changeSettings({
            zot: { extraConfig: { http: { tls: { cert: "/does/not/exist.pem", key: "/does/not/exist.key" } } } },
        });
        try {
            const { printed, succeeded } = await operationApart(scratch, "up");
            expect([succeeded, printed]).toEqual([false, expect.stringContaining("[ZH-TLS-FILE]")]);
            expect(readFileSync(join(site.folder, "zot", "config.json"), "utf8")).toBe(before);
            expect(await new RegistryClient(site.registryUrl).pull("before/preview", "v1")).toBe(200);
            expect(await new RegistryClient(site.registryUrl).push("before/preview", "v3", "x")).toBe(401);
        } finally {
            scratch.changeSettings({ zot: { extraConfig: {} } });
            await scratch.stack.up(operation);
        }
    });

    test("no secret is in the state, in what was printed, in the engine's events, or in the stack's file", async () => {
        const credentials = readdirSync(join(site.folder, "zot")).find((name) => name.startsWith("oidc-credentials."))!;
        const { clientsecret } = JSON.parse(readFileSync(join(site.folder, "zot", credentials), "utf8")) as {
            clientsecret: string;
        };
        const sessionKeys = readdirSync(join(site.folder, "zot")).find((name) => name.startsWith("session-keys."))!;
        const { hashKey, encryptKey } = JSON.parse(
            readFileSync(join(site.folder, "zot", sessionKeys), "utf8"),
        ) as Record<string, string>;
        const ciApiKey = up.outputs.ciApiKey!.value as string;
        expect(ciApiKey).toMatch(/^zak_/);
        const canaries = [
            clientsecret,
            hashKey!,
            encryptKey!,
            ciApiKey,
            site.authentik.token,
            ...site.ssh.privateKeyPem.split("\n").filter((line) => line.length > 40),
        ];
        const texts = [
            printed.join(""),
            ...events,
            readFileSync(join(scratch.folder, "Pulumi.demo.yaml"), "utf8"),
            ...filesBelow(scratch.stateFolder).map((file) => readFileSync(file, "latin1")),
        ];
        for (const canary of canaries) for (const text of texts) expect(text.includes(canary)).toBe(false);
        expect(printed.join("")).toContain("HardenedRegistry");
        expect(events.some((event) => event.includes("HardenedRegistry"))).toBe(true);
    });

    test("destroy removes what was made, and leaves a registry that anyone reads and nobody changes", async () => {
        await groupId();
        await scratch.stack.destroy(operation);
        expect(
            (await site.authentik.api<{ results: unknown[] }>("GET", "/core/groups/?name=artifact-workloads")).results,
        ).toEqual([]);
        expect(
            (await site.authentik.api<{ results: unknown[] }>("GET", "/providers/oauth2/?client_id=zot")).results,
        ).toEqual([]);
        expect(
            (await site.authentik.api<{ results: unknown[] }>("GET", "/core/groups/?name=admins")).results,
        ).toHaveLength(1);
        const anyone = new RegistryClient(site.registryUrl);
        expect(await anyone.pull("before/preview", "v1")).toBe(200);
        expect(await anyone.push("before/preview", "v4", "x")).toBe(401);
        await site.zot.restart();
        expect(await anyone.pull("before/preview", "v1")).toBe(200);
    });
});

function filesBelow(folder: string): string[] {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name));
}
