/** npm run review: what a change gives and takes, from two commits alone. */
import { cpSync, lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changedFiles, commitOf, commitsMissing, mergeBase, type Repository, repositoryOf, textDifference, writeCommit } from "./review/git";
import { type Review, reviewMarkdown, stackReview, widens } from "./review/report";
import { hasOwnCode, linkPackages, sideOf, stacksIn } from "./review/sides";
import { command, EXIT, run, UserError } from "./shared/command";
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

/** What decides who may do what, or runs on the host; the rest is documents, tests and what stands beside. */
const IS_CODE = /^(index\.ts|package(-lock)?\.json|Pulumi\.yaml|(build|clients|components|host|providers|sdks)\/|cli\/(config|review)|cli\/shared\/)/;

function review(options: Options, scratch: string): Review {
    const checkout = projectFolder();
    const repository = repositoryOf(checkout);
    const given = commitOf(repository, options.base);
    const headCommit = options.head === undefined ? undefined : commitOf(repository, options.head);
    const notes: string[] = [];
    const base = parting(repository, given, headCommit ?? commitOf(repository, "HEAD"), options.base, notes);

    const folderOf = (commit: string, name: string) => {
        const place = join(scratch, name);
        writeCommit(repository, commit, place);
        const folder = join(place, repository.prefix);
        linkPackages(checkout, folder);
        return folder;
    };
    const baseFolder = folderOf(base, "base");
    const headFolder = headCommit === undefined ? checkout : folderOf(headCommit, "head");
    const baseStacks = stacksIn(baseFolder);
    const headStacks = stacksIn(headFolder);
    const all = [...new Set([...baseStacks, ...headStacks])].sort();
    if (options.stack && !all.includes(options.stack)) throw new UserError(`No side has a file Pulumi.${options.stack}.yaml. Stacks with a file: ${all.join(", ") || "none"}.`);
    const stacks = options.stack ? [options.stack] : all;

    const changed = changedFiles(repository, base, headCommit);
    const code = changed.filter((file) => IS_CODE.test(file));
    if (code.includes("package-lock.json")) notes.push("**Other packages are declared** (`package-lock.json`). Each side was rendered with those that are installed here.");
    if (!hasOwnCode(baseFolder)) notes.push("The base has no command that renders its stacks; its files were read by the code that runs this review.");
    if (options.dataOnly && code.length > 0) notes.push("**No code of the head was run** (`--data-only`): its stack files were rendered by the base's code. What the head's own code makes of them is not known here.");

    const baseSides = new Map(stacks.map((stack) => [stack, baseStacks.includes(stack) ? rendered("base", baseFolder, stack, scratch) : undefined]));
    if (options.dataOnly) useSettingsOf(headFolder, baseFolder, headStacks);
    const headSides = new Map(stacks.map((stack) => [stack, headStacks.includes(stack) ? rendered("head", options.dataOnly ? baseFolder : headFolder, stack, scratch) : undefined]));

    const difference = (before: string, after: string) => {
        writeFileSync(join(scratch, "before"), before);
        writeFileSync(join(scratch, "after"), after);
        return textDifference(scratch, "before", "after");
    };
    return {
        base: nameOf(options.base, base),
        head: headCommit === undefined ? "working tree" : nameOf(options.head!, headCommit),
        stacks: stacks.map((stack) => stackReview(stack, baseSides.get(stack), headSides.get(stack), difference)),
        code,
        notes,
    };
}

/** What the base did since is no change of the head's. */
function parting(repository: Repository, base: string, head: string, name: string, notes: string[]): string {
    const parted = mergeBase(repository, base, head);
    if (parted === undefined) {
        notes.push(`Where the head parted from \`${name}\` is not known here (a shallow clone?), so that it is compared with \`${name}\` as it is now.`);
        return base;
    }
    const missing = commitsMissing(repository, head, base);
    if (missing > 0) notes.push(`The head lacks ${missing} commit${missing === 1 ? "" : "s"} of \`${name}\`; it is compared with the commit where it parted.`);
    return parted;
}

const nameOf = (ref: string, commit: string) => (commit.startsWith(ref) ? commit.slice(0, 12) : `${ref} (${commit.slice(0, 12)})`);

function rendered(side: string, folder: string, stack: string, home: string) {
    // It does not return to its loop meanwhile, so this is said at once.
    if (process.stderr.isTTY) process.stderr.write(`Rendering the stack ${stack} of the ${side} …\n`);
    return sideOf(folder, stack, home);
}

/** Puts the head's stack files in place of the base's. */
function useSettingsOf(head: string, base: string, stacks: string[]): void {
    for (const stack of stacksIn(base)) rmSync(join(base, `Pulumi.${stack}.yaml`));
    for (const file of ["Pulumi.yaml", ...stacks.map((stack) => `Pulumi.${stack}.yaml`)]) {
        if (!lstatSync(join(head, file), { throwIfNoEntry: false })?.isFile()) throw new UserError(`${file} of the head is not a plain file, and is not read.`);
        cpSync(join(head, file), join(base, file), { force: true });
    }
}

const program = command("npm run review --", "Says what a change gives and takes: rights, settings and zot's config of two commits, as Markdown, what widens first. Needs no state, secret or network.", "npm run --silent review -- --base HEAD --stack prod")
    .requiredOption("-b, --base <ref>", "the commit, branch or tag that is compared with; of a branch, the commit where the head parted from it")
    .option("--head <ref>", "the commit to review (default: the working tree, with what is not committed)")
    .option("-s, --stack <name>", "this stack alone (default: every stack with a file)")
    .option("--data-only", "run no code of the head: its stack files are rendered by the base's code")
    .option("--fail-on-widening", `end with exit code ${EXIT_WIDENS} where rights widen, or may`)
    .option("--json", "as JSON")
    .addHelpText(
        "after",
        [
            "",
            "Each side is rendered by its own code, in a process that inherits no variable but PATH; that is no sandbox. To review what you do not trust,",
            "run this from a checkout that you trust, with --head, and --data-only or on a machine without secrets.",
            "",
            `Exit code: 0 done, 1 the head's settings are mistaken or a commit is missing, 2 a mistake on the command line, 3 a defect, ${EXIT_WIDENS} rights widen (with --fail-on-widening).`,
        ].join("\n"),
    )
    .action((options: Options) => {
        const scratch = mkdtempSync(join(tmpdir(), "zot-hardening-review-"));
        const clean = () => rmSync(scratch, { recursive: true, force: true });
        const interrupts = onInterrupt(clean);
        try {
            mkdirSync(join(scratch, "home"));
            const result = review(options, scratch);
            process.stdout.write(options.json ? `${JSON.stringify({ widens: widens(result), ...result }, null, 2)}\n` : reviewMarkdown(result));
            if (result.stacks.some(({ problems }) => problems.some(({ side }) => side === "head"))) process.exitCode = EXIT.mistake;
            else if (options.failOnWidening && widens(result)) process.exitCode = EXIT_WIDENS;
        } finally {
            clean();
            interrupts.forget();
        }
    });
void run(program);
