/** The page at the address itself, instead of Authentik's own interface: who is logged in, and links. */
import { defaultFlow } from "./flowPlanner";
import { type Answer, escapeHtml, notFoundPage, type Request, redirect } from "./http";
import { launchUrl } from "./objects/applications";
import type { World } from "./objects/kind";
import { PolicyEngine } from "./policyEngine";

const HOME = "/if/user/";

/** The pages at / and /if/user/; undefined for any other path. */
export function answerUserPage(world: World, request: Request): Answer | undefined {
    if (request.method !== "GET" || (request.path !== "/" && request.path !== HOME)) return undefined;
    if (request.path === "/") return redirect(HOME);
    const user = world.store.get("core/users", world.sessions.of(request)?.user);
    const flowAt = (designation: "authentication" | "invalidation") => {
        const flow = defaultFlow(world, designation);
        return flow && `/if/flow/${encodeURIComponent(String(flow.slug))}/`;
    };
    const login = flowAt("authentication");
    if (!user) return login === undefined ? notFoundPage() : redirect(`${login}?next=${encodeURIComponent(HOME)}`);
    const groups = world.permissions.groupsOf(user).map(({ name }) => String(name));
    const applications = world.store
        .all("core/applications")
        .filter((application) => new PolicyEngine(world, application).passes(user))
        .map((application) => {
            const url = launchUrl(application, world.store.get("providers/oauth2", application.provider));
            const name = escapeHtml(String(application.name));
            return `<li>${url === null ? name : `<a href="${escapeHtml(url)}">${name}</a>`}</li>`;
        });
    const logout = flowAt("invalidation");
    const body = `<!DOCTYPE html>
<html lang="en">
    <head><meta charset="UTF-8"><title>authentik</title><link rel="icon" href="data:,"></head>
    <body>
        <h1>You are logged in as ${escapeHtml(String(user.username))}</h1>
        <p id="groups">Groups: ${groups.map(escapeHtml).join(", ") || "none"}</p>
        <p>Applications that you may use:</p>
        <ul>${applications.join("") || "<li>none</li>"}</ul>
        ${logout === undefined ? "" : `<form action="${escapeHtml(logout)}"><button>Log out</button></form>`}
        <p>This is a stand-in for Authentik, for tests and demonstrations.</p>
    </body>
</html>
`;
    return { status: 200, body, headers: { "Content-Type": "text/html; charset=utf-8" } };
}
