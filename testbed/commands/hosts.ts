/**
 * npm run hosts: deploys to real systemd hosts of two versions of Debian, by each service manager and with each kind of
 * rights.
 */

import { command, EXIT, exitCodes, interruptedCodes, run } from "../../cli/shared/command";
import { onInterrupt } from "../../cli/shared/interrupt";
import { UserError } from "../../clients/userError";
import { readMachine } from "../bootstrap/toolchain.cjs";
import { checkoutOf } from "../checkout";
import { Hosts, type Outcome, type PlannedCell, plan, titleOf } from "../hosts/matrix";
import { cancelRootTrees, whyNoHosts } from "../hosts/rootTree";

interface Options {
    json?: boolean;
    list?: boolean;
    only?: string;
}

async function hosts({ json = false, list = false, only }: Options): Promise<void> {
    const say = (text: string) => void (json ? process.stderr : process.stdout).write(`${text}\n`);
    const cells = plan().filter((cell) => only === undefined || isMeant(only, titleOf(cell)));
    if (cells.length === 0)
        throw new UserError(
            `No cell of the matrix has ${JSON.stringify(only)} in its host, service manager, rights and case; ` +
                "--list shows them.",
        );
    if (list) {
        process.stdout.write(
            json
                ? `${JSON.stringify(cells.map(cellOf), null, 2)}\n`
                : cells.map((cell) => `${columns(cell)}\n`).join(""),
        );
        return;
    }
    const machine = new Hosts(say, checkoutOf(__dirname));
    const interrupts = onInterrupt(async () => {
        cancelRootTrees();
        await machine.interrupt();
    });
    try {
        const outcomes = await tryAll(cells, machine, say);
        const count = (result: Outcome["result"]) => outcomes.filter((outcome) => outcome.result === result).length;
        const real = readMachine().zot.kind === "real";
        if (json)
            process.stdout.write(
                `${JSON.stringify({ real: { zot: real }, ok: count("ok"), failed: count("failed"), skipped: count("skipped"), cells: outcomes })}\n`,
            );
        else
            say(
                `\n${count("ok")} ok, ${count("failed")} failed, ${count("skipped")} skipped (zot: ` +
                    `${real ? "the real one" : "the stand-in"}).`,
            );
        process.exitCode = count("failed") === 0 ? EXIT.done : EXIT.mistake;
    } finally {
        interrupts.forget();
        await machine.stop();
    }
}

async function tryAll(cells: PlannedCell[], machine: Hosts, say: (text: string) => void): Promise<Outcome[]> {
    const reason = whyNoHosts();
    const outcomes: Outcome[] = [];
    for (const cell of cells) {
        const outcome: Outcome = reason
            ? { ...cellOf(cell), result: "skipped", reason, seconds: 0 }
            : await machine.try(cell);
        outcomes.push(outcome);
        say(line(outcome));
    }
    return outcomes;
}

const cellOf = ({ host, manager, rights, case: name }: PlannedCell | Outcome) => ({
    host,
    manager,
    rights,
    case: name,
});

const columns = ({ host, manager, rights, case: name }: PlannedCell | Outcome) =>
    `${host}  ${manager.padEnd(24)}  ${rights.padEnd(12)}  ${name}`;

function line(outcome: Outcome): string {
    const { result, reason, measured, seconds } = outcome;
    const text = `${result.padEnd(7)}  ${columns(outcome)}  ${seconds} s${measured ? ` (${measured})` : ""}`;
    if (!reason) return text;
    return result === "skipped" ? `${text}: ${reason}` : `${text}\n${reason.replace(/^/gm, "         ")}`;
}

/** Whether a title has all the words of one of the texts with commas in between. */
const isMeant = (only: string, title: string) =>
    only
        .toLowerCase()
        .split(",")
        .some((text) => text.split(/\s+/).every((word) => title.toLowerCase().includes(word)));

const hostsCommand = command(
    "npm run hosts --",
    "Boots Debian 12 and 13 with systemd, deploys to them over SSH by each service manager and with each " +
        "kind of rights, and prints what came of it: host, service manager, rights, case.",
    "ZOT=/usr/local/bin/zot npm run hosts -- --only 'debian13 polkit'",
)
    .option(
        "--only <words>",
        "only cells that have all of these words in host, service manager, rights or case; " +
            "with commas, one such text or another",
    )
    .option("--list", "print the cells, and end")
    .option("--json", "print one JSON object on standard output; all else goes to standard error")
    .addHelpText(
        "after",
        `
It needs Linux, root, and Debian's packages debootstrap and systemd-container; elsewhere every cell is skipped, and says why. The root trees are
made once, from where this machine's apt has its packages from, and kept in the cache (~/.cache/zot-hardening/hosts). The hosts are containers that
share this machine's loopback; they are gone when the command ends, however it ends. zot is that of ZOT or of the PATH, else the stand-in.
`,
    )
    .addHelpText("after", exitCodes("no cell failed", "a cell failed", undefined, interruptedCodes(", and cleared up")))
    .action(hosts);
void run(hostsCommand);
