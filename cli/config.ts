/** npm run config: prints the zot config that a stack would deploy, or takes over parts of a config on a host. */
import { configText } from "../components/zotConfig";
import { command, EXIT, run, print as show } from "./shared/command";
import { givenFile } from "./shared/givenFile";
import { declaredByOption, stackByOption, withStackOption } from "./shared/stack";

interface Options {
    json?: boolean;
    from?: string;
    print?: boolean;
    zotVersion?: string;
}

const program = withStackOption(
    command(
        "npm run config --",
        "Prints the zot config that a stack would deploy, from its settings alone.",
        "npm run --silent config -- --stack prod",
    ),
)
    .option("--json", "with --from: what was found, as JSON; mistakes in the settings as JSON too")
    .option(
        "--from <file>",
        "put what the config in this file (JSON or YAML; - for standard input) has and the settings do not declare " +
            "into the stack's file: caches into zot.mirrors, the rest into zot.extraConfig",
        givenFile,
    )
    .option("--print", "with --from: write nothing, and print what would be written")
    .option(
        "--zot-version <text>",
        "with --from: what `zot --version` prints on the host, to report what its build cannot do",
    )
    .addHelpText(
        "after",
        "\nBefore a first deployment, on a host whose config has another source:\n  ssh registry-host cat " +
            "/etc/zot/config.json | npm run --silent config -- --stack prod --from -\n",
    )
    .action(async ({ from, print, json, zotVersion }: Options) => {
        if (from === undefined) {
            for (const [name, value] of Object.entries({ print, "zot-version": zotVersion }))
                if (value) program.error(`--${name} goes with --from only.`, { exitCode: EXIT.usage });
            show(configText(declaredByOption(program).zotConfig()));
            return;
        }
        const stack = stackByOption(program);
        const [{ takeOver }, { takenOverJson, takenOverText }] = await Promise.all([
            import("./config/intoStackFile.js"),
            import("./config/takenOverText.js"),
        ]);
        const found = takeOver(stack, from, { print, zotVersion });
        show(json ? takenOverJson(found) : takenOverText(found, { print }));
    });
void run(program);
