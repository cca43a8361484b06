/** The result of a walk through versions, for people. Pure. */
import { fail, notApplicable, notPossible, type Outcome, pass, warning } from "../outcome";
import type { Missing } from "./parts";
import type { Fault } from "./repository";
import { type Broken, NO_SIGNATURE, type Walked } from "./walk";

const FAULTS: Record<Fault, string> = {
    gone: "is missing",
    forgotten: "is forgotten by zot, but its bytes are there until garbage collection",
    "of another size": "has another size than its manifest says",
    "of other content": "has other content than its digest says",
    unreadable: "cannot be read: the registry answers with an error (5xx)",
};

const partInWords = ({ what, digest, fault }: Missing): string =>
    `${what}${digest ? ` (${digest})` : ""} ${FAULTS[fault]}`;

/** A version with a missing part: repository, tag, digest, and what is missing. */
export function brokenInWords({ repository, tag, digest, missing, moves }: Broken): string {
    const where = moves ? ", whose tag CI may move, so parts can get lost" : "";
    return `${repository}:${tag}${digest ? ` (${digest})` : ""}${where}: ${missing.map(partInWords).join("; ")}`;
}

/** What to do about it, depending on what is wrong. */
function remedy(broken: readonly Broken[]): string {
    const parts = broken.flatMap(({ missing }) => missing);
    const has = (...faults: Fault[]) => parts.some((part) => part !== NO_SIGNATURE && faults.includes(part.fault));
    return [
        ...(has("forgotten")
            ? ["Push each forgotten manifest again by its digest before garbage collection removes it; CI may do so."]
            : []),
        ...(has("gone", "of another size", "of other content", "unreadable")
            ? [
                  "Push the identical image to another tag, from where it was built or from a copy: " +
                      "this sends the missing parts again. Or restore zot's storage.",
              ]
            : []),
        ...(parts.includes(NO_SIGNATURE) ? ["Sign each unsigned image after you have checked what it is."] : []),
        "For the commands see docs/verify.md, Missing parts.",
    ].join(" ");
}

const counted = (n: number, one: string, more = `${one}s`) => `${n.toLocaleString("en")} ${n === 1 ? one : more}`;

/** The outcome of a walk. @throws Skipped if there is nothing, or nothing was found but something could not be read */
export function outcomeOf(walked: Walked, seed: string): Outcome {
    const { versions, repositories, isSample, broken, unlisted, leftOver, unread, passedOver } = walked;
    const cut = (lines: readonly string[], most = 20) =>
        lines.length <= most ? lines.join("; ") : `${lines.slice(0, most).join("; ")}; and ${lines.length - most} more`;
    const sample = isSample
        ? ` (a sample; --seed ${seed} chooses it again, and --integrity without --sample looks at all)`
        : "";
    const looked = `${counted(versions, "version")} in ${counted(repositories, "repository", "repositories")}${sample}`;
    const remarks = [
        ...(unlisted.length > 0
            ? [`No signatures and attachments are listed in ${cut(unlisted)}, because a manifest there is gone.`]
            : []),
        ...(leftOver.length > 0 ? [`Signatures of images that do not exist: ${cut(leftOver)}.`] : []),
        ...(unread.length > 0 ? [`Not checked: ${cut(unread)}.`] : []),
        ...(passedOver.length > 0 ? [`Left out as copies of upstream: ${cut(passedOver, 5)}.`] : []),
    ];
    const words = (first: string) => [first, ...remarks].join(" ");
    const details = broken.map(brokenInWords);
    const isLost = broken.some(({ moves }) => !moves) || unlisted.length > 0;
    if (broken.length > 0 || unlisted.length > 0) {
        const outcome = (isLost ? fail : warning)(
            words(`Of ${looked}, ${counted(broken.length, "has", "have")} a missing part.`),
            remedy(broken),
        );
        return { ...outcome, details };
    }
    if (unread.length > 0) throw notPossible(words(`Nothing is missing of ${looked}.`));
    if (versions === 0) throw notApplicable(words("There is no version yet that anyone may read."));
    return (leftOver.length > 0 ? warning : pass)(words(`Nothing is missing of ${looked}.`));
}
