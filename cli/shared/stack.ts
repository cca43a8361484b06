/** A stack as its file declares it: no state, no secret, no network. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { declaredState, type DeclaredState } from "../../components/declaredState";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { UserError } from "./command";

/** The folder of the project: the nearest one above that has a Pulumi.yaml. */
export function projectFolder(from = process.cwd()): string {
    for (let folder = from; ; folder = dirname(folder)) {
        if (existsSync(join(folder, "Pulumi.yaml"))) return folder;
        if (dirname(folder) === folder) throw new UserError(`There is no Pulumi.yaml in ${from} or above; run this in the project's folder.`);
    }
}

export function stackFromFile(stack: string): DeclaredState {
    return declaredState(settingsFromStackFile(projectFolder(), stack), `Pulumi.${stack}.yaml`);
}
