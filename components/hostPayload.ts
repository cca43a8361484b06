/** What is sent to the registry's host: one short command and one payload on standard input. Pure. */
import pushScript from "../host/push.sh";
import type { Settings } from "./settings";
import { configText, type SecretFiles, type ZotConfig } from "./zotConfig";

/** The payload's first line; the script refuses what it does not know. */
const FORMAT = "zot-hardening payload 1";

/**
 * The command for one connection, whatever the login shell of the user is: it holds no single quote, backslash,
 * exclamation mark or line break, which shells read differently. Standard input is read whole before anything runs,
 * since a script that exits early can make a push fail that has succeeded (measured on the command plugin 1.2.1).
 */
export function hostCommand(verb: "deploy" | "withdraw"): string {
    return [
        `exec /bin/sh -c 'umask 077`,
        `d=$(mktemp -d "\${TMPDIR:-/tmp}/zot-hardening.XXXXXXXX") || exit 1`,
        `cat >"$d/payload" || exit 1`,
        `n=$(sed -n 2p "$d/payload")`,
        `n=\${n##* }`,
        `sed -n "3,$((n + 2))p" "$d/payload" >"$d/push.sh" || exit 1`,
        `exec /bin/sh "$d/push.sh" "$d" ${verb}'`,
    ].join("; ");
}

export interface HostPayload {
    settings: Pick<Settings, "host" | "zot" | "registry">;
    files: SecretFiles;
    config: ZotConfig;
    readOnlyConfig: ZotConfig;
    /** Content of the credentials file. */
    credentials: string;
    /** Content of the file of session keys. */
    sessionKeys: string;
}

/** The payload: the script, its settings and the files, each as a section of whole lines. Holds secrets. */
export function hostPayload(payload: HostPayload): string {
    const section = (name: string, text: string) => {
        const lines = text.endsWith("\n") ? text : `${text}\n`;
        return `== ${name} ${lines.split("\n").length - 1}\n${lines}`;
    };
    return [
        `${FORMAT}\n`,
        section("script", pushScript),
        section("settings", scriptSettings(payload)),
        section("config", configText(payload.config)),
        section("readOnlyConfig", configText(payload.readOnlyConfig)),
        section("credentials", payload.credentials),
        section("sessionKeys", payload.sessionKeys),
    ].join("");
}

/** `name=value` lines; values were checked to be of one line. */
function scriptSettings({ settings: { host, zot }, files, config }: HostPayload): string {
    const local = localAddress(config);
    const values: Record<string, string | number> = {
        binary: zot.binary,
        configFile: zot.configFile,
        rootDirectory: zot.rootDirectory,
        credentialsFile: files.credentials,
        sessionKeysFile: files.sessionKeys,
        localUrl: local.url,
        connectTo: local.connectTo,
        metricsPath: zot.metricsPath,
        metricsAnonymous: zot.metrics === "anonymous" ? "yes" : "no",
        serviceManager: host.serviceManager,
        serviceName: host.serviceName,
        restartCommand: host.restartCommand ?? "",
        readyTimeout: host.readyTimeout,
    };
    return Object.entries(values)
        .map(([name, value]) => `${name}=${value}\n`)
        .join("");
}

/**
 * How the host reaches its own zot, past any proxy in front. Where zot itself speaks TLS, its certificate is checked
 * against the registry's public name, over a connection to the local address.
 */
function localAddress(config: ZotConfig): { url: string; connectTo: string } {
    const http = config.http as { address: string; port: string; externalUrl: string; tls?: unknown };
    const wildcard: Record<string, string> = { "0.0.0.0": "127.0.0.1", "::": "::1" };
    const address = wildcard[http.address] ?? http.address;
    const host = address.includes(":") ? `[${address}]` : address;
    if (http.tls === undefined) return { url: `http://${host}:${http.port}`, connectTo: "" };
    const name = new URL(http.externalUrl).hostname;
    return { url: `https://${name}:${http.port}`, connectTo: `${name}:${http.port}:${host}:${http.port}` };
}
