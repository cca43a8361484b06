/** What is sent to the registry's host: one short command, and one payload on its standard input. Pure. */

import { createHash } from "node:crypto";
import { deploymentScript, zotStartScript } from "../host/scripts";
import { hostSettings, type Settings } from "./settings";
import { type ConfigSecrets, configText, type SecretFiles, withConfigSecrets, type ZotConfig } from "./zotConfig";

/** `deploy` puts the config into force; `withdraw` leaves the host as `host.onDestroy` says. */
export type HostVerb = "deploy" | "withdraw";

/** The payload's last line. A payload without it was cut off in transit. */
const END = "== end";

/**
 * The command for one connection. It works in any login shell: it holds no backslash, exclamation mark or line break,
 * which shells read differently. The plugin prints the command before the output of a failed deployment, so it is short
 * and holds no prose. It runs lines of the payload; the first of them that is no comment is {@link hostArrival}.
 */
export function hostCommand(verb: HostVerb): string {
    return `exec /bin/sh -c 'set -- zot-hardening ${verb}; while IFS= read -r line; do eval "$line"; done; exit 1'`;
}

/**
 * The payload's first line: what the host does with the rest. It reads standard input to its end before anything runs:
 * a script that exits early can make a successful deployment fail (measured on the command plugin 1.2.1). The folder's
 * name holds the process id, so the next deployment finds what a killed one left behind. The script does not replace
 * this shell by `exec`: dash and ash run no EXIT trap when a signal ends them, and this trap removes the folder, which
 * holds secrets. A signal ends this shell while it reads, and after that is left to the script. (Ignoring signals would
 * make zot ignore them too.)
 */
export const hostArrival = [
    // bash inherits options from the environment.
    `set +a +e +f +u +v +x +C`,
    `umask 077`,
    // Some logins have no folder of tools in their PATH, or a TMPDIR that they cannot write to.
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

/** The settings that a deployment depends on. */
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
    /** Secrets of both configs; the configs hold their names instead. Default: none. */
    configSecrets?: ConfigSecrets;
    /** These secrets in every form in which zot could quote them; the host masks them in output. Default: none. */
    quotedForms?: readonly string[];
    /** How often the host was found to differ and was deployed again for that reason. Default: never. */
    pushes?: number;
}

/** The payload: the script, its settings and the files, each as a section of whole lines. Holds secrets. */
export function hostPayload(payload: HostPayload): string {
    const again = payload.pushes ? `# Sent again, since the host was found to differ: ${payload.pushes}\n` : "";
    const unmarked = again + sections(payload, "");
    // The mark that the script has to print. It changes with everything that is sent, and reveals nothing: the
    // hashed text holds long random secrets.
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
        // The script exits before the shell would read the rest of the payload.
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

/** The settings as lines of `name=value`; values were checked to have no line break. */
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
