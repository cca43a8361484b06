/** What the demo tells of Pulumi's work, and how a person plays with it: on a stack that says what it is told to. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import type { EngineEvent, OutputMap, Stack } from "@pulumi/pulumi/automation";
import { Steps } from "../../../cli/shared/interrupt";
import { setUpDesk } from "../../../testbed/demo/desk";
import { changesInWords, Listener, OutputLog } from "../../../testbed/demo/engine";
import { play } from "../../../testbed/demo/play";
import { Show } from "../../../testbed/demo/show";
import type { Site } from "../../../testbed/site";
import type { ScratchStack } from "../../../testbed/site/scratchStack";

const folder = mkdtempSync(join(tmpdir(), "zot-hardening-demo-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Severity = "info" | "warning" | "error" | "info#err";
const says = (message: string, severity: Severity = "info", ephemeral = false): EngineEvent =>
    ({ sequence: 0, timestamp: 0, diagnosticEvent: { message, severity, ephemeral, color: "never" } }) as EngineEvent;
const ends = (resourceChanges: Record<string, number>): EngineEvent =>
    ({ sequence: 0, timestamp: 0, summaryEvent: { resourceChanges } }) as EngineEvent;

describe("what is told of an operation", () => {
    test("each message once, warnings first, without colours; what the stand-ins say of themselves is left out", () => {
        const listener = new Listener();
        for (const event of [
            says("Two lines:\n  of one message\n"),
            says("<{%fg 3%}>Rights widen<{%reset%}>\n", "warning"),
            says("Two lines:\n  of one message"),
            says("still at work", "info", true),
            says("Commands on hosts are run by the test bed's stand-in for the command plugin 1.2.1."),
            says("  \n"),
            ends({ create: 2, same: 17 }),
        ])
            listener.onEvent(event);
        expect(listener.told()).toEqual({
            messages: ["Rights widen", "Two lines:\n  of one message"],
            mistakes: [],
            changes: { create: 2 },
        });
    });

    test("a mistake is told once, without what the engine puts around it", () => {
        const listener = new Listener();
        const mistake = 'There is a mistake in the settings:\n  - access.ci: "x" is not allowed.';
        for (const event of [
            says(mistake, "error"),
            says(`Running program 'x' failed with an unhandled exception:\n${mistake}`, "error"),
            says(`error: ${mistake}`, "error"),
            says("preview failed", "error"),
        ])
            listener.onEvent(event);
        expect(listener.told().mistakes).toEqual([mistake]);
    });

    test.each<[changes: Record<string, number>, isDone: boolean, words: string]>([
        [{ create: 18 }, false, "18 to create"],
        [{ create: 1, update: 2, delete: 3 }, true, "1 created, 2 updated, 3 deleted"],
        [{}, false, "nothing changes"],
        [{ refresh: 3 }, true, "nothing changes"],
    ])("%j", (changes, isDone, words) => expect(changesInWords(changes, isDone)).toBe(words));
});

describe("playing", () => {
    /** Types lines, each once the answer to the one before is there. */
    async function played(lines: string[], work: (operation: string) => EngineEvent[]): Promise<[string[], string]> {
        const called: string[] = [];
        const operation = (name: string) => async (options: { onEvent(event: EngineEvent): void }) => {
            called.push(name);
            for (const event of work(name)) options.onEvent(event);
            return { outputs: { accessMatrix: { value: { "**": { anonymous: "read" } }, secret: false } } };
        };
        const stack = { preview: operation("preview"), up: operation("up") } as unknown as Stack;
        const said: string[] = [];
        const show = new Show(false, new Steps());
        show.say = (text = "") => void said.push(text);
        const input = new PassThrough();
        const over = play(show, stack, new OutputLog(join(folder, "demo.log"), undefined), input);
        for (const line of lines) input.write(`${line}\n`);
        input.end();
        await over;
        return [called, said.join("\n")];
    }

    test('Enter previews, "y" applies and shows who may do what then; anything else is told what there is', async () => {
        const [called, text] = await played(["", "Y", "help"], (name) => [
            says("Rights on the registry widen", "warning"),
            ends({ update: 1, same: name === "up" ? 19 : 18 }),
        ]);
        expect(called).toEqual(["preview", "up"]);
        expect(text).toContain('  1 to update; "y" applies it');
        expect(text).toContain("  1 updated\n\n  repositories  who");
        expect(text.match(/Enter previews what is changed/g)).toHaveLength(2);
    });

    test("a mistake shows its message alone, and the demo goes on", async () => {
        const [called, text] = await played(["", ""], () => [says("access.ci: give true or false", "error")]);
        expect(called).toEqual(["preview", "preview"]);
        expect(text).toContain("  access.ci: give true or false\nNothing is changed. Mend it, and press Enter again.");
        expect(text).not.toContain("applies it\n  ");
        expect(text).not.toMatch(/^\s+at /m);
    });

    test("where nothing was changed, nothing is offered", async () => {
        const [, text] = await played([""], () => [ends({ same: 20 })]);
        expect(text).toMatch(/nothing changes$/);
    });
});

test("the file to source leads into the stack's folder, with its passphrase and CI's key, for nobody else to read", async () => {
    const project = join(folder, "project's");
    mkdirSync(project);
    const passwords: Record<string, string> = {};
    const site = {
        folder,
        registryUrl: "http://127.0.0.1:5000",
        authentik: {
            url: "http://127.0.0.1:9000",
            adminUser: "an-admin",
            plainUser: "a-user",
            setPassword: async (user: string, password: string) => void (passwords[user] = password),
        },
    } as unknown as Site;
    const scratch = {
        folder: project,
        environment: { PULUMI_CONFIG_PASSPHRASE: "it's", NO_COLOR: "1" },
        toolchain: { bin: "/opt/bin", pulumi: { languageHost: false } },
    } as unknown as ScratchStack;
    const output = (value: string) => ({ value, secret: false });
    const outputs = { ciUserName: output("zot-ci"), ciApiKey: output("zak_1") } as OutputMap;
    const { lines } = await setUpDesk(site, scratch, outputs, join(__dirname, "../../.."), true);
    const text = lines.join("\n");
    for (const part of ["zot-ci", "zak_1", "an-admin", passwords["an-admin"]!, passwords["a-user"]!])
        expect(text).toContain(part);
    // Without a language host the CLI cannot run the program by itself; Enter can.
    expect(text).not.toContain("pulumi preview");

    const file = join(folder, "demo.sh");
    expect(text).toContain(`\n  . ${file}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const script = `. '${file}'; echo "$PWD|$PULUMI_CONFIG_PASSPHRASE|$REGISTRY|$CI_USER:$CI_KEY|\${NO_COLOR-none}"`;
    const env = { PATH: process.env.PATH };
    expect(execFileSync("sh", ["-c", script], { encoding: "utf8", env })).toBe(
        `${project}|it's|127.0.0.1:5000|zot-ci:zak_1|none\n`,
    );
    const { scripts } = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as {
        scripts: Record<string, string>;
    };
    expect(scripts.matrix).toMatch(/^node '\/.*\/build\/run\.cjs' cli\/matrix\.ts$/);
    expect(scripts.demo).toBeUndefined();
});
