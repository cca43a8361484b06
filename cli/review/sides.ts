/**
 * The two sides of a review: a folder with the files of one commit, and what each of its stacks comes to.
 *
 * A side is rendered by its own code, so that a change of the code that makes the policy is seen like a change of a
 * setting.
 * That code runs in a process of its own, with nothing of the caller's environment but the path to its programs.
 *
 * Or both are data: of a commit its stack files alone are written, and the code that runs the review reads them.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
    existsSync,
    lstatSync,
    readdirSync,
    readFileSync,
    realpathSync,
    rmSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { UserError } from "../../clients/userError";
import { declaredState } from "../../components/declaredState";
import { allSettings, isMap, isSecretKey, SettingsError, shown, withoutSecretsIn } from "../../components/settings";
import {
    EXAMPLE,
    readProject,
    readStack,
    StackFileError,
    settingsFromStackFile,
    stacksWithFile,
} from "../../components/settings/fromStackFile";
import type { ZotConfig } from "../../components/zotConfig";
import { throwIfInterrupted } from "../shared/interrupt";
import { contentOf, entriesOf, type Repository } from "./git";

/** How long the rendering of one stack may take. In milliseconds. */
const TIME_LIMIT = 120_000;
/** What a stack's file may be long. In bytes. */
const LONGEST_FILE = 1 << 20;
/** What a stack may be called, so that its name is a file's and nothing else. */
const STACK_NAME = /^[A-Za-z0-9._-]{1,100}$/;

/** One setting of a stack as its files have it; a secret shows only whether it is another one. */
export interface SettingValue {
    shown: string;
    /** All of it, of further identities of CI, which are longer than what is shown. */
    whole?: unknown;
    /** Two values are the same where this is. */
    fingerprint: string;
}

export interface StackSide {
    /** zot's config; undefined where `problem` says why there is none. */
    config?: ZotConfig;
    problem?: string;
    settings: Map<string, SettingValue>;
    /** What the stack's file has beside `config`, by its key. */
    beside: Map<string, SettingValue>;
}

/** Names of the stacks whose settings are in a folder. */
export function stacksIn(folder: string): string[] {
    return existsSync(folder) ? stacksWithFile(folder).filter((stack) => STACK_NAME.test(stack)) : [];
}

/**
 * Whether a file of the project's folder is a stack's, which a review reads. The one to copy is none: a change of it
 * has to be read like one of code.
 */
export function isStackFile(file: string): boolean {
    const stack = /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? "";
    return STACK_NAME.test(stack) && stack !== EXAMPLE;
}

/**
 * Gives a commit's folder the packages that are installed in the checkout.
 *
 * @param place where the commit's files were written; its folder is below
 * @throws UserError where the way to the folder leads elsewhere, by a link that the commit has
 */
export function linkPackages(checkout: string, place: string, prefix: string): void {
    const installed = join(checkout, "node_modules");
    if (!existsSync(installed))
        throw new UserError(`The project's packages are not installed. In ${checkout} run: npm ci`);
    const folder = join(place, prefix);
    if (!lstatSync(folder, { throwIfNoEntry: false })) return;
    if (realpathSync(folder) !== join(realpathSync(place), prefix).replace(/\/$/, ""))
        throw new UserError(`The project's folder ${prefix} of the commit is a link, or below one, and is not read.`);
    const packages = join(folder, "node_modules");
    rmSync(packages, { recursive: true, force: true });
    symlinkSync(installed, packages, "dir");
}

/** The stack files of a side as data. */
export interface StackFiles {
    stacks: string[];
    /** Files that are not read, and why. */
    refused: Map<string, string>;
}

/**
 * Writes the project's and the stacks' files of a commit into a folder, and nothing else of it; of the working tree,
 * where there is no commit.
 *
 * @param into a folder that is there, and empty
 */
export function writeStackFiles(
    repository: Repository,
    commit: string | undefined,
    checkout: string,
    into: string,
): StackFiles {
    // What stands in the place of Pulumi.yaml is refused by whoever reads the project's file.
    const ofProject = ["Pulumi.yaml", "Pulumi.json"];
    const wanted = (name: string) => ofProject.includes(name) || isStackFile(name);
    const refused = new Map<string, string>();
    const found =
        commit !== undefined
            ? entriesOf(repository, commit).map(({ name, mode, object, size }) => ({
                  name,
                  isFile: mode.startsWith("100"),
                  size: size ?? 0,
                  read: () => contentOf(repository, object),
              }))
            : readdirSync(checkout).map((name) => {
                  const status = lstatSync(join(checkout, name));
                  return {
                      name,
                      isFile: status.isFile(),
                      size: status.size,
                      read: () => readFileSync(join(checkout, name)),
                  };
              });
    const stacks: string[] = [];
    for (const { name, isFile, size, read } of found.filter((entry) => wanted(entry.name))) {
        if (!ofProject.includes(name)) stacks.push(name.slice("Pulumi.".length, -".yaml".length));
        if (!isFile) refused.set(name, `${name} is not a plain file, and is not read.`);
        else if (size > LONGEST_FILE)
            refused.set(name, `${name} is longer than ${LONGEST_FILE / 1024} KiB, and is not read.`);
        else writeFileSync(join(into, name), read(), { flag: "wx" });
    }
    return { stacks: stacks.sort(), refused };
}

/**
 * The first arguments by which a review starts itself to read what may be hostile, in a process of its own with an end.
 */
export const READ_DATA = "read-stack-files";

/** What {@link READ_DATA} prints. */
export function dataAsJson(folder: string, stack: string): string {
    const { config, problem, settings, beside } = sideOf(folder, stack, folder);
    return JSON.stringify({ config, problem, settings: [...settings], beside: [...beside] });
}

const nothing = (problem: string): StackSide => ({ settings: new Map(), beside: new Map(), problem });

/** What was read, by the names and the content of the files. */
const read = new Map<string, StackSide>();

/**
 * What a stack comes to by the code that runs this review. The same files are read once, on whichever side they are.
 *
 * @param program the file of that code
 */
export function dataSide(program: string, { refused }: StackFiles, folder: string, stack: string): StackSide {
    const files = ["Pulumi.yaml", "Pulumi.json", `Pulumi.${stack}.yaml`];
    const why = files.flatMap((file) => refused.get(file) ?? [])[0];
    if (why !== undefined) return nothing(why);
    const content = JSON.stringify(
        files.map((name) => {
            const file = join(folder, name);
            return [name, existsSync(file) ? readFileSync(file, "base64") : null];
        }),
    );
    const side = read.get(content) ?? readApart(program, folder, stack);
    read.set(content, side);
    return side;
}

/** In a process of its own, since what it reads may be hostile. */
function readApart(program: string, folder: string, stack: string): StackSide {
    const { status, signal, stdout, stderr, error } = spawnSync(
        process.execPath,
        ["--max-old-space-size=1024", program, READ_DATA, folder, stack],
        {
            cwd: folder,
            encoding: "utf8",
            timeout: TIME_LIMIT,
            killSignal: "SIGKILL",
            maxBuffer: 1 << 26,
            env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder, NO_COLOR: "1" },
        },
    );
    throwIfInterrupted({ signal });
    if (status !== 0)
        return nothing(
            "Its files could not be read " +
                `(${error?.message ?? signal ?? `exit code ${status}`})${stderr.trim() ? `: ${stderr.trim().split("\n").at(-1)}` : ""}`,
        );
    const { config, problem, settings, beside } = JSON.parse(stdout) as {
        config?: ZotConfig;
        problem?: string;
        settings: [string, SettingValue][];
        beside: [string, SettingValue][];
    };
    return {
        config,
        problem: problem?.replaceAll(`${folder}/`, ""),
        settings: new Map(settings),
        beside: new Map(beside),
    };
}

/** What a stack comes to by the code in its folder; where that has no such command yet, by the code that runs now. */
export function sideOf(folder: string, stack: string, home: string): StackSide {
    try {
        for (const file of ["Pulumi.yaml", `Pulumi.${stack}.yaml`]) requireFile(join(folder, file));
        const found = settingsOf(folder, stack);
        return {
            ...found,
            ...(hasOwnCode(folder) ? renderedByItself(folder, stack, home) : renderedHere(folder, stack)),
        };
    } catch (error) {
        if (error instanceof StackFileError) return { settings: new Map(), beside: new Map(), problem: error.message };
        throw error;
    }
}

/** Whether the folder's code can render its own stacks. */
export const hasOwnCode = (folder: string): boolean =>
    ["build/run.cjs", "cli/config.ts"].every((file) => existsSync(join(folder, file)));

/** A link in a commit may lead anywhere. */
function requireFile(file: string): void {
    const status = lstatSync(file, { throwIfNoEntry: false });
    if (status && !status.isFile()) throw new StackFileError(`${file} is not a plain file, and is not read.`);
}

function renderedByItself(folder: string, stack: string, home: string): Pick<StackSide, "config" | "problem"> {
    const { status, signal, stdout, stderr, error } = spawnSync(
        process.execPath,
        [join(folder, "build", "run.cjs"), "cli/config.ts", "--stack", stack],
        {
            cwd: folder,
            encoding: "utf8",
            timeout: TIME_LIMIT,
            killSignal: "SIGKILL",
            maxBuffer: 1 << 26,
            env: { PATH: process.env.PATH, HOME: home, TMPDIR: home, NO_COLOR: "1" },
        },
    );
    throwIfInterrupted({ signal });
    const said = stderr.trim().replaceAll(`${folder}/`, "");
    if (status === 1 && said !== "") return { problem: said };
    if (status !== 0)
        return {
            problem:
                `${said ? `${said}\n` : ""}(npm run config ended with ` +
                `${signal ?? error?.message ?? `exit code ${status}`})`,
        };
    try {
        const config = JSON.parse(stdout) as ZotConfig;
        if (isMap(config)) return { config };
    } catch {
        // Said below.
    }
    return { problem: "npm run config printed something else than zot's config." };
}

function renderedHere(folder: string, stack: string): Pick<StackSide, "config" | "problem"> {
    try {
        return { config: declaredState(settingsFromStackFile(folder, stack), `Pulumi.${stack}.yaml`).zotConfig() };
    } catch (error) {
        if (error instanceof SettingsError) return { problem: error.message };
        throw error;
    }
}

const DECLARED = new Map(allSettings().map(({ name, setting }) => [name, setting]));
/**
 * What a secret may be called where the declarations do not know it: the last part of `package:group.name`, or all of
 * it.
 */
const soundsSecret = (name: string) =>
    isSecretKey(name) ||
    isSecretKey(name.split(/[:.]/).at(-1)!) ||
    /token|passw|secret|privatekey|credential|headers/i.test(name);

/** Of the keys beside `config`, which are shown. */
const IS_HIDDEN: Readonly<Record<string, boolean>> = {
    encryptedkey: true,
    encryptionsalt: true,
    secretsprovider: false,
    environment: false,
};

/**
 * Every setting by name, the project's defaults among them; other packages' as `package:name`. And what the file has
 * beside them.
 */
function settingsOf(folder: string, stack: string): Pick<StackSide, "settings" | "beside"> {
    // Also for the messages about files that are none of Pulumi's.
    settingsFromStackFile(folder, stack);
    const project = readProject(folder);
    const found = new Map<string, SettingValue>();
    const add = (name: string, value: unknown) =>
        void (value === "" || found.has(name) || found.set(name, settingValue(name, value)));
    const { config, ...others } = readStack(folder, stack);
    for (const [key, value] of Object.entries((config ?? {}) as Record<string, unknown>)) {
        const own = `${String(project.name)}:`;
        const name = key.startsWith(own) ? key.slice(own.length) : key;
        if (isMap(value) && !isSecure(value))
            for (const [member, item] of Object.entries(value)) add(`${name}.${member}`, item);
        else add(name, value);
    }
    for (const [name, declared] of Object.entries(isMap(project.config) ? project.config : {}))
        add(name, isMap(declared) ? (declared.default ?? declared.value ?? "") : (declared ?? ""));
    const beside = new Map(
        Object.entries(others).map(
            ([key, value]) =>
                [key, settingValue(key, value, Object.hasOwn(IS_HIDDEN, key) ? IS_HIDDEN[key] : undefined)] as const,
        ),
    );
    return { settings: found, beside };
}

/** Settings whose change is told by what is in them, entry by entry. */
const WEIGHED_WHOLE = new Set(["ci.workloads", "host.members"]);

const isSecure = (value: Record<string, unknown>) =>
    typeof value.secure === "string" && Object.keys(value).length === 1;

function settingValue(name: string, value: unknown, isHidden?: boolean): SettingValue {
    const text = JSON.stringify(value) ?? "";
    const fingerprint = createHash("sha256").update(text).digest("hex");
    const isSecret =
        (isHidden ?? DECLARED.get(name)?.secret ?? (!DECLARED.has(name) && soundsSecret(name))) ||
        text.includes('"secure":');
    return {
        fingerprint,
        ...(WEIGHED_WHOLE.has(name) && !isSecret ? { whole: value } : {}),
        shown: isSecret
            ? "[secret]"
            : shown(DECLARED.has(name) && name !== "zot.extraConfig" ? value : withoutSecretsIn(value)),
    };
}
