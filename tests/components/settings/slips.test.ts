/** Every setting with every typical slip: what is refused is told in a sentence that names it, shows it and says what to do. */
import { allSettings } from "../../../components/settings";
import { change, refusals } from "../../support/refusals";

const SLIPS: [slip: string, value: unknown][] = [
    ["true", true],
    ["a broken number", 5.5],
    ["a number below zero", -1],
    ["a large number", 1e12],
    ["a list in place of a value", ["canary"]],
    ["a map in place of a value", { canary: "canary" }],
    ["an empty text", ""],
    ["a word", "perhaps"],
    ["blanks at both ends", " canary "],
    ["two lines", "canary\ncanary"],
    ["quotes of a word processor", "“canary”"],
    ["a placeholder", "<canary>"],
    ["a relative path", "./canary"],
    ["an address without https://", "registry.example.org"],
    ["a slash at the end", "https://registry.example.org/"],
    ["a duration with a blank", "90 days"],
];
/** What to do, as the sentences say it. */
const REMEDY =
    /; give |; set |[Ss]et it with: |; did you mean |; remove |; change |; take |; correct |; use |; name |; those are |, or /;

/** Settings whose sentence may begin with another's name: they are judged together. */
const together = /^(?:identity\.(?:issuer|applicationSlug)|host\.|zot\.|access\.|registry\.url|ci)/;

describe.each(SLIPS)("%s", (_slip, value) => {
    test.each(allSettings().map(({ name, setting }) => [name, setting] as const))("%s", (name, setting) => {
        const sentences = refusals(change(name, value));
        for (const sentence of sentences) {
            expect(sentence).toMatch(/^[a-zA-Z]+\.[a-zA-Z]+/);
            expect(sentence).not.toMatch(/undefined|\[object |NaN|\bat .*\.ts:/);
            expect(sentence).toMatch(REMEDY);
        }
        const own = sentences.filter((sentence) => sentence.startsWith(name));
        // One sentence for one mistake, and of a secret not its value.
        expect(own.length).toBeLessThanOrEqual(1);
        if (own.length === 0) expect(sentences.every((sentence) => together.test(sentence))).toBe(true);
        if (setting.secret) expect(sentences.join("\n")).not.toContain("canary");
    });
});
