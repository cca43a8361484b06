/** npm run demo: the whole way on loopback, from an open registry to a hardened one, seen step by step. */

import { createInterface } from "node:readline";
import { CommandError, type Stack } from "@pulumi/pulumi/automation";
import { FlowError } from "../../clients/authentik/flow";
import { UnreachableError } from "../../clients/http/failures";
import { RegistryClient } from "../../clients/zot/registry";
import { LoginError, ZotSession } from "../../clients/zot/session";
import { ACTIONS, type AccessMatrix } from "../../components/accessPolicy";
import { checkoutOf } from "../checkout";

import program = require("../../index");

import { command, EXIT, exitCodes, interruptedCodes, run } from "../../cli/shared/command";
import { onInterrupt, Steps } from "../../cli/shared/interrupt";
import { matrixTable } from "../../cli/shared/matrixText";
import { UserError } from "../../clients/userError";
import { type Site, startSite } from "../site";
import { createScratchStack, type ScratchStack, STACK } from "../site/scratchStack";

interface Step {
    name: string;
    expected: string | number;
    got: string | number;
    ok: boolean;
}

interface Options {
    json?: boolean;
    keep?: boolean;
}

const REPOSITORY = "demo/hello";

/** What a demo shows, and how it ends. */
class Demo {
    readonly steps: Step[] = [];
    readonly seconds: Record<string, number> = {};

    constructor(
        private readonly json: boolean,
        private readonly underWay: Steps,
    ) {}

    say(text = ""): void {
        // With --json, standard output holds the one object and nothing else.
        (this.json ? process.stderr : process.stdout).write(`${text}\n`);
    }

    heading(text: string): void {
        this.say(`\n== ${text}`);
    }

    async timed<T>(name: string, work: () => Promise<T>): Promise<T> {
        const started = performance.now();
        try {
            return await this.underWay.run(work);
        } finally {
            this.seconds[name] = Math.round((performance.now() - started) / 10) / 100;
        }
    }

    step(name: string, expected: Step["expected"], got: Step["got"]): void {
        const ok = expected === got;
        this.steps.push({ name, expected, got, ok });
        this.say(`  ${ok ? "ok  " : "FAIL"}  ${name}: ${got}${ok ? "" : ` instead of ${expected}`}`);
    }

    get ok(): boolean {
        return this.steps.length > 0 && this.steps.every((step) => step.ok);
    }
}

async function demo({ json = false, keep = false }: Options): Promise<void> {
    const steps = new Steps();
    const show = new Demo(json, steps);
    const started = performance.now();
    let site: Site | undefined;
    let declared: Stack | undefined;
    const destroy = async () => {
        const stack = declared;
        declared = undefined;
        await stack?.destroy({ color: "never" });
    };
    const stopSite = async () => {
        const running = site;
        site = undefined;
        // What was declared in a real Authentik goes, also when a step failed.
        if (running?.parts.some((part) => part.name === "Authentik" && part.kind === "real"))
            await destroy().catch(() => undefined);
        await running?.stop();
    };
    const interrupts = onInterrupt(async () => {
        process.stderr.write("\nStopping, once what is under way has ended …\n");
        await steps.interrupt();
        await stopSite();
    });
    try {
        show.heading("A site on loopback, with an open registry");
        site = await show.timed("site", async () => (site = await startSite()));
        const scratch = await show.timed("stack", () => createScratchStack(site!, checkoutOf(__dirname), program));
        const parts = partsOf(site, scratch);
        for (const part of parts) show.say(`  ${part.name.padEnd(16)} ${part.kind.padEnd(22)} ${part.detail}`);
        await walkOpen(show, site);

        show.heading("pulumi preview");
        await show.timed("preview", () =>
            scratch.stack.preview({ onOutput: (text) => show.say(text.trimEnd()), color: "never" }),
        );

        declared = scratch.stack;
        show.heading("pulumi up");
        const up = await show.timed("up", () =>
            scratch.stack.up({ onOutput: (text) => show.say(text.trimEnd()), color: "never" }),
        );
        show.heading("Outputs");
        for (const [name, output] of Object.entries(up.outputs)) {
            if (name !== "accessMatrix")
                show.say(`  ${name}: ${output.secret ? "[secret]" : JSON.stringify(output.value)}`);
        }
        show.heading("Who may do what");
        show.say(matrixTable(matrixOf(up.outputs.accessMatrix!.value as Record<string, Record<string, string>>)));

        show.heading("The tiers, over HTTP");
        const ci = { username: up.outputs.ciUserName!.value as string, key: up.outputs.ciApiKey!.value as string };
        await show.timed("tiers", () => walkTiers(show, site!, ci));

        show.heading("pulumi up, again");
        show.step("changes of a second up", 0, await show.timed("secondUp", () => changesOfUp(scratch.stack)));

        if (keep && !json) await keepRunning(show, site, scratch);

        show.heading("pulumi destroy");
        await show.timed("destroy", () => destroy());
        await walkAfterDestroy(show, site);
        show.seconds.total = Math.round((performance.now() - started) / 10) / 100;
        if (json)
            process.stdout.write(`${JSON.stringify({ parts, steps: show.steps, seconds: show.seconds }, null, 2)}\n`);
        else
            show.say(
                `\n${show.steps.filter((step) => step.ok).length} of ${show.steps.length} steps as expected, ` +
                    `in ${show.seconds.total} seconds.`,
            );
    } catch (error) {
        throw toldAs(error);
    } finally {
        await stopSite();
        interrupts.forget();
    }
    process.exitCode = show.ok ? EXIT.done : EXIT.mistake;
}

/** What failed outside this command is told in its own words, without a stack trace. */
function toldAs(error: unknown): unknown {
    if (error instanceof CommandError) return new UserError("pulumi ended with an error, which is printed above.");
    if (error instanceof LoginError || error instanceof FlowError || error instanceof UnreachableError)
        return new UserError(error.message);
    return error;
}

/** The matrix of the stack's output, whose cells are text. */
function matrixOf(output: Record<string, Record<string, string>>): AccessMatrix {
    const actionsIn = (cell: string) => ACTIONS.filter((action) => cell.split(", ").includes(action));
    return Object.fromEntries(
        Object.entries(output).map(([pattern, rights]) => [
            pattern,
            Object.fromEntries(Object.entries(rights).map(([who, cell]) => [who, actionsIn(cell)])),
        ]),
    );
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

async function walkOpen(show: Demo, site: Site): Promise<void> {
    const anyone = new RegistryClient(site.registryUrl);
    show.step("before: anyone pushes a tag", 201, await anyone.push(REPOSITORY, "v1.0.0", "first"));
    show.step("before: anyone overwrites it", 201, await anyone.push(REPOSITORY, "v1.0.0", "second"));
}

async function walkTiers(show: Demo, site: Site, credentials: { username: string; key: string }): Promise<void> {
    const anyone = new RegistryClient(site.registryUrl);
    show.step("anyone pulls", 200, await anyone.pull(REPOSITORY, "v1.0.0"));
    show.step("anyone pushes", 401, await anyone.push(REPOSITORY, "v1.1.0", "anonymous"));

    const ci = new RegistryClient(site.registryUrl, credentials);
    show.step(
        "CI pushes a new tag, with the key of the stack's output",
        201,
        await ci.push(REPOSITORY, "v1.1.0", "by CI"),
    );
    show.step("CI overwrites it", 403, await ci.push(REPOSITORY, "v1.1.0", "by CI, again"));
    show.step("CI pushes the very same again", 403, await ci.push(REPOSITORY, "v1.1.0", "by CI"));
    show.step("CI deletes it", 403, await ci.delete(REPOSITORY, "v1.1.0"));
    await asUser(site, site.authentik.adminUser, async (admin) => {
        show.step("an admin overwrites it", 403, await admin.push(REPOSITORY, "v1.1.0", "by an admin"));
        show.step("an admin deletes it", 202, await admin.delete(REPOSITORY, "v1.1.0"));
    });
}

async function walkAfterDestroy(show: Demo, site: Site): Promise<void> {
    const anyone = new RegistryClient(site.registryUrl);
    show.step("what is left: anyone pulls", 200, await anyone.pull(REPOSITORY, "v1.0.0"));
    show.step("what is left: nobody pushes", 401, await anyone.push(REPOSITORY, "v1.2.0", "anonymous"));
}

/** Logs in as a user through Authentik, works with a key of a few minutes, and revokes it. */
async function asUser(site: Site, username: string, work: (registry: RegistryClient) => Promise<void>): Promise<void> {
    const session = await ZotSession.login(
        site.registryUrl,
        { username, password: await site.authentik.appPassword(username) },
        { identityProvider: [site.issuer] },
    );
    try {
        const { key, record } = await session.createApiKey("demo", new Date(Date.now() + 5 * 60_000));
        await work(new RegistryClient(site.registryUrl, { username, key }));
        await session.revokeApiKey(record.uuid);
    } finally {
        await session.end();
    }
}

async function changesOfUp(stack: Stack): Promise<number> {
    const { summary } = await stack.up({ color: "never" });
    return Object.entries(summary.resourceChanges ?? {}).reduce(
        (sum, [operation, count]) => (operation === "same" ? sum : sum + (count ?? 0)),
        0,
    );
}

/** Leaves everything running until the person has seen enough; Enter applies what was changed in the stack's file. */
async function keepRunning(show: Demo, site: Site, scratch: ScratchStack): Promise<void> {
    show.heading("Kept running");
    show.say(`  registry   ${site.registryUrl}`);
    show.say(
        `  Authentik  ${site.authentik.url}   logins ${site.authentik.adminUser} (admins) and ` +
            `${site.authentik.plainUser} (no group)`,
    );
    show.say(
        `  host       ssh -i KEY -p ${site.ssh.port} ${site.ssh.user}@127.0.0.1   with the key in ` +
            `${site.ssh.privateKeyFile}`,
    );
    show.say(`  settings   ${scratch.folder}/Pulumi.${STACK}.yaml`);
    show.say(
        "\nChange a setting there, for example adminsMayUpdate: " +
            "true under zot-hardening:access, and press Enter: pulumi up runs again.",
    );
    show.say("Ctrl-C, or the end of the input, stops everything and removes it.");
    for await (const _line of createInterface({ input: process.stdin })) {
        try {
            const up = await show.timed("up", () =>
                scratch.stack.up({ onOutput: (text) => show.say(text.trimEnd()), color: "never" }),
            );
            show.say(matrixTable(matrixOf(up.outputs.accessMatrix!.value as Record<string, Record<string, string>>)));
        } catch (error) {
            show.say((error as Error).message);
        }
    }
}

const demoCommand = command(
    "npm run demo --",
    "Hardens an open registry on loopback with pulumi up, and shows who may then do what.",
    "npm run demo -- --keep",
)
    .option("--json", "end with one JSON object: parts, steps, seconds; all else goes to standard error")
    .option("--keep", "leave everything running to be explored, until Ctrl-C")
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
