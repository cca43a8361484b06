/** npm run config: the zot config that a stack would push. */
import { configText } from "../components/zotConfig";
import { command, run } from "./shared/command";
import { stackFromFile } from "./shared/stack";

const program = command("npm run config --", "Prints the zot config that a stack would push, from its settings alone.", "npm run --silent config -- --stack prod")
    .requiredOption("-s, --stack <name>", "the stack, whose settings are in Pulumi.<name>.yaml")
    .action(({ stack }: { stack: string }) => {
        process.stdout.write(configText(stackFromFile(stack).zotConfig()));
    });
void run(program);
