/** Reads the settings from a stack's file alone: without state, secret, network or Pulumi. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../clients/userError";
import { placeholderMistakes, plainTokenMistake } from "./parse";
import type { RawSettings } from "./rawSettings";
import { isMap, SecretText, shown } from "./setting";
import { byName, doubleMistakes, namespaceMistakes } from "./stackKeys";
import { YamlMistake, yamlAsPulumi } from "./yaml";

/** A mistake in the files themselves, worded for the person who wrote them. */
export class StackFileError extends UserError {}

/**
 * The settings in `Pulumi.<stack>.yaml` over the defaults of `Pulumi.yaml`, merged as the CLI merges them.
 * Encrypted values become secrets that cannot be read.
 *
 * @param stack the stack's name; the last part of `organization/project/name` names the file
 * @throws StackFileError if a file is missing, or is not what Pulumi would accept
 */
export function settingsFromStackFile(projectFolder: string, stack: string): RawSettings {
    const project = readProject(projectFolder);
    const { config } = readStack(projectFolder, stack);
    if (typeof project.name !== "string")
        throw new StackFileError(`The project's file ${join(projectFolder, "Pulumi.yaml")} has no name.`);
    if (config !== undefined && config !== null && !isMap(config))
        throw new StackFileError(`"config" in the file of the stack ${shown(stack)} is not a map.`);

    const entries = Object.entries(config ?? {}).map(([key, value]) => [key, withOpaqueSecrets(value)] as const);
    const groups = byName(entries, project.name);
    for (const [path, declared] of Object.entries(isMap(project.config) ? project.config : {})) {
        const fallback = defaultOf(declared);
        if (fallback !== undefined) setDefault(groups, path.split("."), fallback);
    }
    const token = entries.find(([key]) => key === "authentik:token")?.[1];
    const mistakes = namespaceMistakes(
        entries.map(([key]) => key),
        project.name,
    );
    mistakes.push(
        ...doubleMistakes(
            entries.map(([key]) => key),
            project.name,
        ),
    );
    if (token && !(token instanceof SecretText)) mistakes.push(plainTokenMistake());
    mistakes.push(...placeholderMistakes(entries.find(([key]) => key === "authentik:url")?.[1]));
    return { groups, mistakes };
}

/** Path of a stack's file. @throws StackFileError if there is none */
export function stackFile(projectFolder: string, stack: string): string {
    const name = stack.split("/").at(-1)!;
    const file = join(projectFolder, `Pulumi.${name}.yaml`);
    const isName = /^[A-Za-z0-9._-]+$/.test(name);
    if (isName && existsSync(file)) return file;
    throw new StackFileError(
        `There is no stack ${shown(stack)}${isName ? `: ${file} does not exist` : ""}. ` +
            `Stacks with a file here: ${stacksWithFile(projectFolder).join(", ") || "none"}.`,
    );
}

/**
 * The project's file. It refuses a project for which Pulumi would read another file, or stacks' files from elsewhere:
 * everything said here would be about the wrong files.
 *
 * @throws StackFileError
 */
export function readProject(projectFolder: string): Record<string, unknown> {
    const file = join(projectFolder, "Pulumi.yaml");
    if (existsSync(join(projectFolder, "Pulumi.json")))
        throw new StackFileError(
            `Beside the project's file ${file} there is a Pulumi.json, which Pulumi reads instead. Remove it.`,
        );
    const project = readYaml(file, "the project's file");
    const elsewhere =
        typeof project.config === "string"
            ? "config"
            : project.stackConfigDir !== undefined
              ? "stackConfigDir"
              : undefined;
    if (elsewhere)
        throw new StackFileError(
            `The project's file ${file} makes Pulumi read the stacks' files from another folder (${elsewhere}); ` +
                "remove that.",
        );
    return project;
}

/** The content of a stack's file. @throws StackFileError */
export function readStack(projectFolder: string, stack: string): Record<string, unknown> {
    return readYaml(stackFile(projectFolder, stack), "the stack's file");
}

/** Pulumi.example.yaml is a file to copy, not a stack. */
export const EXAMPLE = "example";

/** Names of the stacks that have a file in the folder. */
export function stacksWithFile(projectFolder: string): string[] {
    return readdirSync(projectFolder)
        .flatMap((entry) => /^Pulumi\.(.+)\.yaml$/.exec(entry)?.[1] ?? [])
        .filter((stack) => stack !== EXAMPLE)
        .sort();
}

function readYaml(file: string, what: string): Record<string, unknown> {
    let content: unknown;
    try {
        content = yamlAsPulumi(readFileSync(file, "utf8")) ?? {};
    } catch (error) {
        if (!(error instanceof YamlMistake))
            throw new StackFileError(
                `Cannot read ${what} ${file}: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`,
            );
        const where = error.line === undefined ? "" : `, line ${error.line}`;
        throw new StackFileError(`${capital(what)} ${file} is not YAML as Pulumi reads it${where}: ${error.message}`);
    }
    if (!isMap(content)) throw new StackFileError(`${capital(what)} ${file} is not a map.`);
    return content;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Replaces `{secure: …}`, Pulumi's form of an encrypted value, at any depth. */
function withOpaqueSecrets(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(withOpaqueSecrets);
    if (!isMap(value)) return value;
    const entries = Object.entries(value);
    if (entries.length === 1 && entries[0]![0] === "secure" && typeof entries[0]![1] === "string")
        return new SecretText(undefined);
    return Object.fromEntries(entries.map(([key, item]) => [key, withOpaqueSecrets(item)]));
}

/** The default of a declaration in Pulumi.yaml: `{default: …}`, `{value: …}`, or the value itself. */
function defaultOf(declared: unknown): unknown {
    return isMap(declared) ? (declared.default ?? declared.value) : (declared ?? undefined);
}

function setDefault(target: Record<string, unknown>, path: string[], value: unknown): void {
    const [first, ...rest] = path as [string, ...string[]];
    // Ignores properties that every object inherits.
    const own = Object.hasOwn(target, first) ? target[first] : undefined;
    const next = own ?? (rest.length === 0 ? value : {});
    if (own !== next)
        Object.defineProperty(target, first, { value: next, enumerable: true, configurable: true, writable: true });
    // If a group is not a map, the parser refuses it.
    if (rest.length > 0 && isMap(next)) setDefault(next, rest, value);
}
