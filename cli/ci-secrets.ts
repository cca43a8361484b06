/** npm run ci-secrets: stores CI's credential from the stack's outputs in the CI's own store of secrets. */
import { text } from "node:stream/consumers";
import { InvalidArgumentError, Option } from "commander";
import { addressOf, slashAtMost } from "../clients/http/address";
import { outgoing, type Transport } from "../clients/http/outgoing";
import { printableJson } from "../clients/outsideText";
import { UserError } from "../clients/userError";
import { KeyHolder } from "../clients/zot/apiKeys";
import { OUTPUT_NAMES } from "../components/settings/ciSecretNames";
import { stacksWithFile } from "../components/settings/fromStackFile";
import { FIRST_WORKLOAD } from "../components/settings/workloads";
import { FileStore } from "./ciSecrets/fileStore";
import { ForgejoStore, variablesFor } from "./ciSecrets/forgejoStore";
import { GitHubStore } from "./ciSecrets/githubStore";
import { type Credential, credentialFrom, expiryWarning } from "./ciSecrets/outputs";
import { described, revokePrevious } from "./ciSecrets/previousKeys";
import type { Change, Store } from "./ciSecrets/store";
import { STORES, type Target, TargetError, type TargetOptions, targetFrom, VISIBILITIES } from "./ciSecrets/target";
import { busy, command, EXIT, print, remark, run, usualExitCode } from "./shared/command";
import { givenFile } from "./shared/givenFile";
import { hide, masked } from "./shared/masked";
import { pulumi } from "./shared/pulumi";
import { projectFolder } from "./shared/stack";
import { secretsOf, stackWorkloads, withSecrets } from "./shared/workloads";

interface Options extends Omit<TargetOptions, "names"> {
    stack?: string;
    from?: string;
    workload?: string;
    all?: boolean;
    name?: Record<string, string>;
    revokePrevious?: boolean;
    dryRun?: boolean;
    json?: boolean;
}

/** Every variable that may contain a forge's token. */
const TOKEN_VARIABLES = [...new Set((["forgejo", "gitea", "github"] as const).flatMap((store) => variablesFor(store)))];

const SAID: Record<Change, [done: string, dryRun: string]> = {
    created: ["created", "would be created"],
    changed: ["changed", "would change"],
    written: ["written again", "would be written again"],
    unchanged: ["unchanged", "unchanged"],
};

interface Report {
    dryRun: boolean;
    store: string;
    place: string;
    items: { output: string; name: string; kind: string; change: Change }[];
    expires?: string;
    revoked?: { uuid: string; label: string }[];
    warnings: string[];
}

/** Handles one identity of CI, or each one with a place for its key. */
async function ciSecrets(options: Options): Promise<void> {
    for (const name of TOKEN_VARIABLES) hide(process.env[name]?.trim() ?? "");
    const workloads = options.stack === undefined ? undefined : stackWorkloads(projectFolder(), options.stack);
    const names = options.all && workloads ? withSecrets(workloads) : [options.workload ?? FIRST_WORKLOAD];
    if (names.length === 0)
        throw new UserError(
            "No identity of CI has a place for its key: set ciSecrets.store, or secrets in ci.workloads.",
        );
    // Reports all mistakes in the settings before the first key is handed over.
    const targets = names.map((name) => ({
        name,
        target: targetFrom({ ...options, names: options.name }, workloads ? secretsOf(workloads, name) : {}),
    }));
    const outputs = await outputsText(options);
    const credentials = targets.map(({ name, target }) => ({
        name,
        target,
        credential: credentialFrom(outputs, target.names, new Date(), name === FIRST_WORKLOAD ? undefined : name),
    }));
    for (const { credential } of credentials) hide(credential.key);
    const reports: Record<string, Report> = {};
    for (const { name, target, credential } of credentials) {
        if (options.all) remark(`Of CI's identity ${name}:`);
        reports[name] = await handOver(options, target, credential);
    }
    if (options.json) print(`${masked(printableJson(options.all ? { workloads: reports } : reports[names[0]!]!))}\n`);
}

async function handOver(options: Options, target: Target, credential: Credential): Promise<Report> {
    const transport = outgoing();
    const registry = options.revokePrevious ? registryOf(credential) : undefined;
    const store = await storeOf(target, transport);
    const dryRun = options.dryRun === true;
    const report: Report = {
        dryRun,
        store: target.store,
        place: store.place,
        items: [],
        warnings: [],
        ...(credential.expires ? { expires: credential.expires } : {}),
    };
    const say = (line: string) => (options.json ? remark(masked(line)) : print(`${masked(line)}\n`));

    busy(`Asking ${store.place}`);
    // Finds every obstacle before the first secret is written, in a dry run too.
    await store.prepare(credential.items);
    const holder = registry && new KeyHolder(transport, registry.url, registry.userName, credential.key);
    if (holder) await revokePrevious(holder.keys, credential, true);
    say(`${dryRun ? "Nothing is written. " : ""}To ${store.place}:`);
    const width = Math.max(...credential.items.map(({ name }) => name.length));
    const printItem = ({ name, kind, change, output }: Report["items"][number]) =>
        say(`  ${name.padEnd(width)}  ${kind.padEnd(8)}  ${SAID[change][dryRun ? 1 : 0]}  (${output})`);
    for (const item of credential.items) {
        const entry = {
            output: item.output,
            name: item.name,
            kind: store.kindOf(item),
            change: await store.put(item, dryRun),
        };
        report.items.push(entry);
        // If items are written one by one, each is reported at once, in case the next one fails.
        if (!store.finish) printItem(entry);
    }
    if (store.finish) {
        await store.finish(dryRun);
        report.items.forEach(printItem);
    }
    if (report.items.some(({ change }) => change === "written"))
        say("  A forge does not show the content of a secret, so it is not known whether it had another value.");

    if (registry && holder) {
        const { previous, ofOthers } = await revokePrevious(holder.keys, credential, dryRun);
        report.revoked = previous.map(({ uuid, label }) => ({ uuid, label }));
        say(
            previous.length === 0
                ? `At the registry ${registry.url}, ${registry.userName} has no earlier key.`
                : `At the registry ${registry.url}, of ${registry.userName}:`,
        );
        for (const key of previous) say(`  ${dryRun ? "would be revoked" : "revoked"}: ${described(key)}`);
        for (const key of ofOthers)
            report.warnings.push(
                `The key ${described(key)} of ${registry.userName} belongs to another stack, and stays.`,
            );
    }
    const soon = expiryWarning(credential.expires, new Date());
    report.warnings.push(...(store.remarks?.() ?? []), ...(soon ? [soon] : []));
    for (const warning of report.warnings) remark(`Warning: ${masked(warning)}`);
    return report;
}

async function outputsText({ stack, from }: Options): Promise<string> {
    if (from === "-") {
        if (process.stdin.isTTY) remark("Reading the stack's outputs from standard input.");
        return text(process.stdin);
    }
    // Without a stack the command has already ended.
    return pulumi(
        ["stack", "output", "--json", "--show-secrets", "--stack", stack!],
        `read the outputs of the stack ${stack}`,
        { folder: projectFolder() },
    );
}

async function storeOf(target: Target, transport: Transport): Promise<Store> {
    if ("file" in target) return new FileStore(target);
    const names = variablesFor(target.store);
    const token = names.map((name) => process.env[name]?.trim()).find(Boolean);
    if (!token)
        throw new UserError(
            `There is no token for ${target.apiUrl}: put it into the environment as ${names.join(" or ")}. ` +
                "An argument would not do: other users of this machine could see it.",
        );
    if (!/^[\x21-\x7e]+$/.test(token))
        throw new UserError(
            `The token for ${target.apiUrl} in the environment contains a space, ` +
                "a line break or a character that no token has.",
        );
    return target.store === "github"
        ? GitHubStore.open(target, token, transport)
        : new ForgejoStore(target, token, transport);
}

/** The registry of the outputs, where keys are revoked. */
function registryOf({ registryUrl, userName }: Credential): { url: string; userName: string } {
    if (registryUrl === undefined || userName === undefined)
        throw new UserError(
            "To revoke the previous keys, the stack's outputs registryUrl and ciUserName are needed; run pulumi up.",
        );
    const url = addressOf(
        registryUrl,
        "The stack's output registryUrl",
        { carries: "the key", path: slashAtMost },
        "Nothing was done.",
    );
    return { url, userName };
}

function named(text: string, before: Record<string, string> = {}): Record<string, string> {
    const [, output, name] = /^([A-Za-z]+)=(\S+)$/.exec(text) ?? [];
    if (output === undefined || name === undefined)
        throw new InvalidArgumentError("Give OUTPUT=NAME, for example ciApiKey=ZOT_CI_API_KEY.");
    return { ...before, [output]: name };
}

const program = command(
    "npm run ci-secrets --",
    "Hands CI's registry credential from a stack's outputs to the CI's store of secrets.",
    "npm run ci-secrets -- --stack prod --dry-run",
)
    .option(
        "-s, --stack <name>",
        "the stack with the outputs, and with the settings (ciSecrets) that say where they go",
    )
    .addOption(
        new Option(
            "--from <where>",
            "- reads the outputs from standard input, as pulumi stack output --json --show-secrets prints them",
        ).choices(["-"]),
    )
    .option("--workload <name>", "one of CI's further identities (ci.workloads), instead of the first one")
    .option("--all", "every identity of CI that has a place for its key in the stack's settings")
    .addOption(new Option("--store <kind>", "what kind of store it is (setting ciSecrets.store)").choices([...STORES]))
    .option("--api-url <url>", "the forge's address; for GitHub Enterprise https://HOST/api/v3 (ciSecrets.apiUrl)")
    .option("--owner <name>", "user or organisation (ciSecrets.owner)")
    .option("--repository <name>", "repository; without it: the organisation (ciSecrets.repository)")
    .addOption(
        new Option(
            "--visibility <which>",
            "which repositories of a GitHub organisation can use a new secret (ciSecrets.visibility)",
        ).choices([...VISIBILITIES]),
    )
    .option("--file <path>", "file of a dotenv or json store (ciSecrets.file)", givenFile)
    .option(
        "--name <output=NAME>",
        "the name of an output in the store; may be repeated; outputs: " +
            `${OUTPUT_NAMES.join(", ")} (ciSecrets.names; default ciApiKey=ZOT_CI_API_KEY)`,
        named,
    )
    .option("--revoke-previous", "then end every earlier key of CI's user at once; a job that still uses one fails")
    .option("--dry-run", "only say what would be done")
    .option("--json", "end with one JSON object on standard output; everything else goes to standard error")
    .addHelpText(
        "after",
        `
The token comes from the environment: FORGE_TOKEN, or FORGEJO_TOKEN, GITEA_TOKEN, GITHUB_TOKEN or GH_TOKEN. A private certificate authority is
given as NODE_EXTRA_CA_CERTS, a proxy as HTTPS_PROXY and NO_PROXY. The key is stored as a secret, everything else as a variable that people may read.
Exit code: 0 done, 1 it could not be done, 2 a mistake on the command line, 3 a defect.`,
    )
    .action(async (options: Options) => {
        if (options.stack === undefined && options.from === undefined) {
            program.error(
                "Which stack? Name one with --stack; those with a file here: " +
                    `${stacksWithFile(projectFolder()).join(", ") || "none"}. ` +
                    "Or give its outputs on standard input with --from -.",
                { exitCode: EXIT.usage },
            );
        }
        const apart = (["workload", "store", "apiUrl", "owner", "repository", "file", "name"] as const).filter(
            (name) => options[name] !== undefined,
        );
        if (options.all && (options.stack === undefined || apart.length > 0))
            program.error(
                options.stack === undefined
                    ? "--all reads a stack's settings: name the stack with --stack."
                    : "--all only uses the stack's settings, which say for each identity where its key goes.",
                { exitCode: EXIT.usage },
            );
        await ciSecrets(options);
    });

void run(program, {
    // Whatever failed: no message contains the key or the token.
    words: masked,
    // Without a stack's settings, any ambiguity is a mistake on the command line.
    exitCode: (error) =>
        error instanceof TargetError && program.opts<Options>().stack === undefined ? EXIT.usage : usualExitCode(error),
});
