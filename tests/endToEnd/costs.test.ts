/**
 * What a preview and an update ask of others, counted: it does not depend on the clock, and each one more is paid for
 * at every preview.
 */
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { resolve } from "node:path";

import program = require("../../index");

import { findToolchain, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack } from "../../testbed/site/scratchStack";

const { reason } = findToolchain();
const ROOT = resolve(__dirname, "../..");

jest.setTimeout(180_000);

/** Passes requests on to a server, and notes each: method and path, without its query. */
async function counting(target: string, seen: string[]): Promise<Server> {
    const server = createServer((message, response) => {
        seen.push(`${message.method} ${message.url?.replace(/\?.*$/, "").replace(/\/(\d+|[0-9a-f-]{36})\//, "/ID/")}`);
        const { method, headers } = message;
        const onward = request(new URL(message.url ?? "/", target), { method, headers }, (answer) => {
            response.writeHead(answer.statusCode ?? 502, answer.headers);
            answer.pipe(response);
        });
        onward.once("error", () => response.destroy());
        message.pipe(onward);
    });
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    return server;
}

(reason ? describe.skip : describe)(skippable("what a stack asks of others, with the engine", reason), () => {
    const seen: string[] = [];
    let site: Site;
    let proxy: Server;
    let scratch: ScratchStack;

    beforeAll(async () => {
        site = await startSite();
        proxy = await counting(site.authentik.url, seen);
        const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
        scratch = await createScratchStack({ ...site, authentik: { url } }, ROOT, program);
        await scratch.stack.up({ color: "never" });
    });

    afterAll(async () => {
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        proxy?.close();
        await site?.stop();
    });

    /** Requests to Authentik, by method and path, and SSH connections of an operation. */
    async function asked(work: () => Promise<unknown>) {
        seen.length = 0;
        const connections = site.ssh.connections();
        await work();
        return { authentik: [...seen].sort(), connections: site.ssh.connections() - connections };
    }

    const asksVersionAndLookUps = [
        "GET /api/v3/admin/version/",
        "GET /api/v3/core/groups/",
        "GET /api/v3/crypto/certificatekeypairs/",
        "GET /api/v3/flows/instances/",
        "GET /api/v3/flows/instances/",
        "GET /api/v3/propertymappings/provider/scope/",
    ];

    test("an update that changes nothing asks Authentik six times, and makes one SSH connection", async () => {
        const { authentik, connections } = await asked(() => scratch.stack.up({ color: "never" }));
        expect(authentik).toEqual(asksVersionAndLookUps);
        expect(connections).toBe(1);
    });

    test("one that changes a right makes no request more, and one SSH connection more", async () => {
        scratch.changeSettings({ access: { ciRepositories: ["team/**"] } });
        const { authentik, connections } = await asked(() => scratch.stack.up({ color: "never" }));
        expect(authentik).toEqual(asksVersionAndLookUps);
        expect(connections).toBe(2);
    });

    test("a preview asks besides what its warnings need", async () => {
        const { authentik, connections } = await asked(() => scratch.stack.preview({ color: "never" }));
        expect(connections).toBe(1);
        expect(authentik.length).toBeLessThanOrEqual(19);
        expect(authentik.filter((line) => !line.startsWith("GET "))).toEqual([]);
        expect(authentik).toEqual(expect.arrayContaining(asksVersionAndLookUps));
    });
});
