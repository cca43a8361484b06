/** npm run matrix: who may do what on a stack's registry. */
import { Option } from "commander";
import { command, run } from "./shared/command";
import { matrixMarkdown, matrixTable } from "./shared/matrixText";
import { stackFromFile } from "./shared/stack";

const program = command("npm run matrix --", "Prints who may do what on a stack's registry, from its settings alone.", "npm run --silent matrix -- --stack prod --markdown")
    .requiredOption("-s, --stack <name>", "the stack, whose settings are in Pulumi.<name>.yaml")
    .option("--json", "as JSON: pattern, then who, then a list of actions")
    .addOption(new Option("--markdown", "as a Markdown table").conflicts("json"))
    .action(({ stack, json, markdown }: { stack: string; json?: boolean; markdown?: boolean }) => {
        const { matrix } = stackFromFile(stack);
        const text = json ? JSON.stringify(matrix, null, 2) : markdown ? matrixMarkdown(matrix) : matrixTable(matrix);
        process.stdout.write(`${text}\n`);
    });
void run(program);
