/** The official Authentik in containers, from a compose file: starts it, waits for it, removes it with its data. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../clients/userError";
import { findExecutable } from "../bootstrap/toolchain.cjs";

/** A running one. */
export interface AuthentikContainer {
    url: string;
    /** Of akadmin, a superuser. */
    token: string;
    /** Removes containers, network and data. */
    stop(): Promise<void>;
}

/** Container engines whose `compose` is tried, in this order. */
const ENGINES = ["docker", "podman"];
/** What every start of Authentik makes for itself; a look-up of it says that the worker has come that far. */
const LAST_BLUEPRINT = "/core/groups/?name=authentik%20Admins";
const FLOW = "/flows/instances/?slug=default-provider-authorization-implicit-consent";

/**
 * Starts it on a free port of loopback. The first time, the engine fetches its images: a gigabyte.
 *
 * @param checkout where this project is
 * @param folder an existing one, for its settings: a file of mode 0600 with its secrets
 * @param patience how long it may take to be ready once its containers run, in milliseconds
 * @throws UserError if no engine answers, or Authentik does not start
 */
export async function startAuthentikContainer(
    checkout: string,
    folder: string,
    patience = 600_000,
): Promise<AuthentikContainer> {
    const engine = await engineThatAnswers();
    const place = join(folder, "authentik");
    mkdirSync(place);
    const file = join(place, "compose.yml");
    copyFileSync(join(checkout, "testbed", "site", "authentik.compose.yml"), file);
    const secret = (bytes: number) => randomBytes(bytes).toString("hex");
    const token = secret(30);
    const settings = {
        PG_PASS: secret(24),
        AUTHENTIK_SECRET_KEY: secret(30),
        AUTHENTIK_BOOTSTRAP_TOKEN: token,
        AUTHENTIK_BOOTSTRAP_PASSWORD: secret(24),
        AUTHENTIK_BOOTSTRAP_EMAIL: "akadmin@example.org",
        AUTHENTIK_DISABLE_UPDATE_CHECK: "true",
        AUTHENTIK_ERROR_REPORTING__ENABLED: "false",
        ...(process.env.AUTHENTIK_TAG ? { AUTHENTIK_TAG: process.env.AUTHENTIK_TAG } : {}),
    };
    writeFileSync(
        join(place, ".env"),
        Object.entries(settings)
            .map(([name, value]) => `${name}=${value}\n`)
            .join(""),
        { mode: 0o600 },
    );
    const project = `zot-hardening-${secret(3)}`;
    const compose = (...args: string[]) =>
        output(engine, ["compose", "--project-name", project, "--file", file, ...args], place);
    const stop = async () => void (await compose("down", "--volumes", "--timeout", "5"));
    try {
        await compose("up", "--detach");
        const address = (await compose("port", "server", "9000")).trim().split("\n")[0]!;
        const url = `http://${address}`;
        await untilReady(url, token, patience);
        return { url, token, stop };
    } catch (error) {
        await stop().catch(() => undefined);
        throw error;
    }
}

async function engineThatAnswers(): Promise<string> {
    const found: string[] = [];
    for (const name of ENGINES) {
        const engine = findExecutable(name);
        if (engine === undefined) continue;
        try {
            await output(engine, ["info"]);
            await output(engine, ["compose", "version"]);
            return engine;
        } catch (error) {
            found.push(`${name}: ${(error as Error).message}`);
        }
    }
    throw new UserError(
        found.length === 0
            ? `To start Authentik in containers, ${ENGINES.join(" or ")} with its "compose" is needed, and neither is on ` +
                  "the PATH. Install one; or leave out --authentik container: then a stand-in takes its place."
            : 'To start Authentik in containers, a container engine with its "compose" is needed, and none answers:\n' +
                  `${found.map((line) => `  ${line}`).join("\n")}\nStart it, or install its compose plugin; or leave out ` +
                  "--authentik container: then a stand-in takes its place.",
    );
}

/** Waits until the API knows the token, and the objects that Authentik makes at its start exist. */
async function untilReady(url: string, token: string, patience: number): Promise<void> {
    const deadline = Date.now() + patience;
    let last = "nothing";
    while (Date.now() < deadline) {
        try {
            const counts = await Promise.all(
                [LAST_BLUEPRINT, FLOW].map((path) => countOf(`${url}/api/v3${path}`, token)),
            );
            if (counts.every((count) => count === 1)) return;
            last = "an API in which its own group and flows are not there yet";
        } catch (error) {
            last = (error as Error).message;
        }
        await sleep(500);
    }
    throw new UserError(
        `Authentik in containers was not ready within ${Math.round(patience / 1000)} seconds at ${url}; the last that came ` +
            `was ${last}. Look at the engine's memory (2 GB are needed), and try again.`,
    );
}

async function countOf(url: string, token: string): Promise<number> {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}`, connection: "close" } });
    if (answer.status !== 200) throw new Error(`the status ${answer.status}`);
    return ((await answer.json()) as { results: unknown[] }).results.length;
}

/** What a program prints. @throws UserError with its last words, if it fails */
function output(file: string, args: string[], cwd?: string): Promise<string> {
    return new Promise((resolve, reject) => {
        execFile(file, args, { cwd, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
            if (!error) return resolve(stdout);
            const said = `${stdout}${stderr}`.trim().split("\n").slice(-5).join("\n  ");
            reject(new UserError(`${file.split("/").at(-1)} ${args.at(-1)}: ${said || error.message}`));
        });
    });
}
