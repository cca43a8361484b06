/** A provider ends with the engine that has started it, however that one ended: nobody else would end it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as path from "node:path";

const root = path.resolve(__dirname, "../..");
const { compiled } = require("../../build/compile.cjs") as { compiled(source: string): string };

jest.setTimeout(60_000);

const started: ChildProcess[] = [];
afterEach(() => started.splice(0).forEach((child) => child.kill("SIGKILL")));

async function start(name: string): Promise<ChildProcess> {
    compiled(`providers/${name}/main.ts`);
    const child = spawn(path.join(root, `providers/${name}/pulumi-resource-${name}`), [], {
        stdio: ["pipe", "pipe", "inherit"],
        env: { PATH: process.env.PATH },
    });
    started.push(child);
    await once(child.stdout!, "data");
    return child;
}

test.each(["zot", "authentik"])("%s: the engine holds the other end of its standard input", async (name) => {
    const child = await start(name);
    const ended = once(child, "exit");
    child.stdin!.end();
    expect(await ended).toEqual([0, null]);
});
