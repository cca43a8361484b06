/**
 * What the program declares in Authentik and somebody changes there by hand: a refresh finds it, the update corrects
 * it, and no rename is taken for one that is wanted.
 */
import { resolve } from "node:path";
import type { UpResult } from "@pulumi/pulumi/automation";

import program = require("../../index");

import { RegistryClient } from "../../clients/zot/registry";
import { findToolchain, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Site, startSite } from "../../testbed/site";
import { createScratchStack, type ScratchStack } from "../../testbed/site/scratchStack";
import { operationApart } from "../support/refusedOperation";

const { reason } = findToolchain();
const ROOT = resolve(__dirname, "../..");

jest.setTimeout(600_000);

interface ByHand {
    /** Where it is before the change, and after it. */
    path: (ids: Ids) => string;
    moved?: (ids: Ids) => string;
    change: Record<string, unknown>;
}
interface Ids {
    provider: number;
    group: string;
    user: number;
    adminsBinding: { pk: string; target: string; group: string };
}

const CHANGES: [string, ByHand][] = [
    ["the provider's name", { path: ({ provider }) => `/providers/oauth2/${provider}/`, change: { name: "Renamed" } }],
    [
        "the provider's client id",
        { path: ({ provider }) => `/providers/oauth2/${provider}/`, change: { client_id: "renamed" } },
    ],
    [
        "the provider's redirect URIs",
        { path: ({ provider }) => `/providers/oauth2/${provider}/`, change: { redirect_uris: [] } },
    ],
    [
        "the provider's client type",
        { path: ({ provider }) => `/providers/oauth2/${provider}/`, change: { client_type: "public" } },
    ],
    [
        "the provider's scope mappings",
        { path: ({ provider }) => `/providers/oauth2/${provider}/`, change: { property_mappings: [] } },
    ],
    [
        "the provider's signing key",
        { path: ({ provider }) => `/providers/oauth2/${provider}/`, change: { signing_key: null } },
    ],
    [
        "the provider's issuer mode",
        { path: ({ provider }) => `/providers/oauth2/${provider}/`, change: { issuer_mode: "global" } },
    ],
    ["the application's name", { path: () => "/core/applications/zot/", change: { name: "Renamed" } }],
    [
        "the application's slug",
        {
            path: () => "/core/applications/zot/",
            moved: () => "/core/applications/renamed/",
            change: { slug: "renamed" },
        },
    ],
    ["the application's provider", { path: () => "/core/applications/zot/", change: { provider: null } }],
    ["the group's name", { path: ({ group }) => `/core/groups/${group}/`, change: { name: "renamed" } }],
    [
        "a group that is made superuser",
        { path: ({ group }) => `/core/groups/${group}/`, change: { is_superuser: true } },
    ],
    [
        "the service account's user name",
        { path: ({ user }) => `/core/users/${user}/`, change: { username: "renamed" } },
    ],
    ["the service account's group", { path: ({ user }) => `/core/users/${user}/`, change: { groups: [] } }],
    [
        "a service account that is made a person's",
        { path: ({ user }) => `/core/users/${user}/`, change: { type: "internal" } },
    ],
    [
        "a binding that is turned round",
        { path: ({ adminsBinding: { pk } }) => `/policies/bindings/${pk}/`, change: { negate: true } },
    ],
    [
        "a binding that is switched off",
        { path: ({ adminsBinding: { pk } }) => `/policies/bindings/${pk}/`, change: { enabled: false } },
    ],
];

(reason ? describe.skip : describe)(skippable("changed by hand in Authentik, with the engine", reason), () => {
    let site: Site;
    let scratch: ScratchStack;
    let ids: Ids;
    const operation = { color: "never" } as const;
    const idsNow = async (): Promise<Ids> => {
        const { api } = site.authentik;
        const first = async <T>(path: string) => (await api<{ results: T[] }>("GET", path)).results[0]!;
        const admins = await first<{ pk: string }>("/core/groups/?name=admins");
        const application = await api<{ pk: string }>("GET", "/core/applications/zot/");
        const { results } = await api<{ results: { pk: string; target: string; group: string }[] }>(
            "GET",
            `/policies/bindings/?target=${application.pk}`,
        );
        return {
            provider: (await first<{ pk: number }>("/providers/oauth2/?client_id=zot")).pk,
            group: (await first<{ pk: string }>("/core/groups/?name=artifact-workloads")).pk,
            user: (await first<{ pk: number }>("/core/users/?username=zot-ci")).pk,
            adminsBinding: results.find(({ group }) => group === admins.pk)!,
        };
    };
    const changes = ({ summary }: UpResult) =>
        Object.entries(summary.resourceChanges ?? {}).filter(([name, count]) => name !== "same" && (count ?? 0) > 0);

    beforeAll(async () => {
        site = await startSite();
        scratch = await createScratchStack(site, ROOT, program);
        await scratch.stack.up(operation);
        ids = await idsNow();
    });

    afterAll(async () => {
        await scratch?.stack.destroy(operation).catch(() => undefined);
        await site?.stop();
    });

    test.each(CHANGES)("%s", async (_, { path, moved = path, change }) => {
        const { api } = site.authentik;
        const before = await api<Record<string, unknown>>("GET", path(ids));
        // Of a binding Authentik wants target, group and order at each change.
        const sent = path(ids).startsWith("/policies/")
            ? { ...ids.adminsBinding, order: before.order, ...change }
            : change;
        await api("PATCH", path(ids), sent);
        expect(await api("GET", moved(ids))).toMatchObject(change);
        const mended = await scratch.stack.up({ ...operation, refresh: true });
        expect(changes(mended)).toEqual([["update", 1]]);
        const after = await api<Record<string, unknown>>("GET", path(ids));
        for (const name of Object.keys(change)) expect({ [name]: after[name] }).toEqual({ [name]: before[name] });
    });

    test.each<[string, (now: Ids) => string]>([
        ["a binding", ({ adminsBinding: { pk } }) => `/policies/bindings/${pk}/`],
        ["the application", () => "/core/applications/zot/"],
        ["the provider", ({ provider }) => `/providers/oauth2/${provider}/`],
        ["the group", ({ group }) => `/core/groups/${group}/`],
        ["the service account", ({ user }) => `/core/users/${user}/`],
    ])("%s that is deleted is made again, with all that Authentik takes away along with it", async (_, path) => {
        const { api } = site.authentik;
        await api("DELETE", path(ids));
        await scratch.stack.up({ ...operation, refresh: true });
        ids = await idsNow();
        const application = await api<{ pk: string }>("GET", "/core/applications/zot/");
        expect(application).toMatchObject({ provider: ids.provider });
        expect(await api("GET", `/core/users/${ids.user}/`)).toMatchObject({ groups: [ids.group] });
        const { results } = await api<{ results: { group: string }[] }>(
            "GET",
            `/policies/bindings/?target=${application.pk}`,
        );
        expect(results.map(({ group }) => group).sort()).toEqual([ids.adminsBinding.group, ids.group].sort());
        expect(changes(await scratch.stack.up({ ...operation, refresh: true }))).toEqual([]);
        const { ciUserName, ciApiKey } = await scratch.stack.outputs();
        const ci = new RegistryClient(site.registryUrl, { username: ciUserName!.value, key: ciApiKey!.value });
        expect(await ci.push("app/after", `v${Date.now()}`, "x")).toBe(201);
    });

    test("what people set and no setting says stays, with a refresh and without", async () => {
        const { api } = site.authentik;
        const set = {
            meta_description: "Images of ours",
            open_in_new_tab: true,
            group: "Build",
            meta_launch_url: "https://example.org/home",
        };
        await api("PATCH", "/core/applications/zot/", set);
        expect(changes(await scratch.stack.up({ ...operation, refresh: true }))).toEqual([]);
        expect(await api("GET", "/core/applications/zot/")).toMatchObject(set);
        scratch.changeSettings({ identity: { applicationDescription: "By the settings" } });
        expect(changes(await scratch.stack.up(operation))).toEqual([["update", 1]]);
        expect(await api("GET", "/core/applications/zot/")).toMatchObject({
            ...set,
            meta_description: "By the settings",
        });
    });

    test(
        "a rename by the settings is refused in preview, " +
            "also where the object has been renamed by hand to the same name",
        async () => {
            await site.authentik.api("PATCH", `/core/groups/${ids.group}/`, { name: "renamed" });
            scratch.changeSettings({ identity: { workloadsGroup: "renamed" } });
            try {
                const { printed, succeeded } = await operationApart(scratch, "preview", "--refresh");
                expect(succeeded).toBe(false);
                expect(printed).toMatch(
                    /identity\.workloadsGroup would change from "artifact-workloads" to "renamed" under a live registry[\s\S]*identity\.acceptRename/,
                );
            } finally {
                scratch.changeSettings({ identity: { workloadsGroup: "artifact-workloads" } });
                await scratch.stack.up({ ...operation, refresh: true });
            }
        },
    );
});
