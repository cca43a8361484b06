/** Files that are written whole, and links that lead to them. */
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whyNotWritable, writeWhole } from "../../cli/shared/wholeFile";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "whole-file-"))));
afterEach(() => rmSync(folder, { recursive: true }));

test("a link stays a link, also where what it points to is not there yet", () => {
    mkdirSync(join(folder, "kept"));
    const link = join(folder, "link");
    symlinkSync("kept/file", link);
    expect(whyNotWritable(link)).toBeUndefined();
    for (const text of ["first", "second"]) {
        writeWhole(link, text);
        expect(lstatSync(link).isSymbolicLink()).toBe(true);
        expect(readFileSync(join(folder, "kept", "file"), "utf8")).toBe(text);
    }
});

test("why a file cannot be written is known before", () => {
    writeFileSync(join(folder, "file"), "");
    symlinkSync("missing/file", join(folder, "link"));
    const why = (...path: string[]) => whyNotWritable(join(folder, ...path));
    expect(why("new")).toBeUndefined();
    expect(why("file")).toBeUndefined();
    expect(why("missing", "new")).toBe("ENOENT");
    expect(why("link")).toBe("ENOENT");
    expect(why("file", "new")).toBe("ENOTDIR");
    expect(whyNotWritable(folder)).toBe("EISDIR");
});
