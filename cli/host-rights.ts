/** npm run host-rights: what root is to allow the user who deploys, on the registry's host, for a stack's settings. */
import { Option } from "commander";
import { UserError } from "../clients/userError";
import { type HostRight, hostRights } from "../components/hostRights";
import { command, print, printJson, run } from "./shared/command";
import { declaredByOption, withStackOption } from "./shared/stack";

interface Options {
    json?: boolean;
    only?: "sudoers" | "polkit";
}

const program = withStackOption(
    command(
        "npm run host-rights --",
        "Prints what root is to allow on the registry's host for a stack's settings, host.user, " +
            "host.sudo and host.serviceManager among them: lines of sudoers, a rule of polkit, commands.",
        "npm run --silent host-rights -- --stack prod",
    ),
)
    .option(
        "--json",
        "as JSON: a list of files with path, mode and text, and of commands; mistakes in the settings as JSON too",
    )
    .addOption(
        new Option("--only <kind>", "the text of this file alone, and nothing where none is needed")
            .choices(["sudoers", "polkit"])
            .conflicts("json"),
    )
    .action(({ json, only }: Options) => {
        const { settings } = declaredByOption(program);
        // A stack's file may leave to the site what only that knows. But a right is somebody's.
        if (!settings.host.user && settings.host.serviceManager !== "launchd-agent")
            throw new UserError(
                "host.user is not set: the user whom root is to give rights. " +
                    "Set it with: pulumi config set --path host.user USER",
            );
        const rights = hostRights(settings);
        if (json) printJson(rights);
        else if (only) print(rights.map((right) => (right.kind === only ? right.text : "")).join(""));
        else print(rights.length === 0 ? nothing(settings.host) : rights.map(shown).join("\n"));
    });
void run(program);

/** As a script of root's, that can be pasted. */
function shown(right: HostRight): string {
    if (right.kind === "command") return `# So that ${right.why}:\n${right.command}\n`;
    const check = right.kind === "sudoers" ? "visudo -c\n" : "";
    return (
        `# So that ${right.why}:\ncat >${right.path} <<'END'\n${right.text}END\nchmod ${right.mode} ` +
        `${right.path}\n${check}`
    );
}

function nothing({ user, serviceManager, sudo }: { user?: string; serviceManager: string; sudo: string }): string {
    return (
        `# Nothing: ${user ?? "host.user"} needs no rights but its own (host.serviceManager ` +
        `${serviceManager}, host.sudo ${sudo}).\n`
    );
}
