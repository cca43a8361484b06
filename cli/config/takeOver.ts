/** What a config on a host holds beside the settings goes into the stack's `zot.extraConfig`. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { isMap as isYamlMap, parseDocument } from "yaml";
import { UserError } from "../../clients/userError";
import { declaredState } from "../../components/declaredState";
import { isMap, nameOfKey } from "../../components/settings";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { type JsonMap, type UnmanagedParts, unmanagedParts } from "../../components/zotConfig";
import { mergeExtra } from "../../components/zotConfig/merge";
import { projectFolder } from "../shared/stack";
import { writeWhole } from "../shared/wholeFile";

export interface TakenOver extends UnmanagedParts {
    /** The stack's file; unchanged where nothing is kept. */
    file: string;
    /** The whole of `zot.extraConfig` as it is now to be. */
    extraConfig: JsonMap;
}

/**
 * Writes what the first push would otherwise remove into the stack's file; comments and the rest of it stay as they
 * are.
 *
 * @param from path of the host's config, `-` for standard input.
 * @param print works everything out and writes nothing.
 * @throws UserError where the config cannot be read; SettingsError where the settings with it would be refused. Then
 * nothing is written.
 */
export function takeOver(stack: string, from: string, { print = false } = {}): TakenOver {
    const folder = projectFolder();
    const raw = settingsFromStackFile(folder, stack);
    const declared = declaredState(raw, `Pulumi.${stack}.yaml`);
    const parts = unmanagedParts(readConfig(from), declared.zotConfig());
    const extraConfig = mergeExtra(declared.settings.zot.extraConfig as JsonMap, parts.keep).config;
    const file = join(folder, `Pulumi.${stack.split("/").at(-1)}.yaml`);
    if (parts.kept.length > 0) {
        const zot = isMap(raw.groups.zot) ? raw.groups.zot : {};
        declaredState(
            { ...raw, groups: { ...raw.groups, zot: { ...zot, extraConfig } } },
            `Pulumi.${stack}.yaml with what was found in ${from}`,
        );
        if (!print) writeExtraConfig(folder, file, extraConfig);
    }
    return { ...parts, file, extraConfig };
}

function readConfig(from: string): JsonMap {
    const what = from === "-" ? "The config on standard input" : `The config ${from}`;
    let text: string;
    try {
        text = readFileSync(from === "-" ? 0 : from, "utf8");
    } catch (error) {
        throw new UserError(
            `${what} cannot be read: ${(error as NodeJS.ErrnoException).code}. ` +
                "Name a copy of the config.json on the registry's host.",
        );
    }
    let content: unknown;
    try {
        content = JSON.parse(text);
    } catch {
        // The parser's message quotes the text, which may hold a secret.
        throw new UserError(`${what} is no JSON. Name a copy of the config.json on the registry's host.`);
    }
    if (!isMap(content))
        throw new UserError(`${what} is no JSON object. Name a copy of the config.json on the registry's host.`);
    return content as JsonMap;
}

function writeExtraConfig(folder: string, file: string, extraConfig: JsonMap): void {
    const project = String(parseDocument(readFileSync(join(folder, "Pulumi.yaml"), "utf8")).get("name"));
    const document = parseDocument(readFileSync(file, "utf8"));
    const config = document.get("config");
    const keys = isYamlMap(config) ? config.items.map(({ key }) => String(key)) : [];
    const key = keys.find((candidate) => nameOfKey(candidate, project) === "zot") ?? `${project}:zot`;
    const group = isYamlMap(config) ? config.get(key) : undefined;
    // What an anchor stands for is elsewhere in the file, and may be somebody else's too.
    if (group !== undefined && group !== null && !isYamlMap(group))
        throw new UserError(
            `The group ${key} in ${file} is not written out as a map (an alias?), ` +
                "so that nothing can be added to it. Write it out, or take over by hand what --print shows.",
        );
    document.setIn(["config", key, "extraConfig"], document.createNode(extraConfig));
    writeWhole(file, document.toString({ lineWidth: 0 }));
}
