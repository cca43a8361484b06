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

/** Beside the exit codes of all commands. */
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
                "its stack files were read by the code that runs this review. " +
                "What the head's own code makes of them is not known here.",
        );
    if (changes("package-lock.json"))
        notes.push(
            "**Other packages are declared** (`package-lock.json`). " +
                "What is said here was found out with those that are installed here.",
        );

    // What runs here is the code of both sides.
    const isSameCode = code.length === 0 && headCommit === undefined;
    const side = sideReader(repository, checkout, scratch, options.dataOnly === true || isSameCode);
    const baseSide = side(base, "base");
    if (!options.dataOnly && !isSameCode && !hasOwnCode(join(scratch, "base", repository.prefix)))
        notes.push(
            "The base has no command that renders its stacks; its files were read by the code that runs this review.",
        );
    const headSide = side(headCommit, "head");
    const all = [...new Set([...baseSide.stacks, ...headSide.stacks])].sort();
    if (options.stack && !all.includes(options.stack))
        throw new UserError(
            `No side has a file Pulumi.${options.stack}.yaml. Stacks with a file: ${all.join(", ") || "none"}.`,
        );
    if (!options.stack && all.length > MOST_STACKS)
        throw new UserError(
            `There are ${all.length} stacks with a file, too many to be reviewed at once. Name one with --stack.`,
        );
    const stacks = options.stack ? [options.stack] : all;

    // The base first: whatever runs of the head finds nothing to change in it.
    const sides = (which: Side, name: string) =>
        new Map(
            stacks.map((stack) => [stack, which.stacks.includes(stack) ? rendered(name, which, stack) : undefined]),
        );
    const [before, after] = [sides(baseSide, "base"), sides(headSide, "head")];
    const elsewhere = stacks.filter((stack) => after.get(stack)?.beside.has("environment"));
    if (elsewhere.length > 0)
        notes.push(
            "Settings that come from environments of Pulumi Cloud are not seen here: " +
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

/** Reads a side by its name and commit: as data, or by its own code. */
function sideReader(repository: Repository, checkout: string, scratch: string, asData: boolean) {
    return (commit: string | undefined, name: string): Side =>
        asData
            ? sideAsData(repository, commit, checkout, join(scratch, name))
            : sideByItself(repository, commit, checkout, join(scratch, name), join(scratch, "home"));
}

/** A side whose own code says what its stacks come to. */
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

/** A side of which nothing is run. */
function sideAsData(repository: Repository, commit: string | undefined, checkout: string, folder: string): Side {
    mkdirSync(folder);
    const files = writeStackFiles(repository, commit, checkout, folder);
    return { stacks: files.stacks, of: (stack) => dataSide(__filename, files, folder, stack) };
}

/** What the base did since is no change of the head's. */
function parting(repository: Repository, base: string, head: string, name: string, notes: string[]): string {
    const parted = mergeBase(repository, base, head);
    if (parted === undefined) {
        notes.push(
            `Where the head parted from \`${name}\` is not known here (a shallow clone, ` +
                `or lines that were merged into each other?), so that it is compared with \`${name}\` as it is now.`,
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
    // It does not return to its loop meanwhile, so this is said at once.
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
        "the commit, branch or tag that is compared with; of a branch, the commit where the head parted from it",
    )
    .option("--head <ref>", "the commit to review (default: the working tree, with what is not committed)")
    .option("-s, --stack <name>", "this stack alone (default: every stack with a file)")
    .option("--data-only", "run no code of either side: their stack files are read by the code that runs this review")
    .option(
        "--fail-on-widening",
        `end with exit code ${EXIT_WIDENS} where rights widen, or may, as by a change of code`,
    )
    .option("--json", "as JSON")
    .addHelpText(
        "after",
        [
            "",
            "Each side is rendered by its own code, in a process that inherits no variable but PATH; " +
                "that is no sandbox. To review what you do not trust,",
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
// For itself: what may be hostile is read in a process of its own, with an end.
if (process.argv[2] === READ_DATA) process.stdout.write(dataAsJson(process.argv[3]!, process.argv[4]!));
else void run(program);
