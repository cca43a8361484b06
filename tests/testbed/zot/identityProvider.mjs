// A small identity provider on loopback for the tests of zot: whoever it has been told to is logged in, without a page.
// It prints its port and lives until its standard input ends.
import http from "node:http";
import Provider from "oidc-provider";

const path = "/application/o/zot/";
let provider;
let current = { sub: "nobody", claims: {} };
const accounts = new Map();

const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, "http://127.0.0.1");
    if (url.pathname === "/control" && request.method === "POST") {
        // {"sub": …, "claims": {…}}: who is logged in next. {"clients": […], "slash": …}: which clients there are.
        const chunks = [];
        for await (const chunk of request) chunks.push(chunk);
        const order = JSON.parse(Buffer.concat(chunks).toString());
        if (order.clients) provider = newProvider(order.clients);
        else {
            current = order;
            accounts.set(order.sub, order.claims);
        }
        response.end();
        return;
    }
    if (url.pathname.startsWith("/interaction/")) {
        if (current.refuses) {
            await provider.interactionFinished(request, response, {
                error: "access_denied",
                error_description: "not allowed",
            });
            return;
        }
        await provider.interactionFinished(request, response, { login: { accountId: current.sub, remember: false } });
        return;
    }
    request.originalUrl = request.url;
    if (request.url.startsWith(path)) request.url = `/${request.url.slice(path.length)}`;
    provider.callback()(request, response);
});

function newProvider(clients) {
    const created = new Provider(`http://127.0.0.1:${server.address().port}${path}`, {
        clients: clients.map((client) => ({
            grant_types: ["authorization_code"],
            response_types: ["code"],
            ...client,
        })),
        cookies: { keys: ["a key for tests"], long: { path: "/" }, short: { path: "/" } },
        claims: {
            openid: ["sub"],
            email: ["email", "email_verified"],
            profile: ["name", "preferred_username", "groups"],
        },
        conformIdTokenClaims: false,
        features: { devInteractions: { enabled: false }, rpInitiatedLogout: { enabled: true } },
        interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
        pkce: { required: () => false },
        findAccount: (_context, sub) => ({ accountId: sub, claims: () => ({ sub, ...accounts.get(sub) }) }),
        loadExistingGrant: async (context) => {
            const grant = new context.oidc.provider.Grant({
                clientId: context.oidc.client.clientId,
                accountId: context.oidc.session.accountId,
            });
            grant.addOIDCScope("openid profile email");
            await grant.save();
            return grant;
        },
    });
    created.proxy = false;
    return created;
}

// The library warns of its own keys for development, which is what these tests want.
console.warn = () => {};
console.info = () => {};
server.listen(0, "127.0.0.1", () => {
    provider = newProvider([]);
    process.stdout.write(`${server.address().port}\n`);
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
