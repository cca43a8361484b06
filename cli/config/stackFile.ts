/** Reads and writes settings in a stack's file. */
import { readFileSync } from "node:fs";
import { isMap as isYamlMap, parseDocument } from "yaml";
import { UserError } from "../../clients/userError";
import { byName, isMap, nameOfKey, withFlatNames } from "../../components/settings";
import { readProject, readStack } from "../../components/settings/fromStackFile";
import { writeWhole } from "../shared/wholeFile";
import type { Groups } from "./takeOver";

/** The settings in a stack's file, by group, without the project's defaults. */
export function groupsInStackFile(folder: string, stack: string): Groups {
    const { config } = readStack(folder, stack);
    const project = String(readProject(folder).name);
    const named = byName(Object.entries(isMap(config) ? config : {}), project);
    return Object.fromEntries(
        Object.entries(withFlatNames(named)).filter((entry): entry is [string, Record<string, unknown>] =>
            isMap(entry[1]),
        ),
    );
}

/**
 * A stack's file with settings added; its comments and everything else stay.
 *
 * @param text the present content
 * @param file names it in a message
 * @param settings by group and name; whole values
 * @param others other keys of the stack's configuration, such as `authentik:url`
 * @throws UserError if nothing can be added to a group
 */
export function withSettings(
    text: string,
    { file, project, settings, others = {} }: { file: string; project: string; settings: Groups; others?: object },
): string {
    const document = parseDocument(text);
    const config = document.get("config");
    const keys = isYamlMap(config) ? config.items.map(({ key }) => String(key)) : [];
    for (const [key, value] of Object.entries(others)) document.setIn(["config", key], value);
    for (const [group, members] of Object.entries(settings)) {
        const key = keys.find((candidate) => nameOfKey(candidate, project) === group) ?? `${project}:${group}`;
        const present = isYamlMap(config) ? config.get(key) : undefined;
        // The target of an anchor is elsewhere in the file, and others may use it too.
        if (present !== undefined && present !== null && !isYamlMap(present))
            throw new UserError(
                `The group ${key} in ${file} is not written out as a map (an alias?), ` +
                    "so nothing can be added to it. Write it out, or take over by hand what --print shows.",
            );
        for (const [name, value] of Object.entries(members))
            document.setIn(["config", key, name], document.createNode(value));
    }
    return document.toString({ lineWidth: 0 });
}

/** Writes settings into a stack's file. */
export function writeSettings(folder: string, file: string, settings: Groups): void {
    const project = String(readProject(folder).name);
    writeWhole(file, withSettings(readFileSync(file, "utf8"), { file, project, settings }));
}
