/** The provider on every version of Authentik that it supports: what a server does not know makes no difference. */
import { randomBytes } from "node:crypto";
import { propertiesOf } from "../../../providers/authentik/definition";
import { resources } from "../../../providers/authentik/package";
import type { PropertyMap } from "../../../providers/protocol";
import { startAuthentikStandIn } from "../../../testbed/authentik/server";
import { isOlder, unknownMembers } from "../../../testbed/authentik/versions";
import { uniqueName } from "./backend";
import { driver } from "./driver";

jest.setTimeout(60_000);

/** Of each kind the oldest and newest there is; a release candidate lacks what its release has. */
const VERSIONS = ["2025.10.0-rc1", "2025.10.4", "2025.12.6", "2026.2.0", "2026.5.0-rc1", "2026.5.6", "2026.8.3"];

describe.each(VERSIONS)("on the stand-in for Authentik %s", (version) => {
    const run = async (work: (authentik: Awaited<ReturnType<typeof driver>>) => Promise<void>) => {
        const token = randomBytes(16).toString("hex");
        const standIn = await startAuthentikStandIn({ token, version });
        const authentik = await driver(standIn.url, token);
        try {
            await work(authentik);
            await authentik.cleanUp();
        } finally {
            await standIn.close();
        }
    };

    test(
        "everything that the program declares is made, " +
            "and neither a refresh nor the same program again finds a difference",
        () =>
            run(async (authentik) => {
                const name = uniqueName("all");
                const flows = {
                    authorizationFlow: (
                        await authentik.invoke("getFlow", { slug: "default-provider-authorization-implicit-consent" })
                    ).id as string,
                    invalidationFlow: (
                        await authentik.invoke("getFlow", { slug: "default-provider-invalidation-flow" })
                    ).id as string,
                };
                const create = async (type: string, inputs: PropertyMap) => {
                    const made = await authentik.create(type, inputs);
                    expect({ type, refreshed: await made.refresh(), differences: await made.diff(inputs) }).toEqual({
                        type,
                        refreshed: [],
                        differences: [],
                    });
                    return made;
                };
                const group = await create("group", { name });
                await create("user", { username: name, name, type: "service_account", groups: [group.id] });
                const provider = await create("providerOauth2", {
                    name,
                    clientId: name,
                    ...flows,
                    allowedRedirectUris: [
                        {
                            matching_mode: "strict",
                            url: "https://registry.example.com/cb",
                            redirect_uri_type: "authorization",
                        },
                    ],
                    grantTypes: ["authorization_code"],
                });
                const application = await create("application", {
                    name,
                    slug: name,
                    protocolProvider: Number(provider.id),
                    metaDescription: "Images",
                });
                await create("policyBinding", {
                    target: application.properties.uuid as string,
                    group: group.id,
                    order: 0,
                });
                const flow = await create("flow", { name, slug: name, title: name, designation: "authentication" });
                const stage = await create("stageIdentification", { name, userFields: ["username"] });
                await create("stageUserLogin", { name: `${name}-login` });
                await create("policyExpression", { name, expression: "return True" });
                await create("flowStageBinding", { target: flow.properties.uuid as string, stage: stage.id, order: 0 });
                expect(authentik.log).toEqual([]);
            }),
    );

    test("a property that it does not know is refused by name, unless it says the usual", () =>
        run(async (authentik) => {
            const slug = uniqueName("app");
            const isHidden = authentik.create("application", { name: slug, slug, metaHide: true });
            if (isOlder(version, "2026.5") && !version.startsWith("2026.5"))
                await expect(isHidden).rejects.toThrow(`metaHide needs Authentik 2026.5 or newer`);
            else await expect(isHidden).resolves.toBeDefined();
            await authentik.create("application", { name: `${slug}-2`, slug: `${slug}-2`, metaHide: false });
        }));
});

test("each property says since when it can be written, as the API's documents of all versions do", () => {
    const paths: Record<string, string> = {
        application: "core/applications",
        flow: "flows/instances",
        group: "core/groups",
        "identification stage": "stages/identification",
        "OAuth2 provider": "providers/oauth2",
        user: "core/users",
    };
    const releases = ["2025.10.0", "2025.12.0", "2026.2.0", "2026.5.0"];
    const snakeCase = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const cases = resources.flatMap((definition) =>
        propertiesOf(definition)
            .filter(({ field }) => field !== undefined)
            .map(({ name, field, since }) => {
                const lacks = (version: string) =>
                    unknownMembers({ path: paths[definition.noun] ?? "" }, { version }, "written").includes(
                        snakeCase(field!),
                    );
                const first = releases
                    .find((version) => !lacks(version))!
                    .split(".")
                    .slice(0, 2)
                    .join(".");
                return {
                    property: `${definition.noun}.${name}`,
                    since,
                    documented: first === "2025.10" ? undefined : first,
                };
            }),
    );
    expect(cases.filter(({ since, documented }) => since !== documented)).toEqual([]);
    expect(cases.filter(({ since }) => since !== undefined).map(({ property }) => property)).toEqual([
        "application.metaHide",
        "application.metaIcon",
        "flow.background",
        "group.parents",
        "OAuth2 provider.grantTypes",
        "identification stage.webauthnStage",
        "user.roles",
    ]);
});
