/** Real zots beside each other over copies of one storage: a bare one, and ones with a config that the program renders. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outgoing } from "../../clients/http/outgoing";
import { KeyHolder } from "../../clients/zot/apiKeys";
import { declaredState } from "../../components/declaredState";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import type { JsonMap, SecretFiles } from "../../components/zotConfig";
import type { Site } from "../site";
import { freePort } from "../site/ports";
import { STACK } from "../site/scratchStack";
import { startZotService } from "../site/zotService";
import { teamRules } from "./shapes";

/** CI's account, as the program names it. */
export const CI = "zot-ci";

/** What a registry has that others have not. */
interface Shape {
    /** Neither logins nor rights. */
    isBare?: true;
    /** Over the stack's settings. */
    access?: Record<string, unknown>;
    /** How many keys are on record for CI's account. */
    keys?: number;
}

export const SHAPES = {
    bare: { isBare: true },
    "the program's": {},
    "one rule": { access: { rules: teamRules(1) } },
    "1000 rules": { access: { rules: teamRules(1000) } },
    "100 keys": { keys: 100 },
    "500 keys": { keys: 500 },
    "a tag scheme": { access: { tagScheme: ["vX.Y.Z"] } },
    "movable tags": {
        access: { tagScheme: ["vX.Y.Z"], movableTags: { "team-0/**": ["latest"] }, acceptLossOfManifests: true },
    },
} satisfies Record<string, Shape>;
export type ShapeName = keyof typeof SHAPES;

export interface Registry {
    url: string;
    pid: number;
}

export interface Registries {
    of: Record<ShapeName, Registry>;
    stop(): void;
}

/** What all of them are made from. */
export interface Origin {
    site: Site;
    /** Holds the stack's file. */
    project: string;
    /** CI's, which is on record in the storage. */
    key: string;
}

/** Starts one of each shape, over copies of the site's storage. The site's own zot must not run meanwhile. */
export async function startRegistries(origin: Origin): Promise<Registries> {
    const folder = mkdtempSync(join(tmpdir(), "zot-hardening-bench-"));
    const started: { stop(): void }[] = [];
    const stop = () => {
        process.removeListener("exit", stop);
        for (const zot of started.splice(0)) zot.stop();
        rmSync(folder, { recursive: true, force: true });
    };
    // An interruption ends this process, and nobody else would end what it has started.
    process.once("exit", stop);
    try {
        const of = {} as Record<ShapeName, Registry>;
        for (const [index, name] of (Object.keys(SHAPES) as ShapeName[]).entries()) {
            const own = join(folder, String(index));
            mkdirSync(own);
            of[name] = await start(origin, SHAPES[name], own, (zot) => started.push(zot));
        }
        return { of, stop };
    } catch (error) {
        stop();
        throw error;
    }
}

async function start(
    { site, project, key }: Origin,
    shape: Shape,
    folder: string,
    made: (zot: { stop(): void }) => void,
): Promise<Registry> {
    const port = await freePort();
    const [url, rootDirectory] = [`http://127.0.0.1:${port}`, join(folder, "images")];
    cpSync(site.settings.zot!.rootDirectory as string, rootDirectory, { recursive: true });
    const configFile = join(folder, "config.json");
    const rendered = configOf(project, shape.access ?? {}, { port, rootDirectory, configFile }, secretFilesOf(site));
    writeFileSync(configFile, JSON.stringify(shape.isBare ? withoutLogins(rendered) : rendered));
    const zot = startZotService({ folder, binary: site.settings.zot!.binary as string, configFile, url });
    made(zot);
    await zot.restart();
    if (shape.keys !== undefined) await recordKeys(url, key, shape.keys);
    return { url, pid: zot.pid()! };
}

/** As the program renders it from the stack's file, with other rights, on a port and in folders of its own. */
function configOf(
    project: string,
    access: Record<string, unknown>,
    zot: { port: number; rootDirectory: string; configFile: string },
    files: SecretFiles,
): JsonMap {
    const raw = settingsFromStackFile(project, STACK);
    const laid = (group: string, members: Record<string, unknown>) => ({
        [group]: { ...(raw.groups[group] as Record<string, unknown> | undefined), ...members },
    });
    const registry = { url: `http://127.0.0.1:${zot.port}` };
    const rights = { ciRepositories: ["**"], rules: {}, ...access };
    const groups = { ...raw.groups, ...laid("access", rights), ...laid("zot", zot), ...laid("registry", registry) };
    return declaredState({ ...raw, groups }).zotConfig(files);
}

/** Those that were deployed. */
function secretFilesOf(site: Site): SecretFiles {
    const { http } = JSON.parse(readFileSync(String(site.settings.zot!.configFile), "utf8")) as {
        http: { auth: { sessionKeysFile: string; openid: { providers: { oidc: { credentialsFile: string } } } } };
    };
    const { openid, sessionKeysFile } = http.auth;
    return { credentials: openid.providers.oidc.credentialsFile, sessionKeys: sessionKeysFile };
}

/** The same registry where anyone may do everything. */
export function withoutLogins(config: JsonMap): JsonMap {
    const { auth, accessControl, ...http } = config.http as JsonMap;
    return { ...config, http };
}

/** Has a key make more of its owner's, until there are so many. */
async function recordKeys(url: string, key: string, wanted: number): Promise<void> {
    const { keys } = new KeyHolder(outgoing(), url, CI, key);
    const expires = new Date(Date.now() + 24 * 3600 * 1000);
    for (let there = (await keys.list()).length; there < wanted; there++) await keys.create(`bench ${there}`, expires);
}
