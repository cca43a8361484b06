/**
 * The look at the host in the whole program, under Pulumi's real engine: what it shows, what it has mended, and what it
 * costs.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import type { UpResult } from "@pulumi/pulumi/automation";

import program = require("../../../index");

import { RegistryClient } from "../../../clients/zot/registry";
import { findToolchain, skippable, toolchainEnvironment } from "../../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../../testbed/site";
import { createScratchStack, type ScratchStack, STACK } from "../../../testbed/site/scratchStack";
import { root } from "./plugin";

jest.setTimeout(300_000);

const { toolchain, reason } = findToolchain();

(toolchain ? describe : describe.skip)(skippable("the look at the host, with the engine", reason), () => {
    let site: Site;
    let scratch: ScratchStack;
    let said: string[] = [];
    const heard = {
        color: "never",
        onOutput: (text: string) => void said.push(text),
        onError: (text: string) => void said.push(text),
    } as const;
    const configFile = () => path.join(site.folder, "zot", "config.json");
    const secretFile = (name: string) =>
        path.join(
            site.folder,
            "zot",
            fs.readdirSync(path.join(site.folder, "zot")).find((file) => file.startsWith(name))!,
        );
    const changes = ({ summary }: UpResult) =>
        Object.fromEntries(
            Object.entries(summary.resourceChanges ?? {}).filter(
                ([operation, count]) => operation !== "same" && (count ?? 0) > 0,
            ),
        );
    /** Connections that an operation makes, as the SSH server counts them. */
    const connectionsOf = async <T>(work: () => Promise<T>): Promise<{ result: T; connections: number }> => {
        const before = site.ssh.connections();
        const result = await work();
        return { result, connections: site.ssh.connections() - before };
    };

    beforeAll(async () => {
        site = await startSite();
        scratch = await createScratchStack(site, root, program);
    });
    afterAll(async () => {
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        await site?.stop();
    });
    beforeEach(() => {
        said = [];
    });

    test(
        "the first preview looks once, the first up looks and deploys; " +
            "then an up looks once, and a refresh not at all",
        async () => {
            expect((await connectionsOf(() => scratch.stack.preview(heard))).connections).toBe(1);
            const first = await connectionsOf(() => scratch.stack.up(heard));
            expect(first.connections).toBe(2);
            expect(said.join("")).not.toContain("is not as it was declared");
            const second = await connectionsOf(() => scratch.stack.up(heard));
            expect([changes(second.result), second.connections]).toEqual([{}, 1]);
            expect((await connectionsOf(() => scratch.stack.refresh(heard))).connections).toBe(0);
        },
    );

    test("a config that was edited by hand is shown by preview, mended by one up, and gone in the next", async () => {
        const declared = fs.readFileSync(configFile(), "utf8");
        fs.writeFileSync(
            configFile(),
            declared.replace(/"anonymousPolicy": \[\s*"read"\s*\]/, '"anonymousPolicy": ["read", "create"]'),
        );
        await site.zot.restart();
        const anyone = new RegistryClient(site.registryUrl);
        expect(await anyone.push("team/app", "by-hand", "x")).toBe(201);

        const preview = await connectionsOf(() => scratch.stack.preview(heard));
        expect(preview.result.changeSummary.update).toBe(2);
        expect(preview.connections).toBe(1);
        const shown = said.join("");
        expect(shown).toContain(`${configFile()} has other settings`);
        expect(shown).toMatch(/^\s*\+\s+"create"$/m);
        expect(shown).toContain("pulumi up deploys the declared state again.");

        said = [];
        const up = await connectionsOf(() => scratch.stack.up(heard));
        expect(changes(up.result)).toEqual({ update: 2 });
        expect(up.connections).toBe(2);
        expect(said.join("")).toContain("The declared state is deployed again now.");
        expect(fs.readFileSync(configFile(), "utf8")).toBe(declared);
        expect(await anyone.push("team/app", "after", "x")).toBe(401);

        said = [];
        expect((await scratch.stack.preview(heard)).changeSummary.update).toBeUndefined();
        expect(changes(await scratch.stack.up(heard))).toEqual({});
        expect(said.join("")).not.toContain("is not as it was declared");
    });

    test("secret files that were changed are mended, and what is in them is not shown", async () => {
        const [credentials, keys] = [secretFile("oidc-credentials."), secretFile("session-keys.")];
        const declared = fs.readFileSync(credentials, "utf8");
        fs.writeFileSync(credentials, declared.replace(/"clientsecret":"[^"]*"/, '"clientsecret":"canary-by-hand"'));
        fs.chmodSync(keys, 0o644);
        expect((await scratch.stack.preview(heard)).changeSummary.update).toBe(2);
        const shown = said.join("");
        expect(shown).toContain(`${credentials} has other content`);
        expect(shown).toContain(`${keys} has mode 0644 instead of 0600`);
        await scratch.stack.up(heard);
        expect(fs.readFileSync(credentials, "utf8")).toBe(declared);
        expect(fs.statSync(keys).mode & 0o777).toBe(0o600);
        expect(changes(await scratch.stack.up(heard))).toEqual({});
        const { clientsecret } = JSON.parse(declared) as { clientsecret: string };
        for (const secret of ["canary-by-hand", clientsecret, site.ssh.privateKeyPem.split("\n")[2]!])
            expect(said.join("").includes(secret)).toBe(false);
    });

    test("a host that cannot be reached is told in seconds, before anything is done", async () => {
        const { port } = site.settings.host as { port: number };
        scratch.changeSettings({ host: { port: 1 } });
        try {
            const { stdout, status } = spawnSync(
                scratch.toolchain.node.path,
                [path.join(root, "tests/support/inlineOperation.cjs"), scratch.folder, STACK, "up"],
                {
                    env: { ...toolchainEnvironment(scratch.toolchain), ...scratch.environment },
                    encoding: "utf8",
                },
            );
            expect(status).toBe(1);
            expect(stdout).toMatch(
                /HostObservation[\s\S]*refuses connections: no SSH server listens there[\s\S]*host\.address or host\.port/,
            );
            // The deployment, which would have tried for long, and said less.
            expect(stdout).not.toContain("failed attempts");
        } finally {
            scratch.changeSettings({ host: { port } });
        }
    });
});
