/**
 * Where a part came from: "official" is the project's own release (installed by somebody or downloaded), "built from its Go module"
 * the same sources compiled here, "stand-in" is ours, for what cannot be had here.
 */
export type Kind = "official" | "built from its Go module" | "stand-in";

export interface Executable {
    /** Absolute path of the executable. */
    path: string;
    /** For example "3.259.0". */
    version: string;
    /** Where it came from, for people: "on PATH", "official download", "npm package". */
    source: string;
}

export interface PulumiCli extends Executable {
    kind: Exclude<Kind, "stand-in">;
    /** Whether the CLI's language host for Node lies beside it or on PATH; without it only inline programs run. */
    languageHost: boolean;
}

export interface Plugin {
    name: "command" | "random";
    version: string;
    kind: Kind;
    source: string;
    /** Holds an executable pulumi-resource-NAME: `path` of an entry of `plugins.providers` in Pulumi.yaml. */
    folder: string;
}

/** What `npm run demo`, `npm test` and `npm run bench` found or installed. No secrets. */
export interface Toolchain {
    node: Executable;
    pulumi: PulumiCli;
    plugins: { command: Plugin; random: Plugin };
    /** First on PATH of every command run: `node` and `pulumi` as above, and nothing else. */
    bin: string;
}

/** What a test needs that a machine may lack. */
export interface Machine {
    /** zot: ZOT, or PATH, else the stand-in. */
    zot: { path: string; kind: "real" | "stand-in" };
    /** OpenSSH's server, or undefined. It is usually not on the PATH of an ordinary user. */
    sshd: string | undefined;
    /** Whether AUTHENTIK_URL and AUTHENTIK_TOKEN name a real Authentik. */
    authentik: "real" | "stand-in";
}

/**
 * The toolchain of the running command; started by hand (`npx jest`), whatever is installed by now.
 * @throws Problem with what to run, where something is missing
 */
export function readToolchain(env?: NodeJS.ProcessEnv): Toolchain;

/** As readToolchain, but undefined where something is missing: for tests, which skip with `reason`. */
export function findToolchain(
    env?: NodeJS.ProcessEnv,
): { toolchain: Toolchain; reason: undefined } | { toolchain: undefined; reason: string };

/** What this machine has besides the toolchain. */
export function readMachine(env?: NodeJS.ProcessEnv): Machine;

/**
 * The environment for commands that run Pulumi: `node` and `pulumi` first on PATH, no search for updates, no downloads of plugins.
 * A backend, PULUMI_HOME and a passphrase are the caller's to add.
 */
export function toolchainEnvironment(toolchain: Toolchain, env?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;

/** Absolute path of the first executable of that name on PATH, and in the folders only root has there. */
export function findExecutable(name: string, env?: NodeJS.ProcessEnv): string | undefined;

/**
 * The name of a test, or of a group, that a missing requirement skips: `npm test` lists skipped tests with the reason it finds here.
 * @example (reason ? describe.skip : describe)(skippable("sshd refuses an unknown key", reason), () => { … })
 */
export function skippable(name: string, reason: string | undefined): string;
