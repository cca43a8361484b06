/** The result of `config --from`, for people and for programs. Pure. */

import { basename } from "node:path";
import { stringify } from "yaml";
import { printableJson } from "../../clients/outsideText";
import { lossInWords } from "../../components/accessChanges";
import { shown } from "../../components/settings";
import type { TakenOver } from "./intoStackFile";
import { meaningOf } from "./meanings";
import { SHARED_GROUPS } from "./takeOver";

export function takenOverJson({ keep: _keep, declared: _declared, ...found }: TakenOver): string {
    return `${printableJson(found)}\n`;
}

/**
 * @param print nothing was written
 * @param withMeanings explains each part
 */
export function takenOverText(found: TakenOver, { print = false, withMeanings = false } = {}): string {
    const { file, kept, different, replaced, refused, logins, accounts, extraConfig } = found;
    const parts: string[] = [];
    const list = (title: string, lines: string[]) => {
        if (lines.length > 0) parts.push(`${title}\n${lines.map((line) => `  ${line}\n`).join("")}`);
    };
    const meaning = (path: string) => {
        const words = withMeanings ? meaningOf(path) : undefined;
        return words === undefined ? path : `${path}: ${words}`;
    };
    list(
        print ? `Would be kept as settings in ${basename(file)}:` : `Kept as settings, written to ${basename(file)}:`,
        settingLines(found),
    );
    list(
        print
            ? `Would be kept in zot.extraConfig in ${basename(file)}:`
            : `Kept in zot.extraConfig, written to ${basename(file)}:`,
        [...new Set(kept)].map(meaning),
    );
    if (print && kept.length > 0) parts.push(stringify({ "zot.extraConfig": extraConfig }, { lineWidth: 0 }));
    list(
        "Caches that stay unchanged, because zot.mirrors cannot express them; CI may not push into them:",
        found.otherCaches.map(({ address, because }) => `${address}: ${because}`),
    );
    if (found.isEverywhere) parts.push(EVERYWHERE);
    list(
        "Decided by settings, with other values; correct them if the host is right:",
        different.map(
            ({ path, onHost, declared, setting }) =>
                `${path}: ${value(onHost)} on the host, ` +
                `${declared === undefined ? "absent" : value(declared)} by ${setting ?? "this program, always"}`,
        ),
    );
    list("Replaced by this program. If nothing of it has to stay, name it in zot.dropSettings:", replaced.map(meaning));
    list(
        "Not kept:",
        refused.map((sentence) => `${sentence}.`),
    );
    list(
        "Logins that end with the first deployment, and who will be locked out:",
        logins.map(({ path, who }) => `${path}: ${who}`),
    );
    list(
        "Accounts that zot will still know, with their keys and the groups of their last login, " +
            "until they are ended (docs/operations.md, Accounts of before):",
        accounts,
    );
    list(
        "Who loses what with the first deployment:",
        found.losses.map((change) => `${lossInWords(change, found.members)}.`),
    );
    list(
        "The zot on the host is a build that cannot do all of this:",
        found.lacks.map(
            ({ extension, lost, settings: names }) => `it has no ${extension}: ${lost} (${names.join(", ")}).`,
        ),
    );
    return parts.length > 0
        ? parts.join("\n")
        : "The config contains nothing that the settings do not declare. Nothing was written.\n";
}

const EVERYWHERE =
    "One of these caches has no destination: its images may be in any repository, and CI may push under the same\n" +
    "names in place of upstream's (access.ciMayPushToMirrors is true). Give the cache a destination on the host, or an\n" +
    "item in zot.mirrors, and take that setting back.\n";

/** One line for each new setting. */
function settingLines({ settings, mirrors, otherCaches, isEverywhere }: TakenOver): string[] {
    const off = Object.entries(settings.zot ?? {}).filter(([, setting]) => setting === false || setting === "off");
    const rules = Object.keys((settings.access?.rules as object | undefined) ?? {});
    const shared = SHARED_GROUPS.flatMap((group) =>
        Object.entries(settings[group] ?? {}).map(([name, setting]) => `${group}.${name}: ${shown(setting)}`),
    );
    return [
        ...shared,
        ...off.map(([name, setting]) => `zot.${name}: ${String(setting)}, because it is off on the host`),
        ...mirrors.map(
            ({ url, prefix, content }) =>
                `zot.mirrors: ${url} under ${prefix}${content === undefined ? "" : `, of it ${content}`}`,
        ),
        ...(otherCaches.length > 0 && rules.length > 0 ? [`access.rules: CI may only read ${rules.join(", ")}`] : []),
        ...(isEverywhere ? ["access.ciMayPushToMirrors: true"] : []),
    ];
}

/** A single value is shown; anything else only by its kind, because it may be secret. */
function value(of: unknown): string {
    if (Array.isArray(of)) return "a list";
    return typeof of === "object" && of !== null ? "a map" : shown(of);
}
