/** Runs npm run ci-secrets with a stack's outputs, and opens the stand-ins of the forges that it writes to. */
import { type Ran, runCommand } from "./command";
import { ForgejoStandIn, GitHubStandIn } from "./forge";

export const TOKEN = "forge-token-that-nobody-may-see";
export const KEY = "zak_0123456789abcdef0123456789abcdef";
export const outputs = {
    registryUrl: "http://127.0.0.1:1",
    registryHost: "127.0.0.1:1",
    ciUserName: "zot-ci",
    ciApiKey: KEY,
    ciApiKeyExpires: "2999-01-01T00:00:00Z",
};

/** @param pairs each `OUTPUT=NAME` */
export const named = (...pairs: string[]) => pairs.flatMap((pair) => ["--name", pair]);
export const ALL_NAMES = named(
    "ciApiKey=ZOT_CI_API_KEY",
    "registryHost=ZOT_REGISTRY",
    "ciApiKeyExpires=ZOT_CI_API_KEY_EXPIRES",
);

/**
 * The options that say where to.
 * @param place `owner/repository`, or an organisation
 */
export function to(store: string, { url }: { url: string }, place: string, ...more: string[]): string[] {
    const [owner = "", repository] = place.split("/");
    const options = ["--store", store, "--api-url", url, "--owner", owner];
    return [...options, ...(repository ? ["--repository", repository] : []), ...more];
}

/** What a test opened. */
export const closing: (() => Promise<unknown>)[] = [];

/** Closes it, in the order in which it was opened. */
export async function closeAll(): Promise<void> {
    for (const close of closing.splice(0)) await close();
}

export async function forgejo(options = {}): Promise<ForgejoStandIn> {
    const forge = await new ForgejoStandIn({ token: TOKEN, ...options }).listen();
    closing.push(() => forge.close());
    return forge;
}

export async function github(options = {}): Promise<GitHubStandIn> {
    const forge = await GitHubStandIn.open({ token: TOKEN, ...options });
    closing.push(() => forge.close());
    return forge;
}

/** Runs it with the outputs on standard input; no secret may be in what it prints. */
export async function handOver(
    args: string[],
    {
        env = { FORGE_TOKEN: TOKEN },
        input = JSON.stringify(outputs),
    }: { env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
    const ran = await runCommand("cli/ci-secrets.ts", ["--from", "-", ...args], { env, input });
    expect(`${ran.stdout}${ran.stderr}`).not.toContain(KEY);
    expect(`${ran.stdout}${ran.stderr}`).not.toContain(TOKEN);
    return ran;
}

/** What was asked of it beside reading, and beside the removal of what is not there. */
export const written = ({ seen }: { seen: string[] }) =>
    seen.filter((request) => !/^GET |^DELETE .*\/IS_NOT_THERE_[0-9A-F]{16}$/.test(request));
export const kept = (entries: Map<string, { value: string }> | undefined) =>
    Object.fromEntries([...(entries ?? [])].map(([name, { value }]) => [name, value]));
