/** Describes the first deployment to a host, for the person who decides about it. Pure. */
import { outsideText } from "../../clients/outsideText";
import { changeInWords, isWidening, policyChanges, type TierNames } from "../../components/accessChanges";
import { policyInEffect, policyOf } from "../../components/zotConfig/accessControl";
import { movedStorage } from "../../components/zotConfig/storagePlaces";
import type { JsonMap } from "../../components/zotJson";
import type { HostReport } from "./hostReport";

/**
 * Who may do what before and after, which warnings follow from the change, and what zot will look for in another place.
 * `widens` is set if somebody may do more than now.
 *
 * @param order `next` for a host that had deployments, and has lost the record of them
 */
export function firstDeployment(
    report: HostReport,
    plannedConfig: string,
    host: string,
    groups?: TierNames,
    order: "first" | "next" = "first",
): { text: string; widens: boolean } {
    const planned = JSON.parse(plannedConfig) as JsonMap;
    const declared = policyOf(planned);
    const mayPush = declared.rules.some(({ anonymous }) => anonymous.includes("create"));
    const restart =
        report.serving === "not reachable" ? "zot, which does not answer now, will be started" : "zot restarts once";
    const sentence =
        `The ${order} deployment to ${host}: ` +
        `${restart}${mayPush ? "" : "; after that nobody can push without a login"}`;
    const present = configOf(report.configText);
    if (present === undefined) {
        const why =
            report.configText === undefined
                ? "there is no config to compare it with"
                : "the present config is not JSON";
        return {
            text: `${sentence}. It is not known whose rights change: ${why} (${report.config.path}).`,
            widens: false,
        };
    }
    const moved = movedStorage(present, planned, (name) => outsideText(name, 200)).map((words) => `  ${words}`);
    const changes = policyChanges(policyInEffect(present), declared);
    if (changes.length === 0)
        return { text: [`${sentence}. Nobody's rights change.`, ...moved].join("\n"), widens: false };
    // In the access matrix's words, because an open zot has no logins.
    const line = (change: (typeof changes)[number]) =>
        `  ${isWidening(change) ? "WIDER   " : "narrower"}  ` +
        `${changeInWords(change, groups).replace("anyone without a login", "anonymous")}`;
    return { text: [`${sentence}:`, ...changes.map(line), ...moved].join("\n"), widens: changes.some(isWidening) };
}

function configOf(text: string | undefined): JsonMap | undefined {
    if (text === undefined) return undefined;
    try {
        const config = JSON.parse(text) as unknown;
        return typeof config === "object" && config !== null && !Array.isArray(config)
            ? (config as JsonMap)
            : undefined;
    } catch {
        return undefined;
    }
}
