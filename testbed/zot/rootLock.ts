/**
 * One registry at a time on a root directory, as with zot, whose database has one owner. The lock goes with its
 * process, however that ends.
 */
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import * as net from "node:net";
import * as os from "node:os";
import * as path from "node:path";

/** Milliseconds that zot waits for another to let go. */
const patience = 10_000;

/**
 * Resolves to whether the lock is ours. A folder of a root directory's own would show in the registry's, so it is a
 * socket elsewhere.
 */
export async function lockRoot(root: string): Promise<boolean> {
    const name = createHash("sha256").update(fs.realpathSync(root)).digest("hex").slice(0, 24);
    // Linux has sockets without a file, which leave nothing behind when their process is killed.
    const place =
        process.platform === "linux" ? `\0zot-stand-in-${name}` : path.join(os.tmpdir(), `zot-stand-in-${name}.sock`);
    for (const deadline = Date.now() + patience; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
        if (await listen(place)) return true;
        if (!(await answers(place))) {
            // Left by one that was killed.
            remove(place);
            if (await listen(place)) return true;
        }
        if (Date.now() > deadline) return false;
    }
}

function listen(place: string): Promise<boolean> {
    return new Promise((resolve) => {
        const server = net.createServer((socket) => socket.destroy());
        server.once("error", () => resolve(false));
        server.listen(place, () => {
            server.unref();
            process.once("exit", () => remove(place));
            resolve(true);
        });
    });
}

function remove(place: string): void {
    if (!place.startsWith("\0")) fs.rmSync(place, { force: true });
}

function answers(place: string): Promise<boolean> {
    return new Promise((resolve) => {
        const socket = net.connect(place);
        socket.once("connect", () => {
            socket.destroy();
            resolve(true);
        });
        socket.once("error", () => resolve(false));
    });
}
