/** What a config on a host holds beside the settings goes into the stack's file. */
import { join } from "node:path";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { projectFolder } from "../shared/stack";
import { readConfig } from "./readConfig";
import { groupsInStackFile, writeSettings } from "./stackFile";
import { type Suggestion, suggestionFor } from "./takeOver";

export interface TakenOver extends Suggestion {
    /** The stack's file; unchanged where nothing is kept. */
    file: string;
}

/**
 * Writes what the first deployment would otherwise remove into the stack's file; comments and the rest of it stay as
 * they are.
 *
 * @param from path of the host's config, `-` for standard input.
 * @param print works everything out and writes nothing.
 * @param zotVersion what `zot --version` prints on the host. Default: not known
 * @throws UserError where the config cannot be read; SettingsError where the settings with it would be refused. Then
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
