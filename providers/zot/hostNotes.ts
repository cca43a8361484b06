/** What a deployment would not correct on a host, but a person should know. Pure. */

import { formerAccounts, otherLogins } from "../../components/zotConfig/logins";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../../components/zotJson";
import { stateFolder } from "../../host/stateFolder";
import type { Declared } from "./hostObservationInputs";
import { clause, type HostReport } from "./hostReport";

export function notesOn(
    {
        config,
        start,
        startUsed,
        logProblem,
        notStartedWithHost,
        versionProblem,
        startSays,
        serving,
        zotVersion,
        runningCommit,
        service,
    }: HostReport,
    { host, binary }: { host: string; binary: string },
): string[] {
    const notes: string[] = [];
    if (versionProblem) {
        notes.push(
            versionProblem.includes("[ZH-OBSERVE-BINARY]")
                ? `On ${host} ${versionProblem} A deployment needs it, and zot could not start again: put it back, or correct zot.binary.`
                : `On ${host} ${versionProblem} Only from 2.1.19 on are tags immutable: install a newer one.`,
        );
    } else if (runningCommit && zotVersion && runningCommit !== zotVersion) {
        notes.push(
            `On ${host} zot ${runningCommit} is running, but ${binary} is ${zotVersion}: ` +
                "restart the service, or correct zot.binary.",
        );
    }
    // A zot that has not run yet has no log.
    if (logProblem && serving !== "not reachable") notes.push(`On ${host} ${logProblem}`);
    if (notStartedWithHost) notes.push(`On ${host} ${notStartedWithHost}`);
    if (start === "yes" && startUsed === "no" && serving !== "not reachable") {
        notes.push(
            `zot on ${host} is not started by ${stateFolder(config.path)}/start, ` +
                "and could not start while its issuer is away. " +
                `Let its service run: /bin/sh ${stateFolder(config.path)}/start`,
        );
    }
    if (startSays.startsWith("read-only") && serving !== "hardened") {
        notes.push(
            `zot on ${host} serves ${clause(startSays)}. ` +
                "Anyone may pull, and nobody can log in; it switches over by itself when its issuer answers.",
        );
    }
    if (serving === "hardened" && (service === "stopped" || service === "absent")) {
        notes.push(
            `zot answers on ${host}, but its service manager reports the service as ${service}: ` +
                "it would not be restarted. Start it there.",
        );
    }
    return notes;
}

/**
 * Other logins in the config on the host, and the accounts that they leave behind. The next deployment ends the logins,
 * but zot still knows the accounts, with their keys and the groups of their last login.
 */
export function notesOnLogins(
    { config, configText }: HostReport,
    last: Declared | undefined,
    now: Declared | undefined,
    { host }: { host: string },
): string[] {
    if (configText === undefined || configText === now?.config) return [];
    const found = jsonMapIn(configText);
    const declared = jsonMapIn(now?.config ?? last?.config ?? "");
    if (!found) return [];
    const notes: string[] = [];
    const logins = otherLogins(found).map(({ path, who }) => `${path} (${who})`);
    if (logins.length > 0)
        notes.push(
            `${config.path} on ${host} has logins that are not declared; the next deployment ends them: ` +
                `${logins.join("; ")}.`,
        );
    const issuer = valueAt(declared, ["http", "auth", "openid", "providers", "oidc", "issuer"]);
    const accounts = formerAccounts(found, typeof issuer === "string" ? issuer : undefined);
    if (accounts.length > 0) {
        notes.push(
            `zot on ${host} still knows accounts of former logins, ` +
                `with their keys and the groups of their last login: ${accounts.join("; ")}. ` +
                "npm run keys lists them, and docs/operations.md (Accounts of before) says how to end them.",
        );
    }
    return notes;
}

function jsonMapIn(text: string): JsonMap | undefined {
    try {
        const value = JSON.parse(text) as Json;
        return isJsonMap(value) ? value : undefined;
    } catch {
        return undefined;
    }
}
