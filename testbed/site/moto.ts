/** Amazon's S3 and its like, as moto serves them (PyPI). */
import { type ChildProcess, spawn } from "node:child_process";
import { findExecutable } from "../bootstrap/toolchain.cjs";
import { freePort } from "./ports";

/** Why this machine has none; undefined if it has. */
export const noMoto = (): string | undefined =>
    findExecutable("moto_server") ? undefined : "there is no moto_server on the PATH (pip install 'moto[s3,server]')";

/** Starts a server; the returned function ends it. */
export function startServer(program: string, args: string[]): () => void {
    const server: ChildProcess = spawn(findExecutable(program)!, args, { stdio: "ignore" });
    return () => void server.kill();
}

/** @param bucket one that it has from the start */
export async function startMoto(bucket: string): Promise<{ url: string; stop(): void }> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const stop = startServer("moto_server", ["-H", "127.0.0.1", "-p", String(port)]);
    try {
        await until(async () => (await fetch(`${url}/moto-api/`)).ok, "moto");
        const made = await fetch(`${url}/${bucket}`, { method: "PUT" });
        if (!made.ok) throw new Error(`moto answered ${made.status} when it was asked for a bucket`);
        return { url, stop };
    } catch (error) {
        stop();
        throw error;
    }
}

/** Waits for something that becomes true when a server answers. */
export async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
        if (await condition().catch(() => false)) return;
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error(`Waited for ${what} in vain.`);
}
