import type { Answer } from "./http";
import { escapeHtml } from "./http";

// What a browser is shown in place of Authentik's own frontend, which is not to be had: a page that carries a flow out
// by the same API, in the same way (challenges from the executor, answers as JSON with their component, the CSRF cookie
// repeated as a header), with fields of the same names. It looks like nothing in particular, and says what it is.

const SCRIPT = `
const executor = "/api/v3/flows/executor/" + encodeURIComponent(document.documentElement.dataset.flow) + "/?query=" + encodeURIComponent(location.search.slice(1));
const form = document.querySelector("form");
const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(name + "="))?.slice(name.length + 1) ?? "";
const field = (name, type, label) => {
    const input = Object.assign(document.createElement("input"), { name, type, required: true, autocomplete: "off" });
    const shown = document.createElement("label");
    shown.append(label + " ", input);
    form.append(shown, document.createElement("br"));
};
const text = (words) => form.append(Object.assign(document.createElement("p"), { textContent: words }));
// As Authentik's page has it: beside the body, and gone with the page of the name.
const forPasswordManagers = document.createElement("form");
for (const name of ["username", "password"]) forPasswordManagers.append(Object.assign(document.createElement("input"), { name }));
async function ask(answer) {
    const csrf = cookie("authentik_csrf");
    const options = answer ? { method: "POST", body: JSON.stringify(answer), headers: { "Content-Type": "application/json", ...(csrf ? { "X-authentik-CSRF": csrf } : {}) } } : {};
    show(await (await fetch(executor, options)).json());
}
function show(challenge) {
    form.replaceChildren();
    forPasswordManagers.remove();
    for (const errors of Object.values(challenge.response_errors ?? {})) for (const error of errors) text(error.string);
    let answerOf = () => ({});
    switch (challenge.component) {
        case "xak-flow-redirect":
            return location.assign(challenge.to);
        case "ak-stage-identification":
            field("uidField", "text", "Username");
            if (challenge.password_fields) field("password", "password", "Password");
            else document.documentElement.append(forPasswordManagers);
            answerOf = (data) => ({ uid_field: data.get("uidField"), ...(data.has("password") ? { password: data.get("password") } : {}) });
            break;
        case "ak-stage-password":
            field("password", "password", "Password");
            answerOf = (data) => ({ password: data.get("password") });
            break;
        case "ak-stage-user-login":
            return void ask({ component: challenge.component, remember_me: false });
        case "ak-stage-consent":
            answerOf = () => ({ token: challenge.token });
            break;
        case "ak-stage-access-denied":
            return text(challenge.error_message ?? "Access denied");
        default:
            return text("This stand-in has no page for " + challenge.component + ".");
    }
    form.append(Object.assign(document.createElement("button"), { textContent: "Continue" }));
    form.onsubmit = (event) => {
        event.preventDefault();
        void ask({ component: challenge.component, ...answerOf(new FormData(form)) });
    };
    form.querySelector("input")?.focus();
}
void ask();
`;

/** The page at which a browser carries out a flow. */
export function flowPage(slug: string, title: string): Answer {
    const body = `<!DOCTYPE html>
<html lang="en" data-flow="${escapeHtml(slug)}">
    <head><meta charset="UTF-8"><title>${escapeHtml(title)}</title><link rel="icon" href="data:,"></head>
    <body>
        <h1>${escapeHtml(title)}</h1>
        <form></form>
        <p>This is a stand-in for Authentik, for tests and demonstrations.</p>
        <script>${SCRIPT}</script>
    </body>
</html>
`;
    return { status: 200, body, headers: { "Content-Type": "text/html; charset=utf-8" } };
}
