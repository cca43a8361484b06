/** npm run demo: the whole way on loopback, from an open registry to a hardened one, seen step by step. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Option } from "commander";
import { checkoutOf } from "../checkout";

import program = require("../../index");

import { command, EXIT, exitCodes, interruptedCodes, run } from "../../cli/shared/command";
import { Steps } from "../../cli/shared/interrupt";
import { matrixTable } from "../../cli/shared/matrixText";
import { stackFromFile } from "../../cli/shared/stack";
import { FlowError } from "../../clients/authentik/flow";
import { UnreachableError } from "../../clients/http/failures";
import { UserError } from "../../clients/userError";
import { LoginError } from "../../clients/zot/session";
import { binaryTypeIn, lacksOf } from "../../components/zotConfig";
import { setUpDesk } from "../demo/desk";
import { OutputLog } from "../demo/engine";
import { indented, mustOperate, operate } from "../demo/operation";
import { play } from "../demo/play";
import { Show } from "../demo/show";
import { walkAfterDestroy, walkOpen, walkTiers } from "../demo/tiers";
import { type Site, startSite } from "../site";
import { createScratchStack, type ScratchStack, STACK, takenDown } from "../site/scratchStack";

interface Options {
    authentik?: "container";
    json?: boolean;
    keep?: boolean;
    verbose?: boolean;
}

async function demo({ authentik, json = false, keep = false, verbose = false }: Options): Promise<void> {
    const steps = new Steps();
    const show = new Show(json, steps);
    const checkout = checkoutOf(__dirname);
    const log = outputLog(checkout, verbose ? (text) => show.say(text.trimEnd()) : undefined);
    const started = performance.now();
    const made = takenDown(steps);
    try {
        show.heading("A site on loopback, with an open registry");
        const site = await show.timed("site", async () => (made.site = await startSite({ authentik })));
        const scratch = await show.timed("stack", () => createScratchStack(site, checkout, program));
        const parts = partsOf(site, scratch);
        for (const part of parts) show.say(`  ${part.name.padEnd(16)} ${part.kind.padEnd(22)} ${part.detail}`);
        await walkOpen(show, site);

        show.heading("Who will be able to do what: npm run matrix");
        const hasPage = hasWebInterface(site);
        if (hasPage) scratch.changeSettings({ zot: { search: true, userInterface: true } });
        show.say(indented(matrixTable(stackFromFile(STACK, scratch.folder).matrix)));

        show.heading("What would change: pulumi preview");
        await mustOperate(show, scratch.stack, "preview", log);
        made.stack = scratch.stack;
        show.heading("It is put into force: pulumi up");
        const { outputs } = await mustOperate(show, scratch.stack, "up", log);

        show.heading("The tiers, over HTTP");
        const ci = { username: outputs.ciUserName!.value as string, key: outputs.ciApiKey!.value as string };
        await show.timed("tiers", () => walkTiers(show, site, ci));
        show.step("changes of a second pulumi up", 0, await show.timed("secondUp", () => changesOfUp(scratch, log)));

        if (keep && !json) {
            show.heading("It runs, and is yours to play with");
            const desk = await show.timed("desk", () => setUpDesk(site, scratch, outputs, checkout, hasPage));
            show.say(desk.lines.join("\n"));
            await play(show, scratch.stack, log);
        }

        show.heading("It is taken back: pulumi destroy");
        await mustOperate(show, scratch.stack, "destroy", log);
        made.stack = undefined;
        await walkAfterDestroy(show, site);
        show.seconds.total = Math.round((performance.now() - started) / 10) / 100;
        if (json)
            process.stdout.write(`${JSON.stringify({ parts, steps: show.steps, seconds: show.seconds }, null, 2)}\n`);
        else show.say(closing(show, keep, log));
    } catch (error) {
        throw toldAs(error);
    } finally {
        await made.end();
    }
    process.exitCode = show.ok ? EXIT.done : EXIT.mistake;
}

function closing({ steps, seconds }: Show, keep: boolean, { file }: OutputLog): string {
    const asExpected = steps.filter((step) => step.ok).length;
    const next = [
        ...(keep
            ? []
            : [["npm run demo -- --keep", "leaves it running: log in, push, change the policy, see the preview"]]),
        ["npm run setup", "the same for a registry of yours, by a few questions; it ends with a preview"],
        ["README.md", "what it needs, what it changes, how to undo it"],
    ] as const;
    return [
        "",
        `${asExpected} of ${steps.length} steps as expected, in ${seconds.total} seconds.`,
        `What Pulumi printed meanwhile: ${file} (--verbose shows it)`,
        "",
        "Next:",
        ...next.map(([what, why]) => `  ${what.padEnd(24)} ${why}`),
    ].join("\n");
}

/** A file that outlives the demo, and is written anew by the next. */
function outputLog(checkout: string, shown: ((text: string) => void) | undefined): OutputLog {
    const folder = join(checkout, "node_modules", ".cache", "zot-hardening");
    mkdirSync(folder, { recursive: true });
    return new OutputLog(join(folder, "demo.log"), shown);
}

/** Whether the zot can show a browser who is logged in. */
function hasWebInterface({ settings }: Site): boolean {
    const { stdout, stderr } = spawnSync(String(settings.zot!.binary), ["--version"], { encoding: "utf8" });
    return !lacksOf(binaryTypeIn(`${stdout}${stderr}`)).some((lack) => lack.settings.includes("zot.userInterface"));
}

/** A failure outside this command is reported in its own words, without a stack trace. */
function toldAs(error: unknown): unknown {
    if (error instanceof LoginError || error instanceof FlowError || error instanceof UnreachableError)
        return new UserError(error.message);
    return error;
}

function partsOf(site: Site, { toolchain }: ScratchStack): { name: string; kind: string; detail: string }[] {
    return [
        ...site.parts.map(({ name, kind, detail }) => ({ name: name as string, kind: kind as string, detail })),
        { name: "Pulumi CLI", kind: toolchain.pulumi.kind, detail: toolchain.pulumi.version },
        ...Object.values(toolchain.plugins).map((plugin) => ({
            name: `plugin ${plugin.name}`,
            kind: plugin.kind,
            detail: plugin.version,
        })),
    ];
}

async function changesOfUp({ stack }: ScratchStack, log: OutputLog): Promise<number> {
    const { changes, mistakes } = await operate(stack, "up", log);
    if (mistakes.length > 0) throw new UserError(mistakes.join("\n"));
    return Object.values(changes).reduce((sum, count) => sum + count, 0);
}

const demoCommand = command(
    "npm run demo --",
    "Hardens an open registry on loopback with pulumi up, and shows who may then do what.",
    "npm run demo -- --keep",
)
    .addOption(
        new Option(
            "--authentik <kind>",
            "container: the official Authentik, by docker or podman with compose (AUTHENTIK_TAG is its version)",
        ).choices(["container"]),
    )
    .option("--json", "end with one JSON object: parts, steps, seconds; all else goes to standard error")
    .option("--keep", "leave everything running to be played with, until Ctrl-C")
    .option("--verbose", "show what Pulumi prints, which otherwise goes to a file")
    .addHelpText(
        "after",
        exitCodes(
            "every step as expected",
            "a step not as expected, or not to be carried out",
            undefined,
            interruptedCodes(", and cleared up"),
        ),
    )
    .action(demo);
void run(demoCommand);
