/**
 * What the program is compared with keeps: the config that the program has deployed, for a zot of its own on the same
 * SSH host, with two files of secrets.
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Site } from "../site";
import { freePort } from "../site/ports";
import { startZotService } from "../site/zotService";

/** A zot that something else than the program configures. */
export interface OtherZot {
    /** For what is needed to configure it. */
    folder: string;
    /** Holds `config.json`, `oidc.json` and `keys.json`. */
    configFolder: string;
    url: string;
    restartCommand: string;
    /** The texts of its files; with a right that is another one than before, where that is wanted. */
    files(options: { changesRight: boolean }): Files;
    /** Files that `ssh` needs: the user's key, and the pinned key of the host. */
    login: { key: string; knownHosts: string };
    /** Leaves nothing of its config, so that the next run is the first one. */
    reset(): void;
    stop(): void;
}

export interface Files {
    config: string;
    /** The client secret of OpenID Connect, as zot reads it. */
    credentials: string;
    sessionKeys: string;
}

/**
 * @param name of a folder in the site's
 * @param binary of zot
 */
export async function otherZot(site: Site, name: string, binary: string): Promise<OtherZot> {
    const folder = join(site.folder, name);
    const configFolder = join(folder, "zot");
    mkdirSync(configFolder, { recursive: true });
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const zot = startZotService({ folder, binary, configFile: join(configFolder, "config.json"), url });
    const { ssh } = site;
    const write = (file: string, text: string, mode: number) => {
        writeFileSync(join(folder, file), text, { mode });
        return join(folder, file);
    };
    const served = JSON.parse(readFileSync(String(site.settings.zot?.configFile), "utf8")) as Served;
    let right = 0;
    return {
        folder,
        configFolder,
        url,
        restartCommand: zot.restartCommand,
        files({ changesRight }) {
            if (changesRight) right++;
            const config = configOf(served, { port, folder: configFolder, images: join(folder, "images"), right });
            return {
                config: `${JSON.stringify(config, null, 2)}\n`,
                credentials: '{"clientid":"zot","clientsecret":"a secret for the bench"}\n',
                sessionKeys: `{"hashKey":"${"0".repeat(64)}","encryptKey":"${"0".repeat(32)}"}\n`,
            };
        },
        login: {
            key: write("key.pem", ssh.privateKeyPem, 0o600),
            knownHosts: write("known_hosts", `[${ssh.host}]:${ssh.port} ${ssh.hostPublicKey}\n`, 0o644),
        },
        reset() {
            zot.stop();
            rmSync(configFolder, { recursive: true });
        },
        stop: () => zot.stop(),
    };
}

/** What of a served config is changed here. */
interface Served {
    storage: Record<string, unknown>;
    http: Record<string, unknown> & {
        auth: { openid: { providers: { oidc: Record<string, unknown> } } } & Record<string, unknown>;
        accessControl: { repositories: Record<string, unknown> };
    };
}

/** The config that the program has deployed, on a port and in folders of its own; with one more rule in another name. */
function configOf(
    served: Served,
    { port, folder, images, right }: { port: number; folder: string; images: string; right: number },
) {
    const { http, storage } = served;
    const { oidc } = http.auth.openid.providers;
    return {
        ...served,
        storage: { ...storage, rootDirectory: images },
        http: {
            ...http,
            port: String(port),
            auth: {
                ...http.auth,
                sessionKeysFile: `${folder}/keys.json`,
                openid: { providers: { oidc: { ...oidc, credentialsFile: `${folder}/oidc.json` } } },
            },
            accessControl: {
                ...http.accessControl,
                repositories: {
                    ...http.accessControl.repositories,
                    [`changed-${right}/**`]: { anonymousPolicy: ["read"] },
                },
            },
        },
    };
}
