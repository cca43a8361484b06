/** Derives settings from what a host reports about itself and its zot. Pure. */
import { isJsonMap, type Json, type JsonMap, keyIn } from "../../components/zotJson";
import type { Groups } from "../config/takeOver";
import type { FoundZot, HostFacts } from "./hostFacts";

export interface FromHost {
    settings: Groups;
    /** Why it cannot be done like this, one sentence each. */
    obstacles: string[];
    /** What a person should know, one sentence each. */
    notes: string[];
}

/** Who deploys, with which rights, and what restarts zot. */
export function settingsFromHost(facts: HostFacts, zot: FoundZot): FromHost {
    const { login, isRoot, sudo } = facts;
    const found: FromHost = { settings: {}, obstacles: [], notes: [] };
    const manager = zot.manager ?? "command";
    const host: Record<string, unknown> = { user: login, serviceManager: manager };
    if (zot.manager) host.serviceName = zot.service;
    else if (zot.restart) host.restartCommand = zot.restart;

    const isOthers = zot.user !== undefined && zot.user !== login;
    if (isOthers && !isRoot && !sudo)
        found.obstacles.push(
            `zot runs as ${zot.user}, and ${login} can neither become that user nor root. Log in as ${zot.user} or root, ` +
                `or let sudo on the host work for ${login} without a password.`,
        );
    const ofUser = manager === "systemd-user" || manager === "launchd-agent";
    if (isOthers && ofUser && !isRoot)
        found.obstacles.push(`zot is a service of the user ${zot.user} (${manager}). Log in as ${zot.user}.`);
    if (isOthers && !isRoot && !ofUser) host.sudo = "all";
    else if (!isRoot && !isOthers && (manager === "systemd" || manager === "launchd-daemon") && sudo)
        host.sudo = "service";
    if (isOthers) found.settings.zot = { user: zot.user };
    if (!facts.curl) found.obstacles.push("curl is not installed on the host, or not in its PATH; install it there.");
    if (zot.ownFiles && !(zot.configThere && zot.binaryThere))
        found.notes.push(
            "zot sees other files than the host has, as in a container: the folders must be mounted at the same path, " +
                "and the host needs a copy of its binary (docs/containers.md).",
        );
    if (zot.process === undefined) found.notes.push("zot is not running at the moment; the deployment starts it.");
    found.settings.host = host;
    return found;
}

/** Where a config names files. Relative paths start at the folder in which zot was started. */
const FILES = [
    ["storage", "rootDirectory"],
    ["http", "tls", "cert"],
    ["http", "tls", "key"],
    ["log", "output"],
    ["log", "audit"],
    ["extensions", "sync", "credentialsFile"],
    ["extensions", "sync", "downloadDir"],
];

/** A config with absolute paths, if that folder is known, in the form that settings accept. */
export function withAbsolutePaths(config: JsonMap, folder: string | undefined): JsonMap {
    return FILES.reduce((changed, path) => withPath(changed, path, folder), config);
}

function withPath(value: JsonMap, [key, ...rest]: readonly string[], folder: string | undefined): JsonMap {
    const present = key === undefined ? undefined : keyIn(value, key);
    if (present === undefined) return value;
    const inner: Json = value[present]!;
    if (rest.length > 0) return isJsonMap(inner) ? { ...value, [present]: withPath(inner, rest, folder) } : value;
    if (typeof inner !== "string" || inner === "") return value;
    // Behind a link, ".." may lead elsewhere than it seems.
    if (inner.startsWith("/"))
        return inner.split("/").includes("..") ? value : { ...value, [present]: absolute("", inner) };
    return folder === undefined ? value : { ...value, [present]: absolute(folder, inner) };
}

/** Without "." and "..". */
function absolute(folder: string, path: string): string {
    const parts: string[] = [];
    for (const part of `${folder}/${path}`.split("/")) {
        if (part === "..") parts.pop();
        else if (part !== "" && part !== ".") parts.push(part);
    }
    return `/${parts.join("/")}`;
}

/** Settings by full name, turned into groups. */
export function asGroups(settings: ReadonlyMap<string, unknown>): Groups {
    const groups: Groups = {};
    for (const [name, value] of settings) {
        const [group, key] = name.split(".") as [string, string];
        groups[group] = { ...groups[group], [key]: value };
    }
    return groups;
}

/** Groups merged; later ones take precedence. */
export function merged(...all: readonly Groups[]): Groups {
    const groups: Groups = {};
    for (const one of all)
        for (const [group, members] of Object.entries(one)) groups[group] = { ...groups[group], ...members };
    return groups;
}
