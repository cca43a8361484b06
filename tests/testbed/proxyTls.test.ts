/** The proxies of docs/proxy.md with TLS to the machines, which are web servers here. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { freePort } from "../../testbed/site/ports";
import { noProxy, PROXIES, startProxy } from "../../testbed/site/proxy";
import { type Certificate, selfSigned } from "../support/certificates";

jest.setTimeout(60_000);

describe.each(PROXIES)("%s with TLS to the machines", (kind) => {
    const absent = noProxy(kind);
    let folder: string;
    const servers: Server[] = [];
    beforeAll(() => {
        folder = mkdtempSync(join(tmpdir(), "proxy-tls-"));
    });
    afterAll(() => {
        for (const server of servers) server.close();
        rmSync(folder, { recursive: true, force: true });
    });

    async function machine({ cert, key }: Certificate): Promise<string> {
        const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
            response.end(JSON.stringify(request.headers));
        });
        servers.push(server);
        await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
        return `127.0.0.1:${(server.address() as AddressInfo).port}`;
    }
    async function statuses(machines: string[], authority: string, paths = ["/v2/a/manifests/b"]) {
        const port = await freePort();
        const root = resolve(__dirname, "../..");
        const proxy = await startProxy(kind, { root, folder: join(folder, `${port}`), port, machines, authority });
        try {
            const found: number[] = [];
            for (const path of paths) found.push((await fetch(`${proxy.url}${path}`)).status);
            return found;
        } finally {
            await proxy.stop();
        }
    }

    (absent ? test.skip : test)(
        skippable("asks those that the authority knows by the registry's name, and no other", absent),
        async () => {
            const known = selfSigned(folder, "known", "DNS:registry.example.org");
            const paths = ["/v2/", "/v2/a/manifests/b", "/zot/auth/login", "/v2/"];
            const twoKnown = [await machine(known), await machine(known)];
            expect(await statuses(twoKnown, known.cert, paths)).toEqual([200, 200, 200, 200]);
            const otherName = selfSigned(folder, "other-name", "DNS:other.example.org");
            const otherNames = await statuses([await machine(otherName), await machine(otherName)], otherName.cert);
            expect(otherNames.every((status) => status >= 502)).toBe(true);
            const stranger = selfSigned(folder, "stranger", "DNS:registry.example.org");
            const strangers = await statuses([await machine(stranger), await machine(stranger)], known.cert);
            expect(strangers.every((status) => status >= 502)).toBe(true);
        },
    );
});
