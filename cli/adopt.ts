/** npm run adopt: finds what already exists in Authentik, and writes it as a file for `pulumi import`. */
import { join, relative } from "node:path";
import { listBlueprints } from "../clients/authentik/blueprints";
import { Client } from "../clients/authentik/client";
import { type Connection, connectionFrom } from "../clients/authentik/connection";
import { failureIn } from "../clients/authentik/failures";
import { UserError } from "../clients/userError";
import { owningBlueprints, unknownBlueprints } from "../components/owningBlueprints";
import { readProject, readStack } from "../components/settings/fromStackFile";
import { type Found, found } from "./adopt/find";
import { addressOf, type Declared, importFile } from "./adopt/importFile";
import { busy, command, print, printJson, run } from "./shared/command";
import { pulumi, tokenInStack } from "./shared/pulumi";
import { declaredByOption, projectFolder, withStackOption } from "./shared/stack";
import { writeWhole } from "./shared/wholeFile";

interface Options {
    stack: string;
    file: string;
    state: boolean;
    dryRun?: boolean;
    json?: boolean;
}

async function adopt(options: Options): Promise<void> {
    const folder = projectFolder();
    const { settings } = declaredByOption(program);
    const { name: project } = readProject(folder) as { name: string };
    const connection = await connectionFor(folder, options.stack);
    const inState = options.state ? await addressesInState(folder, options.stack) : new Set<string>();

    busy(`Asking Authentik at ${connection.url}`);
    const client = new Client(() => connection);
    let there: Found;
    try {
        there = await client.reading(() => found(client, settings));
    } catch (error) {
        const failure = failureIn(error);
        if (failure?.kind === "forbidden")
            throw new UserError(
                `The token may not read everything that is needed in Authentik at ${connection.url}: ` +
                    `${failure.message} Give it one for refreshing or more: npm run authentik-token -- --help`,
            );
        throw failure ?? error;
    }
    const warnings = [...there.warnings, ...(await blueprints(connection, settings))];

    const isManaged = (object: Declared) => inState.has(addressOf(object, project, options.stack));
    const file = importFile(
        Object.fromEntries(there.findings.map(({ object, id }) => [object, id])),
        inState,
        project,
        options.stack,
    );
    const target = join(folder, options.file);
    const isWritten = !options.dryRun && file.resources.length > 0;
    if (isWritten) writeWhole(target, `${JSON.stringify(file, null, 4)}\n`);

    if (options.json) {
        const managed = there.findings.map(({ object }) => object).filter(isManaged);
        printJson({ ...there, warnings, managed, file });
        return;
    }
    const lines = [
        `What already exists in Authentik at ${connection.url} of what the stack ${options.stack} declares:`,
    ];
    for (const { object, label, id } of there.findings)
        lines.push(`  ${isManaged(object) ? "in the state already" : "to be taken over    "}  ${label}, id ${id}`);
    for (const { label } of there.missing) lines.push(`  made by pulumi up     ${label}`);
    for (const warning of warnings) lines.push(`warning: ${warning}`);
    if (file.resources.length === 0) lines.push("", "There is nothing to take over.");
    else if (!isWritten) lines.push("", `${options.file} would be written, for pulumi import.`);
    else {
        const place = relative(process.cwd(), target) || target;
        lines.push("", `${place} is written. Take over, see what would change, and change it:`);
        lines.push(
            `  pulumi import --file ${place} --stack ${options.stack} --generate-code=false --protect=false`,
            `  pulumi preview --diff --stack ${options.stack}`,
            `  pulumi up --stack ${options.stack}`,
        );
        lines.push(
            "The client keeps its secret, so logins keep working. " +
                "zot gets new session keys: users of its web interface have to log in once more.",
        );
        lines.push(
            "",
            "To give everything back without a change in Authentik, run " +
                "pulumi state delete with the address of each, as pulumi stack --show-urns lists them.",
        );
    }
    print(`${lines.join("\n")}\n`);
}

/** Address and token from the environment, or the stack's own. */
async function connectionFor(folder: string, stack: string): Promise<Connection> {
    const { config } = readStack(folder, stack) as { config?: Record<string, unknown> };
    const url = process.env.AUTHENTIK_URL ?? config?.["authentik:url"];
    if (typeof url !== "string" || url === "")
        throw new UserError(
            "Authentik's address is not known. Set AUTHENTIK_URL in the environment, or: " +
                "pulumi config set authentik:url https://authentik.example.org",
        );
    const token = process.env.AUTHENTIK_TOKEN || (await tokenInStack(stack, folder));
    if (!token)
        throw new UserError(
            `There is no token for Authentik: AUTHENTIK_TOKEN is not set, and none can be read from the stack ${stack} ` +
                "(this needs its passphrase: PULUMI_CONFIG_PASSPHRASE). Set AUTHENTIK_TOKEN in the environment " +
                "to a token that may read (npm run authentik-token -- --for refresh).",
        );
    return connectionFrom({}, { AUTHENTIK_URL: url, AUTHENTIK_TOKEN: token });
}

async function addressesInState(folder: string, stack: string): Promise<Set<string>> {
    const text = await pulumi(
        ["stack", "export", "--stack", stack],
        "read the stack's state; if the stack does not exist yet: pulumi stack init, or --no-state here",
        { folder },
    );
    const { deployment } = JSON.parse(text) as { deployment?: { resources?: { urn: string }[] } };
    return new Set((deployment?.resources ?? []).map(({ urn }) => urn));
}

/** A token may be able to read the objects but not blueprints; then a person has to look. */
async function blueprints(
    { basePath: url, token }: Connection,
    settings: Parameters<typeof owningBlueprints>[1],
): Promise<string[]> {
    const all = await listBlueprints({ url, token });
    if (Array.isArray(all)) return [...owningBlueprints(all, settings), ...unknownBlueprints(all)];
    return [
        "It is not known whether a blueprint owns any of these objects: " +
            `the token may not list blueprints (${all.status ?? "no answer"}). ` +
            "Look at them in Authentik, Customization > Blueprints.",
    ];
}

const program = withStackOption(
    command(
        "npm run adopt --",
        "Finds what already exists in Authentik of what a stack declares, " +
            "and writes the file for pulumi import. Changes nothing in Authentik or in the state.",
        "AUTHENTIK_TOKEN=… npm run adopt -- --stack prod",
    ),
)
    .option("--file <path>", "the file to write, in the project's folder", "adopt.json")
    .option("--no-state", "do not check the stack's state for what it already manages")
    .option("-n, --dry-run", "write nothing")
    .option("--json", "what was found, the warnings and the file as JSON")
    .addHelpText(
        "after",
        "\nEnvironment: AUTHENTIK_TOKEN, a token that may read; " +
            "AUTHENTIK_URL, where the stack's file has no authentik:url.",
    )
    .action((options: Options) => adopt(options));
void run(program);
