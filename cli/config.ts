/** npm run config: the zot config that a stack would push; or what a config on a host has beside it. */
import { configText } from "../components/zotConfig";
import { command, EXIT, run } from "./shared/command";
import { declaredByOption, stackByOption, withStackOption } from "./shared/stack";

interface Options {
    json?: boolean;
    from?: string;
    print?: boolean;
}

const program = withStackOption(
    command(
        "npm run config --",
        "Prints the zot config that a stack would push, from its settings alone.",
        "npm run --silent config -- --stack prod",
    ),
)
    .option("--json", "with --from, what was found, as JSON; mistakes in the settings as JSON too")
    .option(
        "--from <file>",
        "what the config in this file (- for standard input) has and the settings do not declare goes into " +
            "zot.extraConfig of the stack's file",
    )
    .option("--print", "with --from, write nothing, and say what would be written")
    .addHelpText(
        "after",
        "\nBefore a first push, on a host whose config was made by other means:\n  ssh registry-host cat " +
            "/etc/zot/config.json | npm run --silent config -- --stack prod --from -\n",
    )
    .action(async ({ from, print, json }: Options) => {
        if (from === undefined) {
            if (print) program.error("--print goes with --from only.", { exitCode: EXIT.usage });
            process.stdout.write(configText(declaredByOption(program).zotConfig()));
            return;
        }
        const stack = stackByOption(program);
        const [{ takeOver }, { takenOverJson, takenOverText }] = await Promise.all([
            import("./config/takeOver.js"),
            import("./config/takenOverText.js"),
        ]);
        const found = takeOver(stack, from, { print });
        process.stdout.write(json ? takenOverJson(found) : takenOverText(found, { print }));
    });
void run(program);
