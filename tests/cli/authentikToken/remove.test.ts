/** npm run authentik-token --remove: token, account and role go, and nothing that is not its own. */
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { grantedTo } from "../../../clients/authentik/permissions";
import { isReal } from "../../testbed/authentik/target";
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
            stdout: expect.stringContaining(`were removed:\n${list}The key no longer works anywhere`),
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
            stderr: expect.stringMatching(/is not a service account .* Nothing was removed\./),
        });
        const name = nameFor("remove-token");
        const owner = await makeServiceAccount(target.name("remove-owner"));
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
        const account = await makeServiceAccount(target.name("remove-nobody"));
        const token = await target.makeToken(account.pk, "api");
        expect(await run(folder, ["--remove", "--yes"], { AUTHENTIK_ADMIN_TOKEN: token })).toMatchObject({
            status: 1,
            stderr: expect.stringMatching(/not a superuser/),
        });
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
