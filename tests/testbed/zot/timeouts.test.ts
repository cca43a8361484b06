/**
 * How long zot lets a request take: what `http.readTimeout` and `http.writeTimeout` do to a slow push and a slow pull.
 */
import * as http from "node:http";
import * as net from "node:net";
import { cleanUp, digestOf, pushBlob, RunningZot, scratch, type Zot, zots } from "./zots";

jest.setTimeout(120_000);

afterAll(cleanUp);

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const SLOW = 3_000;

const withLimits = (zot: Zot, limits: { readTimeout?: string; writeTimeout?: string }, folder = scratch()) =>
    RunningZot.start(zot, () => ({ http: limits }), folder);

/** Uploads a blob whose second half comes late; the status, or what became of the connection. */
async function slowPush(server: RunningZot): Promise<number | "cut"> {
    const begun = await server.request("POST", "/v2/slow/blobs/uploads/");
    expect(begun.status).toBe(202);
    const target = new URL(begun.headers.location!, server.url);
    return new Promise((resolve) => {
        const headers = { "Content-Type": "application/octet-stream", "Content-Length": "20" };
        const sent = http.request(target, { method: "PATCH", headers, agent: false }, (answer) => {
            answer.resume();
            resolve(answer.statusCode!);
        });
        sent.on("error", () => resolve("cut"));
        sent.write("0123456789");
        void pause(SLOW).then(() => sent.end("0123456789"));
    });
}

/** Asks for a blob and begins to read late; how many bytes of the body arrive. */
async function slowPull(server: RunningZot, digest: string): Promise<number> {
    const socket = net.connect(server.port, "127.0.0.1");
    let received = 0;
    const ended = new Promise<void>((resolve) => void socket.once("close", resolve).on("error", () => resolve()));
    socket.write(`GET /v2/slow/blobs/${digest} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    socket.pause();
    await pause(SLOW);
    socket.on("data", (chunk) => (received += chunk.length));
    socket.resume();
    await ended;
    return received;
}

describe.each(zots)("$name", (zot) => {
    test("a push that takes longer than readTimeout is cut [fact: a slow layer is cut]", async () => {
        const server = await withLimits(zot, { readTimeout: "1s", writeTimeout: "60s" });
        expect(await slowPush(server)).not.toBe(202);
    });

    test.each([
        ["is taken within both limits", { readTimeout: "60s", writeTimeout: "60s" }],
        ["is taken where nothing is a limit", { readTimeout: "0s", writeTimeout: "0s" }],
    ])("a slow push %s", async (_name, limits) => {
        expect(await slowPush(await withLimits(zot, limits))).toBe(202);
    });

    test("a push that takes longer than writeTimeout gets no answer", async () => {
        const server = await withLimits(zot, { readTimeout: "60s", writeTimeout: "1s" });
        expect(await slowPush(server)).toBe("cut");
    });

    test("a pull that takes longer than writeTimeout ends in the middle", async () => {
        const blob = Buffer.alloc(64 << 20, "x");
        const folder = scratch();
        const patient = await withLimits(zot, { readTimeout: "60s", writeTimeout: "60s" }, folder);
        expect(await pushBlob(patient, "slow", blob)).toBe(201);
        expect(await slowPull(patient, digestOf(blob))).toBeGreaterThan(blob.length);
        // Of the same storage: the push would be cut too, on a busy machine.
        await patient.stop();
        const cutting = await withLimits(zot, { readTimeout: "60s", writeTimeout: "1s" }, folder);
        expect(await slowPull(cutting, digestOf(blob))).toBeLessThan(blob.length);
    });
});
