/** npm run clients, as far as it is asked wrongly, or where nothing can be had. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import * as path from "node:path";

const root = path.resolve(__dirname, "../../..");
const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };

jest.setTimeout(120_000);

const cache = mkdtempSync(path.join(tmpdir(), "clients-"));
afterAll(() => rmSync(cache, { recursive: true, force: true }));

function clients(...args: string[]) {
    const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [compiled("testbed/commands/clients.ts"), ...args],
        // No client is on this path, and no Go that would build one.
        { cwd: root, encoding: "utf8", env: { PATH: "/nonexistent", ZOT_HARDENING_CACHE: cache }, timeout: 100_000 },
    );
    return { status, stdout, stderr };
}

test("a client that there is not is a mistake on the command line, which names those that there are", () => {
    const { status, stdout, stderr } = clients("--only", "crane,nonesuch");
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toMatch(/There is no client nonesuch; there are skopeo, .*crane, .*buildkit\./);
});

test("the list has each with where it comes from", () => {
    const { status, stdout } = clients("--list", "--json", "--only", "crane");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
        { client: "crane", from: expect.stringMatching(/^Go module github\.com\/google\/go-containerregistry v/) },
    ]);
});

test("where none can be had, each says why", () => {
    const { status, stdout, stderr } = clients("--only", "ko,regctl");
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    // Where Go is in its usual place, it has no place here for what it fetches.
    for (const name of ["regctl", "ko"])
        expect(stderr).toMatch(
            new RegExp(`^skipped {2}${name}: (${name} is not installed\\. |The Go module .* cannot be fetched: )`, "m"),
        );
    expect(stderr).toMatch(/None of these clients is here, so nothing was tried\.$/m);
    expect(stderr).not.toMatch(/^\s+at /m);
});
