/** What `config --from` has found, for people and for programs. Pure. */
import { basename } from "node:path";
import { stringify } from "yaml";
import { shown } from "../../components/settings";
import type { TakenOver } from "./takeOver";

export function takenOverJson({ keep: _keep, ...found }: TakenOver): string {
    return `${JSON.stringify(found, null, 2)}\n`;
}

export function takenOverText(
    { file, kept, different, replaced, refused, logins, accounts, extraConfig }: TakenOver,
    { print = false } = {},
): string {
    const parts: string[] = [];
    const list = (title: string, lines: string[]) => {
        if (lines.length > 0) parts.push(`${title}\n${lines.map((line) => `  ${line}\n`).join("")}`);
    };
    list(
        print
            ? `To be kept by zot.extraConfig in ${basename(file)}:`
            : `Kept by zot.extraConfig, which was written to ${basename(file)}:`,
        kept,
    );
    if (print && kept.length > 0) parts.push(stringify({ "zot.extraConfig": extraConfig }, { lineWidth: 0 }));
    list(
        "Decided by settings of their own, and differently; correct those where the host is right:",
        different.map(
            ({ path, onHost, declared, setting }) =>
                `${path}: ${value(onHost)} on the host, ` +
                `${declared === undefined ? "absent" : value(declared)} by ${setting ?? "this program, always"}`,
        ),
    );
    list("Replaced by this program. If nothing of it is to stay, name it in zot.dropSettings:", replaced);
    list(
        "Not kept:",
        refused.map((sentence) => `${sentence}.`),
    );
    list(
        "Logins that end with the first push, and whom that locks out:",
        logins.map(({ path, who }) => `${path}: ${who}`),
    );
    list(
        "Accounts that zot goes on knowing, with their keys and the groups of their last login, " +
            "until they are ended (docs/operations.md, Accounts of before):",
        accounts,
    );
    return parts.length > 0
        ? parts.join("\n")
        : "The config holds nothing that the settings do not declare. Nothing was written.\n";
}

/** A single value as it is; of anything else its kind, since it may hold what nobody should read. */
function value(of: unknown): string {
    if (Array.isArray(of)) return "a list";
    return typeof of === "object" && of !== null ? "a map" : shown(of);
}
