/** The reader for a running Pulumi program: the only place that reads Pulumi's configuration and the environment. */
import * as pulumi from "@pulumi/pulumi";
import { allSettings } from "./declarations";
import { placeholderMistakes, plainTokenMistake } from "./parse";
import type { RawSettings } from "./rawSettings";
import { isMap, isSet, SecretText } from "./setting";
import { byName, nameOfKey, namespaceMistakes } from "./stackKeys";

/** Whether a configuration key holds a secret; in the SDK, but left out of its types. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

/** The configuration of the current stack as a plain record, with the groups that hold a secret taken apart. */
export function settingsFromPulumi(): RawSettings {
    const project = pulumi.getProject();
    const configuration = pulumi.runtime.allConfig();
    // pulumi.Config would have to know every name beforehand, and so would pass over a misspelt one.
    const groups = byName(
        Object.entries(configuration).map(([key, text]) => [
            key,
            isConfigSecret(key) ? withSecrets(nameOfKey(key, project), text) : structured(text),
        ]),
        project,
    );
    // For previews in pull requests, which look at no host.
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

/** Authentik's address and token as the stack has them, for a provider of ours that talks to Authentik too. */
export function authentikConnection(): { authentikUrl?: string; authentikToken?: pulumi.Output<string> } {
    const config = new pulumi.Config("authentik");
    return { authentikUrl: config.get("url"), authentikToken: config.getSecret("token") };
}

/**
 * How Authentik is reached, from the stack or the environment; undefined where either is missing, which is a mistake of
 * its own.
 */
export function authentikAccess(): { url: string; token: string } | undefined {
    const config = new pulumi.Config("authentik");
    const url = config.get("url") ?? process.env.AUTHENTIK_URL;
    const token = config.get("token") ?? process.env.AUTHENTIK_TOKEN;
    return isSet(url) && isSet(token) ? { url: url!, token: token! } : undefined;
}

/** A group of which something is encrypted: Pulumi does not say what, so it can only be the group's secret settings. */
function withSecrets(group: string | undefined, text: string): unknown {
    const members = structured(text);
    const secrets = allSettings().filter((setting) => setting.group === group && setting.setting.secret);
    if (secrets.length === 0 || !isMap(members)) return new SecretText(text);
    const apart = secrets.flatMap(({ key }) =>
        isSet(members[key]) ? [[key, new SecretText(String(members[key]))]] : [],
    );
    return { ...members, ...Object.fromEntries(apart) };
}

/** Groups arrive as JSON text; anything else stays text and is refused by the parser by name. */
function structured(text: string): unknown {
    if (!/^\s*[[{]/.test(text)) return text;
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}
