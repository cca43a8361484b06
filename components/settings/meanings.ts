/**
 * What a changed setting means for who may do what, where zot's config does not say it: where secrets go, who is
 * trusted, what runs on the host. Pure.
 */
import { durationOf, goDurationSeconds } from "../../clients/durations";
import { type ChangeMeaning, type Effect, type ReviewMeaning, shown, type Weigh } from "./setting";

/** The change is seen in zot's config, as rights. */
export const IN_ZOT_CONFIG: ReviewMeaning = "in zot's config";
/** Nobody may do more or less by it. */
export const NO_RIGHTS: ReviewMeaning = "no rights";

/** A change of which somebody has to read whether it widens. */
export const unclear = (words: string): ChangeMeaning => ({ effect: "unclear", words });

/** A value in backticks, so that it cannot write Markdown. */
export const quoted = (value: unknown): string =>
    value === undefined
        ? "nothing"
        : `\`${(typeof value === "string" ? value : shown(value)).replace(/[`\r\n]/g, "'").slice(0, 200)}\``;

/** `WORDS new instead of old`; whether that widens has to be read. */
export const other =
    (words: string): Weigh =>
    (before, after) =>
        unclear(`${words} ${quoted(after)} instead of ${quoted(before)}`);

/** The same of something secret, or too long to be shown. */
export const another =
    (words: string): Weigh =>
    () =>
        unclear(words);

/** Values in the order of what may be done by them: a later one is wider. */
export const ordered =
    (values: readonly unknown[], words: (value: unknown) => string): Weigh =>
    (before, after) => {
        const [from, to] = [values.indexOf(before), values.indexOf(after)];
        const effect: Effect = from < 0 || to < 0 ? "unclear" : to > from ? "wider" : "narrower";
        return { effect, words: words(after) };
    };

/** A lifetime: longer is wider. */
export const longer =
    (words: string): Weigh =>
    (before, after) => {
        const [from, to] = [durationOf(before), durationOf(after)];
        return {
            effect: from === undefined || to === undefined ? "unclear" : to > from ? "wider" : "narrower",
            words: `${words} ${quoted(after)} instead of ${quoted(before)}`,
        };
    };

/** How long a push can be held open, to overwrite a tag meanwhile; 0s is without an end. */
export const heldOpen: Weigh = (before, after) => {
    // Where no program declared it, zot's own limit was in force.
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

/** The names of what two maps do not have alike, those of the first one first. */
export const changedKeys = (before: Record<string, unknown>, after: Record<string, unknown>): string[] =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
        (key) => JSON.stringify(before[key]) !== JSON.stringify(after[key]),
    );
