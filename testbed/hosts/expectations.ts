/** Expectations of a host; an error says what was found instead. */
import type { Deployed } from "../faults/host";
import type { Ran } from "../faults/overSsh";
import type { Changes, Site } from "./site";

/** The observed behaviour is not the documented one. */
export class Unexpected extends Error {}

export function expect(condition: boolean, what: string): void {
    if (!condition) throw new Unexpected(what);
}

const shown = ({ exitCode, output, errors }: Ran) =>
    `exit ${exitCode}, ${JSON.stringify(output)}, ${JSON.stringify(errors)}`;

export function succeeded(ran: Ran, ...answers: string[]): void {
    expect(
        ran.exitCode === 0 && answers.some((answer) => new RegExp(`^${answer}\\b`, "m").test(ran.output)),
        `${answers.join(" or ")} was expected: ${shown(ran)}`,
    );
}

/** A deployment that was refused or failed, in words that hold each of these. */
export function failed(ran: Ran, ...words: (string | RegExp)[]): void {
    expect(ran.exitCode !== 0, `a failure was expected: ${shown(ran)}`);
    for (const word of words)
        expect(
            typeof word === "string" ? ran.errors.includes(word) : word.test(ran.errors),
            `it does not say ${String(word)}: ${ran.errors}`,
        );
}

/** A look that finds nothing to say. */
export async function isInOrder(site: Site, deployed: Deployed): Promise<void> {
    const { refused, warnings, differs } = await site.preview(deployed, deployed);
    expect(
        refused === undefined && warnings.length === 0 && !differs,
        `preview was to say nothing: ${JSON.stringify({ refused, warnings, differs })}`,
    );
}

/** What a look of a host that was never deployed says, be it a refusal or a warning. */
export async function firstPreviewSays(site: Site, deployed: Deployed, ...words: string[]): Promise<void> {
    const { refused = "", warnings } = await site.preview(deployed);
    const said = [refused, ...warnings].join("\n");
    for (const word of words) expect(said.includes(word), `preview does not say ${word}: ${said || "nothing"}`);
}

export async function serves(site: Site, wanted: string, ...known: Deployed[]): Promise<void> {
    const found = await site.serves(...known);
    expect(found === wanted, `${wanted} was to be served, and is not: ${found}`);
}

export async function deployed(site: Site, name = "a", changes: Changes = {}): Promise<Deployed> {
    const declared = site.declare(name, changes);
    succeeded(await site.deploy(declared), "deployed");
    return declared;
}
