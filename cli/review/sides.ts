/**
 * The two sides of a review: a folder with the files of one commit, and what its stacks render to.
 *
 * Each side is rendered by its own code, so a change of the code that makes the policy shows like a change of a
 * setting. That code runs in a separate process, with nothing of the caller's environment except the path to its
 * programs.
 *
 * Alternatively both sides are data: only the stack files of a commit are written, and the code that runs the review
 * reads them.
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
/** The largest size of a stack's file, in bytes. */
const LONGEST_FILE = 1 << 20;
/** A stack's name that is certainly just the name of a file. */
const STACK_NAME = /^[A-Za-z0-9._-]{1,100}$/;

/** One setting of a stack in its files; for a secret only whether it changed is visible. */
export interface SettingValue {
    shown: string;
    /** The complete value, for CI's further identities, which are longer than what is shown. */
    whole?: unknown;
    /** Equal for equal values. */
    fingerprint: string;
}

export interface StackSide {
    /** zot's config; undefined if `problem` says why there is none. */
    config?: ZotConfig;
    problem?: string;
    settings: Map<string, SettingValue>;
    /** What the stack's file has besides `config`, by key. */
    beside: Map<string, SettingValue>;
}

/** Names of the stacks whose settings are in a folder. */
export function stacksIn(folder: string): string[] {
    return existsSync(folder) ? stacksWithFile(folder).filter((stack) => STACK_NAME.test(stack)) : [];
}

/**
 * Whether a file in the project's folder belongs to a stack and is read by a review. The file to copy does not: a
 * change of it has to be read like one of code.
 */
export function isStackFile(file: string): boolean {
    const stack = /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? "";
    return STACK_NAME.test(stack) && stack !== EXAMPLE;
}

/**
 * Gives a commit's folder the packages that are installed in the checkout.
 *
 * @param place where the commit's files were written; the folder is below it
 * @throws UserError if the path to the folder leads elsewhere, by a link in the commit
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
    /** Files that are not read, with the reasons. */
    refused: Map<string, string>;
}

/**
 * Writes only the project's and the stacks' files of a commit into a folder; without a commit, those of the working
 * tree.
 *
 * @param into an existing, empty folder
 */
export function writeStackFiles(
    repository: Repository,
    commit: string | undefined,
    checkout: string,
    into: string,
): StackFiles {
    // The reader of the project's file refuses anything that replaces Pulumi.yaml.
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
 * The first argument by which a review starts itself to read possibly hostile files, in a separate process with a time
 * limit.
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
 * What a stack renders to with the code that runs this review. Equal files are read once, whichever side they are on.
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

/** In a separate process, because the files may be hostile. */
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

/**
 * What a stack renders to with the code in its folder; if that has no such command yet, with the code that runs now.
 */
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

/** Refuses anything but a file: a link in a commit may lead anywhere. */
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
        // Reported below.
    }
    return { problem: "npm run config printed something other than zot's config." };
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
 * Whether a name unknown to the declarations sounds like a secret: the last part of `package:group.name`, or all of it.
 */
const soundsSecret = (name: string) =>
    isSecretKey(name) ||
    isSecretKey(name.split(/[:.]/).at(-1)!) ||
    /token|passw|secret|privatekey|credential|headers/i.test(name);

/** Which of the keys besides `config` are hidden. */
const IS_HIDDEN: Readonly<Record<string, boolean>> = {
    encryptedkey: true,
    encryptionsalt: true,
    secretsprovider: false,
    environment: false,
};

/**
 * Every setting by name, including the project's defaults; those of other packages as `package:name`. And what the file
 * has besides settings.
 */
function settingsOf(folder: string, stack: string): Pick<StackSide, "settings" | "beside"> {
    // This also gives the messages about files that Pulumi would not accept.
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

/** Settings whose change is reported entry by entry. */
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
