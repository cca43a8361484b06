// One comment on a pull request, or one issue, made once and updated afterwards: on GitHub, Forgejo and Gitea, whose
// interfaces agree here.
//
//     node forge.cjs comment NUMBER KEY <text      the comment KEY of a pull request
//     node forge.cjs issue TITLE <text             the open issue of that title
//     node forge.cjs close TITLE <text             closes it, with a last comment
//
// FORGE_TOKEN is the token, GITHUB_API_URL and GITHUB_REPOSITORY are set in every run. FORGE_USER is as whom the token
// writes; without it the forge is asked. COMMIT, where it is set, is the head that a comment is about. The text is
// data: nothing in it is run.
"use strict";
const fs = require("node:fs");

const { FORGE_TOKEN: token, GITHUB_API_URL: api, GITHUB_REPOSITORY: repository, COMMIT: commit } = process.env;
/** What a forge takes, with room for the rest. */
const LONGEST = 64_000;
/** Of one answer that is read: more than 50 comments have, each as long as can be. In bytes. */
const LARGEST_ANSWER = 16 * 1024 * 1024;
/** Of 50 comments or issues each. */
const MOST_PAGES = 200;
/** As whom every run of Forgejo and Gitea writes, a fork's too: what it wrote may be anybody's. */
const SHARED = /^(forgejo|gitea)-actions$/i;

class Mistake extends Error {}

async function ask(method, path, body, below = `/repos/${repository}/`) {
    const url = `${api}${below}${path}`;
    const response = await fetch(url, {
        method,
        headers: {
            accept: "application/json",
            authorization: `token ${token}`,
            "content-type": "application/json",
            "user-agent": "zot-hardening",
        },
        body: body && JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.timeout(30_000),
    }).catch((error) => {
        throw new Mistake(
            `${new URL(url).host} gave no answer to ${method} ${path}: ${error.cause?.message ?? error.message}`,
        );
    });
    if (!response.ok) throw new Mistake(await refusal(response, `${method} ${path}`));
    return response.status === 204 ? undefined : bodyOf(response, `${method} ${path}`);
}

async function bodyOf(response, request) {
    const { host } = new URL(response.url);
    const chunks = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
        size += chunk.length;
        if (size > LARGEST_ANSWER)
            throw new Mistake(`${host} sent more than ${LARGEST_ANSWER / 1024 / 1024} MiB to ${request}.`);
        chunks.push(chunk);
    }
    try {
        return JSON.parse(Buffer.concat(chunks).toString("utf8"));
    } catch {
        throw new Mistake(`${host} answered ${request} with something else than JSON: is a login in front of it?`);
    }
}

/** What an answer means to whoever looks after the bot or the repository. */
const MEANINGS = {
    401: "FORGE_TOKEN is no token, or no longer one.",
    403:
        "The token may not do that: see the permissions of the job on GitHub, " +
        "and the scopes of the bot's token elsewhere (docs/workflows.md).",
    404: "Has the repository its issues turned on, and may the token's user read it?",
    410: "The repository has its issues turned off.",
    423: "The repository is archived, or the conversation is locked.",
};

async function refusal(response, request) {
    const { message } = (await bodyOf(response, request).catch(() => undefined)) ?? {};
    const said =
        typeof message === "string" && message !== ""
            ? `, ${JSON.stringify(message.replaceAll(token, "***").slice(0, 200)).replace(/[^ -~]/g, "?")}`
            : "";
    const meaning = MEANINGS[response.status] ?? "";
    return `${new URL(response.url).host} answered ${response.status} to ${request}${said}. ${meaning}`.trim();
}

/** All pages; `limit` is the name that Forgejo and Gitea give to GitHub's `per_page`. */
async function everything(path) {
    const all = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
        const items = await ask("GET", `${path}${path.includes("?") ? "&" : "?"}per_page=50&limit=50&page=${page}`);
        if (!Array.isArray(items))
            throw new Mistake(`${new URL(api).host} answered ${path} with something else than a list.`);
        all.push(...items);
        if (items.length < 50) return all;
    }
    throw new Mistake(`${path.split("?")[0]} has more than ${MOST_PAGES * 50} entries; close it, or remove some.`);
}

/** What a bot of ours wrote; anyone may write a comment that looks like it. */
async function ours() {
    const login = process.env.FORGE_USER || (await ask("GET", "user", undefined, "/")).login;
    if (typeof login !== "string" || login === "")
        throw new Mistake("The forge does not say whose token FORGE_TOKEN is; it needs the scope read:user.");
    if (SHARED.test(login)) {
        throw new Mistake(
            `FORGE_TOKEN is the token of the run itself (${login}), as whom a fork's run can write too. ` +
                "Make a user for a bot, and give its token as the secret FORGE_BOT_TOKEN (docs/workflows.md).",
        );
    }
    return ({ user }) => user?.login === login;
}

const cut = (text) =>
    text.length > LONGEST ? `${text.slice(0, LONGEST)}\n\nThe rest is in the log of the run.` : text;

async function comment([number, key], text) {
    if (!/^\d+$/.test(number ?? "") || !/^[\w./ -]+$/.test(key ?? ""))
        throw new Mistake("Usage: node forge.cjs comment NUMBER KEY");
    // Two runs at once, of which the older one ends last: the newer one's word stays.
    if (commit && (await ask("GET", `pulls/${number}`)).head?.sha !== commit) {
        process.stdout.write(
            `The pull request has another head than ${commit} by now: what is said of that one is another run's.\n`,
        );
        return;
    }
    const isOurs = await ours();
    const mark = `<!-- zot-hardening: ${key} -->`;
    const body = cut(`${mark}\n${text}`);
    const present = (await everything(`issues/${number}/comments`)).find(
        (item) => isOurs(item) && item.body?.startsWith(mark),
    );
    await (present
        ? ask("PATCH", `issues/comments/${present.id}`, { body })
        : ask("POST", `issues/${number}/comments`, { body }));
}

async function openIssue(title) {
    const isOurs = await ours();
    return (await everything("issues?state=open&type=issues")).find(
        (item) => !item.pull_request && item.title === title && isOurs(item),
    );
}

async function issue([title], text) {
    if (!title) throw new Mistake("Usage: node forge.cjs issue TITLE");
    const present = await openIssue(title);
    if (present?.body === cut(text)) return;
    await (present
        ? ask("PATCH", `issues/${present.number}`, { body: cut(text) })
        : ask("POST", "issues", { title, body: cut(text) }));
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
    if (!token || !api || !repository)
        throw new Mistake("FORGE_TOKEN, GITHUB_API_URL and GITHUB_REPOSITORY have to be set.");
    await work(args, fs.readFileSync(0, "utf8"));
}

main(process.argv.slice(2)).catch((error) => {
    process.stderr.write(`${error instanceof Mistake ? error.message : error.stack}\n`);
    process.exitCode = 1;
});
