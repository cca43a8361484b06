/** Whether an issuer answers on a host, as the script asks it. */
import { spawn } from "node:child_process";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { inspectionScript } from "../../host/scripts";
import { quoted } from "./shells";

test("a document without an end is left at a bound, and the message is short", async () => {
    const server = http.createServer((_request, response) => {
        const more = () => {
            while (!response.destroyed && response.write("x".repeat(60_000)));
        };
        response.on("drain", more);
        more();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/application/o/zot/`;
    const child = spawn("/bin/sh", [
        "-c",
        `ulimit -v 1000000; ${inspectionScript}\nproblem=; issuer_answers ${quoted(url)} "" 20 || printf '%s' "$problem"`,
    ]);
    let output = "";
    child.stdout.on("data", (chunk) => (output += String(chunk)));
    const began = Date.now();
    await new Promise((done) => child.on("close", done));
    server.closeAllConnections();
    server.close();
    expect(output).toBe(
        `${url}.well-known/openid-configuration could not be fetched on this host: ` +
            "it has more than 262144 bytes. [ZH-ISSUER-UNREACHABLE]",
    );
    expect(Date.now() - began).toBeLessThan(15_000);
});
