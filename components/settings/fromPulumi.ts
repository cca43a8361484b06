/** Reads the settings of a running Pulumi program. No other file reads Pulumi's configuration or the environment. */
import * as pulumi from "@pulumi/pulumi";
import { allSettings } from "./declarations";
import { placeholderMistakes, plainTokenMistake } from "./parse";
import type { RawSettings } from "./rawSettings";
import { isMap, isSet, SecretText } from "./setting";
import { byName, nameOfKey, namespaceMistakes } from "./stackKeys";

/** Whether a configuration key holds a secret; the SDK has this function, but its types omit it. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

/** The current stack's configuration as a plain record; the secrets in it are marked. */
export function settingsFromPulumi(): RawSettings {
    const project = pulumi.getProject();
    const configuration = pulumi.runtime.allConfig();
    // pulumi.Config has to be asked for each name, so it would never show a misspelt one.
    const groups = byName(
        Object.entries(configuration).map(([key, text]) => [
            key,
            isConfigSecret(key) ? withSecrets(nameOfKey(key, project), text) : structured(text),
        ]),
        project,
    );
    // For previews of pull requests, which must not connect to the host.
    if (process.env.ZOT_HARDENING_LOOK === "off" && isMap(groups.host))
        groups.host = { ...groups.host, observe: false };
    const token = configuration["authentik:token"];
    return {
        groups,
        site: {
            hasAuthentikUrl: isSet(configuration["authentik:url"]) || isSet(process.env.AUTHENTIK_URL),
            hasAuthentikToken: isSet(token) || isSet(process.env.AUTHENTIK_TOKEN),
            sshAgentSocket: process.env.SSH_AUTH_SOCK || undefined,
        },
        mistakes: [
            ...namespaceMistakes(Object.keys(configuration), project),
            ...placeholderMistakes(configuration["authentik:url"]),
            ...(isSet(token) && !isConfigSecret("authentik:token") ? [plainTokenMistake()] : []),
        ],
    };
}

/** Authentik's address and token from the stack, for a provider of ours that talks to Authentik too. */
export function authentikConnection(): { authentikUrl?: string; authentikToken?: pulumi.Output<string> } {
    const config = new pulumi.Config("authentik");
    return { authentikUrl: config.get("url"), authentikToken: config.getSecret("token") };
}

/**
 * How to reach Authentik, from the stack or the environment. Undefined if the address or the token is missing, which is
 * reported elsewhere.
 */
export function authentikAccess(): { url: string; token: string } | undefined {
    const config = new pulumi.Config("authentik");
    const url = config.get("url") ?? process.env.AUTHENTIK_URL;
    const token = config.get("token") ?? process.env.AUTHENTIK_TOKEN;
    return isSet(url) && isSet(token) ? { url: url!, token: token! } : undefined;
}

/**
 * Marks the secrets of an encrypted group. Pulumi does not say which part is encrypted: it must be the secret settings.
 */
function withSecrets(group: string | undefined, text: string): unknown {
    const members = structured(text);
    const secrets = allSettings().filter((setting) => setting.group === group && setting.setting.secret);
    if (secrets.length === 0 || !isMap(members)) return new SecretText(text);
    const apart = secrets.flatMap(({ key }) =>
        isSet(members[key]) ? [[key, new SecretText(String(members[key]))]] : [],
    );
    return { ...members, ...Object.fromEntries(apart) };
}

/** Groups arrive as JSON text. Anything else stays text, and the parser refuses it by name. */
function structured(text: string): unknown {
    if (!/^\s*[[{]/.test(text)) return text;
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}
