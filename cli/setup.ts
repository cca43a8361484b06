/** npm run setup: from a clone to a first preview, with a few questions, or with answers from a file. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { UserError } from "../clients/userError";
import { shown, withoutSecrets } from "../components/settings";
import { pipeAsker, terminalAsker, unattended } from "./setup/ask";
import { Interview } from "./setup/interview";
import { type Answers, answerMistake, answersIn, helpOf, type QuestionName, questions } from "./setup/questions";
import { optionsOfQuestions, setUp } from "./setup/run";
import { command, EXIT, exitCodes, interruptedCodes, run } from "./shared/command";
import { givenFile } from "./shared/givenFile";
import { projectFolder } from "./shared/stack";

interface Options extends Record<string, unknown> {
    answers?: string;
    yes?: boolean;
    preview: boolean;
}

const program = command(
    "npm run setup --",
    "Makes a stack for a registry, with a few questions. It looks at the host over SSH and at Authentik, takes over " +
        "the config on the host, writes the stack's file, and ends with a preview. Run again, it changes only " +
        "what you answer differently. It changes nothing on the host or in Authentik.",
    "npm run setup -- --host zot@registry-host.example.org --registry-url https://registry.example.org",
)
    .option(
        "--answers <file>",
        "answers by the names of the options, as YAML or JSON: registryUrl: https://…",
        givenFile,
    )
    .option("-y, --yes", "ask no questions: use the defaults; the host's key must be given or known")
    .option("--no-preview", "stop after writing the stack's file");
for (const { name, option } of optionsOfQuestions)
    program.option(`${option === "--stack" ? "-s, " : ""}${option} <${questions[name].value ?? "text"}>`, helpOf(name));
program
    .addHelpText(
        "after",
        "\nSecrets are not options; they are asked for, or come from the environment:\n" +
            Object.values(questions)
                .flatMap(({ secret, message }) => (secret === undefined ? [] : [`  ${secret}: ${message}\n`]))
                .join("") +
            "If standard input is no terminal, each line of it answers one question, and an empty line chooses " +
            "the default.\n",
    )
    .addHelpText(
        "after",
        exitCodes(
            "done",
            "it could not be done, or the preview failed",
            "a mistake on the command line",
            interruptedCodes("; nothing half-made is left"),
        ),
    )
    .action(async ({ answers: file, yes, preview, ...options }: Options) => {
        const mistakes = optionMistakes(options);
        if (mistakes.length > 0) program.error(mistakes.join("\n"), { exitCode: EXIT.usage });
        const beforehand: Answers = {
            ...fromEnvironment(),
            ...(file === undefined ? {} : fromFile(file)),
            ...(options as Answers),
        };
        const asker = yes
            ? unattended()
            : process.stdin.isTTY && process.stderr.isTTY
              ? await terminalAsker()
              : pipeAsker();
        try {
            const code = await setUp(new Interview(asker, beforehand), {
                folder: projectFolder(),
                withPreview: preview,
            });
            process.exitCode = code === 0 ? EXIT.done : EXIT.mistake;
        } finally {
            asker.close();
        }
    });
void run(program);

/** What is wrong with the options, whatever is on the host: one sentence each. */
function optionMistakes(options: Answers): string[] {
    return optionsOfQuestions.flatMap(({ name, option }) => {
        const given = options[name];
        const because = given === undefined ? undefined : answerMistake(name, given);
        return because === undefined ? [] : [`${option} ${withoutSecrets(shown(given))}: ${because}.`];
    });
}

function fromEnvironment(): Answers {
    const answers: Answers = {};
    for (const [name, { secret }] of Object.entries(questions) as [QuestionName, { secret?: string }][]) {
        const value = secret === undefined ? undefined : process.env[secret]?.trim();
        if (value) answers[name] = value;
    }
    return answers;
}

function fromFile(file: string): Answers {
    let content: unknown;
    try {
        content = parse(readFileSync(file, "utf8"), { prettyErrors: false });
    } catch (error) {
        const why = (error as NodeJS.ErrnoException).code ?? "it is no YAML";
        throw new UserError(`The answers in ${file} cannot be read: ${why}.`);
    }
    const { answers, mistakes } = answersIn(content);
    if (mistakes.length > 0)
        throw new UserError(`In the answers of ${file}:\n${mistakes.map((one) => `  - ${one}.`).join("\n")}`);
    return answers;
}
