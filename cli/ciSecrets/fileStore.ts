/** Writes to a dotenv or JSON file, for a CI without an API; other content stays. */
import { readFileSync, statSync } from "node:fs";
import { isMap } from "../../components/settings/setting";
import { whyNotWritable, writeWhole } from "../shared/wholeFile";
import type { Item } from "./outputs";
import { type Change, type Store, StoreError } from "./store";
import type { FileTarget } from "./target";

/** Reads and writes one kind of file. Pure. */
export interface FileFormat {
    /** @throws StoreError if the content is of another kind */
    read(content: string): Map<string, string>;
    /** The content with these values; everything else in it stays. */
    write(content: string, values: ReadonlyMap<string, string>): string;
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)$/;
const SAFE = /^[A-Za-z0-9_@%+=:,./-]*$/;

/** `NAME=value` lines that shells and dotenv libraries read alike. */
export const dotenv: FileFormat = {
    read(content) {
        const values = new Map<string, string>();
        for (const line of content.split("\n")) {
            const [, name, value] = ASSIGNMENT.exec(line) ?? [];
            if (name !== undefined) values.set(name, unquoted(value!.trim()));
        }
        return values;
    },
    write(content, values) {
        const rest = new Map(values);
        const lines = content === "" ? [] : content.replace(/\n$/, "").split("\n");
        const written: string[] = [];
        for (const line of lines) {
            const name = ASSIGNMENT.exec(line)?.[1];
            if (name === undefined || !values.has(name)) {
                written.push(line);
                continue;
            }
            // The last of several assignments counts; a former value must not stay in the file.
            const value = rest.get(name);
            if (value !== undefined)
                written.push(`${/^\s*export\s/.test(line) ? "export " : ""}${name}=${quoted(value)}`);
            rest.delete(name);
        }
        for (const [name, value] of rest) written.push(`${name}=${quoted(value)}`);
        return `${written.join("\n")}\n`;
    },
};

export const json: FileFormat = {
    read(content) {
        const values = Object.entries(parsedObject(content)).filter(
            (entry): entry is [string, string] => typeof entry[1] === "string",
        );
        return new Map(values);
    },
    write(content, values) {
        return `${JSON.stringify({ ...parsedObject(content), ...Object.fromEntries(values) }, null, 2)}\n`;
    },
};

function parsedObject(content: string): Record<string, unknown> {
    if (content.trim() === "") return {};
    let value: unknown;
    try {
        value = JSON.parse(content);
    } catch {
        // The content is not quoted, because it may be secret.
        throw new StoreError("it is not JSON.");
    }
    if (!isMap(value)) throw new StoreError("it does not contain a JSON object.");
    return value;
}

function quoted(value: string): string {
    if (SAFE.test(value)) return value;
    if (value.includes("'"))
        throw new StoreError("a value contains a single quote, which shells and dotenv libraries read differently.");
    return `'${value}'`;
}

function unquoted(text: string): string {
    const [, , inner] = /^(['"])(.*)\1$/.exec(text) ?? [];
    return inner ?? text;
}

export class FileStore implements Store {
    private readonly format: FileFormat;
    private readonly before: string | undefined;
    private readonly values = new Map<string, string>();
    private readonly changes: Change[] = [];
    private readonly said: string[] = [];

    /** @throws StoreError if the file exists and cannot be read */
    constructor(private readonly target: FileTarget) {
        this.format = target.store === "json" ? json : dotenv;
        this.before = contentOf(target.file);
    }

    get place(): string {
        return `the file ${this.target.file}`;
    }

    kindOf(): string {
        return this.target.store === "json" ? "member" : "line";
    }

    async prepare(items: readonly Item[]): Promise<void> {
        this.told(() => this.format.write(this.before ?? "", new Map(items.map(({ name, value }) => [name, value]))));
        const because = whyNotWritable(this.target.file);
        if (because !== undefined) throw new StoreError(`The file ${this.target.file} cannot be written: ${because}.`);
    }

    async put(item: Item): Promise<Change> {
        const known = this.told(() => this.format.read(this.before ?? ""));
        const was = known.get(item.name);
        const change: Change = was === undefined ? "created" : was === item.value ? "unchanged" : "changed";
        this.values.set(item.name, item.value);
        this.changes.push(change);
        return change;
    }

    async finish(dryRun: boolean): Promise<void> {
        const mode = modeOf(this.target.file);
        const isTight = mode === undefined || (mode & 0o077) === 0;
        if (!isTight)
            this.said.push(
                `The file ${this.target.file} could be read by others (mode ` +
                    `${mode.toString(8).padStart(4, "0")})${
                        dryRun
                            ? "; it would become 0600."
                            : " and is now 0600. Treat its former content as " + "leaked."
                    }`,
            );
        if (dryRun || (isTight && this.changes.every((change) => change === "unchanged"))) return;
        const content = this.told(() => this.format.write(this.before ?? "", this.values));
        try {
            writeWhole(this.target.file, content, 0o600);
        } catch (error) {
            throw new StoreError(
                `The file ${this.target.file} cannot be written: ` +
                    `${(error as NodeJS.ErrnoException).code ?? (error as Error).message}.`,
            );
        }
    }

    remarks(): string[] {
        return this.said;
    }

    private told<T>(work: () => T): T {
        try {
            return work();
        } catch (error) {
            throw error instanceof StoreError
                ? new StoreError(`The file ${this.target.file} cannot be used: ${error.message}`)
                : error;
        }
    }
}

function contentOf(file: string): string | undefined {
    try {
        return readFileSync(file, "utf8");
    } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ENOENT") return undefined;
        throw new StoreError(`The file ${file} cannot be read: ${code ?? (error as Error).message}.`);
    }
}

const modeOf = (file: string): number | undefined => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found && found.mode & 0o7777;
};
