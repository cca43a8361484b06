/**
 * What the title of a contract case says: on which subject it runs, and which statement of facts it checks. Marks at a
 * title's end, as `[skipped: …]` is one:
 *
 *     describe("tags [stand-in]")                      the group, once per subject
 *         test("an existing tag, identical content [fact: push an existing tag, other or identical content]")
 *         test("`/healthz` is 404 [fact]")             the title is the statement
 *
 * A group may carry the fact for all its cases; the innermost counts.
 */

/** What a case runs on; "both": it asks the stand-in and the real one, and compares them. */
export type Subject = "stand-in" | "real" | "both";

export interface ContractCase {
    subject: Subject;
    /** Titles of the groups and of the case, without marks. */
    name: string;
    /** The statement that the case checks, or undefined. */
    fact: string | undefined;
    /** Why it is skipped, if its title says so. */
    skipped: string | undefined;
}

/** The title of a group of cases, which is written once and run on every subject. */
export const on = (subject: Subject, title: string) => `${title} [${subject}]`;

/**
 * Reads the titles of a case, outermost first; undefined if no group says on what it runs: such a test is no
 * contract case.
 */
export function readTitles(titles: readonly string[]): ContractCase | undefined {
    let subject: Subject | undefined;
    let fact: string | undefined;
    let skipped: string | undefined;
    const names = titles.map((title) => {
        let name = title;
        for (let mark = markAtEnd(name); mark; mark = markAtEnd(name)) {
            name = mark.before;
            if (mark.kind === "fact") fact = mark.text ?? name;
            else if (mark.kind === "skipped") skipped = mark.text;
            else subject = mark.kind;
        }
        return name;
    });
    return subject && { subject, name: names.filter((name) => name !== "").join(" › "), fact, skipped };
}

function markAtEnd(
    title: string,
): { before: string; kind: Subject | "fact" | "skipped"; text: string | undefined } | undefined {
    // A statement may contain brackets itself, so text between two marks belongs to the last opening one.
    const found =
        /^(.*?)\s*\[(stand-in|real|both|fact|fact: (?:(?!\[(?:fact|skipped): ).)*|skipped: (?:(?!\[(?:fact|skipped): ).)*)\]$/s.exec(
            title,
        );
    if (!found) return undefined;
    const [, before = "", mark = ""] = found;
    const [kind = "", ...text] = mark.split(": ");
    return { before, kind: kind as Subject | "fact" | "skipped", text: text.length > 0 ? text.join(": ") : undefined };
}
