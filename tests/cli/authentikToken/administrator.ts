/**
 * npm run authentik-token as an administrator runs it, against Authentik: the stand-in, or the real one of
 * AUTHENTIK_URL and AUTHENTIK_TOKEN.
 */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { Target } from "../../testbed/authentik/target";
import { type Ran, removeScratch, runCommand, scratch } from "../ciSecrets/command";

const ROOT = resolve(__dirname, "../../..");

export let target: Target;
/** Names whose role, account and token are removed at the end. */
export const made = new Set<string>();

/** For the tests of a file: starts Authentik, and removes what they made in it. */
export function administratorForAll(): void {
    jest.setTimeout(300_000);
    beforeAll(async () => {
        target = await Target.start();
    });
    afterAll(async () => {
        for (const name of made) await removeAll(name);
        await target.stop();
        removeScratch();
    });
}

interface Listed {
    results: { pk: string | number; username?: string; name?: string }[];
}

const find = async (path: string, name: string) =>
    ((await target.api("GET", path)).body as Listed).results.find(
        (found) => found.name === name || found.username === name,
    );
export const roleNamed = (name: string) => find(`/rbac/roles/?name=${name}`, name);
export const userNamed = (name: string) => find(`/core/users/?username=${name}`, name);

async function removeAll(name: string): Promise<void> {
    const [role, user] = [await roleNamed(name), await userNamed(name)];
    if (user) await target.api("DELETE", `/core/users/${user.pk}/`);
    if (role) await target.api("DELETE", `/rbac/roles/${role.pk}/`);
}

/** A project with one stack `site`, whose Authentik is the target. */
export function project(identity: Record<string, unknown> = {}): string {
    const folder = scratch();
    copyFileSync(join(ROOT, "Pulumi.yaml"), join(folder, "Pulumi.yaml"));
    const demo = parse(readFileSync(join(ROOT, "Pulumi.demo.yaml"), "utf8")) as {
        config: Record<string, Record<string, unknown>>;
    };
    const settings = demo.config["zot-hardening:identity"]!;
    const config = {
        ...demo.config,
        "authentik:url": target.url,
        "zot-hardening:identity": { ...settings, issuer: `${target.url}/application/o/zot/`, ...identity },
    };
    writeFileSync(join(folder, "Pulumi.site.yaml"), stringify({ config }));
    return folder;
}

/** A name that nothing in Authentik has yet. What gets it is removed at the end. */
export const nameFor = (what: string) => {
    const name = target.name(`token-${what}`);
    made.add(name);
    return name;
};

/** Runs it with the administrator's token; no token may be in what it prints. */
export async function run(folder: string, args: string[], env: Record<string, string> = {}): Promise<Ran> {
    const ran = await runCommand("cli/authentik-token.ts", ["--stack", "site", ...args], {
        cwd: folder,
        env: { AUTHENTIK_ADMIN_TOKEN: target.token, ...env },
    });
    expect(`${ran.stdout}${ran.stderr}`).not.toContain(target.token);
    return ran;
}

export const makeServiceAccount = (username: string) =>
    target.make("/core/users/", { username, name: "", type: "service_account" });
