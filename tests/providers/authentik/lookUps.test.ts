import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { api, backendName, uniqueName } from "./backend";
import { authentik, backend, cleanUp, startAuthentik, stopAuthentik } from "./setUp";

jest.setTimeout(60_000);
beforeAll(startAuthentik);
afterEach(cleanUp);
afterAll(stopAuthentik);

describe(`on ${backendName}`, () => {
    describe("look-ups", () => {
        test("that differ from what there is by capitals say so", async () => {
            const name = uniqueName("capitals");
            await authentik.create("group", { name });
            await authentik.create("user", { username: name, name: "Somebody" });
            const capital = name.toUpperCase();
            for (const [call, args, found] of [
                ["getGroup", { name: capital }, name],
                ["getUser", { username: capital }, name],
                ["getFlow", { slug: "Default-Authentication-Flow" }, "default-authentication-flow"],
                ["getStage", { name: "Default-Authentication-Password" }, "default-authentication-password"],
                [
                    "getCertificateKeyPair",
                    { name: "authentik self-signed certificate", fetchKey: false },
                    "authentik Self-signed Certificate",
                ],
            ] as const)
                await expect(authentik.invoke(call, args)).rejects.toThrow(
                    `There is one with the name ${found}: capitals matter.`,
                );
        });

        test("that find nothing name what is alike, and how one is made", async () => {
            const name = uniqueName("registrars");
            await authentik.create("group", { name });
            await expect(authentik.invoke("getGroup", { name: "the-registrars" })).rejects.toThrow(
                new RegExp(
                    `with name the-registrars\\. Alike (is|are): .*${name}.*Either there is none .*Directory > Groups`,
                ),
            );
            await expect(authentik.invoke("getFlow", { slug: "default-provider-authorization" })).rejects.toThrow(
                /Alike are: default-provider-authorization-(implicit|explicit)-consent, default-provider-authorization-/,
            );
            await expect(authentik.invoke("getGroup", { name: "xyzzy" })).rejects.toThrow(/xyzzy\. Either there is/);
        });

        test("find what a login needs", async () => {
            const flow = await authentik.invoke("getFlow", { slug: "default-provider-authorization-implicit-consent" });
            expect(flow).toMatchObject({
                slug: "default-provider-authorization-implicit-consent",
                designation: "authorization",
                id: expect.stringMatching(/^[0-9a-f-]{36}$/),
            });
            const scope = await authentik.invoke("getPropertyMappingProviderScope", {
                managed: "goauthentik.io/providers/oauth2/scope-profile",
            });
            expect(scope).toMatchObject({ scopeName: "profile", expression: expect.stringContaining("groups") });
            const several = await authentik.invoke("getPropertyMappingProviderScope", {
                managedLists: [
                    "goauthentik.io/providers/oauth2/scope-profile",
                    "goauthentik.io/providers/oauth2/scope-openid",
                ],
            });
            expect(several.id).toBe("-1");
            expect((several.ids as string[])[0]).toBe(scope.id);
            expect(several.ids).toHaveLength(2);
            const certificate = await authentik.invoke("getCertificateKeyPair", {
                name: "authentik Self-signed Certificate",
                fetchKey: false,
                fetchCertificate: false,
            });
            expect(certificate).toMatchObject({
                keyData: "",
                certificateData: "",
                fingerprint256: expect.stringMatching(/^[0-9a-f:]{64,}$/i),
            });
            expect(await authentik.invoke("getGroup", { name: "authentik Admins", includeUsers: false })).toMatchObject(
                { name: "authentik Admins", isSuperuser: true },
            );
        });

        test("find a stage of any kind", async () => {
            const stages = (await api(backend, "GET", "/stages/password/?name=default-authentication-password")).body
                .results;
            expect(await authentik.invoke("getStage", { name: "default-authentication-password" })).toEqual({
                name: "default-authentication-password",
                id: stages[0].pk,
            });
            await expect(authentik.invoke("getStage", { name: "no-such-stage" })).rejects.toThrow(
                /shows no stage with name no-such-stage/,
            );
        });

        const noKeys = backendName.includes("real") ? undefined : "the stand-in for Authentik shows no private keys";
        (noKeys ? test.skip : test)(skippable("fetch a certificate and its key", noKeys), async () => {
            const certificate = await authentik.invoke("getCertificateKeyPair", {
                name: "authentik Self-signed Certificate",
            });
            expect(certificate).toMatchObject({
                keyData: expect.stringContaining("PRIVATE KEY"),
                certificateData: expect.stringContaining("BEGIN CERTIFICATE"),
            });
            expect(
                authentik.provider.functions!["authentik:index/getCertificateKeyPair:getCertificateKeyPair"]!
                    .secretProperties,
            ).toEqual(["keyData"]);
        });

        test("give a group's members and a user by name and number", async () => {
            const group = await authentik.create("group", { name: uniqueName("group") });
            const username = uniqueName("user");
            const user = await authentik.create("user", {
                username,
                name: "U",
                groups: [group.id],
                email: "u@example.com",
            });
            expect(await authentik.invoke("getGroup", { pk: group.id })).toMatchObject({
                users: [Number(user.id)],
                usersObjs: [{ username, email: "u@example.com", pk: Number(user.id) }],
            });
            const byName = await authentik.invoke("getUser", { username });
            expect(byName).toMatchObject({ id: user.id, pk: Number(user.id), groups: [group.id], isActive: true });
            expect(await authentik.invoke("getUser", { pk: user.id })).toEqual(byName);
        });

        test("that miss a scope mapping name it", async () => {
            await expect(
                authentik.invoke("getPropertyMappingProviderScope", {
                    managedLists: [
                        "goauthentik.io/providers/oauth2/scope-openid",
                        "goauthentik.io/providers/oauth2/scope-nonsense",
                    ],
                }),
            ).rejects.toThrow(/no scope mapping with managed goauthentik.io\/providers\/oauth2\/scope-nonsense/);
        });
    });
});
