/**
 * An operator's desk on a site on loopback: a clone of the project, the ordinary Pulumi CLI, and what the manual says
 * to type.
 */
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { RegistryClient } from "../../clients/zot/registry";
import { findToolchain, toolchainEnvironment } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, type SiteOptions, startSite } from "../../testbed/site";
import { ROOT } from "./manual";

const found = findToolchain();
/** Why there are no runbooks to be followed here. */
export const reason =
    found.reason ??
    (found.toolchain?.pulumi.languageHost ? undefined : "the Pulumi CLI has no language host for Node here");

/** The stack of the manual. */
export const STACK = "prod";

/** What of the project a person works with. */
const PARTS = [
    ".github",
    ".gitignore",
    "package.json",
    "tsconfig.json",
    "Pulumi.yaml",
    "index.ts",
    "build",
    "cli",
    "clients",
    "components",
    "docs",
    "host",
    "providers",
    "sdks",
    "testbed",
];

export interface Ran {
    code: number | null;
    stdout: string;
    stderr: string;
    /** Both, as on a terminal. */
    text: string;
}

export interface RunOptions {
    /** What stands in the manual for what a site has: each has to be there. */
    replace?: Record<string, string>;
    env?: Record<string, string>;
    input?: string;
    /** The exit code that is expected. Default: 0. */
    code?: number;
}

export interface RegistryCredentials {
    username: string;
    key: string;
}

export interface Operator {
    site: Site;
    /** The clone; its main branch holds the site's settings. */
    folder: string;
    home: string;
    stackFile: string;
    passphrase: string;
    /** What is typed finds this. */
    environment: NodeJS.ProcessEnv;
    /** The PATH that it types with, and the Pulumi CLI on it. */
    path: string;
    pulumi: string;
    /** Types a block of the manual. Throws with all that was printed, where it ends otherwise than expected. */
    type(block: string, options?: RunOptions): Promise<Ran>;
    /** Writes settings over those of the stack's file: groups, as in the file. */
    changeSettings(groups: Record<string, Record<string, unknown>>): void;
    settings(): Record<string, Record<string, unknown>>;
    outputs(): Promise<Record<string, unknown>>;
    /** What another update would do, by operation; an empty object where nothing. */
    pending(...options: string[]): Promise<Record<string, number>>;
    /** What ci-secrets has handed over, here to a file. */
    ciSecrets(): RegistryCredentials;
    registry(credentials?: RegistryCredentials): RegistryClient;
    /** From an open registry to a hardened one, by the shortest way. */
    harden(): Promise<void>;
    /** Ends with a destroy where a real Authentik holds what was made. */
    stop(): Promise<void>;
}

/**
 * Starts a site and puts a clone of the project beside it, with the site's settings in Pulumi.prod.yaml; no stack yet.
 */
export async function startOperator(options: SiteOptions = {}): Promise<Operator> {
    const toolchain = found.toolchain!;
    const site = await startSite(options);
    const folder = join(site.folder, "clone");
    const home = join(site.folder, "home");
    mkdirSync(home);
    mkdirSync(folder);
    for (const part of PARTS) cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"), "dir");

    const projectFile = join(folder, "Pulumi.yaml");
    const project = parse(readFileSync(projectFile, "utf8")) as {
        name: string;
        plugins: { providers: { name: string; path: string }[] };
    };
    // Where the CLI downloads its plugins, the project needs not name them.
    project.plugins.providers.push(
        ...Object.values(toolchain.plugins).map((plugin) => ({ name: plugin.name as string, path: plugin.folder })),
    );
    writeFileSync(projectFile, stringify(project));
    const stackFile = join(folder, `Pulumi.${STACK}.yaml`);
    const ciSecretsFile = join(home, "ci.json");
    const config: Record<string, unknown> = { "authentik:url": site.authentik.url };
    for (const [group, members] of Object.entries(site.settings)) config[`${project.name}:${group}`] = members;
    // A site names its forge.
    config[`${project.name}:ciSecrets`] = {
        store: "json",
        file: ciSecretsFile,
        names: { ciApiKey: "ZOT_CI_API_KEY", ciUserName: "ZOT_CI_USER" },
    };
    writeFileSync(stackFile, stringify({ config }));

    const passphrase = randomBytes(20).toString("hex");
    const environment: NodeJS.ProcessEnv = {
        PATH: toolchainEnvironment(toolchain).PATH,
        HOME: home,
        // Pulumi finds the home by the account, whatever HOME says.
        PULUMI_HOME: join(home, ".pulumi"),
        PULUMI_CONFIG_PASSPHRASE: passphrase,
        PULUMI_SKIP_UPDATE_CHECK: "true",
        PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
        // A person is asked, and says yes.
        PULUMI_SKIP_CONFIRMATIONS: "true",
        NO_COLOR: "1",
        NO_UPDATE_NOTIFIER: "1",
        GIT_CONFIG_NOSYSTEM: "1",
    };
    execFileSync(
        "sh",
        [
            "-ec",
            "git init --quiet --initial-branch=main; git add --all; " +
                "git -c user.name=operator -c user.email=operator@example.org -c commit.gpgsign=false commit " +
                "--quiet --message settings",
        ],
        { cwd: folder, env: environment, stdio: "ignore" },
    );

    const type = (block: string, { replace = {}, env = {}, input, code = 0 }: RunOptions = {}) =>
        new Promise<Ran>((resolve, reject) => {
            let script = block;
            for (const [text, value] of Object.entries(replace)) {
                if (!script.includes(text))
                    return reject(new Error(`The manual does not say ${JSON.stringify(text)} any more:\n${block}`));
                script = script.replaceAll(text, value);
            }
            const child = spawn("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script], {
                cwd: folder,
                env: { ...environment, ...env },
                stdio: ["pipe", "pipe", "pipe"],
            });
            let [stdout, stderr, text] = ["", "", ""];
            child.stdout.on("data", (chunk) => ((stdout += String(chunk)), (text += String(chunk))));
            child.stderr.on("data", (chunk) => ((stderr += String(chunk)), (text += String(chunk))));
            child.stdin.on("error", () => undefined);
            child.stdin.end(input ?? "");
            child.on("error", reject);
            child.on("close", (ended) => {
                if (ended === code) resolve({ code: ended, stdout, stderr, text });
                else reject(new Error(`ended with ${ended} instead of ${code}:\n${script}\n----\n${text}`));
            });
        });
    const read = () => parse(readFileSync(stackFile, "utf8")) as { config: Record<string, Record<string, unknown>> };
    const json = async (line: string) => JSON.parse((await type(line)).stdout) as Record<string, unknown>;
    return {
        site,
        folder,
        home,
        stackFile,
        passphrase,
        environment,
        path: environment.PATH!,
        pulumi: toolchain.pulumi.path,
        type,
        changeSettings(groups) {
            const current = read();
            for (const [group, members] of Object.entries(groups)) {
                const key = `${project.name}:${group}`;
                current.config[key] = { ...current.config[key], ...members };
            }
            writeFileSync(stackFile, stringify(current));
        },
        settings: () =>
            Object.fromEntries(
                Object.entries(read().config).map(([name, value]) => [name.replace(`${project.name}:`, ""), value]),
            ),
        outputs: () => json(`pulumi stack output --json --show-secrets --stack ${STACK}`),
        async pending(...more) {
            const { changeSummary } = (await json(`pulumi preview --json --stack ${STACK} ${more.join(" ")}`)) as {
                changeSummary: Record<string, number>;
            };
            return Object.fromEntries(Object.entries(changeSummary).filter(([operation]) => operation !== "same"));
        },
        ciSecrets() {
            const { ZOT_CI_API_KEY: key, ZOT_CI_USER: username } = JSON.parse(
                readFileSync(ciSecretsFile, "utf8"),
            ) as Record<string, string>;
            return { key: key!, username: username! };
        },
        registry: (credentials) => new RegistryClient(site.registryUrl, credentials),
        async harden() {
            const state = join(home, ".pulumi-state");
            await type(`mkdir '${state}' && pulumi login 'file://${state}' && pulumi stack init ${STACK}`);
            await type(`pulumi config set --path host.privateKey --secret --stack ${STACK}`, {
                input: site.ssh.privateKeyPem,
            });
            await type(`pulumi config set authentik:token --secret --stack ${STACK}`, { input: site.authentik.token });
            await type(`pulumi up --stack ${STACK} && npm run --silent ci-secrets -- --stack ${STACK}`);
        },
        async stop() {
            if (site.parts.some((part) => part.name === "Authentik" && part.kind === "real"))
                await type(`pulumi destroy --stack ${STACK}`).catch(() => undefined);
            // What npm run authentik-token has made for this stack.
            const { api } = site.authentik;
            for (const [path, matches] of [
                ["/core/users/", "username"],
                ["/rbac/roles/", "name"],
            ] as const) {
                const { results } = await api<{ results: Record<string, string>[] }>(
                    "GET",
                    `${path}?search=pulumi-zot-${STACK}`,
                ).catch(() => ({ results: [] }));
                for (const found of results.filter((one) => one[matches]?.startsWith(`pulumi-zot-${STACK}`)))
                    await api("DELETE", `${path}${found.pk}/`).catch(() => undefined);
            }
            await site.stop();
        },
    };
}
