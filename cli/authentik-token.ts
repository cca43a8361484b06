/**
 * npm run authentik-token: creates the role, service account and API token with which the program works in Authentik,
 * or prints the steps for it.
 */
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline/promises";
import { Option } from "commander";
import { withoutApi } from "../clients/authentik/connection";
import { addressOf } from "../clients/http/address";
import { outgoing } from "../clients/http/outgoing";
import { UserError } from "../clients/userError";
import { dangersOf, type TokenPurpose } from "../components/authentikPermissions";
import { ciAccounts } from "../components/settings";
import { readStack } from "../components/settings/fromStackFile";
import { AdminApi } from "./authentikToken/adminApi";
import { Administration, type Outcome } from "./authentikToken/administration";
import { findMade, removeMade } from "./authentikToken/removal";
import { apiSteps, userInterfaceSteps } from "./authentikToken/steps";
import { defaultName, PURPOSES, type TokenTask, tokenTask } from "./authentikToken/task";
import { busy, command, EXIT, print, printJson, remark, run } from "./shared/command";
import { givenFile } from "./shared/givenFile";
import { pulumi } from "./shared/pulumi";
import { declaredByOption, projectFolder, stackByOption, withStackOption } from "./shared/stack";
import { writeWhole } from "./shared/wholeFile";

interface Options {
    stack: string;
    for: TokenPurpose;
    steps?: true | "api" | "ui";
    url?: string;
    name?: string;
    output?: string;
    config?: boolean;
    rotate?: boolean;
    prune?: boolean;
    remove?: boolean;
    yes?: boolean;
    dryRun?: boolean;
    json?: boolean;
}

const ADMIN_TOKEN = "AUTHENTIK_ADMIN_TOKEN";

async function authentikToken(options: Options): Promise<void> {
    const { settings } = declaredByOption(program);
    const [, ...others] = ciAccounts(settings);
    const task = tokenTask(
        options.stack,
        options.for,
        settings.identity,
        options.name,
        others.map(({ user }) => user),
    );
    const url = authentikAddress(options);
    const token = adminToken();
    if (!options.steps && !token && (options.output || options.config || options.dryRun || options.json))
        throw new UserError(
            `${ADMIN_TOKEN} is not in the environment, so nothing was made. Put a superuser's API token there ` +
                "(read -rs), or see the steps to do it by hand: --steps.",
        );
    if (options.steps || !token) {
        printSteps(task, url, options);
        return;
    }
    if (!options.output && !options.config && !options.dryRun) {
        program.error(
            "Where to put the token? Give --output FILE, " +
                `written with mode 0600${
                    options.for === "up" ? ", or --config for the stack's " + "configuration, encrypted" : ""
                }. It is never printed.`,
            { exitCode: EXIT.usage },
        );
    }
    if (options.config && options.for !== "up")
        program.error(
            "A token for previews does not belong in the stack's configuration, because pulumi up would use it: " +
                "give --output FILE, and pass it to the job as AUTHENTIK_TOKEN.",
            { exitCode: EXIT.usage },
        );

    const { dryRun = false, rotate = false, prune = false } = options;
    busy(`Working in Authentik at ${url}`);
    const outcome = await new Administration(new AdminApi(url, token, outgoing()), { dryRun, rotate, prune }).apply(
        task,
    );
    const handedTo = outcome.key === undefined ? undefined : await handOver(outcome.key, options);
    report(task, url, outcome, handedTo, options);
}

/** Removes what was made for a stack: a token that may manage groups and users is as good as a superuser's. */
async function removeTokens(options: Options): Promise<void> {
    const { name, stack, dryRun = false, yes = false, json = false } = options;
    const token = adminToken();
    if (!token)
        throw new UserError(
            `${ADMIN_TOKEN} is not in the environment: ` +
                "a superuser's API token is needed to remove what was made. " +
                "By hand, in Authentik's web interface: " +
                `Directory > Users, and Directory > Roles, remove ${namesOf(options).join(", ")}; ` +
                "its token goes with the user.",
        );
    const url = authentikAddress(options);
    const api = new AdminApi(url, token, outgoing());
    busy(`Looking in Authentik at ${url}`);
    const found = await findMade(api, namesOf(options));
    const list = found.map(({ what }) => `  ${what}`).join("\n");
    const isSure =
        !dryRun &&
        found.length > 0 &&
        (yes ||
            (await confirmed(
                `In Authentik at ${url}:\n${list}\nRemove all of it? What uses the token stops working. [y/N] `,
            )));
    if (found.length > 0 && !dryRun && !isSure)
        throw new UserError(`In Authentik at ${url}:\n${list}\nNothing was removed. To remove all of it, add --yes.`);
    if (isSure) await removeMade(api, found);

    const what = name === undefined ? `the stack ${stack}` : name;
    if (json) {
        printJson({ url, dryRun, [isSure ? "removed" : "found"]: found.map((one) => one.what) });
    } else if (found.length === 0) {
        print(`In Authentik at ${url} there is nothing that this command has made for ${what}.\n`);
    } else {
        print(
            `${dryRun ? "Nothing is changed. " : ""}In Authentik at ${url} ` +
                `${dryRun ? "would be removed" : "were removed"}:\n${list}\n`,
        );
        if (isSure)
            print(
                "The key no longer works anywhere, so remove it where it is stored: " +
                    `pulumi config rm authentik:token --stack ${stack}, and the secrets of jobs.\n`,
            );
    }
}

/** Names of role, account and token; for every purpose if none is given. */
function namesOf({ name, stack, for: purpose }: Options): string[] {
    if (name !== undefined) return [name];
    return (program.getOptionValueSource("for") === "cli" ? [purpose] : PURPOSES).map((one) => defaultName(stack, one));
}

/** Asks a person at a terminal. */
async function confirmed(question: string): Promise<boolean> {
    if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    try {
        return /^y(es)?$/i.test((await terminal.question(question)).trim());
    } finally {
        terminal.close();
    }
}

function adminToken(): string | undefined {
    const token = process.env[ADMIN_TOKEN]?.trim();
    if (token && !/^[\x21-\x7e]+$/.test(token))
        throw new UserError(`${ADMIN_TOKEN} contains a space, a line break or a character that no token has.`);
    return token || undefined;
}

/** Authentik's address: from the option, the environment, or the stack's file. */
function authentikAddress({ url: option, stack }: Options): string {
    const file = join(projectFolder(), `Pulumi.${basename(stack)}.yaml`);
    // After `pulumi stack rm` there is no file.
    const { config } = existsSync(file)
        ? (readStack(projectFolder(), stack) as { config?: Record<string, unknown> })
        : {};
    const found = option ?? (process.env.AUTHENTIK_URL?.trim() || config?.["authentik:url"]);
    if (typeof found !== "string" || found === "")
        return program.error(
            "Authentik's address is not set: give --url, or set it with: " +
                "pulumi config set authentik:url https://authentik.example.org",
            { exitCode: EXIT.usage },
        );
    return withoutApi(
        addressOf(
            found.trim(),
            "Authentik's address",
            { carries: "the token" },
            "Give one such as https://authentik.example.org.",
        ),
    );
}

async function handOver(key: string, { output, config, stack }: Options): Promise<string> {
    const places: string[] = [];
    if (output) {
        try {
            writeWhole(output, `${key}\n`, 0o600);
        } catch (error) {
            throw new UserError(
                `The token was made, but the file ${output} cannot be written ` +
                    `(${(error as NodeJS.ErrnoException).code}); run this again with another --output.`,
            );
        }
        places.push(`the file ${output}, mode 0600`);
    }
    if (config) {
        await pulumi(
            ["config", "set", "--secret", "authentik:token", "--stack", stack],
            `set authentik:token of the stack ${stack} (the token was made; run this again)`,
            { folder: projectFolder(), input: key },
        );
        places.push(`authentik:token of the stack ${stack}, encrypted`);
    }
    return places.join(", and ");
}

function report(
    task: TokenTask,
    url: string,
    { version, done, warnings, key }: Outcome,
    handedTo: string | undefined,
    { json, dryRun }: Options,
): void {
    const dangers = dangersOf(task.work);
    for (const warning of warnings) remark(`Warning: ${warning}`);
    if (json) {
        printJson({ url, version, dryRun: dryRun === true, name: task.name, done, handedTo, dangers, warnings });
        return;
    }
    const lines = [
        `${dryRun ? "Nothing is changed. " : ""}In Authentik ${version} at ${url}:`,
        ...done.map(
            ({ what, change }) =>
                `  ${(dryRun && change !== "unchanged" ? `would be ${change}` : change).padEnd(dryRun ? 16 : 9)}  ${what}`,
        ),
        ...(handedTo ? [`The token is in ${handedTo}.`] : key === undefined ? [] : ["The token was not put anywhere."]),
        ...(task.work.purpose !== "up" && handedTo
            ? [
                  "Give it to the job that previews, as AUTHENTIK_TOKEN. " +
                      "A token in the stack's configuration takes precedence, " +
                      "and whoever has the stack's passphrase can read that one.",
              ]
            : []),
        "What such a token can still do:",
        ...dangers.map((danger) => `  - ${danger}`),
    ];
    print(`${lines.join("\n")}\n`);
}

function printSteps(task: TokenTask, url: string, { steps, stack }: Options): void {
    if (steps === "api") {
        print(apiSteps(task, url));
        return;
    }
    const inUserInterface = userInterfaceSteps(task, url);
    if (steps === "ui") {
        print(`${inUserInterface}\n`);
        return;
    }
    const use =
        task.work.purpose === "up"
            ? `pulumi config set --secret authentik:token --stack ${stack}`
            : "the job's secret AUTHENTIK_TOKEN";
    print(
        [
            ...(steps
                ? []
                : [
                      `${ADMIN_TOKEN} is not in the environment, so nothing was made. ` +
                          "With a superuser's API token there, this command does all of it; these are the steps.",
                      "",
                  ]),
            "In the web interface:",
            inUserInterface,
            `  Then give the key to: ${use}`,
            "",
            "Or by the API, in a shell with curl and jq (--steps api prints only this; " +
                "its output is the token, so pipe it on):",
            "",
            apiSteps(task, url)
                .trimEnd()
                .split("\n")
                .map((line) => (line ? `    ${line}` : ""))
                .join("\n"),
            "",
            "What such a token can still do:",
            ...dangersOf(task.work).map((danger) => `  - ${danger}`),
            "",
        ].join("\n"),
    );
}

const program = withStackOption(
    command(
        "npm run authentik-token --",
        "Makes the role, service account and API token that a stack needs in Authentik, or prints the steps.",
        "npm run authentik-token -- --stack prod --config",
    ),
)
    .addOption(
        new Option(
            "--for <what>",
            "up: everything that pulumi up does; preview: look-ups only; refresh: also pulumi preview --refresh",
        )
            .choices([...PURPOSES])
            .default("up"),
    )
    .addOption(
        new Option(
            "--steps [kind]",
            "only print the steps: in the web interface (ui), as a shell script (api), or both",
        )
            .choices(["api", "ui"])
            .conflicts("json"),
    )
    .option("--output <file>", "write the token to a file of mode 0600", givenFile)
    .option("--config", "set the token as authentik:token of the stack, encrypted")
    .option("--url <url>", "Authentik's address; default AUTHENTIK_URL, then authentik:url of the stack")
    .option(
        "--name <name>",
        "name of role, account and token; default pulumi-zot-STACK, with the purpose unless it is up",
    )
    .option("--rotate", "replace the token if there is one; the former ends at once")
    .option("--prune", "remove permissions that the role has and does not need")
    .addOption(
        new Option(
            "--remove",
            "remove what was made: token, account and role, for every purpose unless --for is given",
        ).conflicts(["steps", "output", "config", "rotate", "prune"]),
    )
    .option("--yes", "with --remove, do not ask")
    .option("--dry-run", "only say what would be done")
    .option("--json", "print one JSON object")
    .addHelpText(
        "after",
        `\nAn administrator's API token comes from the environment, as ${ADMIN_TOKEN}; ` +
            "without it the steps are printed, unless something else was asked for. The new token is never printed.",
    )
    .action(async (options: Options) => {
        if (options.name !== undefined && !/^[A-Za-z0-9_-]+$/.test(options.name))
            program.error("--name: letters, digits, - and _ are allowed.", { exitCode: EXIT.usage });
        if (options.yes && !options.remove) program.error("--yes goes with --remove only.", { exitCode: EXIT.usage });
        if (options.remove) await removeTokens({ ...options, stack: stackByOption(program) });
        else await authentikToken(options);
    });
void run(program);
