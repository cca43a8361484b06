import { spawnSync } from "node:child_process";

const { compiled } = require("../../../build/compile.cjs") as { compiled: (source: string) => string };

/** Runs npm run keys. */
export function keys(args: string[], input?: Buffer) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [compiled("cli/keys.ts"), ...args], {
        encoding: "utf8",
        input,
    });
    return { status, stdout, stderr };
}
