/**
 * The two sides of a review: a folder with the files of one commit, and what each of its stacks comes to.
 *
 * A side is rendered by its own code, so that a change of the code that makes the policy is seen like a change of a setting.
 * That code runs in a process of its own, with nothing of the caller's environment but the path to its programs.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, lstatSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { declaredState } from "../../components/declaredState";
import { allSettings, isMap, SettingsError, shown } from "../../components/settings";
import { settingsFromStackFile, StackFileError, stacksWithFile } from "../../components/settings/fromStackFile";
import type { ZotConfig } from "../../components/zotConfig";
import { UserError } from "../shared/command";
import { heedSignalOf } from "../shared/interrupt";

/** How long the rendering of one stack may take. In milliseconds. */
const TIME_LIMIT = 120_000;

/** One setting of a stack as its files have it; a secret shows only whether it is another one. */
export interface SettingValue {
    shown: string;
    /** Two values are the same where this is. */
    identity: string;
}

export interface StackSide {
    /** zot's config; undefined where `problem` says why there is none. */
    config?: ZotConfig;
    problem?: string;
    settings: Map<string, SettingValue>;
}

/** Names of the stacks whose settings are in a folder. */
export function stacksIn(folder: string): string[] {
    return existsSync(folder) ? stacksWithFile(folder).filter((stack) => /^[A-Za-z0-9._-]+$/.test(stack)) : [];
}

/** Gives a commit's folder the packages that are installed in the checkout. */
export function linkPackages(checkout: string, folder: string): void {
    const installed = join(checkout, "node_modules");
    if (!existsSync(installed)) throw new UserError(`The project's packages are not installed. In ${checkout} run: npm ci`);
    const place = join(folder, "node_modules");
    rmSync(place, { recursive: true, force: true });
    symlinkSync(installed, place, "dir");
}

/** What a stack comes to by the code in its folder; where that has no such command yet, by the code that runs now. */
export function sideOf(folder: string, stack: string, home: string): StackSide {
    try {
        for (const file of ["Pulumi.yaml", `Pulumi.${stack}.yaml`]) mustBeFile(join(folder, file));
        const settings = settingsOf(folder, stack);
        return { settings, ...(hasOwnCode(folder) ? renderedByItself(folder, stack, home) : renderedHere(folder, stack)) };
    } catch (error) {
        if (error instanceof StackFileError) return { settings: new Map(), problem: error.message };
        throw error;
    }
}

/** Whether the folder's code can render its own stacks. */
export const hasOwnCode = (folder: string): boolean => ["build/run.cjs", "cli/config.ts"].every((file) => existsSync(join(folder, file)));

/** A link in a commit may lead anywhere. */
function mustBeFile(file: string): void {
    const status = lstatSync(file, { throwIfNoEntry: false });
    if (status && !status.isFile()) throw new StackFileError(`${file} is not a plain file, and is not read.`);
}

function renderedByItself(folder: string, stack: string, home: string): Pick<StackSide, "config" | "problem"> {
    const { status, signal, stdout, stderr, error } = spawnSync(process.execPath, [join(folder, "build", "run.cjs"), "cli/config.ts", "--stack", stack], {
        cwd: folder,
        encoding: "utf8",
        timeout: TIME_LIMIT,
        maxBuffer: 1 << 26,
        env: { PATH: process.env.PATH, HOME: home, TMPDIR: home, NO_COLOR: "1" },
    });
    heedSignalOf({ signal });
    const said = stderr.trim().replaceAll(`${folder}/`, "");
    if (status === 1 && said !== "") return { problem: said };
    if (status !== 0) return { problem: `${said ? `${said}\n` : ""}(npm run config ended with ${signal ?? error?.message ?? `exit code ${status}`})` };
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
/** What a secret may be called where the declarations do not know it. */
const SOUNDS_SECRET = /token|passw|passphrase|secret|privatekey|credential|headers/i;

/** Every setting by name, the project's defaults among them; other packages' as `package:name`. */
function settingsOf(folder: string, stack: string): Map<string, SettingValue> {
    // Also for the messages about files that are none of Pulumi's.
    settingsFromStackFile(folder, stack);
    const read = (file: string) => (parse(readFileSync(join(folder, file), "utf8"), { prettyErrors: false, logLevel: "error" }) ?? {}) as Record<string, unknown>;
    const project = read("Pulumi.yaml");
    const found = new Map<string, SettingValue>();
    const add = (name: string, value: unknown) => void (value === "" || found.has(name) || found.set(name, settingValue(name, value)));
    for (const [key, value] of Object.entries((read(`Pulumi.${stack}.yaml`).config ?? {}) as Record<string, unknown>)) {
        const own = `${String(project.name)}:`;
        const name = key.startsWith(own) ? key.slice(own.length) : key;
        if (isMap(value) && !isSecure(value)) for (const [member, item] of Object.entries(value)) add(`${name}.${member}`, item);
        else add(name, value);
    }
    for (const [name, declared] of Object.entries(isMap(project.config) ? project.config : {})) add(name, isMap(declared) ? (declared.default ?? declared.value ?? "") : (declared ?? ""));
    return found;
}

const isSecure = (value: Record<string, unknown>) => typeof value.secure === "string" && Object.keys(value).length === 1;

function settingValue(name: string, value: unknown): SettingValue {
    const text = JSON.stringify(value) ?? "";
    const identity = createHash("sha256").update(text).digest("hex");
    const isSecret = (DECLARED.get(name)?.secret ?? (!DECLARED.has(name) && SOUNDS_SECRET.test(name))) || text.includes('"secure":');
    return { identity, shown: isSecret ? "[secret]" : shown(value) };
}
