/**
 * npm run authentik-token as an administrator runs it, against Authentik: the stand-in, or the real one of
 * AUTHENTIK_URL and AUTHENTIK_TOKEN.
 */

import { spawn } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parse, stringify } from "yaml";
import { grantedTo } from "../../../clients/authentik/permissions";
import { missingPermissions, neededPermissions } from "../../../components/authentikPermissions";
import { findExecutable, skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { isReal, Target } from "../../testbed/authentik/target";
import { fakePulumi, removeScratch, runCommand, scratch } from "../ciSecrets/command";

const ROOT = resolve(__dirname, "../../..");
jest.setTimeout(300_000);

let target: Target;
const made = new Set<string>();
beforeAll(async () => {
    target = await Target.start();
});
afterAll(async () => {
    for (const name of made) await removeAll(name);
    await target.stop();
    removeScratch();
});

interface Listed {
    results: { pk: string | number; username?: string; name?: string }[];
}

const find = async (path: string, name: string) =>
    ((await target.api("GET", path)).body as Listed).results.find(
        (found) => found.name === name || found.username === name,
    );
const roleNamed = (name: string) => find(`/rbac/roles/?name=${name}`, name);
const userNamed = (name: string) => find(`/core/users/?username=${name}`, name);

async function removeAll(name: string): Promise<void> {
    const [role, user] = [await roleNamed(name), await userNamed(name)];
    if (user) await target.api("DELETE", `/core/users/${user.pk}/`);
    if (role) await target.api("DELETE", `/rbac/roles/${role.pk}/`);
}

/** A project with one stack `site`, whose Authentik is the target. */
function project(identity: Record<string, unknown> = {}): string {
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

const nameFor = (what: string) => {
    const name = target.name(`token-${what}`);
    made.add(name);
    return name;
};

/** Runs it with the administrator's token; no token may be in what it prints. */
async function run(folder: string, args: string[], env: Record<string, string> = {}) {
    const ran = await runCommand("cli/authentik-token.ts", ["--stack", "site", ...args], {
        cwd: folder,
        env: { AUTHENTIK_ADMIN_TOKEN: target.token, ...env },
    });
    expect(`${ran.stdout}${ran.stderr}`).not.toContain(target.token);
    return ran;
}

describe(`with an administrator's token (${isReal ? "real Authentik" : "stand-in"})`, () => {
    test(
        "role, account and token are made once; the token holds what is needed and no more; " +
            "nothing else is touched",
        async () => {
            const folder = project();
            const name = nameFor("up");
            const file = join(folder, "token");
            const dry = await run(folder, ["--name", name, "--dry-run"]);
            expect(dry).toMatchObject({ status: 0, stdout: expect.stringMatching(/would be created +role /) });
            expect([await roleNamed(name), await userNamed(name)]).toEqual([undefined, undefined]);

            const first = await run(folder, ["--name", name, "--output", file]);
            expect(first).toMatchObject({ status: 0, stderr: "" });
            expect(first.stdout).toMatch(
                /created +29 permissions, of which 29 added\n[\s\S]*mode 0600\.\nWhat such a token can still do:\n {2}- It is as good as a superuser's/,
            );
            const token = readFileSync(file, "utf8").trim();
            expect(first.stdout).not.toContain(token);
            expect(statSync(file).mode & 0o777).toBe(0o600);

            const needed = neededPermissions({
                purpose: "up",
                managesWorkloads: true,
                managesLoginFlow: false,
                mintsKey: true,
            });
            const granted = await grantedTo({ url: target.url, token });
            expect([granted.username, granted.isSuperuser, [...granted.everywhere].sort()]).toEqual([
                name,
                false,
                needed.map(({ permission }) => permission),
            ]);

            const again = await run(folder, ["--name", name, "--output", `${file}2`, "--json"]);
            expect(
                (JSON.parse(again.stdout) as { done: { change: string }[] }).done.map(({ change }) => change),
            ).toEqual(Array(5).fill("unchanged"));
            expect(readFileSync(`${file}2`, "utf8").trim()).toBe(token);
        },
    );

    test(
        "what is missing is added, what is too much is said and taken away where wanted, " +
            "and a new token ends the former",
        async () => {
            const folder = project();
            const name = nameFor("mended");
            const file = join(folder, "token");
            await run(folder, ["--name", name, "--for", "preview", "--output", file]);
            const token = readFileSync(file, "utf8").trim();
            const assigned = `/rbac/permissions/assigned_by_roles/${(await roleNamed(name))!.pk}`;
            await target.api("PATCH", `${assigned}/unassign/`, { permissions: ["authentik_flows.view_flow"] });
            await target.api("POST", `${assigned}/assign/`, { permissions: ["authentik_core.add_user"] });
            const needed = neededPermissions({
                purpose: "preview",
                managesWorkloads: true,
                managesLoginFlow: false,
                mintsKey: true,
            });
            expect(
                missingPermissions(await grantedTo({ url: target.url, token }), needed).map(
                    ({ permission }) => permission,
                ),
            ).toEqual(["authentik_flows.view_flow"]);

            const mended = await run(folder, ["--name", name, "--for", "preview", "--output", file]);
            expect(mended.stdout).toMatch(/changed +4 permissions, of which 1 added\n/);
            expect(mended.stderr).toMatch(/holds what this needs not: authentik_core.add_user. --prune takes it away/);
            const pruned = await run(folder, [
                "--name",
                name,
                "--for",
                "preview",
                "--output",
                file,
                "--prune",
                "--rotate",
            ]);
            expect(pruned).toMatchObject({ status: 0, stderr: "" });
            const next = readFileSync(file, "utf8").trim();
            expect(next).not.toBe(token);
            expect([...(await grantedTo({ url: target.url, token: next })).everywhere].sort()).toEqual(
                needed.map(({ permission }) => permission),
            );
            await expect(grantedTo({ url: target.url, token })).rejects.toThrow(/it answered 403/);
        },
    );

    test("where an administrator keeps the account: its password alone may be reset, and nobody else's", async () => {
        const ciUser = target.name("kept-ci");
        const folder = project({ manageWorkloads: false, ciUser });
        const name = nameFor("kept");
        const file = join(folder, "token");
        expect(await run(folder, ["--name", name, "--output", file])).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(
                /There is no user .*kept-ci.* in Authentik\. Where identity.manageWorkloads is false/,
            ),
        });
        expect(await roleNamed(name)).toBeUndefined();

        const account = await target.make("/core/users/", { username: ciUser, name: "", type: "service_account" });
        const other = await target.make("/core/users/", {
            username: target.name("kept-other"),
            name: "",
            type: "service_account",
        });
        const ran = await run(folder, ["--name", name, "--output", file]);
        expect(ran).toMatchObject({
            status: 0,
            stderr: "",
            stdout: expect.stringMatching(
                /on .*kept-ci.* alone: reset_user_password, view_user[\s\S]*It can log in as the service account, and as nobody else/,
            ),
        });
        expect(ran.stdout).not.toContain("as good as a superuser");
        const token = readFileSync(file, "utf8").trim();
        const as = (method: string, path: string, body?: unknown) => target.api(method, path, body, token);
        expect(
            (await as("POST", `/core/users/${account.pk}/set_password/`, { password: "a new password" })).status,
        ).toBe(204);
        expect((await as("POST", `/core/users/${other.pk}/set_password/`, { password: "a new password" })).status).toBe(
            404,
        );
        expect((await as("PATCH", `/core/users/${account.pk}/`, { name: "x" })).status).toBe(403);
        expect((await as("POST", "/core/groups/", { name: "x" })).status).toBe(403);
        expect((await grantedTo({ url: target.url, token })).everywhere.has("authentik_core.reset_user_password")).toBe(
            false,
        );
        expect((await run(folder, ["--name", name, "--output", file])).stdout).toMatch(
            /unchanged +on .*kept-ci.* alone/,
        );
    });

    test("an administrator who is no superuser is refused before anything is made", async () => {
        const folder = project();
        const account = await target.make("/core/users/", {
            username: target.name("no-superuser"),
            name: "",
            type: "service_account",
        });
        const token = await target.makeToken(account.pk, "api");
        const name = nameFor("refused");
        const ran = await run(folder, ["--name", name, "--output", join(folder, "token")], {
            AUTHENTIK_ADMIN_TOKEN: token,
        });
        expect(ran).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(
                /is a token of .*no-superuser.*only a superuser can make a token for another user/,
            ),
        });
        expect([await roleNamed(name), existsSync(join(folder, "token"))]).toEqual([undefined, false]);
        expect(
            (await run(folder, ["--output", join(folder, "token")], { AUTHENTIK_ADMIN_TOKEN: "wrong" })).stderr,
        ).toMatch(/refused AUTHENTIK_ADMIN_TOKEN/);
    });

    test("an account or token of that name that is not this one's is left alone", async () => {
        const folder = project();
        const person = target.name("person");
        await target.make("/core/users/", { username: person, name: "" });
        expect((await run(folder, ["--name", person, "--output", join(folder, "token")])).stderr).toMatch(
            /is no service account/,
        );
        made.add(person);
        const name = nameFor("token");
        const owner = await target.make("/core/users/", {
            username: target.name("owner"),
            name: "",
            type: "service_account",
        });
        await target.make("/core/tokens/", { identifier: name, intent: "app_password", user: owner.pk }, "identifier");
        expect((await run(folder, ["--name", name, "--output", join(folder, "token"), "--rotate"])).stderr).toMatch(
            /There is a token .* that is not an API token of/,
        );
        expect((await target.api("GET", `/core/tokens/${name}/`)).body.user).toBe(owner.pk);
    });

    test(
        "into the stack's configuration: on standard input, " + "and Pulumi does not see the administrator's token",
        async () => {
            const folder = project();
            const pulumi = fakePulumi(folder, "");
            const ran = await run(folder, ["--name", nameFor("config"), "--config"], pulumi.env);
            expect(ran).toMatchObject({
                status: 0,
                stderr: "",
                stdout: expect.stringMatching(/The token is in authentik:token of the stack site, encrypted/),
            });
            const calls = readFileSync(pulumi.calls, "utf8");
            expect(calls).toMatch(/^<config><set><--secret><authentik:token><--stack><site><--non-interactive>\n/);
            const token = /\nstdin: (\S+)\n$/.exec(calls)?.[1] ?? "";
            expect(token.length).toBeGreaterThan(30);
            expect(`${calls.replace(`stdin: ${token}`, "")}${ran.stdout}`).not.toContain(token);
            expect(calls).not.toContain(target.token);
            expect(await run(folder, ["--for", "preview", "--config"])).toMatchObject({
                status: 2,
                stderr: expect.stringMatching(/does not belong into the stack's configuration/),
            });
            expect(await run(folder, [])).toMatchObject({
                status: 2,
                stderr: expect.stringMatching(/Where to put the token\? Give --output FILE/),
            });
        },
    );
});

describe("--remove", () => {
    const gone = async (name: string) => [
        await roleNamed(name),
        await userNamed(name),
        (await target.api("GET", `/core/tokens/${name}/`)).status,
    ];

    test("takes away token, account and role, says so before, and leaves nothing that works", async () => {
        const folder = project();
        const name = nameFor("remove");
        const file = join(folder, "token");
        await run(folder, ["--name", name, "--output", file]);
        const token = readFileSync(file, "utf8").trim();
        const list = `  token ${name}\n  service account ${name}\n  role ${name}\n`;

        expect(await run(folder, ["--name", name, "--remove", "--dry-run"])).toMatchObject({
            status: 0,
            stdout: `Nothing is changed. In Authentik at ${target.url} would be removed:\n${list}`,
        });
        // Nobody is at a terminal to be asked.
        expect(await run(folder, ["--name", name, "--remove"])).toMatchObject({
            status: 1,
            stdout: "",
            stderr: `In Authentik at ${target.url}:\n${list}Nothing was removed. To remove all of it, add --yes.\n`,
        });
        expect((await grantedTo({ url: target.url, token })).username).toBe(name);

        const removed = await run(folder, ["--name", name, "--remove", "--yes"]);
        expect(removed).toMatchObject({
            status: 0,
            stderr: "",
            stdout: expect.stringContaining(`were removed:\n${list}What still holds the key holds nothing that works`),
        });
        expect(await gone(name)).toEqual([undefined, undefined, 404]);
        await expect(grantedTo({ url: target.url, token })).rejects.toThrow(/403/);
        expect((await run(folder, ["--name", name, "--remove", "--yes"])).stdout).toMatch(
            /there is nothing that this command has made/,
        );
    });

    test("of every purpose, also where the stack's file is gone; half of it, too", async () => {
        const folder = project();
        const names = ["", "-preview", "-refresh"].map((purpose) => `pulumi-zot-site${purpose}`);
        names.forEach((name) => made.add(name));
        await run(folder, ["--output", join(folder, "up")]);
        await run(folder, ["--for", "preview", "--output", join(folder, "preview")]);
        await target.api("DELETE", `/core/users/${(await userNamed(names[1]!))!.pk}/`);
        await run(folder, ["--for", "refresh", "--output", join(folder, "refresh")]);

        const one = await run(folder, ["--remove", "--for", "refresh", "--yes", "--json"]);
        expect(JSON.parse(one.stdout)).toMatchObject({
            removed: [
                "token pulumi-zot-site-refresh",
                "service account pulumi-zot-site-refresh",
                "role pulumi-zot-site-refresh",
            ],
        });
        rmSync(join(folder, "Pulumi.site.yaml"));
        const rest = await run(folder, ["--remove", "--yes", "--json", "--url", target.url]);
        expect(JSON.parse(rest.stdout)).toMatchObject({
            removed: [
                "token pulumi-zot-site",
                "service account pulumi-zot-site",
                "role pulumi-zot-site",
                "role pulumi-zot-site-preview",
            ],
        });
        for (const name of names) expect(await gone(name)).toEqual([undefined, undefined, 404]);
    });

    test("removes nothing where something of such a name is not its own", async () => {
        const folder = project();
        const person = target.name("remove-person");
        await target.make("/core/users/", { username: person, name: "" });
        const role = await target.make("/rbac/roles/", { name: person });
        expect(await run(folder, ["--name", person, "--remove", "--yes"])).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/is no service account .* Nothing was removed\./),
        });
        const name = nameFor("remove-token");
        const owner = await target.make("/core/users/", {
            username: target.name("remove-owner"),
            name: "",
            type: "service_account",
        });
        await target.make("/core/tokens/", { identifier: name, intent: "api", user: owner.pk }, "identifier");
        expect(await run(folder, ["--name", name, "--remove", "--yes"])).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/not an API token of the service account/),
        });
        expect([(await roleNamed(person))!.pk, (await target.api("GET", `/core/tokens/${name}/`)).status]).toEqual([
            role.pk,
            200,
        ]);
    });

    test("needs a superuser's token, and no other option's company", async () => {
        const folder = project();
        expect(await run(folder, ["--remove"], { AUTHENTIK_ADMIN_TOKEN: "" })).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(
                /AUTHENTIK_ADMIN_TOKEN is not in the environment.*remove pulumi-zot-site, pulumi-zot-site-preview, pulumi-zot-site-refresh/,
            ),
        });
        expect((await run(folder, ["--remove", "--rotate"])).status).toBe(2);
        expect((await run(folder, ["--yes"])).status).toBe(2);
        const account = await target.make("/core/users/", {
            username: target.name("remove-nobody"),
            name: "",
            type: "service_account",
        });
        const token = await target.makeToken(account.pk, "api");
        expect(await run(folder, ["--remove", "--yes"], { AUTHENTIK_ADMIN_TOKEN: token })).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/no superuser/),
        });
    });
});

(isReal ? describe.skip : describe)("an Authentik that fails in passing (stand-in)", () => {
    test("a write whose answer is lost is looked for before it is made again", async () => {
        const folder = project();
        const name = nameFor("faults");
        const { faults, requests } = target.standIn!;
        const posted = () =>
            requests.filter(({ method, path }) => method === "POST" && /\/(roles|users|tokens)\/$/.test(path)).length;
        faults.add({ kind: "errorAfterWrite", method: "POST", path: "/api/v3/rbac/roles/" });
        faults.add({ kind: "resetAfterWrite", method: "POST", path: "/api/v3/core/users/" });
        faults.add({ kind: "emptyMethodNotAllowed", method: "POST", path: "/api/v3/core/tokens/" });
        faults.add({ kind: "reset", method: "GET", path: "/api/v3/core/users/me/" });
        const before = posted();
        const ran = await run(folder, ["--name", name, "--for", "preview", "--output", join(folder, "token")]);
        faults.clear();
        expect(ran).toMatchObject({ status: 0, stderr: "" });
        // The two that were carried out are not sent again; the token, which was not, is.
        expect(posted() - before).toBe(4);
        expect(
            (await grantedTo({ url: target.url, token: readFileSync(join(folder, "token"), "utf8").trim() })).everywhere
                .size,
        ).toBe(4);
    });
});

(isReal ? describe.skip : describe)("an Authentik that fails in passing while it removes (stand-in)", () => {
    test("what was removed although the answer was lost is gone, and the rest too", async () => {
        const folder = project();
        const name = nameFor("remove-faults");
        await run(folder, ["--name", name, "--output", join(folder, "token")]);
        const { faults } = target.standIn!;
        faults.add({ kind: "errorAfterWrite", method: "DELETE", path: `/api/v3/core/tokens/${name}/` });
        faults.add({
            kind: "resetAfterWrite",
            method: "DELETE",
            path: `/api/v3/core/users/${(await userNamed(name))!.pk}/`,
        });
        const ran = await run(folder, ["--name", name, "--remove", "--yes"]);
        faults.clear();
        expect(ran).toMatchObject({ status: 0, stderr: "" });
        expect([await roleNamed(name), await userNamed(name)]).toEqual([undefined, undefined]);
    });
});

describe("the steps", () => {
    test("without an administrator's token: what to do, and what the token could still do", async () => {
        const ran = await runCommand("cli/authentik-token.ts", ["--stack", "site"], { cwd: project() });
        expect(ran).toMatchObject({ status: 0, stderr: "" });
        expect(ran.stdout).toMatch(/AUTHENTIK_ADMIN_TOKEN is not in the environment, so nothing was made/);
        expect(ran.stdout).toMatch(
            /Directory > Roles: create the role pulumi-zot-site\.\n[\s\S]*authentik_core\.reset_user_password[\s\S]*pulumi config set --secret authentik:token --stack site[\s\S]*as good as a superuser's/,
        );
        const preview = await runCommand(
            "cli/authentik-token.ts",
            ["--stack", "site", "--for", "preview", "--steps", "ui"],
            { cwd: project() },
        );
        expect(preview.stdout).toContain("pulumi-zot-site-preview");
        expect(preview.stdout).not.toContain("ask POST");
    });

    const missing = ["curl", "jq"].filter((name) => !findExecutable(name));
    (missing.length > 0 ? test.skip : test)(
        skippable(
            "the script does what the command does",
            missing.length > 0 ? `there is no ${missing.join(" and no ")}` : undefined,
        ),
        async () => {
            const ciUser = target.name("script-ci");
            const folder = project({ manageWorkloads: false, ciUser });
            await target.make("/core/users/", { username: ciUser, name: "", type: "service_account" });
            const name = nameFor("script");
            const { stdout: script } = await run(folder, ["--name", name, "--steps", "api"]);
            const child = spawn("/bin/sh", ["-s"], {
                env: { PATH: process.env.PATH, AUTHENTIK_ADMIN_TOKEN: target.token },
                stdio: ["pipe", "pipe", "pipe"],
            });
            const output: Buffer[] = [];
            const errors: Buffer[] = [];
            child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
            child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
            child.stdin.end(script);
            const status = await new Promise((done) => child.on("close", done));
            expect([status, Buffer.concat(errors).toString()]).toEqual([0, ""]);
            const token = Buffer.concat(output).toString();
            const file = join(folder, "token");
            // Nothing is left for the command to do.
            const ran = await run(folder, ["--name", name, "--output", file, "--json"]);
            expect((JSON.parse(ran.stdout) as { done: { change: string }[] }).done.map(({ change }) => change)).toEqual(
                Array(6).fill("unchanged"),
            );
            expect(readFileSync(file, "utf8").trim()).toBe(token);
        },
    );
});

test("an address over plain http is refused", async () => {
    expect(await run(project(), ["--url", "http://authentik.example.org", "--output", "x"])).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/plain http, where the token could be read/),
    });
});
