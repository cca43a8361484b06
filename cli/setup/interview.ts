/** The conversation: it skips what was answered beforehand, and remembers the answers. */
import { UserError } from "../../clients/userError";
import { withoutSecrets } from "../../components/settings";
import { noLongerBusy } from "../shared/command";
import type { Ask, Asker, Choice } from "./ask";
import { type Answers, answerMistake, helpOf, type QuestionName, questions } from "./questions";

export interface Asking {
    /** Replaces the question's own message. */
    message?: string;
    help?: string;
    fallback?: string;
    choices?: readonly Choice[];
    /** Why a well-formed answer is refused all the same. */
    check?(answer: string): string | undefined;
    /** Asked twice at a terminal: the typed text is hidden, and a slip would be noticed too late. */
    isConfirmed?: boolean;
}

export class Interview {
    /** All answers so far, whatever their source. */
    readonly answers: Answers = {};
    /** How many answers a person gave. */
    asked = 0;

    constructor(
        readonly asker: Asker,
        /** Options, files and the environment, in this order of precedence. */
        private readonly beforehand: Answers,
    ) {}

    /** Whether a question need not be asked. */
    isAnswered(name: QuestionName): boolean {
        return (this.answers[name] ?? this.beforehand[name]) !== undefined;
    }

    /**
     * The answer to a question.
     *
     * @throws UserError if the answer given beforehand is wrong; Interrupted
     */
    async answer(name: QuestionName, asking: Asking = {}): Promise<string> {
        const { message, secret } = questions[name];
        const mistake = (answer: string) => answerMistake(name, answer) ?? asking.check?.(answer);
        const given = this.answers[name] ?? this.beforehand[name];
        if (given !== undefined) {
            const because = mistake(given);
            if (because !== undefined)
                throw new UserError(
                    `${optionOf(name)}${secret === undefined ? ` ${withoutSecrets(JSON.stringify(given))}` : ""}: ${because}.`,
                );
            this.answers[name] = given;
            return given;
        }
        const ask: Ask = {
            message: asking.message ?? message,
            help: asking.help ?? (secret === undefined ? helpOf(name) : questions[name].help),
            option: optionOf(name),
            fallback: asking.fallback,
            choices: asking.choices,
            isSecret: secret !== undefined,
            check: mistake,
        };
        // A progress line in the middle of a question would spoil it.
        noLongerBusy();
        const answer = await (asking.isConfirmed && this.asker.canRepeat ? this.typedTwice(ask) : this.typed(ask));
        this.asked++;
        this.answers[name] = answer;
        return answer;
    }

    private async typed(ask: Ask): Promise<string> {
        return (await this.asker.ask(ask)).trim();
    }

    private async typedTwice(ask: Ask): Promise<string> {
        for (;;) {
            const answer = await this.typed(ask);
            const again = { ...ask, message: "Once more, to confirm", help: undefined, check: () => undefined };
            if ((await this.typed(again)) === answer) return answer;
            this.asker.say("The two differ. Type both again.");
        }
    }

    /** Drops an answer, so that it is asked again. An answer given beforehand cannot be changed. */
    forget(name: QuestionName): boolean {
        delete this.answers[name];
        return this.asker.canRepeat && this.beforehand[name] === undefined;
    }
}

/** `--registry-url`; for a secret, the environment variable. */
export const optionOf = (name: QuestionName): string =>
    questions[name].secret ?? `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
