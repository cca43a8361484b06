/** The reader for a running Pulumi program: the only place that reads Pulumi's configuration and the environment. */
import * as pulumi from "@pulumi/pulumi";
import { allSettings } from "./declarations";
import type { RawSettings } from "./parse";
import { SecretText } from "./setting";

/** Whether a configuration key holds a secret; in the SDK, but left out of its types. */
const { isConfigSecret } = pulumi.runtime as unknown as { isConfigSecret(key: string): boolean };

/** The configuration of the current stack as a plain record, with the groups that hold a secret taken apart. */
export function settingsFromPulumi(): RawSettings {
    const project = pulumi.getProject();
    const configuration = pulumi.runtime.allConfig();
    const groups: Record<string, unknown> = {};
    // pulumi.Config would have to know every name beforehand, and so would pass over a misspelt one.
    for (const [key, text] of Object.entries(configuration)) {
        const [namespace, name] = splitKey(key);
        if (namespace === project) groups[name] = structured(text);
    }
    for (const { group, key, setting } of allSettings()) {
        const members = groups[group];
        if (!setting.secret || !isConfigSecret(`${project}:${group}`) || !isMap(members)) continue;
        const value = members[key];
        if (typeof value === "string" && value !== "") members[key] = new SecretText(value);
    }
    const authentik = new pulumi.Config("authentik");
    return {
        groups,
        site: {
            hasAuthentikUrl: isSet(authentik.get("url")) || isSet(process.env.AUTHENTIK_URL),
            hasAuthentikToken: isSet(configuration["authentik:token"]) || isSet(process.env.AUTHENTIK_TOKEN),
            sshAgentSocket: process.env.SSH_AUTH_SOCK || undefined,
        },
    };
}

function splitKey(key: string): [string, string] {
    const colon = key.indexOf(":");
    return [key.slice(0, colon), key.slice(colon + 1)];
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

const isSet = (value: string | undefined) => value !== undefined && value !== "";

function isMap(value: unknown): value is Record<string, unknown> {
    return value !== null && typeof value === "object" && !Array.isArray(value);
}
