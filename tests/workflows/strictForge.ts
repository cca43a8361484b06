/**
 * What GitHub, Forgejo and Gitea have in common of issues and comments, as strict as they are: what a token may not do
 * is 403, what there is not is 404, what is not right is 422. Whatever was refused is kept in `refusals`.
 */
import * as http from "node:http";
import type { AddressInfo } from "node:net";

export type Permission = "issues" | "pull-requests";

interface User {
    login: string;
    type: "Bot" | "User";
}
export interface Comment {
    id: number;
    issue: number;
    body: string;
    user: User;
}
export interface Issue {
    id: number;
    number: number;
    title: string;
    body: string;
    state: "open" | "closed";
    user: User;
    pull_request?: object;
}

/** What a forge refuses to store, in characters. */
const LONGEST = 65_536;
const BOT: User = { login: "github-actions[bot]", type: "Bot" };

class Refused extends Error {
    constructor(
        readonly status: number,
        message: string,
    ) {
        super(message);
    }
}

export interface StrictForge {
    issues: Issue[];
    comments: Comment[];
    refusals: string[];
    /** Every text that was written, whether it was kept or not. */
    written: string[];
    env(token: string): Record<string, string>;
    /** Another commit becomes the head of the pull request. */
    push(head: string): void;
    stop(): Promise<void>;
}

/**
 * `tokens`: what each may write; all of them may read. The pull request 7 is there, with the given head.
 *
 * @param logins of tokens that are a user's; the others are the run's own, as which GitHub's interface names nobody
 */
export async function strictForge(
    tokens: Record<string, Permission[]>,
    { logins = {}, head = "" }: { logins?: Record<string, string>; head?: string } = {},
): Promise<StrictForge> {
    const issues: Issue[] = [
        {
            id: 1007,
            number: 7,
            title: "A change",
            body: "",
            state: "open",
            user: { login: "someone", type: "User" },
            pull_request: {},
        },
    ];
    const comments: Comment[] = [];
    const refusals: string[] = [];
    const written: string[] = [];
    const state = { head };
    let last = 1007;

    const bodyOf = (text: string, allowed: string[], needed: string[]) => {
        let body: Record<string, unknown>;
        try {
            body = JSON.parse(text) as Record<string, unknown>;
        } catch {
            throw new Refused(400, "Problems parsing JSON");
        }
        const unknown = Object.keys(body).filter((name) => !allowed.includes(name));
        const missing = needed.filter((name) => body[name] === undefined);
        const wrong = Object.entries(body).filter(
            ([name, value]) =>
                typeof value !== "string" ||
                (name === "body" && (value === "" || value.length > LONGEST)) ||
                (name === "title" && value.trim() === "") ||
                (name === "state" && !["open", "closed"].includes(value)),
        );
        if (unknown.length + missing.length + wrong.length > 0)
            throw new Refused(
                422,
                `Validation Failed: unknown ${unknown.join()}; missing ${missing.join()}; ` +
                    `wrong ${wrong.map(([name]) => name).join()}`,
            );
        written.push(...Object.values(body as Record<string, string>));
        return body as { title?: string; body?: string; state?: "open" | "closed" };
    };

    const answer = (method: string, url: URL, authorization: string | undefined, text: string): [number, unknown] => {
        const [, scheme, token] = /^(token|Bearer) (\S+)$/.exec(authorization ?? "") ?? [];
        if (!scheme || !token || !tokens[token]) throw new Refused(401, "Bad credentials");
        const needs = (...any: Permission[]) => {
            if (!any.some((permission) => tokens[token]!.includes(permission)))
                throw new Refused(403, "Resource not accessible by integration");
        };
        const pages = <T>(list: T[], parameters: string[]) => {
            const unknown = [...url.searchParams.keys()].filter(
                (name) => !["page", "per_page", "limit", ...parameters].includes(name),
            );
            if (unknown.length > 0) throw new Refused(422, `unknown parameter ${unknown.join()}`);
            const size = Math.min(Number(url.searchParams.get("per_page") ?? url.searchParams.get("limit") ?? 30), 50);
            const page = Number(url.searchParams.get("page") ?? 1);
            return list.slice((page - 1) * size, page * size);
        };
        const user: User = logins[token] === undefined ? BOT : { login: logins[token], type: "User" };
        if (url.pathname === "/api/v3/user" && method === "GET") {
            if (user === BOT) throw new Refused(403, "Resource not accessible by integration");
            return [200, user];
        }
        const path = /^\/api\/v3\/repos\/o\/r\/(.+)$/.exec(url.pathname)?.[1];
        const issueOf = (number: string) =>
            issues.find((issue) => issue.number === Number(number)) ?? refuse(404, "Not Found");
        const refuse = (status: number, message: string): never => {
            throw new Refused(status, message);
        };
        let found: RegExpExecArray | null;
        if (path === "pulls/7" && method === "GET") return [200, { number: 7, head: { sha: state.head } }];
        if (path === "issues" && method === "GET")
            return [
                200,
                pages(
                    issues.filter((issue) => issue.state === (url.searchParams.get("state") ?? "open")),
                    ["state", "type"],
                ),
            ];
        if (path === "issues" && method === "POST") {
            needs("issues");
            const { title, body } = bodyOf(text, ["title", "body"], ["title"]);
            last++;
            issues.push({ id: last, number: issues.length + 7, title: title!, body: body ?? "", state: "open", user });
            return [201, issues.at(-1)];
        }
        if ((found = /^issues\/(\d+)$/.exec(path ?? "")) && method === "PATCH") {
            const issue = issueOf(found[1]!);
            needs(issue.pull_request ? "pull-requests" : "issues");
            return [200, Object.assign(issue, bodyOf(text, ["title", "body", "state"], []))];
        }
        if ((found = /^issues\/(\d+)\/comments$/.exec(path ?? ""))) {
            const issue = issueOf(found[1]!);
            if (method === "GET")
                return [
                    200,
                    pages(
                        comments.filter((comment) => comment.issue === issue.number),
                        ["since"],
                    ),
                ];
            if (method === "POST") {
                needs(issue.pull_request ? "pull-requests" : "issues");
                last++;
                comments.push({ id: last, issue: issue.number, body: bodyOf(text, ["body"], ["body"]).body!, user });
                return [201, comments.at(-1)];
            }
        }
        if ((found = /^issues\/comments\/(\d+)$/.exec(path ?? "")) && method === "PATCH") {
            const comment = comments.find(({ id }) => id === Number(found![1])) ?? refuse(404, "Not Found");
            needs("issues", "pull-requests");
            if (comment.user.login !== user.login) throw new Refused(403, "Must have admin rights to the repository");
            return [200, Object.assign(comment, bodyOf(text, ["body"], ["body"]))];
        }
        throw new Refused(404, "Not Found");
    };

    const server = http.createServer((request, response) => {
        let text = "";
        request.on("data", (chunk) => (text += String(chunk)));
        request.on("end", () => {
            let status = 500;
            let body: unknown;
            try {
                // GitHub refuses whoever does not say who they are.
                if (!request.headers["user-agent"]) throw new Refused(403, "Request forbidden by administrative rules");
                [status, body] = answer(
                    request.method!,
                    new URL(request.url!, "http://forge"),
                    request.headers.authorization,
                    text,
                );
            } catch (error) {
                if (!(error instanceof Refused)) throw error;
                status = error.status;
                body = { message: error.message };
                refusals.push(`${request.method} ${request.url}: ${status} ${error.message}`);
            }
            response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    server.unref();
    return {
        issues,
        comments,
        refusals,
        written,
        push: (commit) => void (state.head = commit),
        env: (token) => ({
            GITHUB_API_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v3`,
            GITHUB_REPOSITORY: "o/r",
            FORGE_TOKEN: token,
        }),
        stop: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
    };
}
