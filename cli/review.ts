/** npm run review: what a change gives and takes, from two commits alone. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "../clients/userError";
import { decidingFiles } from "./review/files";
import {
    changedFiles,
    commitOf,
    commitsMissing,
    mergeBase,
    type Repository,
    repositoryOf,
    requireOrdinary,
    textDifference,
    writeCommit,
} from "./review/git";
import { reviewMarkdown } from "./review/markdown";
import { type Review, stackReview, widens } from "./review/report";
import {
    dataAsJson,
    dataSide,
    hasOwnCode,
    linkPackages,
    READ_DATA,
    type StackSide,
    sideOf,
    stacksIn,
    writeStackFiles,
} from "./review/sides";
import { command, EXIT, print, printJson, remark, run } from "./shared/command";
import { onInterrupt } from "./shared/interrupt";
import { projectFolder } from "./shared/stack";

/** The exit code besides those of all commands. */
const EXIT_WIDENS = 4;

interface Options {
    base: string;
    head?: string;
    stack?: string;
    dataOnly?: boolean;
    json?: boolean;
    failOnWidening?: boolean;
}

/** More stacks than a project has; each takes a second. */
const MOST_STACKS = 50;

/** One side of the review. */
interface Side {
    stacks: string[];
    of(stack: string): StackSide;
}

function review(options: Options, scratch: string): Review {
    const checkout = projectFolder();
    const repository = repositoryOf(checkout);
    const given = commitOf(repository, options.base);
    const headCommit = options.head === undefined ? undefined : commitOf(repository, options.head);
    if (headCommit !== undefined) requireOrdinary(repository, headCommit);
    const notes: string[] = [];
    const base = parting(repository, given, headCommit ?? commitOf(repository, "HEAD"), options.base, notes);
    const code = decidingFiles(changedFiles(repository, base, headCommit), repository.prefix);
    const changes = (file: string) => code.some((change) => change.file === file);
    if (code.length > 0 && options.dataOnly)
        notes.push(
            "**No code of the head was run** (`--data-only`): " +
                "the code that runs this review read its stack files. " +
                "What the head's own code makes of them is unknown here.",
        );
    if (changes("package-lock.json"))
        notes.push(
            "**Other packages are declared** (`package-lock.json`). " +
                "This review used the packages that are installed here.",
        );

    // What runs here is the code of both sides.
    const isSameCode = code.length === 0 && headCommit === undefined;
    const side = sideReader(repository, checkout, scratch, options.dataOnly === true || isSameCode);
    const baseSide = side(base, "base");
    if (!options.dataOnly && !isSameCode && !hasOwnCode(join(scratch, "base", repository.prefix)))
        notes.push("The base has no command that renders its stacks; the code that runs this review read its files.");
    const headSide = side(headCommit, "head");
    const all = [...new Set([...baseSide.stacks, ...headSide.stacks])].sort();
    if (options.stack && !all.includes(options.stack))
        throw new UserError(
            `No side has a file Pulumi.${options.stack}.yaml. Stacks with a file: ${all.join(", ") || "none"}.`,
        );
    if (!options.stack && all.length > MOST_STACKS)
        throw new UserError(
            `There are ${all.length} stacks with a file, too many for one review. Name one with --stack.`,
        );
    const stacks = options.stack ? [options.stack] : all;

    // The base first: the head's code, if it runs, then finds nothing of the base to change.
    const sides = (which: Side, name: string) =>
        new Map(
            stacks.map((stack) => [stack, which.stacks.includes(stack) ? rendered(name, which, stack) : undefined]),
        );
    const [before, after] = [sides(baseSide, "base"), sides(headSide, "head")];
    const elsewhere = stacks.filter((stack) => after.get(stack)?.beside.has("environment"));
    if (elsewhere.length > 0)
        notes.push(
            "Settings from environments of Pulumi Cloud are not visible here: " +
                `${elsewhere.map((stack) => `\`${stack}\``).join(", ")}.`,
        );
    return {
        base: nameOf(options.base, base),
        head: headCommit === undefined ? "working tree" : nameOf(options.head!, headCommit),
        stacks: stacks.map((stack) =>
            stackReview(stack, before.get(stack), after.get(stack), (from, to) => textDifference(scratch, from, to)),
        ),
        code: code.map(({ file }) => file),
        kinds: Object.fromEntries(code.flatMap(({ file, kind }) => (kind === undefined ? [] : [[file, kind]]))),
        notes,
    };
}

/** Reads a side by its name and commit: as data, or with its own code. */
function sideReader(repository: Repository, checkout: string, scratch: string, asData: boolean) {
    return (commit: string | undefined, name: string): Side =>
        asData
            ? sideAsData(repository, commit, checkout, join(scratch, name))
            : sideByItself(repository, commit, checkout, join(scratch, name), join(scratch, "home"));
}

/** A side whose own code renders its stacks. */
function sideByItself(
    repository: Repository,
    commit: string | undefined,
    checkout: string,
    place: string,
    home: string,
): Side {
    let folder = checkout;
    if (commit !== undefined) {
        writeCommit(repository, commit, place);
        linkPackages(checkout, place, repository.prefix);
        folder = join(place, repository.prefix);
    }
    return { stacks: stacksIn(folder), of: (stack) => sideOf(folder, stack, home) };
}

/** A side of which no code runs. */
function sideAsData(repository: Repository, commit: string | undefined, checkout: string, folder: string): Side {
    mkdirSync(folder);
    const files = writeStackFiles(repository, commit, checkout, folder);
    return { stacks: files.stacks, of: (stack) => dataSide(__filename, files, folder, stack) };
}

/** The commit where head and base parted: later changes of the base are no changes of the head. */
function parting(repository: Repository, base: string, head: string, name: string, notes: string[]): string {
    const parted = mergeBase(repository, base, head);
    if (parted === undefined) {
        notes.push(
            `It is not known where the head parted from \`${name}\` (a shallow clone, ` +
                `or branches that were merged into each other?), so it is compared with the present \`${name}\`.`,
        );
        return base;
    }
    const missing = commitsMissing(repository, head, base);
    if (missing > 0)
        notes.push(
            `The head lacks ${missing} commit${missing === 1 ? "" : "s"} of \`${name}\`; ` +
                "it is compared with the commit where it parted.",
        );
    return parted;
}

const nameOf = (ref: string, commit: string) =>
    commit.startsWith(ref) ? commit.slice(0, 12) : `${ref} (${commit.slice(0, 12)})`;

function rendered(name: string, side: Side, stack: string): StackSide {
    // Printed at once, because rendering blocks the event loop.
    if (process.stderr.isTTY) remark(`Rendering the stack ${stack} of the ${name} …`);
    return side.of(stack);
}

const program = command(
    "npm run review --",
    "Says what a change gives and takes: rights, settings and zot's config of two commits, as Markdown, " +
        "what widens first. Needs no state, secret or network.",
    "npm run --silent review -- --base HEAD --stack prod",
)
    .requiredOption(
        "-b, --base <ref>",
        "the commit, branch or tag to compare with; for a branch, the commit where the head parted from it",
    )
    .option("--head <ref>", "the commit to review (default: the working tree, including uncommitted changes)")
    .option("-s, --stack <name>", "only this stack (default: every stack with a file)")
    .option("--data-only", "run no code of either side: the code that runs this review reads their stack files")
    .option(
        "--fail-on-widening",
        `end with exit code ${EXIT_WIDENS} if rights widen, or may widen, for example by a change of code`,
    )
    .option("--json", "as JSON")
    .addHelpText(
        "after",
        [
            "",
            "Each side is rendered by its own code, in a process that inherits no variable but PATH. " +
                "That is no sandbox. To review what you do not trust,",
            "run this from a checkout that you trust, with --head and --data-only; " +
                "or without --data-only on a machine that has nothing to lose.",
            "",
            "Exit code: 0 done, 1 the head's settings are mistaken or a commit is missing, " +
                `2 a mistake on the command line, 3 a defect, ${EXIT_WIDENS} rights widen (with --fail-on-widening).`,
        ].join("\n"),
    )
    .action((options: Options) => {
        const scratch = mkdtempSync(join(tmpdir(), "zot-hardening-review-"));
        const clean = () => rmSync(scratch, { recursive: true, force: true });
        const interrupts = onInterrupt(clean);
        try {
            mkdirSync(join(scratch, "home"));
            const result = review(options, scratch);
            if (options.json) printJson({ widens: widens(result), ...result });
            else print(reviewMarkdown(result));
            if (result.stacks.some(({ problems }) => problems.some(({ side }) => side === "head")))
                process.exitCode = EXIT.mistake;
            else if (options.failOnWidening && widens(result)) process.exitCode = EXIT_WIDENS;
        } finally {
            clean();
            interrupts.forget();
        }
    });
// For its own child process, which reads possibly hostile files under a time limit.
if (process.argv[2] === READ_DATA) process.stdout.write(dataAsJson(process.argv[3]!, process.argv[4]!));
else void run(program);
