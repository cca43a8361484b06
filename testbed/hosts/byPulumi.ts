/**
 * The whole program in the real engine, on a host with systemd: what `pulumi up` does there when an operator runs it.
 */

import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { PulumiFn } from "@pulumi/pulumi/automation";
import { readToolchain, toolchainEnvironment } from "../bootstrap/toolchain.cjs";
import { checkoutOf } from "../checkout";
import { startAuthentik } from "../site/authentik";
import { createScratchStack } from "../site/scratchStack";
import type { Site } from "./site";

export interface PulumiRuns {
    /** The counts of changed resources, and of unchanged ones. */
    up(): Promise<Record<string, number>>;
    /** What a preview prints. */
    preview(): Promise<string>;
    destroy(): Promise<void>;
}

/** A separate stack with a separate Authentik (the stand-in), for as long as `work` lasts. */
export async function withPulumi(site: Site, work: (runs: PulumiRuns) => Promise<void>): Promise<void> {
    // The Automation API looks for the CLI on the PATH.
    process.env.PATH = toolchainEnvironment(readToolchain()).PATH;
    const folder = fs.mkdtempSync(join(tmpdir(), "zot-hosts-"));
    const authentik = await startAuthentik(folder);
    try {
        // Here, since it is much, and only this needs it.
        const program = require("../../index") as PulumiFn;
        const groups = site.groups("a", {
            zot: { mirrors: [] },
            identity: { issuer: `${authentik.url}/application/o/zot/`, clientId: "zot" },
        });
        const secrets = {
            "host.privateKey": site.host.login(site.user).privateKeyPem,
            "authentik:token": authentik.token,
        };
        const scratch = await createScratchStack(
            { folder, authentik, settings: groups, secrets },
            checkoutOf(__dirname),
            program,
        );
        await work({
            async up() {
                const { summary } = await scratch.stack.up({ color: "never" });
                return Object.fromEntries(
                    Object.entries(summary.resourceChanges ?? {}).filter(
                        ([kind, count]) => kind !== "same" && (count ?? 0) > 0,
                    ),
                ) as Record<string, number>;
            },
            preview: async () => (await scratch.stack.preview({ color: "never" })).stdout,
            destroy: async () => void (await scratch.stack.destroy({ color: "never" })),
        });
    } finally {
        await authentik.stop();
        fs.rmSync(folder, { recursive: true, force: true });
    }
}
