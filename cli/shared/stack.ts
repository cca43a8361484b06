/** A stack as its file declares it: no state, no secret, no network. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { UserError } from "../../clients/userError";
import { type DeclaredState, declaredState } from "../../components/declaredState";
import { settingsFromStackFile, stacksWithFile } from "../../components/settings/fromStackFile";
import { EXIT, exitCodes } from "./command";

/** The project's folder: the nearest parent folder with a Pulumi.yaml. */
export function projectFolder(from = process.cwd()): string {
    for (let folder = from; ; folder = dirname(folder)) {
        if (existsSync(join(folder, "Pulumi.yaml"))) return folder;
        if (dirname(folder) === folder)
            throw new UserError(`There is no Pulumi.yaml in ${from} or above; run this in the project's folder.`);
    }
}

/** Gives a command the option `--stack`; {@link stackByOption} and {@link declaredByOption} read it. */
export function withStackOption(program: Command): Command {
    return program
        .option("-s, --stack <name>", "the stack, whose settings are in Pulumi.<name>.yaml")
        .addHelpText(
            "after",
            exitCodes("done", "a mistake in the settings or the stack's name, or it could not be done"),
        );
}

/** The stack of `--stack`. Without the option the command ends, and lists the stacks. */
export function stackByOption(program: Command): string {
    const { stack } = program.opts<{ stack?: string }>();
    if (!stack) {
        const stacks = stacksWithFile(projectFolder());
        program.error(`Which stack? Name one with --stack; those with a file here: ${stacks.join(", ") || "none"}.`, {
            exitCode: EXIT.usage,
        });
    }
    return stack;
}

/** What the stack of `--stack` declares. */
export function declaredByOption(program: Command): DeclaredState {
    return stackFromFile(stackByOption(program));
}

/**
 * What a stack declares in its file.
 *
 * @param folder the project's. Default: the nearest one above
 */
export function stackFromFile(stack: string, folder = projectFolder()): DeclaredState {
    return declaredState(settingsFromStackFile(folder, stack), `Pulumi.${stack}.yaml`);
}
