import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

/** A folder for one test, removed after it. */
export function scratchFolder(): string {
    const folder = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "zot-hardening-bootstrap-")));
    created.push(folder);
    return folder;
}

const created: string[] = [];

afterEach(() => {
    for (const folder of created.splice(0)) fs.rmSync(folder, { recursive: true, force: true });
});

/** Writes an executable shell script and returns its path. */
export function script(folder: string, name: string, text: string): string {
    fs.mkdirSync(folder, { recursive: true });
    const file = path.join(folder, name);
    fs.writeFileSync(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return file;
}
