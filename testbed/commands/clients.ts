/**
 * npm run clients: the clients that people have, workflow by workflow, on the stand-in and on a real zot, over plain
 * http and over TLS; and where they do otherwise than docs/clients.md says.
 */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { InvalidArgumentError } from "commander";
import { command, EXIT, run } from "../../cli/shared/command";
import { projectFolder } from "../../cli/shared/stack";
import { UserError } from "../../clients/userError";
import { type Difference, differencesOf, documented, lineOf, type Seen, withRows } from "../clients/outcomes";
import { realZot } from "../contract/realZot";
import { tellProblem } from "../problem";

interface Options {
    only?: string[];
    list?: boolean;
    json?: boolean;
    debian?: boolean;
    write?: boolean;
}

interface Client {
    name: string;
    module?: string;
    debian?: string;
}

interface Installer {
    clients: Client[];
    installClients(
        wanted: Client[],
        options: { env: NodeJS.ProcessEnv; debian: boolean },
    ): Promise<{ folders: string[]; missing: Record<string, string> }>;
    versionOf(module: string): string;
}

const root = projectFolder();
const installer = require(join(root, "testbed", "clients", "install.cjs")) as Installer;
const documentFile = join(root, "docs", "clients.md");

async function clients({ only, list = false, json = false, debian = false, write = false }: Options): Promise<number> {
    const wanted = installer.clients.filter(({ name }) => only === undefined || only.includes(shortOf(name)));
    if (list) {
        const described = wanted.map(describe);
        process.stdout.write(json ? `${JSON.stringify(described, null, 2)}\n` : described.map(columns).join(""));
        return EXIT.done;
    }
    const say = (line: string) => void process.stderr.write(`${line}\n`);
    const { folders, missing } = await installer
        .installClients(wanted, { env: process.env, debian })
        .catch(tellProblem);
    const ready = wanted.filter(({ name }) => missing[name] === undefined);
    for (const [name, reason] of Object.entries(missing)) say(`skipped  ${name}: ${reason}`);
    if (ready.length === 0) throw new UserError("None of these clients is here, so nothing was tried.");
    const zot = realZot(process.env);
    say(`zot: the stand-in${zot === undefined ? " alone; ZOT names a real one" : ` and ${zot}`}`);
    const { rows, failure } = await tryAll(ready, folders);
    const document = readFileSync(documentFile, "utf8");
    if (write) writeFileSync(documentFile, withRows(document, rows));
    const differences = differencesOf(documented(readFileSync(documentFile, "utf8")), rows);
    const skipped = Object.entries(missing).map(([client, reason]) => ({ client, reason }));
    if (json)
        process.stdout.write(`${JSON.stringify({ zot: zot ? "both" : "stand-in", rows, differences, skipped })}\n`);
    else process.stdout.write(`${tableOf(rows)}\n${differences.map((one) => `${differenceInWords(one)}\n`).join("")}`);
    (json ? say : (line: string) => void process.stdout.write(`${line}\n`))(
        `${ready.length} clients, ${rows.length} runs of workflows, ${differences.length} differences from ` +
            `docs/clients.md, ${skipped.length} skipped.`,
    );
    // A test that fails without a row could not be carried out.
    if (differences.length === 0 && failure !== undefined && !write) throw new Error(failure);
    return differences.length === 0 ? EXIT.done : EXIT.found;
}

/** A client by one word. */
const shortOf = (name: string): string => name.split(",")[0]!;

const describe = ({ name, module, debian }: Client) => ({
    client: shortOf(name),
    from: module === undefined ? `Debian's package ${debian}` : `Go module ${module} ${installer.versionOf(module)}`,
});

const columns = ({ client, from }: ReturnType<typeof describe>) => `${client.padEnd(12)}  ${from}\n`;

/** Each row once where it is the same everywhere, else each with where it was seen. */
function tableOf(rows: readonly Seen[]): string {
    const lines = new Map<string, string[]>();
    for (const row of rows) {
        const line = lineOf(row);
        lines.set(line, [...(lines.get(line) ?? []), `${row.zot}, ${row.transport}`]);
    }
    const places = new Set(rows.map(({ zot, transport }) => `${zot}, ${transport}`)).size;
    return [...lines].map(([line, at]) => (at.length === places ? line : `${line} ${at.join("; ")}`)).join("\n");
}

const differenceInWords = ({ client, workflow, where, documented: there, seen }: Difference): string =>
    `\n${client}, ${workflow} (${where})\n    docs/clients.md  ${there ?? "no such row"}\n    seen             ${seen}`;

interface Attempt {
    rows: Seen[];
    /** What the tests said where not all passed. */
    failure: string | undefined;
}

/** The tests of tests/realClients/table, which write the rows down. */
async function tryAll(ready: readonly Client[], folders: readonly string[]): Promise<Attempt> {
    const folder = mkdtempSync(join(tmpdir(), "clients-"));
    try {
        const file = join(folder, "rows");
        const jest = join(root, "node_modules", "jest", "bin", "jest.js");
        const reporter = join(root, "testbed", "clients", "progress.cjs");
        const args = [jest, "--runInBand", "tests/realClients/table", "--json", `--outputFile=${folder}/report`];
        const child = spawn(process.execPath, [...args, `--reporters=${reporter}`], {
            cwd: root,
            env: {
                ...process.env,
                PATH: [...folders, process.env.PATH].join(delimiter),
                CLIENTS_ROWS: file,
                CLIENTS_ONLY: ready.map(({ name }) => shortOf(name)).join(","),
            },
            stdio: ["ignore", "ignore", "inherit"],
        });
        const code = await new Promise<number | null>((resolve, reject) => {
            child.once("error", reject);
            child.once("close", resolve);
        });
        const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
        const rows = lines.map((line) => JSON.parse(line) as Seen);
        const failure = code === 0 ? undefined : messagesOf(join(folder, "report"));
        if (rows.length === 0) throw new Error(`No workflow was tried:\n${failure ?? `jest ended with ${code}`}`);
        return { rows, failure };
    } finally {
        rmSync(folder, { recursive: true, force: true });
    }
}

/** What failed, in the words of the tests. */
function messagesOf(report: string): string | undefined {
    if (!existsSync(report)) return undefined;
    const { testResults } = JSON.parse(readFileSync(report, "utf8")) as { testResults: { message: string }[] };
    return testResults.map(({ message }) => message).join("\n");
}

function chosen(text: string): string[] {
    const names = text.split(",");
    const known = installer.clients.map(({ name }) => shortOf(name));
    const unknown = names.filter((name) => !known.includes(name));
    if (unknown.length > 0)
        throw new InvalidArgumentError(`There is no client ${unknown.join(", ")}; there are ${known.join(", ")}.`);
    return names;
}

const program = command(
    "npm run clients --",
    "Builds the clients that people push and pull with, runs each one's workflows on a registry with our config, " +
        "and prints where they do otherwise than docs/clients.md says.",
    "ZOT=/usr/local/bin/zot npm run clients -- --only crane,oras,helm",
)
    .option("--only <clients>", "only these, with commas in between; --list has their names", chosen)
    .option("--list", "print the clients with their versions, and end")
    .option("--debian", "install what is missing of Debian's packages too (as root, by apt-get)")
    .option("--write", "write what was seen into docs/clients.md")
    .option("--json", "print one JSON object on standard output; all else goes to standard error")
    .addHelpText(
        "after",
        `
Clients that are Go modules are built once, in the versions of testbed/toolchain/clients, and kept in the cache
(~/.cache/zot-hardening/clients): half an hour of processor time for all of them. Those of Debian are taken where they
are installed. A client that cannot be had is skipped, and says why. Each is run as CI with an API key, as an admin,
without a login and with a key that has ended, over plain http and over TLS with a private authority, on the stand-in
and on the zot of ZOT or of the PATH.
Exit code: 0 all is as docs/clients.md has it, 1 a difference, or nothing could be tried, 2 a mistake on the command line, 3 a defect.`,
    )
    .action(async (options: Options) => {
        process.exitCode = await clients(options);
    });
void run(program);
