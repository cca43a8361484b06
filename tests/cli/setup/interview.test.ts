/** The conversation of setup, with a person who is not there. */
import type { Ask, Asker } from "../../../cli/setup/ask";
import { Interview } from "../../../cli/setup/interview";

/** Types these lines, and keeps what was asked and said. */
function typist(lines: readonly string[], canRepeat: boolean) {
    const left = [...lines];
    const shown: string[] = [];
    const asker: Asker = {
        ask: async ({ message }: Ask) => {
            shown.push(message);
            return left.shift() ?? Promise.reject(new Error(`nothing is left to type at "${message}"`));
        },
        say: (text) => void shown.push(text),
        canRepeat,
        close: () => undefined,
    };
    return { asker, shown, left };
}

describe("a passphrase that is new", () => {
    const isConfirmed = true;
    const question = "A passphrase that encrypts the stack's secrets";

    test("is asked for twice at a terminal, until both are the same", async () => {
        const { asker, shown } = typist(["canary", "canaries", "canary", "canary"], true);
        const interview = new Interview(asker, {});
        expect(await interview.answer("passphrase", { isConfirmed })).toBe("canary");
        const both = [question, "Once more, to confirm"];
        expect(shown).toEqual([...both, "The two differ. Type both again.", ...both]);
        expect(interview.asked).toBe(1);
    });

    test("is one line of a pipe, which types nothing wrong the second time", async () => {
        const { asker, left } = typist(["canary", "the next answer"], false);
        expect(await new Interview(asker, {}).answer("passphrase", { isConfirmed })).toBe("canary");
        expect(left).toEqual(["the next answer"]);
    });

    test("is not asked for where the environment has it", async () => {
        const { asker, shown } = typist([], true);
        const interview = new Interview(asker, { passphrase: "canary" });
        expect(await interview.answer("passphrase", { isConfirmed })).toBe("canary");
        expect(shown).toEqual([]);
    });
});
