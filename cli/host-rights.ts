/** npm run host-rights: what root has to allow the deploying user on the registry's host, for a stack's settings. */
import { Option } from "commander";
import { UserError } from "../clients/userError";
import { type HostRight, type RightsOfMachines, rightsOfMachines } from "../components/hostRights";
import { type Member, membersOf } from "../components/settings";
import { command, print, printJson, run } from "./shared/command";
import { declaredByOption, withStackOption } from "./shared/stack";

interface Options {
    json?: boolean;
    only?: "sudoers" | "polkit";
}

const program = withStackOption(
    command(
        "npm run host-rights --",
        "Prints what root has to allow on the registry's host for a stack's settings, such as host.user, " +
            "host.sudo and host.serviceManager: lines of sudoers, a rule of polkit, commands.",
        "npm run --silent host-rights -- --stack prod",
    ),
)
    .option(
        "--json",
        "as JSON: a list of files with path, mode and text, and of commands; mistakes in the settings as JSON too",
    )
    .addOption(
        new Option("--only <kind>", "only the text of this file; nothing if it is not needed")
            .choices(["sudoers", "polkit"])
            .conflicts("json"),
    )
    .action(({ json, only }: Options) => {
        const { settings } = declaredByOption(program);
        // A stack's file may omit what only the site knows. But a right belongs to a user.
        const lacksUser = ({ settings: { host } }: Member) => !host.user && host.serviceManager !== "launchd-agent";
        if (membersOf(settings).some(lacksUser))
            throw new UserError(
                "host.user is not set: the user to whom root should give rights. " +
                    "Set it with: pulumi config set --path host.user USER",
            );
        const groups = rightsOfMachines(settings);
        // A single group applies to all machines and needs no heading.
        const isOne = groups.length === 1;
        if (json)
            printJson(
                groups.flatMap(({ machines, rights }) =>
                    rights.map((right) => (isOne ? right : { ...right, machines: namesOf(machines) })),
                ),
            );
        else
            print(
                groups
                    .map(
                        (group) => (isOne ? "" : `# On ${namesOf(group.machines).join(", ")}:\n`) + textOf(group, only),
                    )
                    .join(isOne || only ? "" : "\n"),
            );
    });

const namesOf = (machines: readonly Member[]) => machines.map(({ name }) => name);

/** The needs of one group of machines, or only the text of one kind of file. */
function textOf({ machines: [first], rights }: RightsOfMachines, only: Options["only"]): string {
    if (only) return rights.map((right) => (right.kind === only ? right.text : "")).join("");
    return rights.length === 0 ? nothing(first.settings.host) : rights.map(shown).join("\n");
}

/** As a script for root, to paste. */
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
        `# Nothing: ${user ?? "host.user"} needs no further rights (host.serviceManager ` +
        `${serviceManager}, host.sudo ${sudo}).\n`
    );
}

void run(program);
