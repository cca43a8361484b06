/** npm run config: the zot config that a stack would push. */
import { configText } from "../components/zotConfig";
import { command, run } from "./shared/command";
import { declaredByOption, withStackOption } from "./shared/stack";

const program = withStackOption(command("npm run config --", "Prints the zot config that a stack would push, from its settings alone.", "npm run --silent config -- --stack prod"))
    .option("--json", "mistakes in the settings as JSON too; the config is JSON anyway")
    .action(() => {
        process.stdout.write(configText(declaredByOption(program).zotConfig()));
    });
void run(program);
