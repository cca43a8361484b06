/** A server that fails, and says again what it was sent, as a page for debugging does. */
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { AuthentikApi } from "../../../clients/authentik/api";
import { Browser } from "../../../clients/http/browser";
import { outgoing } from "../../../clients/http/outgoing";
import { sendOne } from "../../../clients/http/request";
import { KeyHolder } from "../../../clients/zot/apiKeys";

const CANARY = "c4n4ry-0123456789abcdef-fedcba9876543210";
let server: http.Server;
let url: string;
let status = 500;

beforeAll(async () => {
    server = http.createServer(async (incoming, outgoing_) => {
        let body = "";
        for await (const chunk of incoming) body += String(chunk);
        if (incoming.url === "/login") {
            outgoing_.writeHead(200, { "set-cookie": `session=${CANARY}; Path=/` }).end();
            return;
        }
        const said = `You sent ${body} with ${JSON.stringify(incoming.rawHeaders)}`;
        const cut = said.slice(0, incoming.url === "/cut" ? said.indexOf("c4n4ry") + 20 : undefined);
        const pair = Buffer.from(/^Basic (.+)$/.exec(incoming.headers.authorization ?? "")?.[1] ?? "", "base64");
        outgoing_.writeHead(status, { "content-type": "application/json" });
        outgoing_.end(JSON.stringify({ detail: `${cut} that is ${String(pair)}`, password: [`not ${body}`] }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
beforeEach(() => void (status = 500));

const ANY_FORM = new RegExp(
    `c4n4ry|9876543210|${Buffer.from(CANARY).toString("base64").slice(0, 20)}|${Buffer.from(`zot-ci:${CANARY}`).toString("base64").slice(12, 40)}`,
);
const told = async (request: Promise<unknown>) => {
    const said = await request.then(
        (answer) => (answer as { text: string }).text,
        (error: Error) => error.message,
    );
    expect(said).toMatch(/You sent|not \{/);
    expect(said).toContain("[hidden]");
    expect(said).not.toMatch(ANY_FORM);
};

test.each([400, 403, 500])("%d to a request with a token: the message has none of it", async (code) => {
    status = code;
    const api = new AuthentikApi(
        { url, token: CANARY },
        { refused: 0, starting: 0, answer: 5_000, firstPause: 1, longestPause: 1, attempts: 1 },
    );
    const body = JSON.stringify({ name: "x", password: `${CANARY}-of-a-user` });
    await told(api.send(`${url}/api/v3/core/users/1/set_password/`, { method: "POST", body }));
});

test("nor of a key as a password, and of a cookie", async () => {
    await told(new KeyHolder(outgoing(), url, "zot-ci", CANARY).keys.list());
    const browser = new Browser();
    await browser.send(`${url}/login`);
    await told(browser.send(`${url}/x`));
});

test("nor of a part of it, where the server cuts off what it repeats; the rest is as it was", async () => {
    await told(sendOne(outgoing(), `${url}/cut`, { headers: { authorization: `Bearer ${CANARY}` } }));
    const { text } = await sendOne(outgoing(), `${url}/x`, {
        headers: { "x-any": CANARY },
        method: "POST",
        json: { label: "laptop" },
    });
    expect(text).toMatch(/You sent .*laptop.*\[hidden\]/);
});

test("what succeeds is as it is", async () => {
    status = 200;
    const { text } = await sendOne(outgoing(), `${url}/x`, { method: "POST", json: { client_secret: CANARY } });
    expect(text).toContain(CANARY);
});
