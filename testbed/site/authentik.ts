/** Authentik as a site has it: running, with a group of admins. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { rootCause } from "../../clients/causes";
import { urlOf } from "../../clients/http/address";
import { UserError } from "../../clients/userError";
import { startAuthentikContainer } from "./authentikContainer";

export interface AuthentikSite {
    url: string;
    /** A superuser's API token. */
    token: string;
    /** A member of `admins`. */
    adminUser: string;
    /** A user in no group. */
    plainUser: string;
    /**
     * One request to the API; returns the parsed body, undefined if there is none. Any status above 399 is an error.
     */
    api<T = unknown>(method: string, path: string, body?: unknown): Promise<T>;
    /** A new app password of a user, with which it can log in for half an hour. */
    appPassword(username: string): Promise<string>;
    /** Gives a user a password, for a person who logs in with a browser. */
    setPassword(username: string, password: string): Promise<void>;
    stop(): Promise<void>;
}

interface Found {
    pk: number | string;
}

/**
 * The real one, from AUTHENTIK_URL and AUTHENTIK_TOKEN.
 *
 * @throws UserError if the address is none, or nothing there answers
 */
export async function connectAuthentik(): Promise<AuthentikSite> {
    const url = process.env.AUTHENTIK_URL!.replace(/\/+$/, "");
    if (!/^https?:$/.test(urlOf(url)?.protocol ?? ""))
        throw new UserError(`AUTHENTIK_URL is ${JSON.stringify(url)}, which is no address such as https://HOST.`);
    await fetch(`${url}/-/health/live/`).catch((error: unknown) => {
        throw new UserError(`Nothing answers at AUTHENTIK_URL (${url}): ${rootCause(error).message}`);
    });
    return furnish(url, process.env.AUTHENTIK_TOKEN!, async () => {});
}

/** The official Authentik, in its own containers. */
export async function containAuthentik(folder: string): Promise<AuthentikSite> {
    const { url, token, stop } = await startAuthentikContainer(projectFolder(), folder);
    return furnish(url, token, stop);
}

/** The stand-in, in its own process. */
export async function startAuthentik(folder: string): Promise<AuthentikSite> {
    const token = randomBytes(30).toString("hex");
    const tokenFile = join(folder, "authentik-token");
    writeFileSync(tokenFile, token, { mode: 0o600 });
    const root = projectFolder();
    const child = spawn(
        process.execPath,
        [
            join(root, "build", "run.cjs"),
            "testbed/authentik/main.ts",
            "--listen",
            "127.0.0.1:0",
            "--token-file",
            tokenFile,
        ],
        {
            stdio: ["ignore", "pipe", "pipe"],
        },
    );
    const errors: Buffer[] = [];
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
    const url = await new Promise<string>((resolve, reject) => {
        createInterface({ input: child.stdout }).once("line", (line) =>
            resolve((JSON.parse(line) as { url: string }).url),
        );
        child.once("exit", (code) =>
            reject(new Error(`The stand-in for Authentik ended with ${code}: ${Buffer.concat(errors).toString()}`)),
        );
    });
    child.removeAllListeners("exit");
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    return furnish(url.replace(/\/+$/, ""), token, async () => {
        child.kill("SIGTERM");
        await ended;
    });
}

function projectFolder(): string {
    let folder = __dirname;
    while (!existsSync(join(folder, "Pulumi.yaml"))) folder = join(folder, "..");
    return folder;
}

/** Makes the objects that the site is expected to have and lacks, and remembers what to remove. */
async function furnish(url: string, token: string, stopServer: () => Promise<void>): Promise<AuthentikSite> {
    const made: string[] = [];
    const api = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
        const response = await fetch(`${url}/api/v3${path}`, {
            method,
            // A connection that is kept may be closed by the other side while a test is busy with something else.
            headers: {
                authorization: `Bearer ${token}`,
                connection: "close",
                ...(body === undefined ? {} : { "content-type": "application/json" }),
            },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        const text = await response.text();
        if (response.status >= 400)
            throw new Error(`Authentik answered ${response.status} to ${method} ${path}: ${text}`);
        return (text === "" ? undefined : JSON.parse(text)) as T;
    };
    const find = async (path: string) => (await api<{ results: Found[] }>("GET", path)).results[0];
    const suffix = randomBytes(3).toString("hex");
    const adminUser = `site-admin-${suffix}`;
    const plainUser = `site-user-${suffix}`;

    let admins = await find("/core/groups/?name=admins");
    if (!admins) {
        admins = await api<Found>("POST", "/core/groups/", { name: "admins" });
        made.push(`/core/groups/${admins.pk}/`);
    }
    for (const [username, groups] of [
        [adminUser, [admins.pk]],
        [plainUser, []],
    ] as const) {
        const user = await api<Found>("POST", "/core/users/", {
            username,
            name: username,
            type: "internal",
            path: "users",
            groups,
            attributes: {},
            email: `${username}@example.org`,
        });
        made.push(`/core/users/${user.pk}/`);
    }
    const userCalled = async (username: string) => {
        const user = await find(`/core/users/?username=${encodeURIComponent(username)}`);
        if (!user) throw new Error(`There is no user ${username} in Authentik.`);
        return user;
    };
    return {
        url,
        token,
        adminUser,
        plainUser,
        api,
        async setPassword(username, password) {
            const { pk } = await userCalled(username);
            await api("POST", `/core/users/${pk}/set_password/`, { password });
        },
        async appPassword(username) {
            const user = await userCalled(username);
            const identifier = `site-${username}-${randomBytes(4).toString("hex")}`;
            await api("POST", "/core/tokens/", {
                identifier,
                intent: "app_password",
                user: user.pk,
                description: "",
                expiring: true,
            });
            return (await api<{ key: string }>("GET", `/core/tokens/${identifier}/view_key/`)).key;
        },
        async stop() {
            for (const path of made.splice(0).reverse()) await api("DELETE", path).catch(() => undefined);
            await stopServer();
        },
    };
}
