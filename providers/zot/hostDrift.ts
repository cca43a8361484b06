/** What of a host differs from what was deployed there. Pure. */
import { createHash } from "node:crypto";
import type { PropertyMap } from "../protocol";
import { configDifference } from "./configDifference";
import { kindOf, modeOf, rightsProblems, secretProblems } from "./hostFiles";
import { notesOn, notesOnLogins } from "./hostNotes";
import type { Declared } from "./hostObservationInputs";
import { clause, type HostReport } from "./hostReport";

export interface Findings {
    /** What a deployment corrects, one clause each; the next look after it finds none. */
    drift: string[];
    /** From the declared config to the one on the host. */
    difference: string | undefined;
    /** What a deployment would not correct, and a person should know. */
    notes: string[];
}

/**
 * What differs on the host from what was put into force there; nothing where that is not known. Either config is as it
 * should be: the one that was declared when the host was last deployed, and the one that is declared now, which a
 * deployment that was reported as failed may have brought.
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
    if (report.deploying) {
        findings.notes.push(
            `A deployment is under way on ${names.host} (${report.deploying}), so nothing is said of what is on it; ` +
                "look again when it has ended.",
        );
        return findings;
    }
    findings.notes.push(...notesOnLogins(report, last, now, names));
    const deployed = last && deployedOf(report, last, now, circumstances);
    if (!deployed) return findings;
    if (report.unended) drift.push(`deployment ${report.unended} was interrupted, and neither proven nor rolled back`);

    if (!deployed.byTheseSettings && !report.lastWasTried)
        drift.push("the deployment of what was declared last has not been run there");

    findings.difference = differenceOf(report, deployed.as.config);
    drift.push(...configProblems(report, deployed.as, findings.difference));
    for (const path of deployed.as.secretFiles) {
        const file = report.secretFiles.find((other) => other.path === path);
        if (file) drift.push(...secretProblems(file, report));
    }
    // Where the settings of the service change with the deployment that follows, its file is not to be there yet.
    if (deployed.byTheseSettings && !circumstances.serviceChanges) drift.push(...serviceProblems(report));
    drift.push(...servingProblems(report, drift.length > 0));
    return findings;
}

const isPlainFile = (rights: string | undefined) => rights?.startsWith("-") === true;

/** In which settings the config on the host differs; undefined where it has the same, or there is none to compare. */
function differenceOf({ config, configText }: HostReport, declared: string): Findings["difference"] {
    if (!isPlainFile(config.rights) || configText === undefined || configText === declared) return undefined;
    return configDifference(declared, configText);
}

/** One that holds a secret is zot's alone; of one that only the host knows, either is right. */
function rightsOfConfig({ config, user, zotUser }: HostReport, { secrets }: Declared): string[] {
    const [open, closed] = [rightsProblems(config, "0644", user), rightsProblems(config, "0600", zotUser)];
    if (secrets === "not known") return closed.length === 0 ? [] : open;
    return secrets === undefined ? open : closed;
}

function configProblems(report: HostReport, as: Declared, difference: Findings["difference"]): string[] {
    const declared = as.config;
    const { config, configText } = report;
    if (config.rights === undefined) return [`${config.path} is missing`];
    if (!isPlainFile(config.rights)) return [`${config.path} is no plain file but ${kindOf(config.rights)}`];
    const problems: string[] = [];
    if (configText === undefined) problems.push(`${config.path} cannot be read, or is too large for a config`);
    else if (configText !== declared)
        problems.push(
            difference === undefined
                ? `${config.path} has another layout, with the same settings`
                : `${config.path} has other settings`,
        );
    return [...problems, ...rightsOfConfig(report, as)];
}

/** What differs of the service, as these settings have it. */
function serviceProblems({ serviceFileState, serviceFile, disabled, start, config }: HostReport): string[] {
    const problems: string[] = [];
    if (serviceFileState === "missing") problems.push(`the service file ${serviceFile} is missing`);
    if (serviceFileState === "other") problems.push(`the service file ${serviceFile} is another one`);
    if (disabled) problems.push(clause(disabled.replace(/; run on the host: .*?(?= \[ZH-|$)/, "")));
    if (start === "no") problems.push(`the start of zot beside ${config.path} is missing`);
    return problems;
}

/** What is known of the host from before the look. */
export interface Circumstances {
    /** sha256 of the config that was on the host before its first deployment; undefined where that is not known. */
    foundSha256?: string;
    /** Whether the settings that decide about the service are others than they were. */
    serviceChanges?: boolean;
}

/** What the host is to be like: as the last deployment that succeeded has left it. Undefined where none ever has. */
function deployedOf(
    report: HostReport,
    last: Declared,
    now: Declared | undefined,
    { foundSha256 }: Circumstances,
): { as: Declared; byTheseSettings: boolean } | undefined {
    const { configText, deployedSha256, deployedText, lastWasDeployed } = report;
    if (now && configText === now.config) return { as: now, byTheseSettings: true };
    if (configText === last.config) return { as: last, byTheseSettings: true };
    const found = configText === undefined ? undefined : sha256(configText);
    if (deployedSha256 === "")
        return configText !== undefined && keptHash(configText, last) === foundSha256
            ? undefined
            : { as: last, byTheseSettings: true };
    const kept = found === deployedSha256 ? configText : deployedText;
    if (lastWasDeployed || kept === undefined) return { as: last, byTheseSettings: true };
    return {
        as: {
            config: kept,
            secrets: "not known",
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

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** For the state: of a config without its secrets, of which a short one could be found out by trying. */
function keptHash(configText: string, declared: Declared | undefined): string {
    const { secrets = [] } = declared ?? {};
    const values = secrets === "not known" ? [] : secrets;
    return sha256(values.reduce((text, value) => text.replaceAll(JSON.stringify(value), '"[hidden]"'), configText));
}

/** For the state. What was found in a secret file's place is not told, not even by a hash. */
export function reportOutput(report: HostReport, declared?: Declared): PropertyMap {
    const { config, configText } = report;
    const problems = report.secretFiles.flatMap((file) => secretProblems(file, report));
    return {
        configSha256: configText === undefined ? "" : keptHash(configText, declared),
        configMode: config.rights ? modeOf(config.rights) : "",
        configOwner: config.owner,
        secretFiles: problems.length === 0 ? "as declared" : problems.join("; "),
        zotVersion: report.zotVersion,
        zotBinary: report.zotBinary,
        service: report.service,
        serving: report.serving,
    };
}
