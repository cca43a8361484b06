/** npm run settings: writes the settings' declarations into Pulumi.yaml and docs/settings.md. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { command, exitCodes, run } from "./shared/command";
import { projectConfig, projectTemplate, settingsMarkdown } from "./shared/settingsReference";
import { projectFolder } from "./shared/stack";

const program = command(
    "npm run settings",
    "Writes the settings' declarations into Pulumi.yaml and docs/settings.md, after a change of their table.",
    "npm run settings",
)
    .addHelpText("after", exitCodes("done", "it could not be done"))
    .action(() => {
        const folder = projectFolder();
        const file = join(folder, "Pulumi.yaml");
        const project = parseDocument(readFileSync(file, "utf8"));
        project.set("template", project.createNode(projectTemplate()));
        project.set("config", project.createNode(projectConfig()));
        writeFileSync(file, project.toString({ lineWidth: 0 }));
        mkdirSync(join(folder, "docs"), { recursive: true });
        writeFileSync(join(folder, "docs", "settings.md"), settingsMarkdown());
    });
void run(program);
