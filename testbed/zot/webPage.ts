/** What a browser finds in place of zot's web interface: who is logged in, a button for it, and one for an API key. */
import { type Config, isLoginEnabled } from "./configTypes";
import { type Exchange, sendBytes, sendText } from "./http";
import type { Sessions } from "./sessions";
import type { Users } from "./users";

/** How zot's web interface sends requests: the session's cookie counts only with this header. */
const SCRIPT = `
const call = (method, path, body) => fetch(path, { method, headers: { "X-ZOT-API-CLIENT": "zot-ui" }, body });
const on = (id, work) => { const button = document.getElementById(id); if (button) button.onclick = work; };
on("logout", async () => { await call("POST", "/zot/auth/logout"); location.reload(); });
on("key", async () => {
    const expires = new Date(Date.now() + 3600_000).toISOString().replace(/\\.\\d+/, "");
    const answer = await call("POST", "/zot/auth/apikey", JSON.stringify({ label: "by hand", expirationDate: expires }));
    const shown = document.getElementById("made");
    if (!answer.ok) { shown.textContent = "No key was made: " + answer.status + "."; return; }
    const { apiKey } = await answer.json();
    const user = document.documentElement.dataset.user;
    shown.textContent = "For an hour, and shown once:\\n\\n  " + apiKey + "\\n\\nIt is the password of:\\n\\n  skopeo login --tls-verify=false -u " + user + " " + location.host;
});
`;

export interface WebPageParts {
    config: Config;
    users: Users | undefined;
    sessions: Sessions | undefined;
}

export function webPage(exchange: Exchange, { config, users, sessions }: WebPageParts): void {
    const isPage = exchange.path === "/" || /^\/(?:login|home|explore|image|user)/.test(exchange.path);
    if (!isPage) return sendText(exchange, 404, "404 page not found");
    const { auth } = config.http;
    const user = sessions?.read(exchange, "session")?.["user"];
    const groups = user === undefined ? undefined : users?.groupsOf(user);
    const providers = Object.entries(auth.openid?.providers ?? {});
    const logins = providers.map(
        ([name, { name: shown }]) =>
            `<form action="/zot/auth/login"><input type="hidden" name="provider" value="${escaped(name)}">` +
            `<input type="hidden" name="callback_ui" value="/"><button>Log in by ${escaped(shown || name)}</button></form>`,
    );
    const inside =
        user !== undefined && groups !== undefined
            ? `<h1>You are logged in as ${escaped(user)}</h1>
        <p id="groups">Groups, as of this login: ${groups.map(escaped).join(", ") || "none"}</p>
        ${auth.apikey ? '<button id="key">Make an API key</button>' : ""} <button id="logout">Log out</button>
        <pre id="made"></pre>`
            : `<h1>You are not logged in</h1>
        ${isLoginEnabled(auth) ? logins.join("") : "<p>This registry knows no logins.</p>"}`;
    const text = `<!DOCTYPE html>
<html lang="en" data-user="${escaped(user ?? "")}">
    <head><meta charset="UTF-8"><title>zot</title><link rel="icon" href="data:,"></head>
    <body>
        ${inside}
        <p>This is a stand-in for zot, for tests and demonstrations.</p>
        <script>${SCRIPT}</script>
    </body>
</html>
`;
    // Who asks is in the page.
    exchange.response.setHeader("Cache-Control", "no-store");
    sendBytes(exchange, 200, "text/html; charset=utf-8", Buffer.from(text));
}

const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
