/** npm run matrix: prints who may do what on a stack's registry. */
import { Option } from "commander";
import { command, print, run } from "./shared/command";
import { matrixMarkdown, matrixTable } from "./shared/matrixText";
import { declaredByOption, withStackOption } from "./shared/stack";

const program = withStackOption(
    command(
        "npm run matrix --",
        "Prints who may do what on a stack's registry, based on its settings alone.",
        "npm run --silent matrix -- --stack prod --markdown",
    ),
)
    .option("--json", "as JSON: pattern, then who, then a list of actions; mistakes in the settings as JSON too")
    .addOption(new Option("--markdown", "as a Markdown table").conflicts("json"))
    .action(({ json, markdown }: { json?: boolean; markdown?: boolean }) => {
        const { matrix } = declaredByOption(program);
        const text = json ? JSON.stringify(matrix, null, 2) : markdown ? matrixMarkdown(matrix) : matrixTable(matrix);
        print(`${text}\n`);
    });
void run(program);
