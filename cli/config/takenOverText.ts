/** What `config --from` has found, for people and for programs. Pure. */

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
 * @param print nothing is written
 * @param withMeanings says of each part what it is for
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
        print
            ? `To be kept as settings in ${basename(file)}:`
            : `Kept as settings, which were written to ${basename(file)}:`,
        settingLines(found),
    );
    list(
        print
            ? `To be kept by zot.extraConfig in ${basename(file)}:`
            : `Kept by zot.extraConfig, which was written to ${basename(file)}:`,
        [...new Set(kept)].map(meaning),
    );
    if (print && kept.length > 0) parts.push(stringify({ "zot.extraConfig": extraConfig }, { lineWidth: 0 }));
    list(
        "Caches that stay as they are, since zot.mirrors cannot say them; CI may not push into them:",
        found.otherCaches.map(({ address, because }) => `${address}: ${because}`),
    );
    if (found.isEverywhere) parts.push(EVERYWHERE);
    list(
        "Decided by settings of their own, and differently; correct those where the host is right:",
        different.map(
            ({ path, onHost, declared, setting }) =>
                `${path}: ${value(onHost)} on the host, ` +
                `${declared === undefined ? "absent" : value(declared)} by ${setting ?? "this program, always"}`,
        ),
    );
    list("Replaced by this program. If nothing of it is to stay, name it in zot.dropSettings:", replaced.map(meaning));
    list(
        "Not kept:",
        refused.map((sentence) => `${sentence}.`),
    );
    list(
        "Logins that end with the first deployment, and whom that locks out:",
        logins.map(({ path, who }) => `${path}: ${who}`),
    );
    list(
        "Accounts that zot goes on knowing, with their keys and the groups of their last login, " +
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
        : "The config holds nothing that the settings do not declare. Nothing was written.\n";
}

const EVERYWHERE =
    "One of these caches has no destination: its images may be in any repository, and CI may push under the same\n" +
    "names in place of upstream's (access.ciMayPushToMirrors is true). Give the cache a destination on the host, or an\n" +
    "item in zot.mirrors, and take that setting back.\n";

/** What became a setting, one line each. */
function settingLines({ settings, mirrors, otherCaches, isEverywhere }: TakenOver): string[] {
    const off = Object.entries(settings.zot ?? {}).filter(([, setting]) => setting === false || setting === "off");
    const rules = Object.keys((settings.access?.rules as object | undefined) ?? {});
    const shared = SHARED_GROUPS.flatMap((group) =>
        Object.entries(settings[group] ?? {}).map(([name, setting]) => `${group}.${name}: ${shown(setting)}`),
    );
    return [
        ...shared,
        ...off.map(([name, setting]) => `zot.${name}: ${String(setting)}, as it is off on the host`),
        ...mirrors.map(
            ({ url, prefix, content }) =>
                `zot.mirrors: ${url} under ${prefix}${content === undefined ? "" : `, of it ${content}`}`,
        ),
        ...(otherCaches.length > 0 && rules.length > 0 ? [`access.rules: CI may only read ${rules.join(", ")}`] : []),
        ...(isEverywhere ? ["access.ciMayPushToMirrors: true"] : []),
    ];
}

/** A single value as it is; of anything else its kind, since it may hold what nobody should read. */
function value(of: unknown): string {
    if (Array.isArray(of)) return "a list";
    return typeof of === "object" && of !== null ? "a map" : shown(of);
}
