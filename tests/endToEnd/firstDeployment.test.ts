/**
 * The first deployment, under Pulumi's real engine: what the preview says, what refuses it, and that Authentik is not
 * touched before the host is known to take its part.
 */
import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import program = require("../../index");

import { findToolchain, skippable, toolchainEnvironment } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack, STACK } from "../../testbed/site/scratchStack";

const { reason } = findToolchain();
const ROOT = resolve(__dirname, "../..");

jest.setTimeout(300_000);

(reason ? describe.skip : describe)(skippable("the first deployment, with the engine", reason), () => {
    let site: Site;
    let scratch: ScratchStack;
    const configFile = () => join(site.folder, "zot", "config.json");
    const read = () => JSON.parse(readFileSync(configFile(), "utf8")) as Record<string, unknown>;
    /** In a process of its own, since a program that fails inline leaves rejected promises behind. */
    const operation = (kind: "preview" | "up", environment: Record<string, string> = {}) =>
        new Promise<{ stdout: string; status: number | null }>((resolve, reject) => {
            const child = spawn(
                scratch.toolchain.node.path,
                [join(ROOT, "tests/support/inlineOperation.cjs"), scratch.folder, STACK, kind],
                {
                    env: { ...toolchainEnvironment(scratch.toolchain), ...scratch.environment, ...environment },
                    stdio: ["ignore", "pipe", "inherit"],
                },
            );
            let stdout = "";
            child.stdout.on("data", (chunk) => (stdout += String(chunk)));
            child.on("error", reject);
            child.on("close", (status) => resolve({ stdout, status }));
        });
    const made = async () => {
        const { api } = site.authentik;
        const lists = await Promise.all(
            [
                "/providers/oauth2/?client_id=zot",
                "/core/groups/?name=artifact-workloads",
                "/core/users/?username=zot-ci",
            ].map((path) => api<{ results: Record<string, unknown>[] }>("GET", path)),
        );
        return lists.flatMap(({ results }) =>
            results.filter(
                (one) => one.client_id === "zot" || one.name === "artifact-workloads" || one.username === "zot-ci",
            ),
        );
    };

    beforeAll(async () => {
        site = await startSite();
        scratch = await createScratchStack(site, ROOT, program);
    });
    afterAll(async () => {
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        await site?.stop();
    });

    test("the first preview says what will happen", async () => {
        const connections = site.ssh.connections();
        const { stdout, status } = await operation("preview");
        expect([status, site.ssh.connections() - connections]).toEqual([0, 1]);
        expect(stdout).toMatch(/zot restarts once; after that nobody can push without a login/);
        expect(stdout).toContain("narrower  anonymous loses create, update and delete on `**`");
        expect(await made()).toEqual([]);
    });

    test("all that is wrong is named together, in preview and at the start of up, and nothing is changed", async () => {
        const open = readFileSync(configFile(), "utf8");
        const { registry, identity } = site.settings as { registry: { url: string }; identity: { issuer: string } };
        writeFileSync(
            configFile(),
            JSON.stringify({ ...read(), extensions: { scrub: { enable: true, interval: "24h" } } }),
        );
        scratch.changeSettings({
            registry: { url: "http://127.0.0.1:1" },
            identity: {
                issuer: identity.issuer.replace(/:\d+\//, ":1/"),
                adminsGroup: "nobodys",
                authorizationFlow: "no-such-flow",
            },
        });
        try {
            for (const kind of ["preview", "up"] as const) {
                const { stdout, status } = await operation(kind);
                expect(status).toBe(1);
                const [, list] =
                    /Before anything is changed, this has to be corrected:\n([\s\S]*?)\n[^\n]*Nothing was changed, on the host or in Authentik\./.exec(
                        stdout,
                    ) ?? [];
                for (const part of [
                    "nobodys",
                    "no-such-flow",
                    "registry.url, http://127.0.0.1:1, does not answer",
                    "zot cannot start without its issuer",
                    "extensions",
                ])
                    expect(list).toContain(part);
                expect(stdout).not.toMatch(/\n +at /);
            }
            expect(await made()).toEqual([]);
            expect(read().extensions).toBeDefined();
        } finally {
            writeFileSync(configFile(), open);
            scratch.changeSettings({
                registry,
                identity: {
                    ...identity,
                    adminsGroup: "admins",
                    authorizationFlow: "default-provider-authorization-implicit-consent",
                },
            });
        }
    });

    test(
        "what the host would refuse leaves Authentik as it is; " + "without a look at the host nothing is asked of it",
        async () => {
            const open = readFileSync(configFile(), "utf8");
            writeFileSync(
                configFile(),
                JSON.stringify({ ...read(), extensions: { scrub: { enable: true, interval: "24h" } } }),
            );
            try {
                const { stdout, status } = await operation("up");
                expect(status).toBe(1);
                expect(stdout).toContain("the first deployment would remove: extensions");
                expect(await made()).toEqual([]);
                const connections = site.ssh.connections();
                expect((await operation("preview", { ZOT_HARDENING_LOOK: "off" })).status).toBe(0);
                expect(site.ssh.connections()).toBe(connections);
            } finally {
                writeFileSync(configFile(), open);
            }
        },
    );

    test("a deployment that fails all the same says what the update has changed in Authentik", async () => {
        // What only the deployment itself can find.
        const { restartCommand } = site.settings.host as { restartCommand: string };
        scratch.changeSettings({ host: { restartCommand: "exit 7" } });
        try {
            const { stdout, status } = await operation("up");
            expect(status).toBe(1);
            expect(stdout).toMatch(
                /^ +Changed in Authentik, before the deployment to the host; these changes stay even if the deployment fails:$/m,
            );
            expect(stdout).toMatch(/^ +the OAuth2 provider Zot was made$/m);
            expect(stdout).toMatch(/^ +the group artifact-workloads was made$/m);
            expect(stdout).not.toContain("Nothing was changed");
        } finally {
            scratch.changeSettings({ host: { restartCommand } });
        }
        // What was never deployed is no difference.
        const { stdout, status } = await operation("preview");
        expect(status).toBe(0);
        expect(stdout).toContain("The first deployment to");
        expect(stdout).not.toContain("is not as it was declared");
    });

    test("then it goes through, and a second time nothing is to do", async () => {
        expect((await operation("up")).status).toBe(0);
        expect(await made()).toHaveLength(3);
        const { stdout, status } = await operation("up");
        expect(status).toBe(0);
        expect(stdout).not.toMatch(/The first deployment|\d+ (created|updated|replaced)/);
    });
});
