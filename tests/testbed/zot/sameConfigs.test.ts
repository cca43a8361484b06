/** `zot verify` of configs with random mistakes: the stand-in and a real zot let the same through, and refuse the rest with the same words. */
import { spawn } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as fc from "fast-check";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { on } from "../../../testbed/contract/titles";
import { ConfigError, loadConfig } from "../../../testbed/zot/config";
import { changedConfigs, rightConfigs, secretFiles } from "./configs";
import { cleanUp, noRealZot, scratch, type Zot, zots } from "./zots";

jest.setTimeout(300_000);
afterAll(cleanUp);

const RUNS = Number(process.env["SAME_CONFIGS_RUNS"] ?? 60);
const SEED = Number(process.env["SAME_CONFIGS_SEED"] ?? 2120);

interface Verdict {
    exitCode: number | null;
    /** Sorted lines in lower case: Go looks through a map in any order, and the stand-in writes names in lower case. */
    words: string[];
}

const wordsOf = (errors: string) =>
    errors
        .toLowerCase()
        .replace(/^error: /, "")
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "")
        .sort();

/** Without a process of its own, to be quick. */
function byStandIn(file: string): Verdict {
    try {
        loadConfig(file);
        return { exitCode: 0, words: [] };
    } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return { exitCode: 1, words: wordsOf(error.message) };
    }
}

function byReal(zot: Zot, file: string): Promise<Verdict> {
    const [program = "", ...first] = zot.command;
    return new Promise((resolve, reject) => {
        const child = spawn(program, [...first, "verify", file], { stdio: ["ignore", "ignore", "pipe"] });
        let errors = "";
        child.stderr.on("data", (chunk) => (errors += String(chunk)));
        child.once("error", reject);
        child.once("close", (exitCode) => resolve({ exitCode, words: wordsOf(errors) }));
    });
}

(noRealZot ? test.skip : test)(skippable(on("both", "configs with random mistakes"), noRealZot), async () => {
    const folder = scratch();
    for (const [name, content] of Object.entries(secretFiles))
        fs.writeFileSync(path.join(folder, name), JSON.stringify(content));
    const texts = [
        ...rightConfigs.map((config) => JSON.stringify(config)),
        ...fc.sample(changedConfigs, { numRuns: RUNS, seed: SEED }),
    ];
    const real = zots[1] as Zot;
    for (const [index, text] of texts.entries()) {
        const file = path.join(folder, `config${index}.json`);
        fs.writeFileSync(file, text.replaceAll("FILE:", `${folder}/`));
        expect({ config: text, verdict: byStandIn(file) }).toEqual({ config: text, verdict: await byReal(real, file) });
    }
});
