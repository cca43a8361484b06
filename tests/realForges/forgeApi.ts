/** What the tests ask a real Gitea or Forgejo, as its administrator or as somebody else. */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { GivenForge } from "../../testbed/forges/gitea";

/** A request below `/api/v1`; anything but an answer of the 200s is an error. */
export async function ask<T>(
    { url, token }: Pick<GivenForge, "url" | "token">,
    method: string,
    where: string,
    body?: unknown,
): Promise<T> {
    const response = await fetch(`${url}/api/v1${where}`, {
        method,
        headers: { authorization: `token ${token}`, "content-type": "application/json" },
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${where} was answered ${response.status}: ${text.slice(0, 300)}`);
    const isJson = response.headers.get("content-type")?.includes("json") === true;
    return (text === "" ? undefined : isJson ? JSON.parse(text) : text) as T;
}

/** Waits until a forge knows a branch that was pushed: it takes note of one after it has answered the push. */
export async function branchIsKnown(
    forge: Pick<GivenForge, "url" | "token">,
    repository: string,
    branch: string,
): Promise<void> {
    for (let attempt = 1; ; attempt++) {
        try {
            return void (await ask(forge, "GET", `${repository}/branches/${branch}`));
        } catch (error) {
            if (attempt === 300) throw error;
            await sleep(100);
        }
    }
}

/**
 * A token of a new user, made by the user's own name and password, since an administrator's token makes none.
 *
 * @param forge with its administrator's token
 * @param scopes as the forge names them
 */
export async function tokenOfNewUser(forge: GivenForge, login: string, scopes: string[]): Promise<string> {
    const password = randomBytes(12).toString("hex");
    await ask(forge, "POST", "/admin/users", {
        username: login,
        password,
        email: `${login}@example.org`,
        must_change_password: false,
    });
    const response = await fetch(`${forge.url}/api/v1/users/${login}/tokens`, {
        method: "POST",
        headers: {
            authorization: `Basic ${Buffer.from(`${login}:${password}`).toString("base64")}`,
            "content-type": "application/json",
        },
        body: JSON.stringify({ name: "t", scopes }),
    });
    if (!response.ok) throw new Error(`No token for ${login}: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { sha1: string }).sha1;
}
