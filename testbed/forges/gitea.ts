/**
 * A real Gitea on loopback, with users, tokens and repositories: the part of a forge that ci-secrets and the workflows
 * use.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** Where a forge is, and a token of somebody who administers it, or at least makes organisations and repositories. */
export interface GivenForge {
    name: "gitea" | "forgejo";
    url: string;
    token: string;
}

/** How long it may take to begin to answer, on a machine that has other things to do too. In milliseconds. */
const PATIENCE = 600_000;

export class Gitea implements GivenForge {
    readonly name = "gitea";
    token = "";

    private constructor(
        private readonly program: string,
        private readonly folder: string,
        readonly url: string,
        private readonly process: ChildProcess,
    ) {}

    /** @param installed the folder with `gitea` and what it reads */
    static async start(installed: string): Promise<Gitea> {
        const folder = mkdtempSync(join(tmpdir(), "zot-hardening-gitea-"));
        const port = await freePort();
        const url = `http://127.0.0.1:${port}`;
        mkdirSync(join(folder, "data"));
        writeFileSync(join(folder, "app.ini"), configuration(folder, installed, port), { mode: 0o600 });
        const program = join(installed, "gitea");
        const started = spawn(program, ["web", "--config", join(folder, "app.ini")], {
            env: environment(folder),
            stdio: "ignore",
        });
        const gitea = new Gitea(program, folder, url, started);
        try {
            await gitea.answers();
            gitea.administer(
                "user",
                "create",
                "--admin",
                "--username",
                "operator",
                "--password",
                randomBytes(12).toString("hex"),
                "--email",
                "operator@example.org",
                "--must-change-password=false",
            );
            gitea.token = gitea.tokenFor("operator", "all");
        } catch (error) {
            await gitea.stop();
            throw error;
        }
        return gitea;
    }

    /** A user who may do nothing yet. */
    makeUser(name: string): void {
        this.administer(
            "user",
            "create",
            "--username",
            name,
            "--password",
            randomBytes(12).toString("hex"),
            "--email",
            `${name}@example.org`,
            "--must-change-password=false",
        );
    }

    /** @param scopes as Gitea names them, with commas between */
    tokenFor(user: string, scopes: string): string {
        return this.administer(
            "user",
            "generate-access-token",
            "--username",
            user,
            "--token-name",
            randomBytes(4).toString("hex"),
            "--scopes",
            scopes,
            "--raw",
        )
            .trim()
            .split("\n")
            .at(-1)!;
    }

    log(): string {
        return readFileSync(join(this.folder, "log", "gitea.log"), "utf8");
    }

    async stop(): Promise<void> {
        if (this.process.exitCode === null && this.process.signalCode === null) {
            const ended = new Promise((resolve) => this.process.once("exit", resolve));
            this.process.kill("SIGTERM");
            await Promise.race([ended, sleep(10_000, undefined, { ref: false })]);
            this.process.kill("SIGKILL");
        }
        rmSync(this.folder, { recursive: true, force: true });
    }

    private administer(...args: string[]): string {
        const { status, stdout, stderr } = spawnSync(
            this.program,
            ["admin", ...args, "--config", join(this.folder, "app.ini")],
            { env: environment(this.folder), encoding: "utf8" },
        );
        if (status !== 0) throw new Error(`gitea admin ${args.slice(0, 2).join(" ")} failed: ${stderr}${stdout}`);
        return stdout;
    }

    private async answers(): Promise<void> {
        for (const end = Date.now() + PATIENCE; ; await sleep(200)) {
            const response = await fetch(`${this.url}/api/v1/version`).catch(() => undefined);
            if (response?.ok) return;
            if (this.process.exitCode !== null) throw new Error(`Gitea ended with exit code ${this.process.exitCode}.`);
            if (Date.now() > end) throw new Error(`Gitea did not answer at ${this.url} within ${PATIENCE / 1000} s.`);
        }
    }
}

/** Nothing of the caller's but the way to git. */
const environment = (folder: string): NodeJS.ProcessEnv => ({
    PATH: process.env.PATH,
    HOME: folder,
    USER: userInfo().username,
});

function configuration(folder: string, installed: string, port: number): string {
    const sections: Record<string, Record<string, string | number>> = {
        "": {
            APP_NAME: "zot-hardening",
            RUN_USER: userInfo().username,
            RUN_MODE: "prod",
            WORK_PATH: folder,
            // On loopback and for as long as the tests take; it refuses to be run by root otherwise.
            I_AM_BEING_UNSAFE_RUNNING_AS_ROOT: String(process.getuid?.() === 0),
        },
        server: {
            HTTP_ADDR: "127.0.0.1",
            HTTP_PORT: port,
            ROOT_URL: `http://127.0.0.1:${port}/`,
            STATIC_ROOT_PATH: installed,
            APP_DATA_PATH: join(folder, "data"),
            DISABLE_SSH: "true",
            OFFLINE_MODE: "true",
        },
        database: { DB_TYPE: "sqlite3", PATH: join(folder, "data", "gitea.db") },
        repository: { ROOT: join(folder, "repositories"), DEFAULT_BRANCH: "main" },
        security: { INSTALL_LOCK: "true", SECRET_KEY: randomBytes(24).toString("hex") },
        service: { DISABLE_REGISTRATION: "true" },
        // An action that a workflow uses is looked for here, and nowhere outside.
        actions: { ENABLED: "true", DEFAULT_ACTIONS_URL: "self" },
        session: { PROVIDER: "memory" },
        cron: { ENABLED: "false" },
        log: { MODE: "file", LEVEL: "Info", ROOT_PATH: join(folder, "log") },
    };
    const lines = (values: Record<string, string | number>) =>
        Object.entries(values).map(([name, value]) => `${name} = ${value}\n`);
    return Object.entries(sections)
        .map(([name, values]) => `${name === "" ? "" : `[${name}]\n`}${lines(values).join("")}`)
        .join("\n");
}

async function freePort(): Promise<number> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    await new Promise((resolve) => server.close(resolve));
    return port;
}
