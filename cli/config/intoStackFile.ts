/** Writes what a config on a host has beyond the settings into the stack's file. */
import { join } from "node:path";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { projectFolder } from "../shared/stack";
import { readConfig } from "./readConfig";
import { groupsInStackFile, writeSettings } from "./stackFile";
import { type Suggestion, suggestionFor } from "./takeOver";

export interface TakenOver extends Suggestion {
    /** The stack's file; unchanged if nothing is kept. */
    file: string;
}

/**
 * Writes what the first deployment would otherwise remove into the stack's file. Its comments and everything else stay.
 *
 * @param from path of the host's config, `-` for standard input
 * @param print writes nothing
 * @param zotVersion what `zot --version` prints on the host. Default: not known
 * @throws UserError if the config cannot be read; SettingsError if the resulting settings would be refused. Then
 * nothing is written.
 */
export function takeOver(
    stack: string,
    from: string,
    { print = false, zotVersion }: { print?: boolean; zotVersion?: string } = {},
): TakenOver {
    const folder = projectFolder();
    const site = {
        raw: settingsFromStackFile(folder, stack),
        given: groupsInStackFile(folder, stack),
        where: `Pulumi.${stack}.yaml`,
    };
    const found = suggestionFor(readConfig(from), site, zotVersion);
    const file = join(folder, `Pulumi.${stack.split("/").at(-1)}.yaml`);
    if (!print && Object.keys(found.settings).length > 0) writeSettings(folder, file, found.settings);
    return { ...found, file };
}
