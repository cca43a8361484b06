/** npm run authentik-token: role, account and token are made, completed and pruned, and nothing else is touched. */
import { existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { grantedTo } from "../../../clients/authentik/permissions";
import { missingPermissions, neededPermissions } from "../../../components/authentikPermissions";
import { isReal } from "../../testbed/authentik/target";
import { fakePulumi } from "../ciSecrets/command";
import {
    administratorForAll,
    made,
    makeServiceAccount,
    nameFor,
    project,
    roleNamed,
    run,
    target,
    userNamed,
} from "./administrator";

administratorForAll();

describe(`with an administrator's token (${isReal ? "real Authentik" : "stand-in"})`, () => {
    test("the file of --output is in the folder in which npm was called", async () => {
        const folder = realpathSync(project());
        mkdirSync(join(folder, "sub"));
        writeFileSync(join(folder, "package.json"), "{}");
        const called = { INIT_CWD: join(folder, "sub"), npm_package_json: join(folder, "package.json") };
        expect(await run(folder, ["--name", nameFor("sub"), "--output", "token"], called)).toMatchObject({ status: 0 });
        expect(existsSync(join(folder, "sub", "token"))).toBe(true);
    });

    test("role, account and token are made once; the token holds what is needed alone; all else stays", async () => {
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
        expect((JSON.parse(again.stdout) as { done: { change: string }[] }).done.map(({ change }) => change)).toEqual(
            Array(5).fill("unchanged"),
        );
        expect(readFileSync(`${file}2`, "utf8").trim()).toBe(token);
    });

    test("what is missing is added, what is too much is said and pruned; a new token ends the former", async () => {
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
            missingPermissions(await grantedTo({ url: target.url, token }), needed).map(({ permission }) => permission),
        ).toEqual(["authentik_flows.view_flow"]);

        const mended = await run(folder, ["--name", name, "--for", "preview", "--output", file]);
        expect(mended.stdout).toMatch(/changed +4 permissions, of which 1 added\n/);
        expect(mended.stderr).toMatch(
            /has permissions that are not needed: authentik_core.add_user. --prune removes them/,
        );
        const pruned = await run(folder, ["--name", name, "--for", "preview", "--output", file, "--prune", "--rotate"]);
        expect(pruned).toMatchObject({ status: 0, stderr: "" });
        const next = readFileSync(file, "utf8").trim();
        expect(next).not.toBe(token);
        expect([...(await grantedTo({ url: target.url, token: next })).everywhere].sort()).toEqual(
            needed.map(({ permission }) => permission),
        );
        await expect(grantedTo({ url: target.url, token })).rejects.toThrow(/it answered 403/);
    });

    test("where an administrator keeps the account: its password alone may be reset, and nobody else's", async () => {
        const ciUser = target.name("kept-ci");
        const folder = project({ manageWorkloads: false, ciUser });
        const name = nameFor("kept");
        const file = join(folder, "token");
        expect(await run(folder, ["--name", name, "--output", file])).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(
                /There is no user .*kept-ci.* in Authentik\. If identity.manageWorkloads is false/,
            ),
        });
        expect(await roleNamed(name)).toBeUndefined();

        const account = await makeServiceAccount(ciUser);
        const other = await makeServiceAccount(target.name("kept-other"));
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
        const account = await makeServiceAccount(target.name("no-superuser"));
        const token = await target.makeToken(account.pk, "api");
        const name = nameFor("refused");
        const ran = await run(folder, ["--name", name, "--output", join(folder, "token")], {
            AUTHENTIK_ADMIN_TOKEN: token,
        });
        expect(ran).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(
                /belongs to .*no-superuser\S*, who is not a superuser: only a superuser can make a token for another user/,
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
            /is not a service account/,
        );
        made.add(person);
        const name = nameFor("token");
        const owner = await makeServiceAccount(target.name("owner"));
        await target.make("/core/tokens/", { identifier: name, intent: "app_password", user: owner.pk }, "identifier");
        expect((await run(folder, ["--name", name, "--output", join(folder, "token"), "--rotate"])).stderr).toMatch(
            /There is a token .* that is not an API token of/,
        );
        expect((await target.api("GET", `/core/tokens/${name}/`)).body.user).toBe(owner.pk);
    });

    test("into the stack's configuration by standard input; Pulumi sees no token of the administrator", async () => {
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
            stderr: expect.stringMatching(/does not belong in the stack's configuration/),
        });
        expect(await run(folder, [])).toMatchObject({
            status: 2,
            stderr: expect.stringMatching(/Where to put the token\? Give --output FILE/),
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

test("an address over plain http is refused", async () => {
    expect(await run(project(), ["--url", "http://authentik.example.org", "--output", "x"])).toMatchObject({
        status: 1,
        stderr: expect.stringMatching(/over plain http, the token could be read on the way/),
    });
});
