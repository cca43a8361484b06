/** A registry that names places of other servers: no credential goes there. */
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { Control } from "../../../cli/verify/control";
import { Recorder } from "../../../cli/verify/exchanges";
import { newImage, Registry } from "../../../cli/verify/registry";
import { onServer } from "../../../clients/http/address";
import { outgoing } from "../../../clients/http/outgoing";
import { RegistryClient } from "../../../clients/zot/registry";

const servers: http.Server[] = [];
async function serve(answer: http.RequestListener): Promise<string> {
    const server = http.createServer(answer);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** What the other server was sent. */
const caught: string[] = [];
let other: string;
let registry: string;
let place: string;
let status = 202;
beforeAll(async () => {
    other = await serve((request, response) => {
        caught.push(`${request.method} ${request.url} ${request.headers.authorization}`);
        response.writeHead(201).end();
    });
    registry = await serve((request, response) => {
        request.resume();
        const named = { location: place, link: `<${place}>; rel="next"` };
        if (request.url === "/v2/_catalog")
            response.writeHead(200, { "content-type": "application/json", ...named }).end('{"repositories":["a"]}');
        else if (request.method === "POST") response.writeHead(status, named).end();
        else response.writeHead([307, 308].includes(status) ? status : 201, named).end("{}");
    });
});
afterAll(() => {
    for (const server of servers) {
        server.closeAllConnections();
        server.close();
    }
});

const PLACES: [string, () => string][] = [
    ["another address", () => `http://${other}/v2/x`],
    ["another address without its scheme", () => `//${other}/v2/x`],
    ["a path that begins like one", () => `http://${registry}//${other}/v2/x`],
    ["the same, with slashes that lean the other way", () => `/.\\\\${other}/v2/x`],
    ["the same, by way of a folder", () => `/v2/..//${other}/v2/x`],
    ["another address, as whose user the registry stands", () => `http://${registry}@${other}/v2/x`],
    ["no address at all", () => "http://[/v2/x"],
];

test.each(PLACES)("%s", async (_name, named) => {
    place = named();
    const credentials = { username: "zot-ci", key: "canary" };
    for (status of [202, 307, 308]) {
        const client = new RegistryClient(`http://${registry}`, credentials, outgoing({}, {}));
        await client.push("app", "1", "content");
        await client.pull("app", "1");
        const seen = new Registry(
            `http://${registry}`,
            "zot-ci",
            outgoing({}, {}),
            new Recorder(),
            new Control(60_000),
            credentials,
        );
        await seen.push("app", "1", newImage());
        await seen.catalog().catch(() => undefined);
        await seen.mayPut("app", "1");
    }
    expect(caught).toEqual([]);
});

test("a path stays on its server, whatever it holds", () => {
    for (const path of ["//evil.test/x", "/\\evil.test/x", "@evil.test/x", ":1@evil.test/x", ".evil.test", "/v2/"])
        expect(onServer("https://registry.example.org:8443/a", path).origin).toBe("https://registry.example.org:8443");
    expect(onServer("https://registry.example.org", "/v2/_catalog?n=1").href).toBe(
        "https://registry.example.org/v2/_catalog?n=1",
    );
});
