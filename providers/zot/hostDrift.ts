/** Finds what differs on a host from what was deployed there. Pure. */
import { createHash } from "node:crypto";
import type { PropertyMap } from "../protocol";
import { configDifference } from "./configDifference";
import { kindOf, modeOf, rightsProblems, secretProblems } from "./hostFiles";
import { notesOn, notesOnLogins } from "./hostNotes";
import type { Declared } from "./hostObservationInputs";
import { clause, type HostReport } from "./hostReport";

export interface Findings {
    /** What a deployment corrects, one clause each. The next look after it finds none of them. */
    drift: string[];
    /** The difference from the declared config to the one on the host. */
    difference: string | undefined;
    /** What a deployment would not correct, but a person should know. */
    notes: string[];
}

/**
 * What differs on the host from what was deployed there; empty if that is not known. Two configs count as correct: the
 * one declared when the host was last deployed, and the one declared now. A deployment that was reported as failed may
 * have deployed the latter.
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
            `A deployment is under way on ${names.host} (${report.deploying}), so its state cannot be judged; ` +
                "look again after it has ended.",
        );
        return findings;
    }
    findings.notes.push(...notesOnLogins(report, last, now, names));
    const deployed = last && deployedOf(report, last, now, circumstances);
    if (!deployed) return findings;
    if (report.unended) drift.push(`deployment ${report.unended} was interrupted, and neither proven nor rolled back`);

    if (!deployed.byTheseSettings && !report.lastWasTried)
        drift.push("the last declared deployment has not been run there");

    findings.difference = differenceOf(report, deployed.as.config);
    drift.push(...configProblems(report, deployed.as, findings.difference));
    for (const path of deployed.as.secretFiles) {
        const file = report.secretFiles.find((other) => other.path === path);
        if (file) drift.push(...secretProblems(file, report));
    }
    // If the following deployment changes the settings of the service, its file may still be missing.
    if (deployed.byTheseSettings && !circumstances.serviceChanges) drift.push(...serviceProblems(report));
    drift.push(...servingProblems(report, drift.length > 0));
    return findings;
}

const isPlainFile = (rights: string | undefined) => rights?.startsWith("-") === true;

/** The settings in which the config on the host differs; undefined if there are none, or nothing to compare. */
function differenceOf({ config, configText }: HostReport, declared: string): Findings["difference"] {
    if (!isPlainFile(config.rights) || configText === undefined || configText === declared) return undefined;
    return configDifference(declared, configText);
}

/** Only zot may read a config with a secret. If only the host knows the config, both modes count as correct. */
function rightsOfConfig({ config, user, zotUser }: HostReport, { secrets }: Declared): string[] {
    const [open, closed] = [rightsProblems(config, "0644", user), rightsProblems(config, "0600", zotUser)];
    if (secrets === "not known") return closed.length === 0 ? [] : open;
    return secrets === undefined ? open : closed;
}

function configProblems(report: HostReport, as: Declared, difference: Findings["difference"]): string[] {
    const declared = as.config;
    const { config, configText } = report;
    if (config.rights === undefined) return [`${config.path} is missing`];
    if (!isPlainFile(config.rights)) return [`${config.path} is not a plain file but ${kindOf(config.rights)}`];
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

/** What differs in the service from what these settings declare. */
function serviceProblems({ serviceFileState, serviceFile, disabled, start, config }: HostReport): string[] {
    const problems: string[] = [];
    if (serviceFileState === "missing") problems.push(`the service file ${serviceFile} is missing`);
    if (serviceFileState === "other") problems.push(`the service file ${serviceFile} has other content`);
    if (disabled) problems.push(clause(disabled.replace(/; run on the host: .*?(?= \[ZH-|$)/, "")));
    if (start === "no") problems.push(`the start of zot beside ${config.path} is missing`);
    return problems;
}

/** What was known of the host before the look. */
export interface Circumstances {
    /** sha256 of the config that was on the host before its first deployment; undefined if it is not known. */
    foundSha256?: string;
    /** Whether the settings that decide about the service have changed. */
    serviceChanges?: boolean;
}

/** The state that the last successful deployment left on the host; undefined if there was none. */
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
    // If files differ, what is served differs too. A zot that waits for its issuer switches over by itself.
    if (alreadyDiffers || startSays.startsWith("read-only")) return [];
    if (serving === "read-only") return ["zot serves a read-only config"];
    return serving === "other"
        ? [`zot does not serve its config: ${clause(servingProblem) || "it answers otherwise"}`]
        : [];
}

export const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The hash for the state. For a config with secrets it leaves them out: a short one could be guessed from the hash. */
function keptHash(configText: string, declared: Declared | undefined): string {
    const { secrets = [] } = declared ?? {};
    const values = secrets === "not known" ? [] : secrets;
    return sha256(values.reduce((text, value) => text.replaceAll(JSON.stringify(value), '"[hidden]"'), configText));
}

/** The report for the state. It reveals nothing about a wrong secret file, not even a hash. */
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
