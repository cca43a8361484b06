/** npm run verify: checks from outside whether a registry is hardened as declared. */

import { randomBytes } from "node:crypto";
import { dirname } from "node:path";
import { InvalidArgumentError, Option } from "commander";
import { outgoing } from "../clients/http/outgoing";
import { UserError } from "../clients/userError";
import { SettingsError } from "../components/settings";
import { StackFileError } from "../components/settings/fromStackFile";
import { FIRST_WORKLOAD } from "../components/settings/workloads";
import { command, EXIT, interruptedCodes, print, printJson, remark, run } from "./shared/command";
import { givenFile, givenProgram } from "./shared/givenFile";
import { ENDING_SIGNALS, type EndingSignal, EXIT_BY_SIGNAL } from "./shared/interrupt";
import { projectFolder } from "./shared/stack";
import { whyNotWritable, writeWhole } from "./shared/wholeFile";
import { stackWorkloads } from "./shared/workloads";
import { checks } from "./verify/checks";
import { Context, type VersionWalk } from "./verify/context";
import { Control } from "./verify/control";
import { Recorder } from "./verify/exchanges";
import { ProgressLine } from "./verify/integrity/progress";
import { brokenInWords } from "./verify/integrity/words";
import { html } from "./verify/report/html";
import { exitCodeOf, type Report, reportOf } from "./verify/report/report";
import { table } from "./verify/report/table";
import { runChecks } from "./verify/runner";
import { type SubjectOptions, subjectFrom } from "./verify/subject";

interface Options extends SubjectOptions {
    only?: string[];
    all?: boolean;
    list?: boolean;
    json?: boolean;
    html?: string;
    integrity?: boolean;
    sample?: number;
    seed?: string;
    signed?: boolean;
}

/** Runs as one of CI's identities, or as each of them, one after the other. */
async function verify(options: Options): Promise<number> {
    if (options.html) refuseUnlessWritable(options.html);
    if (!options.all) {
        const { report, signal } = await runOnce(options);
        if (options.html) save(options.html, html(report));
        if (options.json) printJson(report);
        return codeOf({ report, signal });
    }
    const { entries } = stackWorkloads(projectFolder(), options.stack!);
    const finished: Record<string, Finished> = {};
    for (const workload of [FIRST_WORKLOAD, ...Object.keys(entries)]) {
        remark(`As CI's identity ${workload}:`);
        finished[workload] = await runOnce({ ...options, workload });
        if (finished[workload].signal) break;
    }
    const reports = Object.entries(finished).map(([workload, { report }]) => [workload, report]);
    if (options.json) printJson({ workloads: Object.fromEntries(reports) });
    return Math.max(...Object.values(finished).map(codeOf));
}

interface Finished {
    report: Report;
    /** The signal that ended it early. */
    signal: EndingSignal | undefined;
}

const codeOf = ({ report, signal }: Finished): number => (signal ? EXIT_BY_SIGNAL[signal] : exitCodeOf(report));

/** One run; prints the table unless JSON is asked for. */
async function runOnce(options: Options): Promise<Finished> {
    const line = new ProgressLine(process.stderr);
    const say = (text: string) => {
        line.clear();
        remark(text);
    };
    const subject = await subjectFrom(options, process.env);
    const chosen = checks.filter(({ id }) => options.only === undefined || options.only.includes(id));
    const control = new Control(options.integrity ? Number.POSITIVE_INFINITY : undefined);
    const walk = options.integrity ? walkOf(options, line, say) : undefined;
    const context = new Context(subject, options.readOnly === true, outgoing(), new Recorder(), control, walk);
    await context.reach();

    let interruptedAt = 0;
    const interrupt = (signal: EndingSignal) => {
        if (control.signal) {
            // One Ctrl-C may arrive twice, from the terminal and from npm.
            if (Date.now() - interruptedAt < 2000) return;
            say(`${signal} again: ending at once. What this run made is removed by the next, in 20 minutes or later.`);
            process.exit(EXIT_BY_SIGNAL[signal]);
        }
        interruptedAt = Date.now();
        control.interrupt(signal);
        say(`${signal}: ending, once what this run made is removed. A second one, after two seconds, ends it at once.`);
    };
    for (const signal of ENDING_SIGNALS) process.on(signal, interrupt);
    const started = new Date();
    say(`${subject.registryUrl} (${subject.name}), run ${context.run}${options.readOnly ? ", read-only" : ""}`);
    const checked = await runChecks(chosen, context, { say });
    const seconds = Math.round((Date.now() - started.getTime()) / 100) / 10;
    const about = {
        subject: subject.name,
        registry: subject.registryUrl,
        readOnly: options.readOnly === true,
        started: started.toISOString(),
        seconds,
        remarks: subject.remarks,
    };
    // A repeated signal must still find a listener.
    if (!control.signal) for (const signal of ENDING_SIGNALS) process.off(signal, interrupt);
    const report = reportOf(about, checked);
    if (!options.json) print(`${table(report, process.stdout.columns)}\n`);
    return { report, signal: control.signal };
}

/** A walk through the versions that reports its progress. */
function walkOf(options: Options, line: ProgressLine, say: (text: string) => void): VersionWalk {
    const { sample, seed = randomBytes(3).toString("hex"), signed = false } = options;
    return {
        ...(sample === undefined ? {} : { sample }),
        seed,
        signed,
        progress: (done, all, at) => line.show(all > 0 ? `[${done}/${all}] ${at}` : at),
        found: (broken) => say(`MISSING: ${brokenInWords(broken)}`),
    };
}

/** Before a run of minutes. @throws UserError */
function refuseUnlessWritable(file: string): void {
    const code = whyNotWritable(file);
    if (code === undefined) return;
    const why: Record<string, string> = {
        ENOENT: `the folder ${dirname(file)} does not exist`,
        EACCES: `nothing may be written in the folder ${dirname(file)}`,
        EISDIR: "that is a folder",
    };
    throw new UserError(`The report cannot be written to ${file}: ${why[code] ?? code}.`);
}

function save(file: string, text: string): void {
    try {
        writeWhole(file, text);
    } catch (error) {
        // The table is still useful.
        remark(`The report could not be written to ${file}: ${(error as Error).message}`);
        process.exitCode = EXIT.notCarriedOut;
    }
}

const collected = (text: string, before: string[] = []) => [...before, text];

function ids(text: string, before: string[] = []): string[] {
    const given = text.split(",");
    const unknown = given.filter((id) => !checks.some((check) => check.id === id));
    if (unknown.length > 0)
        throw new InvalidArgumentError(`There is no check ${unknown.join(", ")}; --list names them.`);
    return [...before, ...given];
}

function positive(text: string): number {
    if (!/^[1-9][0-9]{0,8}$/.test(text)) throw new InvalidArgumentError("It has to be a number of at least 1.");
    return Number(text);
}

/** Options that contradict each other, as a sentence. */
function contradiction(options: Options): string | undefined {
    const { integrity, only, browser, sample, seed, signed, all } = options;
    if ((options.workload !== undefined || all) && options.stack === undefined)
        return (
            `${all ? "--all looks as each" : "--workload names one"} of a stack's identities of CI; ` +
            "name the stack with --stack."
        );
    if (all && options.workload !== undefined) return "--workload and --all do not go together: one, or each.";
    if (all && options.html !== undefined) return "--html is the page of one run; give --workload in place of --all.";
    if (all && integrity)
        return "--integrity looks at versions, which are the same for each identity; leave --all out.";
    if (integrity && (only || browser)) return "--integrity is a run of its own, without --only and --browser.";
    if (!integrity && (sample || seed || signed))
        return "--sample, --seed and --signed are for --integrity; give that too.";
    return seed !== undefined && sample === undefined ? "--seed chooses a sample; give --sample too." : undefined;
}

const program = command(
    "npm run verify --",
    "Checks from outside whether a registry is hardened as declared.",
    "AUTHENTIK_TOKEN=… npm run verify -- --stack prod --html report.html",
)
    .option("-s, --stack <name>", "the registry's stack, whose settings and outputs say what is declared")
    .option(
        "--registry <url>",
        "a registry by its address, declared by the options below; with --stack, another address of the same registry",
    )
    .option("--read-only", "make no user and store nothing: only what can be checked without")
    .option("--authentik-url <url>", "Authentik's address (AUTHENTIK_URL; default with --stack: the issuer's)")
    .option("--issuer <url>", "OpenID Connect issuer that logins must go to")
    .option("--client-id <id>", "OAuth2 client id that zot must send")
    .option("--workload <name>", "with --stack: act as this one of CI's further identities (ci.workloads)")
    .option("--all", "with --stack: act as each of CI's identities, one after the other")
    .option("--admins-group <name>", "group of the admins (default: admins)")
    .option("--workloads-group <name>", "group of CI (default: artifact-workloads)")
    .option("--ci-user <name>", "CI's service account, whose keys are checked (default: zot-ci)")
    .option(
        "--ci-repositories <pattern>",
        "repositories to which CI may push; may be repeated (default: **)",
        collected,
    )
    .option("--admins-may-update", "admins may overwrite tags")
    .option("--explain-refusals", "refusals must say why, as access.explainRefusals")
    .option("--channels <pattern>", "in these CI may move tags, as access.channels; may be repeated", collected)
    .option("--tag-scheme <form>", "form of CI's new tags, as access.tagScheme; may be repeated", collected)
    .option(
        "--movable-tags <pattern=tags>",
        "in these repositories CI may move these tags, as access.movableTags (team/**=latest,edge); may be repeated",
        collected,
    )
    .addOption(
        new Option("--metrics <readers>", "who may read the metrics (default: off)").choices([
            "anonymous",
            "users",
            "off",
        ]),
    )
    .option("--metrics-path <path>", "path of the metrics (default: /metrics)")
    .option(
        "--mirror <prefix>",
        "prefix of a pull-through cache; may be repeated (default: what looks like one in the catalog)",
        collected,
    )
    .option("--image <prefix/repository:tag>", "an image to pull through a cache; may be repeated", collected)
    .option(
        "--login-flow <slug>",
        "Authentik flow for the logins of this run, if the usual one demands a second factor",
    )
    .option(
        "--browser [program]",
        "log in with a real browser too: Chromium or Chrome (default: the one on the PATH)",
        givenProgram,
    )
    .option("--only <ids>", "only these checks, by their ids, with commas in between", ids)
    .option(
        "--integrity",
        "only check that every part of the versions is there: manifests, platforms, layers, signatures; reads as anyone may",
    )
    .option("--sample <versions>", "with --integrity: at most this many versions (default: all)", positive)
    .option("--seed <text>", "with --sample: choose the same versions again (default: random, and printed)")
    .option("--signed", "with --integrity: a missing signature counts as a missing part")
    .option("--list", "print the checks and end")
    .option("--json", "print the report as JSON")
    .option("--html <file>", "also write the report as one HTML page", givenFile)
    .addHelpText(
        "after",
        `
Without --read-only, users are made in Authentik for this run, in the groups and in none, with keys that end within fifteen minutes; they push to
a repository zot-hardening-verify/… of their own. All of it is removed at the end, also after Ctrl-C, and what an interrupted run left is removed
by the next. AUTHENTIK_TOKEN is a token that may make and delete users, set their passwords, and bind one to the application; with --stack it
is otherwise read from the stack (authentik:token). CI's key, to see its other keys: the stack's output ciApiKey, or ZOT_CI_API_KEY.
Exit code: 0 no weakness found, 1 a weakness found, 2 a mistake on the command line or in the settings, 3 it could not be carried out as
asked${interruptedCodes()}.`,
    )
    .action(async (options: Options) => {
        if (options.list) return print(`${checks.map(({ id, title }) => `${id.padEnd(20)} ${title}`).join("\n")}\n`);
        if (options.stack === undefined && options.registry === undefined) {
            program.error("Which registry? Name a stack with --stack, or give an address with --registry.", {
                exitCode: EXIT.usage,
            });
        }
        const mistake = contradiction(options);
        if (mistake) program.error(mistake, { exitCode: EXIT.usage });
        const asked = options.integrity ? { ...options, readOnly: true, only: ["version-parts"] } : options;
        process.exitCode = Math.max(await verify(asked), Number(process.exitCode ?? 0));
    });

/** Whether it is a mistake in what was given; what could not be carried out has its own class. */
const isMistake = (error: unknown) =>
    error instanceof SettingsError ||
    error instanceof StackFileError ||
    (error instanceof UserError && error.constructor === UserError);

void run(program, { exitCode: (error) => (isMistake(error) ? EXIT.usage : EXIT.notCarriedOut) });
