/** To whom the password of a login goes: to the identity provider that was declared, whoever else a registry names. */
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { LoginError, ZotSession } from "../../../clients/zot/session";

const PASSWORD = "canary-5d1f0c";

interface Told {
    status: number;
    headers?: http.OutgoingHttpHeaders;
    body?: string;
}

/** A server that answers as it is told, and keeps what it was sent. */
async function startServer(answer: (url: string) => Told) {
    const heard: string[] = [];
    const server = http.createServer((request, response) => {
        const chunks: Buffer[] = [];
        request.on("data", (chunk: Buffer) => chunks.push(chunk));
        request.on("end", () => {
            heard.push(`${request.method} ${request.url} ${Buffer.concat(chunks).toString()}`);
            const { status, headers, body } = answer(request.url!);
            response.writeHead(status, headers).end(body);
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    servers.push(server);
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, heard };
}

const servers: http.Server[] = [];
afterEach(async () => {
    for (const server of servers.splice(0)) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
    }
});

/** An Authentik as far as a thief would play it: it asks for a name and a password, and says yes. */
const thief = () =>
    startServer((url) => {
        if (!url.startsWith("/api/v3/flows/executor/"))
            return { status: 302, headers: { location: "/if/flow/login/?next=%2F" } };
        return {
            status: 200,
            headers: { "content-type": "application/json" },
            body: '{"component":"ak-stage-identification","password_fields":true}',
        };
    });

const login = (registry: string, identityProvider: string[], loginFlow?: string) =>
    ZotSession.login(registry, { username: "zot-ci", password: PASSWORD }, { identityProvider, loginFlow });

test.each([undefined, "zot-ci-login"])(
    "a registry that sends its logins elsewhere gets no password there (login flow %s)",
    async (loginFlow) => {
        const stranger = await thief();
        const registry = await startServer(() => ({
            status: 302,
            headers: { location: `${stranger.url}/application/o/authorize/` },
        }));
        const failing = login(registry.url, ["https://authentik.example.org/application/o/zot/"], loginFlow);
        await expect(failing).rejects.toThrow(
            `The login of zot-ci at the registry ${registry.url} is sent on to ${stranger.url}, ` +
                "which is not the identity provider (https://authentik.example.org). No password was sent there.",
        );
        await expect(failing).rejects.toBeInstanceOf(LoginError);
        expect(stranger.heard).toEqual([]);
    },
);

test("nor does whoever the identity provider's page sends a login on to", async () => {
    const stranger = await thief();
    const authentik = await startServer((url) =>
        url.startsWith("/application/")
            ? { status: 302, headers: { location: `${stranger.url}/if/flow/login/` } }
            : { status: 404 },
    );
    const registry = await startServer(() => ({
        status: 302,
        headers: { location: `${authentik.url}/application/o/authorize/` },
    }));
    await expect(login(registry.url, [authentik.url])).rejects.toThrow(
        /is sent on to http:\/\/127\.0\.0\.1:\d+, which is not the identity provider/,
    );
    expect([...stranger.heard, ...registry.heard].join("\n")).not.toContain(PASSWORD);
    expect(stranger.heard).toEqual([]);
});

test("nor the registry itself, which may play the identity provider", async () => {
    let registryUrl = "";
    const authentik = await startServer(() => ({
        status: 302,
        headers: { location: `${registryUrl}/if/flow/login/` },
    }));
    const registry = await startServer((url) => {
        if (url.startsWith("/zot/auth/login"))
            return { status: 302, headers: { location: `${authentik.url}/application/o/authorize/` } };
        return {
            status: 200,
            headers: { "content-type": "application/json" },
            body: '{"component":"ak-stage-identification","password_fields":true}',
        };
    });
    registryUrl = registry.url;
    await expect(login(registry.url, [authentik.url])).rejects.toThrow(LoginError);
    expect(registry.heard.join("\n")).not.toContain(PASSWORD);
});
