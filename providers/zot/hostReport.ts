/** What a look at a host has seen, and what of it differs from what was declared. Pure. */
import { createHash } from "node:crypto";
import { outsideText } from "../../clients/outsideText";
import { formerAccounts, otherLogins } from "../../components/zotConfig/logins";
import { isJsonMap, type Json, type JsonMap, valueAt } from "../../components/zotJson";
import type { PropertyMap } from "../protocol";
import { configDifference } from "./configDifference";
import { type Declared, hashIn } from "./hostObservationInputs";

export interface FileFacts {
    path: string;
    /** Kind and rights as `ls -l` has them; undefined for a missing file. */
    rights: string | undefined;
    /** The owner's user id. */
    owner: string;
    /** In hex; `unreadable`, or `unknown` where the host has no tool for it. Not set for the config. */
    sha256?: string;
}

export type Serving = "hardened" | "read-only" | "other" | "not reachable" | "unknown";

export interface HostReport {
    /** The user ids of the one who looked, who owns the config after a push, and of the one that zot runs as. */
    user: string;
    zotUser: string;
    config: FileFacts;
    /** Undefined where it is missing, cannot be read, or is larger than any config. */
    configText: string | undefined;
    secretFiles: FileFacts[];
    /** sha256 of the config that was deployed last, as the host has kept it; empty where it knows of none. */
    deployedSha256: string;
    /** Its text, where it is neither the one on the host nor the one that was declared last. */
    deployedText: string | undefined;
    /**
     * Whether what was declared last was ever deployed to the host: a push that failed, or was refused, leaves nothing
     * there.
     */
    lastWasDeployed: boolean;
    /** Whether a push of it was ever begun there, if it was not deployed. */
    lastWasTried: boolean;
    zotVersion: string;
    /** What ls says of the installed zot. */
    zotBinary: string;
    versionProblem: string;
    /** What answers, where it tells. */
    runningCommit: string;
    service: string;
    /** Who pushes at this moment; empty where nobody does. */
    pushing: string;
    /** Number of a push that was begun and not ended; empty where there is none. */
    unended: string;
    /** Whether the start that waits for the issuer is in its place; empty where none is to be. */
    start: string;
    /** What that start says that it has started. */
    startSays: string;
    /** Whether the service is started by it: `yes`, `no`, or empty where that cannot be told. */
    startUsed: string;
    /** Of a service of ours, why it is not started with the host; empty where it is. */
    disabled: string;
    /** The same of the site's own. */
    notStartedWithHost: string;
    serviceFile: string;
    serviceFileState: string;
    url: string;
    serving: Serving;
    servingProblem: string;
    /** Why it is not reachable, for the end of a sentence. */
    silence: string;
    /** What a push would be refused for, one sentence each; empty where that was not asked. */
    mistakes: string[];
    /** Whether the host itself knows that a push has something to do; undefined where that was not asked. */
    pushIsDue: boolean | undefined;
    /** Number of the newest push that the host knows of; empty where it knows of none. */
    lastPush: string | undefined;
}

/** Characters of a fact; the script on the host cuts it there, too. */
const LONGEST_FACT = 600;

const MARKER = "zot-hardening-observation";

/**
 * Reads what the script has printed. Undefined where that is not all of it; a refusal of the host is thrown as {@link
 * HostRefusal}.
 */
export function readReport(output: Buffer, configFile: string): HostReport | undefined {
    // What a login shell says before the script does not belong to it.
    const begin = output.indexOf(`${MARKER}\n`);
    if (begin < 0) return undefined;
    const body = output.subarray(begin + MARKER.length + 1);
    const separator = body.indexOf("\n--\n");
    const facts = (separator < 0 ? body : body.subarray(0, separator + 1)).toString("utf8");
    const all = (name: string) =>
        [...facts.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map((match) => outsideText(match[1]!, LONGEST_FACT));
    const one = (name: string) => all(name).at(-1) ?? "";
    const refused = one("refused");
    if (refused) throw new HostRefusal(refused);
    const serving = one("serving");
    if (!serving) return undefined;
    const texts = separator < 0 ? undefined : body.subarray(separator + 4);
    const size = Number(one("configSize"));
    // Somebody may be writing it at this moment.
    if (texts && texts.length !== size + Number(one("deployedSize"))) return undefined;
    const text = texts?.subarray(0, size);
    const [rights, owner] = one("config").split(" ");
    return {
        user: one("user"),
        zotUser: one("zotUser"),
        config: { path: configFile, rights: rights || undefined, owner: owner ?? "" },
        configText: text?.toString("utf8"),
        secretFiles: all("secret").map((line) => {
            // Of a missing file nothing stands before the hash.
            const [, its, of, sha256, path] =
                /^(?:(\S{10}) (\d+) )?\s*(unreadable|unknown|[0-9a-f]{64}) (.*)$/.exec(line) ?? [];
            return { path: path ?? line, rights: its, owner: of ?? "", sha256 };
        }),
        deployedSha256: one("deployed"),
        deployedText: one("deployedSize") ? texts?.subarray(size).toString("utf8") : undefined,
        lastWasDeployed: one("lastDeployed") !== "no",
        lastWasTried: one("lastTried") !== "no",
        zotVersion: one("zotVersion"),
        zotBinary: one("zotBinary"),
        versionProblem: one("versionProblem"),
        runningCommit: one("runningCommit"),
        service: one("service"),
        pushing: one("pushing"),
        unended: one("unended"),
        start: one("start"),
        startSays: one("startSays"),
        startUsed: one("startUsed"),
        disabled: one("disabled"),
        notStartedWithHost: one("notStartedWithHost"),
        serviceFile: one("serviceFile"),
        serviceFileState: one("serviceFileState"),
        url: one("url"),
        serving: serving as Serving,
        servingProblem: one("servingProblem"),
        silence: one("silence"),
        mistakes: all("mistake"),
        pushIsDue: all("pushIsDue")
            .map((due) => due === "yes")
            .at(-1),
        lastPush: all("lastPush").at(-1),
    };
}

/** The host says why it cannot be looked at, such as that sudo wants a password. */
export class HostRefusal extends Error {}

export interface Findings {
    /** What a push mends, one clause each; the next look after it finds none. */
    drift: string[];
    /** From the declared config to the one on the host. */
    difference: string | undefined;
    /** What a push would not mend, and a person should know. */
    notes: string[];
}

/**
 * What differs on the host from what was put into force there; nothing where that is not known. Either config is as it
 * should be: the one that was declared when the host was last pushed, and the one that is declared now, which a push
 * that was reported as failed may have brought.
 */
export function compare(
    report: HostReport,
    last: Declared | undefined,
    now: Declared | undefined,
    names: { host: string; binary: string },
    circumstances: Circumstances = {},
): Findings {
    const findings: Findings = { drift: [], difference: undefined, notes: notesOn(report, names) };
    const { drift } = findings;
    if (report.pushing) {
        findings.notes.push(
            `A push is under way on ${names.host} (${report.pushing}), so nothing is said of what is on it; ` +
                "look again when it has ended.",
        );
        return findings;
    }
    findings.notes.push(...notesOnLogins(report, last, now, names));
    const deployed = last && deployedOf(report, last, now, circumstances);
    if (!deployed) return findings;
    if (report.unended) drift.push(`push ${report.unended} was cut off, and neither proven nor taken back`);

    if (!deployed.byTheseSettings && !report.lastWasTried)
        drift.push("the push of what was declared last has not been run there");

    const { config, configText } = report;
    const declared = deployed.as;
    if (config.rights === undefined) {
        drift.push(`${config.path} is missing`);
    } else if (!config.rights.startsWith("-")) {
        drift.push(`${config.path} is no plain file but ${kindOf(config.rights)}`);
    } else {
        if (configText === undefined) {
            drift.push(`${config.path} cannot be read, or is too large for a config`);
        } else if (configText !== declared.config) {
            findings.difference = configDifference(declared.config, configText);
            drift.push(
                `${config.path} ${
                    findings.difference === undefined
                        ? "has another layout, with the " + "same settings"
                        : "has other settings"
                }`,
            );
        }
        drift.push(...rightsProblems(config, "0644", report.user));
    }
    for (const path of declared.secretFiles) {
        const file = report.secretFiles.find((other) => other.path === path);
        if (file) drift.push(...secretProblems(file, report));
    }
    // Where the settings of the service change with the push that follows, its file is not to be there yet.
    if (deployed.byTheseSettings && !circumstances.serviceChanges) {
        if (report.serviceFileState === "missing") drift.push(`the service file ${report.serviceFile} is missing`);
        if (report.serviceFileState === "other") drift.push(`the service file ${report.serviceFile} is another one`);
        if (report.disabled) drift.push(clause(report.disabled.replace(/; run on the host: .*?(?= \[ZH-|$)/, "")));
        if (report.start === "no") drift.push(`the start of zot beside ${config.path} is missing`);
    }
    drift.push(...servingProblems(report, drift.length > 0));
    return findings;
}

/** What is known of the host from before the look. */
export interface Circumstances {
    /** sha256 of the config that was on the host before its first deployment; undefined where that is not known. */
    foundSha256?: string;
    /** Whether the settings that decide about the service are others than they were. */
    serviceChanges?: boolean;
}

/** What the host is to be like: as the last push that succeeded has left it. Undefined where none ever has. */
function deployedOf(
    report: HostReport,
    last: Declared,
    now: Declared | undefined,
    { foundSha256 }: Circumstances,
): { as: Declared; byTheseSettings: boolean } | undefined {
    const { configText, deployedSha256, deployedText, lastWasDeployed } = report;
    if (now && configText === now.config) return { as: now, byTheseSettings: true };
    if (configText === last.config) return { as: last, byTheseSettings: true };
    const found = configText === undefined ? undefined : createHash("sha256").update(configText).digest("hex");
    if (deployedSha256 === "")
        return found !== undefined && found === foundSha256 ? undefined : { as: last, byTheseSettings: true };
    const kept = found === deployedSha256 ? configText : deployedText;
    if (lastWasDeployed || kept === undefined) return { as: last, byTheseSettings: true };
    return {
        as: {
            config: kept,
            secretFiles: report.secretFiles.map(({ path }) => path).filter((path) => kept.includes(`"${path}"`)),
        },
        byTheseSettings: false,
    };
}

function servingProblems(
    { serving, servingProblem, silence, startSays, url }: HostReport,
    alreadyDiffers: boolean,
): string[] {
    if (serving === "not reachable")
        return [url ? `zot does not answer at ${url}${silence && `: ${clause(silence)}`}` : "zot does not answer"];
    // Where the files differ, what is served does as well. And what waits for its issuer changes over by itself.
    if (alreadyDiffers || startSays.startsWith("read-only")) return [];
    if (serving === "read-only") return ["zot serves a read-only config"];
    return serving === "other"
        ? [`zot does not serve its config: ${clause(servingProblem) || "it answers otherwise"}`]
        : [];
}

function notesOn(
    {
        config,
        start,
        startUsed,
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
        notes.push(`On ${host} ${versionProblem} Only from 2.1.19 on are tags immutable: install a newer one.`);
    } else if (runningCommit && zotVersion && runningCommit !== zotVersion) {
        notes.push(
            `On ${host} zot ${runningCommit} runs, while ${binary} is ${zotVersion}: ` +
                "restart the service, or correct zot.binary.",
        );
    }
    if (notStartedWithHost) notes.push(`On ${host} ${notStartedWithHost}`);
    if (start === "yes" && startUsed === "no" && serving !== "not reachable") {
        notes.push(
            `zot on ${host} is not started by ${config.path}.zot-hardening/start, ` +
                "and could not start while its issuer is away. " +
                `Let its service run: /bin/sh ${config.path}.zot-hardening/start`,
        );
    }
    if (startSays.startsWith("read-only") && serving !== "hardened") {
        notes.push(
            `zot on ${host} serves ${clause(startSays)}. ` +
                "Anyone may pull, and nobody may log in; it changes over by itself when its issuer answers.",
        );
    }
    if (serving === "hardened" && (service === "stopped" || service === "absent")) {
        notes.push(
            `zot answers on ${host}, but its service manager calls the service ${service}: ` +
                "it would not be started again. Start it there.",
        );
    }
    return notes;
}

/**
 * Other logins in the config on the host, and whose accounts they leave. The next push ends the logins; zot goes on
 * knowing the accounts, with their keys and the groups of their last login.
 */
function notesOnLogins(
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
            `${config.path} on ${host} has logins that are not declared, which the next push ends: ` +
                `${logins.join("; ")}.`,
        );
    const issuer = valueAt(declared, ["http", "auth", "openid", "providers", "oidc", "issuer"]);
    const accounts = formerAccounts(found, typeof issuer === "string" ? issuer : undefined);
    if (accounts.length > 0) {
        notes.push(
            `zot on ${host} goes on knowing accounts of before, ` +
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

function rightsProblems({ path, rights, owner }: FileFacts, mode: string, user: string): string[] {
    const problems: string[] = [];
    const found = modeOf(rights!);
    if (found !== mode) problems.push(`${path} has mode ${found} instead of ${mode}`);
    if (user === "")
        problems.push(`${path} belongs to user ${owner}, and the user that it should belong to is not there`);
    else if (owner !== user) problems.push(`${path} belongs to user ${owner} instead of ${user}`);
    return problems;
}

function secretProblems(file: FileFacts, { zotUser }: HostReport): string[] {
    if (file.rights === undefined) return [`${file.path} is missing`];
    if (!file.rights.startsWith("-")) return [`${file.path} is no plain file but ${kindOf(file.rights)}`];
    const problems: string[] = [];
    if (file.sha256 === "unreadable") problems.push(`${file.path} cannot be read by the one who pushes`);
    else if (file.sha256 !== "unknown" && file.sha256 !== hashIn(file.path))
        problems.push(`${file.path} holds something else`);
    return [...problems, ...rightsProblems(file, "0600", zotUser)];
}

function kindOf(rights: string): string {
    return { l: "a symbolic link", d: "a folder" }[rights[0]!] ?? "something else";
}

/** `-rw-r--r--` as `0644`. */
export function modeOf(rights: string): string {
    const bits = [...rights.slice(1, 10)];
    const ordinary = bits.reduce((mode, bit) => mode * 2 + (/[rwxst]/.test(bit) ? 1 : 0), 0);
    const special = ["s", "s", "t"].reduce(
        (mode, letter, index) => mode * 2 + (bits[index * 3 + 2]?.toLowerCase() === letter ? 1 : 0),
        0,
    );
    return `${special}${ordinary.toString(8).padStart(3, "0")}`;
}

/** A sentence of the host's, which ends with a full stop and its code (docs/messages.md), for the middle of another. */
function clause(sentence: string): string {
    return sentence.replace(/\.?((?: \[ZH-[A-Z0-9-]+\])?)$/, "$1");
}

/** For the state. What was found in a secret file's place is not told, not even by a hash. */
export function reportOutput(report: HostReport): PropertyMap {
    const { config, configText } = report;
    const problems = report.secretFiles.flatMap((file) => secretProblems(file, report));
    return {
        configSha256: configText === undefined ? "" : createHash("sha256").update(configText).digest("hex"),
        configMode: config.rights ? modeOf(config.rights) : "",
        configOwner: config.owner,
        secretFiles: problems.length === 0 ? "as declared" : problems.join("; "),
        zotVersion: report.zotVersion,
        zotBinary: report.zotBinary,
        service: report.service,
        serving: report.serving,
    };
}
