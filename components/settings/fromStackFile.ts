/** The reader for a stack's file alone: no state, no secret, no network, and no Pulumi. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { RawSettings } from "./parse";
import { SecretText } from "./setting";

/** A mistake in the files themselves, for the person who wrote them. */
export class StackFileError extends Error {}

/**
 * The settings in `Pulumi.<stack>.yaml` below the defaults of `Pulumi.yaml`, as the CLI merges them.
 * Encrypted values become secrets that cannot be read.
 *
 * @throws StackFileError where a file is missing or is not YAML.
 */
export function settingsFromStackFile(projectFolder: string, stack: string): RawSettings {
    const project = readYaml(join(projectFolder, "Pulumi.yaml"), "the project's file");
    const file = join(projectFolder, `Pulumi.${stack}.yaml`);
    if (!existsSync(file)) {
        const stacks = readdirSync(projectFolder).flatMap((entry) => /^Pulumi\.(.+)\.yaml$/.exec(entry)?.[1] ?? []);
        throw new StackFileError(`There is no stack ${JSON.stringify(stack)}: ${file} does not exist. Stacks with a file here: ${stacks.join(", ") || "none"}.`);
    }
    const config = (readYaml(file, "the stack's file").config ?? {}) as Record<string, unknown>;
    const groups: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(config)) {
        const [namespace, name] = key.includes(":") ? (key.split(":", 2) as [string, string]) : [project.name as string, key];
        if (namespace === project.name) groups[name] = withOpaqueSecrets(value);
    }
    for (const [path, declared] of Object.entries((project.config ?? {}) as Record<string, unknown>)) {
        const fallback = defaultOf(declared);
        if (fallback !== undefined) setDefault(groups, path.split("."), fallback);
    }
    return { groups };
}

function readYaml(file: string, what: string): Record<string, unknown> {
    let text: string;
    try {
        text = readFileSync(file, "utf8");
    } catch (error) {
        throw new StackFileError(`Cannot read ${what} ${file}: ${(error as Error).message}`);
    }
    try {
        return (parse(text) ?? {}) as Record<string, unknown>;
    } catch (error) {
        throw new StackFileError(`${what} ${file} is not YAML: ${(error as Error).message}`);
    }
}

/** `{secure: …}` is how Pulumi writes an encrypted value, at any depth. */
function withOpaqueSecrets(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(withOpaqueSecrets);
    if (value !== null && typeof value === "object") {
        const entries = Object.entries(value);
        if (entries.length === 1 && entries[0]![0] === "secure" && typeof entries[0]![1] === "string") return new SecretText(undefined);
        return Object.fromEntries(entries.map(([key, item]) => [key, withOpaqueSecrets(item)]));
    }
    return value;
}

function defaultOf(declared: unknown): unknown {
    if (declared === null || typeof declared !== "object" || Array.isArray(declared)) return declared ?? undefined;
    const { default: fallback, value } = declared as { default?: unknown; value?: unknown };
    return fallback ?? value;
}

function setDefault(target: Record<string, unknown>, path: string[], value: unknown): void {
    const [first, ...rest] = path as [string, ...string[]];
    if (rest.length === 0) {
        target[first] ??= value;
        return;
    }
    target[first] ??= {};
    const next = target[first];
    if (typeof next === "object" && next !== null && !(next instanceof SecretText)) setDefault(next as Record<string, unknown>, rest, value);
}
