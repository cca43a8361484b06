/** What is sent to the registry's host: one short command and one payload on standard input. Pure. */

import { createHash } from "node:crypto";
import { deploymentScript, zotStartScript } from "../host/scripts";
import { hostSettings, type Settings } from "./settings";
import { type ConfigSecrets, configText, type SecretFiles, withConfigSecrets, type ZotConfig } from "./zotConfig";

/** `deploy` puts the config into force; `withdraw` leaves the host as `host.onDestroy` says. */
export type HostVerb = "deploy" | "withdraw";

/** The payload's last line: a payload without it was cut off on its way. */
const END = "== end";

/**
 * The command for one connection, whatever the login shell of the user is: it holds no backslash, exclamation mark or
 * line break, which shells read differently. The plugin prints it before all that a failed deployment has said, so that
 * it is short and holds no words: lines of the payload are run, of which the first that is no comment is {@link
 * hostArrival}.
 */
export function hostCommand(verb: HostVerb): string {
    return `exec /bin/sh -c 'set -- zot-hardening ${verb}; while IFS= read -r line; do eval "$line"; done; exit 1'`;
}

/**
 * The payload's first line: what the host does with the rest. Standard input is read whole before anything runs, since
 * a script that exits early can make a deployment fail that has succeeded (measured on the command plugin 1.2.1). The
 * folder is named by the process, so that the next deployment finds what one that was killed has left. The script is
 * not executed in this shell's place: dash and ash run no EXIT trap where a signal ends them, so that this one removes
 * the folder, which holds secrets.
 * What sends a signal to it ends it while it reads, and then leaves it to the script. (Ignored, signals would be so for
 * zot, too.)
 */
export const hostArrival = [
    // bash takes options from the environment.
    `set +a +e +f +u +v +x +C`,
    `umask 077`,
    // A login may have neither the folder of the tools in its PATH, nor a TMPDIR that it can write in.
    `PATH=\${PATH:+$PATH:}/usr/bin:/bin`,
    `t=\${TMPDIR:-/tmp}`,
    `{ [ -d "$t" ] && [ -w "$t" ]; } || t=/tmp`,
    `d=`,
    `leave() { [ -z "$d" ] || rm -rf "$d"; }`,
    `trap leave EXIT`,
    `trap : HUP PIPE`,
    `trap "exit 1" ALRM INT QUIT TERM`,
    `d=$(mktemp -d "$t/zot-hardening.$$.XXXXXXXX") && cat >"$d/payload" && [ "$(tail -n 1 ` +
        `"$d/payload")" = "${END}" ] && { trap : ALRM INT QUIT TERM; ` +
        `/bin/sh "$d/payload" "$d" "$2" </dev/null; exit; }`,
    `cat >/dev/null`,
    `echo "zot-hardening: The payload did not arrive whole: the connection was cut, or there is no room in $t. Nothing on the host was changed. [ZH-PAYLOAD-INCOMPLETE]" >&2`,
    `exit 1`,
].join("; ");

/** The settings that a deployment is made of. */
export type DeploymentSettings = Pick<Settings, "host" | "zot" | "identity">;

export interface HostPayload {
    settings: DeploymentSettings;
    files: SecretFiles;
    config: ZotConfig;
    readOnlyConfig: ZotConfig;
    /** Content of the credentials file. */
    credentials: string;
    /** Content of the file of session keys. */
    sessionKeys: string;
    /** Secrets of both configs, which have their names in their places. Default: there are none. */
    configSecrets?: ConfigSecrets;
    /** Those secrets in each form in which zot could quote them; the host hides them. Default: none. */
    quotedForms?: readonly string[];
    /** How often the host was found to differ, and was deployed again for it. Default: never. */
    pushes?: number;
}

/** The payload: the script, its settings and the files, each as a section of whole lines. Holds secrets. */
export function hostPayload(payload: HostPayload): string {
    const again = payload.pushes ? `# Sent again, since the host was found to differ: ${payload.pushes}\n` : "";
    const unmarked = again + sections(payload, "");
    // What the script has to say back. It changes with all that is sent, and tells nothing of it: there are long random
    // secrets in it.
    const mark = createHash("sha256").update(unmarked).digest("hex").slice(0, 16);
    return again + sections(payload, mark);
}

function sections(payload: HostPayload, mark: string): string {
    const section = (name: string, text: string) => {
        const lines = text.endsWith("\n") ? text : `${text}\n`;
        return `== ${name} ${lines.split("\n").length - 1}\n${lines}`;
    };
    const { configSecrets = {}, quotedForms = [] } = payload;
    const withSecrets = (config: ZotConfig) => withConfigSecrets(config, configSecrets);
    return [
        `${hostArrival}\n`,
        // It ends before the rest of the payload.
        deploymentScript,
        section("settings", scriptSettings(payload, mark)),
        section("config", configText(withSecrets(payload.config))),
        section("readOnlyConfig", configText(withSecrets(payload.readOnlyConfig))),
        section("credentials", payload.credentials),
        section("sessionKeys", payload.sessionKeys),
        ...(quotedForms.length > 0 ? [section("configSecrets", quotedForms.join("\n"))] : []),
        section("start", zotStartScript),
        `${END}\n`,
    ].join("");
}

/** `name=value` lines; values were checked to be of one line. */
function scriptSettings({ settings, files, configSecrets = {} }: HostPayload, mark: string): string {
    const values: [string, unknown][] = [
        ["mark", mark],
        ["credentialsFile", files.credentials],
        ["sessionKeysFile", files.sessionKeys],
        ...(Object.keys(configSecrets).length > 0 ? [["secretConfig", true] as [string, unknown]] : []),
        ...hostSettings("script", settings),
    ];
    return values.flatMap(([name, value]) => [value].flat().map((item) => `${name}=${scriptValue(item)}\n`)).join("");
}

function scriptValue(value: unknown): string {
    if (typeof value === "boolean") return value ? "yes" : "no";
    return String(value ?? "");
}
