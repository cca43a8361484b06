/**
 * What a changed setting means for who may do what, if zot's config does not show it: where secrets go, who is trusted,
 * what runs on the host. Pure.
 */
import { durationOf, goDurationSeconds } from "../../clients/durations";
import { type ChangeMeaning, type Effect, type ReviewMeaning, shown, type Weigh } from "./setting";

/** The change shows in zot's config, as rights. */
export const IN_ZOT_CONFIG: ReviewMeaning = "in zot's config";
/** The change gives nobody more rights or fewer. */
export const NO_RIGHTS: ReviewMeaning = "no rights";

/** A change that a person has to read to see whether it widens rights. */
export const unclear = (words: string): ChangeMeaning => ({ effect: "unclear", words });

/** A value in backticks, so it cannot inject Markdown. */
export const quoted = (value: unknown): string =>
    value === undefined
        ? "nothing"
        : `\`${(typeof value === "string" ? value : shown(value)).replace(/[`\r\n]/g, "'").slice(0, 200)}\``;

/** `WORDS new instead of old`; a person has to judge whether it widens rights. */
export const other =
    (words: string): Weigh =>
    (before, after) =>
        unclear(`${words} ${quoted(after)} instead of ${quoted(before)}`);

/** The same for a value that is secret or too long to show. */
export const another =
    (words: string): Weigh =>
    () =>
        unclear(words);

/** Values from narrow to wide: a later one allows more. */
export const ordered =
    (values: readonly unknown[], words: (value: unknown) => string): Weigh =>
    (before, after) => {
        const [from, to] = [values.indexOf(before), values.indexOf(after)];
        const effect: Effect = from < 0 || to < 0 ? "unclear" : to > from ? "wider" : "narrower";
        return { effect, words: words(after) };
    };

/** A lifetime: a longer one is wider. */
export const longer =
    (words: string): Weigh =>
    (before, after) => {
        const [from, to] = [durationOf(before), durationOf(after)];
        return {
            effect: from === undefined || to === undefined ? "unclear" : to > from ? "wider" : "narrower",
            words: `${words} ${quoted(after)} instead of ${quoted(before)}`,
        };
    };

/** How long someone can hold a push open to overwrite a tag meanwhile; 0s has no end. */
export const heldOpen: Weigh = (before, after) => {
    // If no program declared a value, zot's own limit applied.
    const [from, to] = [before, after].map((value) => goDurationSeconds(String(value ?? "60s")) || Infinity);
    const words = `a push can be held open for ${quoted(after ?? "60s")} instead of ${quoted(before ?? "60s")}`;
    return {
        effect: to! > from! ? "wider" : "narrower",
        words: `${words}, to overwrite a tag that is pushed meanwhile`,
    };
};

/** Words for a switch. */
export const onOff =
    (on: string, off: string): ((value: unknown) => string) =>
    (value) =>
        value === true ? on : off;

/** The keys in which two maps differ, those of the first one first. */
export const changedKeys = (before: Record<string, unknown>, after: Record<string, unknown>): string[] =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
    );
