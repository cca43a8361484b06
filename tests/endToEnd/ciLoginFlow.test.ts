/** The login flow of CI's own, on a site whose own flow demands a second factor: who passes it, and who does not. */
import { resolve } from "node:path";
import { passFlow } from "../../clients/authentik/flow";
import { Browser } from "../../clients/http/browser";
import { RegistryClient } from "../../clients/zot/registry";
import { ZotSession } from "../../clients/zot/session";

import program = require("../../index");

import { findToolchain, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack } from "../../testbed/site/scratchStack";
import { operationApart } from "../support/refusedOperation";

const { reason } = findToolchain();

jest.setTimeout(600_000);

(reason ? describe.skip : describe)(skippable("a login flow of CI's own, with the engine", reason), () => {
    let site: Site;
    let scratch: ScratchStack;
    let key: string;
    let undoSecondFactor: () => Promise<void> = async () => undefined;
    /**
     * What preview said by the site's own flow; with a flow of the dedicated one's name; with every other name taken as
     * well.
     */
    let refusals: { byOwnFlow: string; flowTaken: string; allTaken: string };
    let withoutPreview: { printed: string; succeeded: boolean; made: number };
    const written = async () =>
        (await site.authentik.api<{ results: unknown[] }>("GET", "/providers/oauth2/?client_id=zot")).results.length;

    beforeAll(async () => {
        site = await startSite();
        undoSecondFactor = await demandSecondFactor(site);
        scratch = await createScratchStack(site, resolve(__dirname, "../.."), program);
        const refusal = async () => {
            const { printed, succeeded } = await operationApart(scratch, "preview");
            return succeeded ? "" : printed;
        };
        const byOwnFlow = await refusal();
        scratch.changeSettings({ identity: { ciLoginFlow: "dedicated" } });
        const { api } = site.authentik;
        const flow = { name: "theirs", slug: "zot-ci-login", title: "Theirs", designation: "authentication" };
        await api("POST", "/flows/instances/", flow);
        const flowTaken = await refusal();
        // The Automation API's update goes without a preview.
        const { printed, succeeded } = await operationApart(scratch, "up");
        const made = await Promise.all(
            ["/core/groups/?name=artifact-workloads", "/core/users/?username=zot-ci"].map(
                async (path) => (await api<{ results: unknown[] }>("GET", path)).results.length,
            ),
        );
        withoutPreview = { printed, succeeded, made: made.reduce((sum, count) => sum + count, await written()) };
        const group = await api<{ pk: string }>("POST", "/core/groups/", { name: "artifact-workloads" });
        const user = await api<{ pk: number }>("POST", "/core/users/", {
            username: "zot-ci",
            name: "zot-ci",
            type: "service_account",
            groups: [group.pk],
        });
        await api("POST", "/core/applications/", { name: "Theirs", slug: "zot" });
        const allTaken = await refusal();
        expect(await written()).toBe(0);
        for (const path of [
            "/core/applications/zot/",
            `/core/users/${user.pk}/`,
            `/core/groups/${group.pk}/`,
            "/flows/instances/zot-ci-login/",
        ])
            await api("DELETE", path);
        refusals = { byOwnFlow, flowTaken, allTaken };
        const { outputs } = await scratch.stack.up({ color: "never" });
        key = outputs.ciApiKey!.value as string;
    });

    afterAll(async () => {
        await scratch?.stack.destroy({ color: "never" }).catch(() => undefined);
        await undoSecondFactor();
        await site?.stop();
    });

    test(
        "preview of a first deployment says that the site's own flow demands a second factor, " +
            "and which setting gives CI another",
        () => {
            expect(refusals.byOwnFlow).toContain(
                "The login flow default-authentication-flow demands a second factor (stage " +
                    "default-authentication-mfa-validation).",
            );
            expect(refusals.byOwnFlow).toContain("pulumi config set --path identity.ciLoginFlow dedicated");
        },
    );

    test("an update without a preview makes nothing either where one name of all is taken", () => {
        expect(withoutPreview).toMatchObject({ succeeded: false, made: 0 });
        expect(withoutPreview.printed).toContain("- flow zot-ci-login (identity.ciLoginFlow)");
    });

    test("preview of a first deployment names what is there already, at once, and the way to take it over", () => {
        expect(refusals.flowTaken).toContain("- flow zot-ci-login (identity.ciLoginFlow)");
        expect(refusals.flowTaken).toContain("pulumi config set --path identity.ciLoginFlow zot-ci-login");
        expect(refusals.flowTaken).not.toContain("npm run adopt");
        for (const named of [
            "application zot",
            "group artifact-workloads",
            "user zot-ci",
            "flow zot-ci-login",
            "npm run adopt -- --stack demo",
        ])
            expect(refusals.allTaken).toContain(named);
        expect(refusals.allTaken).not.toContain("client id");
    });

    const login = (username: string, password: string) =>
        passFlow(new Browser(), site.authentik.url, "zot-ci-login", "", { username, password });

    test("the key that was minted through it pushes, and changes nothing", async () => {
        const ci = new RegistryClient(site.registryUrl, { username: "zot-ci", key });
        expect(await ci.push("flow/probe", "v1", "x")).toBe(201);
        expect(await ci.push("flow/probe", "v1", "y")).toBe(403);
    });

    test("the service account passes", async () => {
        await expect(login("zot-ci", await site.authentik.appPassword("zot-ci"))).resolves.toBeInstanceOf(URL);
    });

    test.each(["adminUser", "plainUser"] as const)("%s is not logged in by it", async (who) => {
        const username = site.authentik[who];
        const browser = new Browser();
        await passFlow(browser, site.authentik.url, "zot-ci-login", "", {
            username,
            password: await site.authentik.appPassword(username),
        }).catch(() => undefined);
        expect((await browser.send(`${site.authentik.url}/api/v3/core/users/me/`)).status).toBe(403);
    });

    test("admins keep their second factor at the registry", async () => {
        const username = site.authentik.adminUser;
        await expect(
            ZotSession.login(
                site.registryUrl,
                { username, password: await site.authentik.appPassword(username) },
                { identityProvider: [site.issuer] },
            ),
        ).rejects.toThrow(/second factor/);
    });

    test("an account that was taken out of its group is told in preview", async () => {
        const [user] = (
            await site.authentik.api<{ results: { pk: number; groups: string[] }[] }>(
                "GET",
                "/core/users/?username=zot-ci",
            )
        ).results;
        await site.authentik.api("PATCH", `/core/users/${user!.pk}/`, { groups: [] });
        try {
            const { stdout } = await scratch.stack.preview({ color: "never" });
            expect(stdout).toContain(
                "In Authentik, zot-ci is not a member of the group artifact-workloads: " +
                    "from its next login on, CI has no rights on the registry. pulumi up --refresh",
            );
        } finally {
            await site.authentik.api("PATCH", `/core/users/${user!.pk}/`, { groups: user!.groups });
        }
        expect((await scratch.stack.preview({ color: "never" })).stdout).not.toContain("is not a member");
    });

    test("a second up changes nothing", async () => {
        const { summary } = await scratch.stack.up({ color: "never" });
        expect(Object.keys(summary.resourceChanges ?? {})).toEqual(["same"]);
    });
});

/** Makes the default login flow demand a second factor, as the baseline site's does; answers how to undo it. */
async function demandSecondFactor(site: Site): Promise<() => Promise<void>> {
    type Stage = { pk: string; not_configured_action: string; configuration_stages: string[] };
    const { results } = await site.authentik.api<{ results: Stage[] }>(
        "GET",
        "/stages/authenticator/validate/?name=default-authentication-mfa-validation",
    );
    const stage = results[0]!;
    const path = `/stages/authenticator/validate/${stage.pk}/`;
    const totp = await site.authentik.api<{ results: { pk: string }[] }>("GET", "/stages/authenticator/totp/");
    await site.authentik.api("PATCH", path, {
        not_configured_action: "configure",
        configuration_stages: [totp.results[0]!.pk],
    });
    return async () => {
        await site.authentik.api("PATCH", path, {
            not_configured_action: stage.not_configured_action,
            configuration_stages: stage.configuration_stages,
        });
    };
}
