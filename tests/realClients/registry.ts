/**
 * A registry with the config that the program renders for it, and what CI and an admin log in with: what the clients of
 * others meet.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { configText, namelessSecretFiles, renderZotConfig } from "../../components/zotConfig";
import { siteSettings } from "../support/settings";
import { IdentityProvider, keyFor, person } from "../testbed/zot/logins";
import { type Credentials, RunningZot, scratch, type Zot } from "../testbed/zot/zots";

export interface HardenedRegistry {
    url: string;
    /** Host and port, as a client names it. */
    host: string;
    ci: Credentials;
    admin: Credentials;
    zot: RunningZot;
    stop(): Promise<void>;
}

/**
 * @param extraConfig the site's own part of zot's config (`zot.extraConfig`)
 * @param access the settings of that name
 */
export async function startHardenedRegistry(
    zot: Zot,
    extraConfig: Record<string, unknown> = {},
    access: Record<string, unknown> = {},
): Promise<HardenedRegistry> {
    const provider = await IdentityProvider.start();
    try {
        const folder = scratch();
        const running = await RunningZot.start(
            zot,
            (url) => renderedConfig(folder, url, provider.issuer, { extraConfig, access }),
            folder,
        );
        await provider.allows(running.url);
        const ci = await keyFor(provider, running, person("zot-ci", "artifact-workloads"));
        const admin = await keyFor(provider, running, person("alice", "admins"));
        return {
            url: running.url,
            host: new URL(running.url).host,
            ci,
            admin,
            zot: running,
            async stop() {
                await running.stop();
                await provider.stop();
            },
        };
    } catch (error) {
        await provider.stop();
        throw error;
    }
}

/** As a push would put it in place, with its secret files beside it. */
function renderedConfig(
    folder: string,
    url: string,
    issuer: string,
    { extraConfig, access }: Record<"extraConfig" | "access", Record<string, unknown>>,
): object {
    const { settings } = siteSettings({
        access,
        registry: { url },
        zot: {
            configFile: join(folder, "config.json"),
            rootDirectory: join(folder, "root"),
            address: "127.0.0.1",
            port: Number(new URL(url).port),
            extraConfig,
        },
        identity: { issuer },
    });
    const files = namelessSecretFiles(settings);
    const secrets = {
        [files.credentials]: { clientid: settings.identity.clientId, clientsecret: "a secret for tests" },
        [files.sessionKeys]: { hashKey: "h".repeat(64), encryptKey: "e".repeat(32) },
    };
    for (const [file, secret] of Object.entries(secrets)) {
        mkdirSync(dirname(file), { recursive: true });
        writeFileSync(file, JSON.stringify(secret), { mode: 0o600 });
    }
    return JSON.parse(configText(renderZotConfig(settings, files))) as object;
}
