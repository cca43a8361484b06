/**
 * npm run pictures: docs/pictures/preview.svg, of a real `pulumi preview` on a site on loopback that is hardened, and
 * whose CI is to get more rights.
 * What differs from run to run (ports, folders, what was only now being read) is left out or replaced, so that a run
 * without a change changes nothing.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkoutOf } from "../checkout";

import program = require("../../index");

import { command, exitCodes, interruptedCodes, run } from "../../cli/shared/command";
import { UserError } from "../../clients/userError";
import { readToolchain } from "../bootstrap/toolchain.cjs";
import { plain, terminalPicture } from "../pictures/terminal";
import { onScratchSite, STACK } from "../site/scratchStack";

async function pictures(): Promise<void> {
    const root = checkoutOf(__dirname);
    // Inline programs print what they log beside the preview.
    if (!readToolchain().pulumi.languageHost)
        throw new UserError(
            "The picture is taken of the ordinary CLI, whose language host for Node is not there: " +
                "install Pulumi, and have it on the PATH.",
        );
    await onScratchSite(root, program, async ({ scratch, step, up }) => {
        scratch.changeSettings({
            access: { ciRepositories: ["team/**"] },
            zot: { mirrors: [{ url: "https://ghcr.io", prefix: "ghcr.io" }] },
        });
        process.stderr.write("pulumi up, so that there is something to compare with\n");
        await up();
        scratch.changeSettings({ access: { ciRepositories: ["team/**", "tools/**"] } });
        const { stdout, stderr, code } = await step(() =>
            scratch.pulumi(["preview", "--stack", STACK, "--color", "always", "--non-interactive"]),
        );
        if (code !== 0) throw new UserError(`The preview failed:\n${plain(stdout)}${plain(stderr)}`);
        const file = join(root, "docs", "pictures", "preview.svg");
        mkdirSync(join(root, "docs", "pictures"), { recursive: true });
        writeFileSync(
            file,
            terminalPicture(
                ["$ pulumi preview --stack prod", ...shownLines(stdout)],
                "A pulumi preview that says which rights a change gives, and what differs in the access matrix",
            ),
        );
        process.stderr.write(`${file} is written.\n`);
    });
}

/** The lines that say something of the change: the steps that change something, what is told, and the access matrix. */
function shownLines(text: string): string[] {
    const lines = text.split("\n").map((line) => line.trimEnd().replaceAll(STACK, "prod"));
    const from = (start: RegExp, end: RegExp) => {
        const first = lines.findIndex((line) => start.test(plain(line)));
        const after = lines.findIndex((line, index) => index > first && end.test(plain(line)));
        return first < 0 ? [] : lines.slice(first, after < 0 ? undefined : after);
    };
    const steps = lines
        .filter((line) => /^ *[-+~]+ .*\b(update|create|delete|replace)\b.*\[diff/.test(plain(line)))
        .map((line) => line.replace(/\]; .*$/, "]"));
    // Their paths and hashes are this run's.
    const matrix = from(/^Outputs:/, /^ *~ zotConfig/);
    // What the test bed says of itself is no part of a site's preview.
    const [heading, ...told] = from(/^Diagnostics:/, /^Outputs:/);
    const diagnostics = told
        .join("\n")
        .split(/\n\s*\n/)
        .filter((part) => part.trim() !== "" && !/stand-in/.test(part))
        .flatMap((part) => part.split("\n"));
    return [
        "Previewing update (prod):",
        ...new Set(steps),
        "",
        heading ?? "",
        ...diagnostics,
        "",
        ...matrix,
        "",
        ...from(/^Resources:/, /^$/),
    ];
}

const picturesCommand = command(
    "npm run pictures",
    "Takes docs/pictures/preview.svg of a real preview on a site on loopback, after a change of what is shown.",
    "npm run pictures",
)
    .addHelpText("after", exitCodes("done", "it could not be done", undefined, interruptedCodes(", and cleared up")))
    .action(pictures);
void run(picturesCommand);
