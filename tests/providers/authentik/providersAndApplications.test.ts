/** OAuth2 providers and applications by the provider's operations, and what a preview makes of them. */
import { UNKNOWN } from "../../../providers/protocol";
import { api, backendName, uniqueName } from "./backend";
import { authentik, backend, cleanUp, flows, oauth2, proxy, startAuthentik, stopAuthentik } from "./setUp";

jest.setTimeout(60_000);
beforeAll(startAuthentik);
afterEach(cleanUp);
afterAll(stopAuthentik);

describe(`on ${backendName}`, () => {
    describe("an OAuth2 provider", () => {
        test("is made with the bridged defaults, and what the server adds is no difference", async () => {
            const name = uniqueName("provider");
            const inputs = oauth2(name, { clientSecret: "canary" });
            const provider = await authentik.create("providerOauth2", inputs);
            expect(provider.properties).toMatchObject({
                name,
                clientId: name,
                clientSecret: "canary",
                clientType: "confidential",
                accessCodeValidity: "minutes=1",
                accessTokenValidity: "minutes=10",
                refreshTokenValidity: "days=30",
                includeClaimsInIdToken: true,
                subMode: "hashed_user_id",
                issuerMode: "per_provider",
                allowedRedirectUris: [{ matching_mode: "strict", url: "https://registry.example.com/cb" }],
                providerOauth2Id: provider.id,
            });
            expect(await provider.refresh()).toEqual([]);
            expect(await provider.diff(inputs)).toEqual([]);
        });

        test("without a client secret gets one from Authentik, and keeps it", async () => {
            const inputs = oauth2(uniqueName("provider"));
            const provider = await authentik.create("providerOauth2", inputs);
            const secret = provider.properties.clientSecret as string;
            expect(secret.length).toBeGreaterThan(20);
            expect(provider.inputs).not.toHaveProperty("clientSecret");
            expect(await provider.diff(inputs)).toEqual([]);
            await provider.update({ ...inputs, subMode: "user_username" });
            expect(provider.properties.clientSecret).toBe(secret);
        });

        test("has its lists compared without their order", async () => {
            const { ids } = await authentik.invoke("getPropertyMappingProviderScope", {
                managedLists: ["openid", "email", "profile"].map(
                    (scope) => `goauthentik.io/providers/oauth2/scope-${scope}`,
                ),
            });
            const inputs = oauth2(uniqueName("provider"), {
                propertyMappings: ids!,
                allowedRedirectUris: ["https://b.example.com", "https://a.example.com"].map((url) => ({
                    url,
                    matching_mode: "strict",
                })),
            });
            const provider = await authentik.create("providerOauth2", inputs);
            expect(await provider.refresh()).toEqual([]);
            expect(provider.properties.propertyMappings).toEqual(ids);
            expect(await provider.diff({ ...inputs, propertyMappings: [...(ids as string[])].reverse() })).toEqual([]);
            expect(await provider.diff({ ...inputs, propertyMappings: (ids as string[]).slice(1) })).toEqual([
                "update propertyMappings",
            ]);
        });

        test("is mended where someone widened it by hand", async () => {
            const inputs = oauth2(uniqueName("provider"));
            const provider = await authentik.create("providerOauth2", inputs);
            const key = await authentik.invoke("getCertificateKeyPair", {
                name: "authentik Self-signed Certificate",
                fetchKey: false,
                fetchCertificate: false,
            });
            const widened = await api(backend, "PATCH", `/providers/oauth2/${provider.id}/`, {
                redirect_uris: [{ matching_mode: "regex", url: ".*" }],
                encryption_key: key.id,
                sub_mode: "user_email",
            });
            expect(widened.status).toBe(200);
            await provider.refresh();
            expect(await provider.diff(inputs)).toEqual([
                "update allowedRedirectUris",
                "delete encryptionKey",
                "update subMode",
            ]);
            await provider.update(inputs);
            expect((await api(backend, "GET", `/providers/oauth2/${provider.id}/`)).body).toMatchObject({
                redirect_uris: [{ matching_mode: "strict", url: "https://registry.example.com/cb" }],
                encryption_key: null,
                sub_mode: "hashed_user_id",
            });
        });

        test("is imported by its number, without its secret in the program", async () => {
            const name = uniqueName("provider");
            const provider = await authentik.create("providerOauth2", oauth2(name, { clientSecret: "canary" }));
            const imported = await authentik.read("providerOauth2", provider.id);
            expect(imported?.inputs).toEqual({
                name,
                clientId: name,
                ...flows,
                allowedRedirectUris: [{ matching_mode: "strict", url: "https://registry.example.com/cb" }],
            });
            expect(imported?.properties.clientSecret).toBe("canary");
            expect(
                authentik.provider.resources["authentik:index/providerOauth2:ProviderOauth2"]!.secretProperties,
            ).toEqual(["clientSecret"]);
            await expect(authentik.read("providerOauth2", name)).rejects.toThrow(
                /cannot be the id of an OAuth2 provider: it is a whole number/,
            );
        });

        test("with the client id or the name of another names the property at fault", async () => {
            const name = uniqueName("provider");
            const provider = await authentik.create("providerOauth2", oauth2(name));
            await expect(
                authentik.create("providerOauth2", oauth2(uniqueName("other"), { clientId: name })),
            ).rejects.toThrow(`clientId "${name}" is taken by the one with the id ${provider.id}`);
            await expect(
                authentik.create("providerOauth2", oauth2(name, { clientId: uniqueName("other") })),
            ).rejects.toThrow(`name "${name}" is taken by the one with the id ${provider.id}`);
        });

        test("that refers to what is not there names the property", async () => {
            const nowhere = "00000000-0000-4000-8000-000000000000";
            await expect(
                authentik.create(
                    "providerOauth2",
                    oauth2(uniqueName("provider"), { signingKey: nowhere, propertyMappings: [nowhere] }),
                ),
            ).rejects.toThrow(
                /refused the OAuth2 provider "test-provider-.*": (propertyMappings: Invalid pk .*; signingKey: Invalid pk|signingKey: Invalid pk .*; propertyMappings: Invalid pk)/,
            );
        });
    });

    describe("an application", () => {
        test("has its slug for an id and a UUID for bindings, and reads back without a difference", async () => {
            const name = uniqueName("app");
            const provider = await authentik.create("providerOauth2", oauth2(name));
            const inputs = {
                name: "App",
                slug: name,
                protocolProvider: provider.id,
                metaLaunchUrl: "https://registry.example.com",
            };
            const application = await authentik.create("application", inputs);
            expect(application.id).toBe(name);
            expect(application.properties).toMatchObject({
                applicationId: name,
                uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
                protocolProvider: Number(provider.id),
            });
            expect(await application.refresh()).toEqual([]);
            expect(await application.diff(inputs)).toEqual([]);
        });

        test("changes its slug in place, and is found by the new one from then on", async () => {
            const [old, slug] = [uniqueName("old"), uniqueName("new")];
            const application = await authentik.create("application", { name: "App", slug: old });
            const { uuid } = application.properties;
            expect(await application.diff({ name: "App", slug })).toEqual(["update slug"]);
            await application.update({ name: "App", slug });
            expect(application.properties).toMatchObject({ uuid, slug });
            expect(application.id).toBe(old);
            expect(await application.refresh()).toEqual([]);
            expect(application.id).toBe(slug);
        });

        test("renamed by hand is found again, also where its provider was taken from it or given to another", async () => {
            const name = uniqueName("app");
            const provider = await authentik.create("providerOauth2", oauth2(name));
            const inputs = { name: "App", slug: name, protocolProvider: provider.id };
            const application = await authentik.create("application", inputs);
            const { uuid } = application.properties;
            const renamed = `${name}-renamed`;
            await api(backend, "PATCH", `/core/applications/${name}/`, { slug: renamed, provider: null });
            await authentik.create("application", {
                name: "Another",
                slug: `${name}-another`,
                protocolProvider: provider.id,
            });
            expect(await application.refresh()).toEqual([
                "input protocolProvider",
                "input slug",
                "output applicationId",
                "output protocolProvider",
                "output slug",
            ]);
            expect(application.properties).toMatchObject({ uuid, slug: renamed });
        });

        test("whose provider was deleted under it gets it back", async () => {
            const name = uniqueName("app");
            const provider = await authentik.create("providerOauth2", oauth2(name));
            const other = await authentik.create("providerOauth2", oauth2(uniqueName("other")));
            const application = await authentik.create("application", {
                name: "App",
                slug: name,
                protocolProvider: provider.id,
            });
            await provider.delete();
            expect(await application.refresh()).toEqual(["input protocolProvider", "output protocolProvider"]);
            expect(await application.diff({ name: "App", slug: name, protocolProvider: other.id })).toEqual([
                "add protocolProvider",
            ]);
            await application.update({ name: "App", slug: name, protocolProvider: other.id });
            expect((await api(backend, "GET", `/core/applications/${name}/`)).body.provider).toBe(Number(other.id));
        });

        test("loses what the program drops", async () => {
            const name = uniqueName("app");
            const application = await authentik.create("application", {
                name: "App",
                slug: name,
                metaDescription: "text",
                group: "Tools",
                openInNewTab: true,
            });
            await application.update({ name: "App", slug: name });
            expect((await api(backend, "GET", `/core/applications/${name}/`)).body).toMatchObject({
                meta_description: "",
                group: "",
                open_in_new_tab: false,
            });
            expect(await application.refresh()).toEqual([]);
        });

        test("of a slug that exists is an error with the way to import it", async () => {
            const slug = uniqueName("app");
            await authentik.create("application", { name: "App", slug });
            await expect(authentik.create("application", { name: "Other", slug })).rejects.toThrow(
                `pulumi import authentik:index/application:Application thing ${slug}`,
            );
        });
    });

    test("a preview asks Authentik nothing and writes nothing", async () => {
        const state = await authentik.preview("providerOauth2", oauth2("preview", { signingKey: UNKNOWN }));
        expect(proxy.requests).toEqual([]);
        expect(state.properties).toMatchObject({
            name: "preview",
            providerOauth2Id: UNKNOWN,
            clientSecret: UNKNOWN,
            signingKey: UNKNOWN,
            subMode: "hashed_user_id",
        });
        expect((await authentik.preview("application", { slug: "x" })).properties).toMatchObject({
            uuid: UNKNOWN,
            applicationId: UNKNOWN,
        });
    });
});
