import type { Toolchain } from "./parts.cjs";

export type { Executable, Kind, Plugin, PulumiCli, Toolchain } from "./parts.cjs";

/** What a test needs that a machine may lack. */
export interface Machine {
    /** zot: ZOT, or PATH, or the release that was downloaded, else the stand-in. */
    zot: { path: string; kind: "real" | "stand-in" };
    /** OpenSSH's server, or undefined. It is usually not on the PATH of an ordinary user. */
    sshd: string | undefined;
    /** Whether AUTHENTIK_URL and AUTHENTIK_TOKEN name a real Authentik. */
    authentik: "real" | "stand-in";
}

/**
 * The toolchain of the running command; started by hand (`npx jest`), whatever is installed by now.
 * @throws Problem with what to run, if something is missing
 */
export function readToolchain(env?: NodeJS.ProcessEnv): Toolchain;

/** As readToolchain, but undefined if something is missing: for tests, which skip with `reason`. */
export function findToolchain(
    env?: NodeJS.ProcessEnv,
): { toolchain: Toolchain; reason: undefined } | { toolchain: undefined; reason: string };

/** What this machine has besides the toolchain. */
export function readMachine(env?: NodeJS.ProcessEnv): Machine;

/**
 * The environment for commands that run Pulumi: `node` and `pulumi` first on PATH, no search for updates, no downloads
 * of plugins.
 * A backend, PULUMI_HOME and a passphrase are the caller's to add.
 */
export function toolchainEnvironment(toolchain: Toolchain, env?: NodeJS.ProcessEnv): NodeJS.ProcessEnv;

/** Absolute path of the first executable of that name on PATH, and in the folders only root has there. */
export function findExecutable(name: string, env?: NodeJS.ProcessEnv): string | undefined;

/**
 * The name of a test, or of a group, that a missing requirement skips: `npm test` lists skipped tests with the reason
 * it finds here.
 * @example (reason ? describe.skip : describe)(skippable("sshd refuses an unknown key", reason), () => { … })
 */
export function skippable(name: string, reason: string | undefined): string;
