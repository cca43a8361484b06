/**
 * npm run contract: one suite of cases on the stand-ins and on the real zot, Authentik and command plugin, and where
 * they differ.
 */

import { accessSync, constants } from "node:fs";
import { InvalidArgumentError } from "commander";
import { command, EXIT, interruptedCodes, run } from "../../cli/shared/command";
import { ENDING_SIGNALS, EXIT_BY_SIGNAL } from "../../cli/shared/interrupt";
import { UserError } from "../../clients/userError";
import { checkoutOf } from "../checkout";
import { type Difference, type Outcome, oneSided, type Part, parts, reportOf } from "../contract/compare";
import { realZot, whatZotSays } from "../contract/realZot";
import { ContractRun, NotCarriedOut } from "../contract/run";

interface Options {
    only?: Part[];
    list?: boolean;
    json?: boolean;
}

async function contract({ only = [...parts], list = false, json = false }: Options): Promise<number> {
    const say = (line: string) => void process.stderr.write(`${line}\n`);
    checkGiven(process.env, only);
    const suite = new ContractRun(checkoutOf(__dirname), process.env);
    for (const signal of ENDING_SIGNALS) {
        process.once(signal, () => {
            suite.stop();
            process.exitCode = EXIT_BY_SIGNAL[signal];
        });
    }
    if (list) {
        const { outcomes } = await suite.list(only);
        const cases = casesOf(outcomes);
        process.stdout.write(json ? `${JSON.stringify(cases, null, 2)}\n` : listed(cases));
        return EXIT.done;
    }
    for (const part of only) say(`${part.padEnd(9)}  ${given(process.env, part) ?? "the stand-in only"}`);
    const { outcomes, broken } = await suite.run(only, say);
    for (const { file, message } of broken) say(`${file} could not be run: ${message}`);
    if (broken.length > 0) throw new NotCarriedOut(`${broken.length} file(s) of cases could not be run.`);

    const report = reportOf(outcomes);
    for (const { part, case: name, on, reason } of oneSided(outcomes))
        say(`Only on the ${on}: ${part}, ${name}${reason ? ` (${reason})` : ""}`);
    const shown = report.differences.map(told).join("\n\n");
    process.stdout.write(json ? `${JSON.stringify(report)}\n` : shown === "" ? "" : `${shown}\n\n`);
    const { cases, ranOn, differences } = report;
    const ran = only
        .map((part) => `${part}: ${ranOn[part] === "real" ? "the real one and the stand-in" : ranOn[part]}`)
        .join("; ");
    (json ? say : (line: string) => void process.stdout.write(`${line}\n`))(
        `${cases} cases, ${differences.length} differences (${ran}).`,
    );
    return differences.length === 0 ? EXIT.done : EXIT.found;
}

/** What is named for the real one of a part. */
function given(env: NodeJS.ProcessEnv, part: Part): string | undefined {
    switch (part) {
        case "zot":
            return realZot(env);
        case "authentik":
            return env.AUTHENTIK_URL && env.AUTHENTIK_TOKEN ? env.AUTHENTIK_URL : undefined;
        case "command":
            return env.PULUMI_COMMAND_PLUGIN;
    }
}

class WronglyGiven extends UserError {}

/** @throws WronglyGiven if a real one is named that cannot be had: its cases would be left out without a word */
function checkGiven(env: NodeJS.ProcessEnv, chosen: readonly Part[]): void {
    const executable = (variable: string) => {
        const file = env[variable];
        if (!file) return;
        try {
            accessSync(file, constants.X_OK);
        } catch {
            throw new WronglyGiven(`${variable} is ${file}, which is no executable file. Correct it, or unset it.`);
        }
    };
    if (chosen.includes("zot") && env.ZOT) {
        executable("ZOT");
        const said = whatZotSays(env.ZOT);
        if (!said)
            throw new WronglyGiven(
                `ZOT is ${env.ZOT}, which does not answer "--version" as zot does. Correct it, or unset it.`,
            );
        if (said.isStandIn)
            throw new WronglyGiven(`ZOT is ${env.ZOT}, which is the stand-in. Name a real zot, or unset it.`);
    }
    if (chosen.includes("command")) executable("PULUMI_COMMAND_PLUGIN");
    if (chosen.includes("authentik") && Boolean(env.AUTHENTIK_URL) !== Boolean(env.AUTHENTIK_TOKEN)) {
        throw new WronglyGiven("AUTHENTIK_URL and AUTHENTIK_TOKEN go together: set both, or neither.");
    }
}

function told({ part, case: name, fact, expected, standIn, real, wrong, at }: Difference): string {
    return [
        `${part}: ${name}`,
        `    ${wrong} ${wrong.includes(" and ") ? "are" : "is"} wrong${at && `, by ${at}`}`,
        ...(fact === null ? [] : [`    statement  ${fact}`]),
        `    expected   ${expected}`,
        ...(standIn === null ? [] : [`    stand-in   ${standIn}`]),
        ...(real === null ? [] : [`    real       ${real}`]),
    ].join("\n");
}

interface Case {
    part: Part;
    case: string;
    fact: string | null;
}

function casesOf(outcomes: readonly Outcome[]): Case[] {
    const found = new Map<string, Case>();
    for (const { part, case: name, fact = null } of outcomes) found.set(`${part} ${name}`, { part, case: name, fact });
    return [...found.values()];
}

/** By part and statement. */
function listed(cases: readonly Case[]): string {
    const lines: string[] = [];
    for (const part of parts) {
        const own = cases.filter((candidate) => candidate.part === part);
        if (own.length === 0) continue;
        const facts = [...new Set(own.map(({ fact }) => fact))].sort(
            (one, other) => Number(one === null) - Number(other === null),
        );
        lines.push(`${part}: ${own.length} cases, ${facts.filter((fact) => fact !== null).length} statements`);
        for (const fact of facts) {
            lines.push(`  ${fact ?? "Manners that no statement names:"}`);
            for (const candidate of own) if (candidate.fact === fact) lines.push(`      ${candidate.case}`);
        }
    }
    return `${lines.join("\n")}\n`;
}

function chosenParts(text: string, before: Part[] = []): Part[] {
    const named = text.split(",");
    const unknown = named.filter((name) => !(parts as readonly string[]).includes(name));
    if (unknown.length > 0)
        throw new InvalidArgumentError(`There is no part ${unknown.join(", ")}; the parts are ${parts.join(", ")}.`);
    return [...new Set([...before, ...(named as Part[])])];
}

const program = command(
    "npm run contract --",
    "Runs one suite of cases on the stand-ins and, where they are given, on the real zot, " +
        "Authentik and command plugin, and prints where they differ.",
    "ZOT=/usr/local/bin/zot npm run contract -- --only zot --json",
)
    .option("--only <parts>", `only these parts, with commas in between: ${parts.join(", ")}`, chosenParts)
    .option("--list", "print the cases by the statement that they check, and end")
    .option("--json", "print one JSON object on standard output; all else goes to standard error")
    .addHelpText(
        "after",
        `
The real ones are given by the environment: ZOT, the path of a zot binary (else: zot on the PATH); AUTHENTIK_URL and AUTHENTIK_TOKEN, an Authentik
on plain HTTP and a superuser's token, in which the cases make objects of their own and remove them; PULUMI_COMMAND_PLUGIN, the path of the
official plugin's binary. Without them a failed case is a stand-in that has left what was measured.
Exit code: 0 no difference, 1 differences, 2 a mistake on the command line or in what is given, 3 it could not be carried
out${interruptedCodes()}.`,
    )
    .action(async (options: Options) => {
        const exitCode = await contract(options);
        // A signal has the last word.
        process.exitCode ??= exitCode;
    });
void run(program, {
    exitCode: (error) => Number(process.exitCode ?? (error instanceof WronglyGiven ? EXIT.usage : EXIT.notCarriedOut)),
});
