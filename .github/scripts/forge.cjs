// One comment on a pull request, or one issue, made once and updated afterwards: on GitHub, Forgejo and Gitea, whose interfaces agree here.
//
//     node forge.cjs comment NUMBER KEY <text      the comment KEY of a pull request
//     node forge.cjs issue TITLE <text             the open issue of that title
//     node forge.cjs close TITLE <text             closes it, with a last comment
//
// FORGE_TOKEN is the token, GITHUB_API_URL and GITHUB_REPOSITORY are set in every run. The text is data: nothing in it is run.
"use strict";
const fs = require("node:fs");

const { FORGE_TOKEN: token, GITHUB_API_URL: api, GITHUB_REPOSITORY: repository } = process.env;
/** What a forge takes, with room for the rest. */
const LONGEST = 64_000;

class Mistake extends Error {}

async function ask(method, path, body) {
    const url = `${api}/repos/${repository}/${path}`;
    const response = await fetch(url, {
        method,
        headers: { accept: "application/json", authorization: `token ${token}`, "content-type": "application/json", "user-agent": "zot-hardening" },
        body: body && JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.timeout(30_000),
    }).catch((error) => {
        throw new Mistake(`${new URL(url).host} gave no answer to ${method} ${path}: ${error.cause?.message ?? error.message}`);
    });
    if (!response.ok) throw new Mistake(`${new URL(url).host} answered ${response.status} to ${method} ${path}. May the token of the run do that (permissions of the job)?`);
    return response.status === 204 ? undefined : response.json();
}

/** All pages; `limit` is the name that Forgejo and Gitea give to GitHub's `per_page`. */
async function everything(path) {
    const all = [];
    for (let page = 1; ; page++) {
        const items = await ask("GET", `${path}${path.includes("?") ? "&" : "?"}per_page=50&limit=50&page=${page}`);
        all.push(...items);
        if (items.length < 50) return all;
    }
}

/** What a run wrote; anyone may write a comment that looks like ours. */
const isOurs = ({ user }) => user?.type === "Bot" || ["forgejo-actions", "gitea-actions", process.env.FORGE_USER].includes(user?.login);

const cut = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}\n\nThe rest is in the log of the run.` : text);

async function comment([number, key], text) {
    if (!/^\d+$/.test(number ?? "") || !/^[\w. -]+$/.test(key ?? "")) throw new Mistake("Usage: node forge.cjs comment NUMBER KEY");
    const mark = `<!-- zot-hardening: ${key} -->`;
    const body = cut(`${mark}\n${text}`);
    const present = (await everything(`issues/${number}/comments`)).find((item) => isOurs(item) && item.body?.startsWith(mark));
    await (present ? ask("PATCH", `issues/comments/${present.id}`, { body }) : ask("POST", `issues/${number}/comments`, { body }));
}

const openIssue = async (title) => (await everything("issues?state=open&type=issues")).find((item) => !item.pull_request && item.title === title && isOurs(item));

async function issue([title], text) {
    if (!title) throw new Mistake("Usage: node forge.cjs issue TITLE");
    const present = await openIssue(title);
    if (present?.body === cut(text)) return;
    await (present ? ask("PATCH", `issues/${present.number}`, { body: cut(text) }) : ask("POST", "issues", { title, body: cut(text) }));
}

async function close([title], text) {
    if (!title) throw new Mistake("Usage: node forge.cjs close TITLE");
    const present = await openIssue(title);
    if (!present) return;
    await ask("POST", `issues/${present.number}/comments`, { body: cut(text) });
    await ask("PATCH", `issues/${present.number}`, { state: "closed" });
}

async function main([name, ...args]) {
    const work = { comment, issue, close }[name];
    if (!work) throw new Mistake("Usage: node forge.cjs comment|issue|close …");
    if (!token || !api || !repository) throw new Mistake("FORGE_TOKEN, GITHUB_API_URL and GITHUB_REPOSITORY have to be set.");
    await work(args, fs.readFileSync(0, "utf8"));
}

main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`${error instanceof Mistake ? error.message : error.stack}\n`);
    process.exitCode = 1;
});
