/** The tables of properties, and what is made from them: checks, schema and SDK. */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import * as fc from "fast-check";
import { parse } from "yaml";
import { everyPage } from "../../../clients/authentik/client";
import { connectionFrom } from "../../../clients/authentik/connection";
import { complaintsByField } from "../../../clients/authentik/failures";
import { isAtLeast } from "../../../clients/authentik/version";
import { checkConfiguration, isInsecure } from "../../../providers/authentik/configuration";
import { propertiesOf, secretsOf } from "../../../providers/authentik/definition";
import { functions, resources } from "../../../providers/authentik/package";
import {
    duration,
    integer,
    json,
    redirectUriList,
    sameProperty,
    textList,
} from "../../../providers/authentik/propertyTypes";
import { packageSchema } from "../../../providers/authentik/schema";
import { sdkFiles } from "../../../providers/authentik/sdk";
import { type PropertyMap, type PropertyValue, UNKNOWN } from "../../../providers/protocol";
import { driver } from "./driver";

const root = path.resolve(__dirname, "../../..");

describe("compatible with the bridged package", () => {
    // Package authentik 2026.5.0 as `pulumi package add terraform-provider goauthentik/authentik` makes it: `!`
    // required, `*` secret.
    const bridged: Record<string, string> = {
        "authentik:index/group:Group": "attributes isSuperuser name parents roles users",
        "authentik:index/user:User": "attributes email groups isActive name *password path roles type !username",
        "authentik:index/application:Application":
            "backchannelProviders group metaDescription metaHide metaIcon metaLaunchUrl metaPublisher name " +
            "openInNewTab policyEngineMode protocolProvider !slug",
        "authentik:index/policyBinding:PolicyBinding":
            "enabled failureResult group negate !order policy !target timeout user",
        "authentik:index/providerOauth2:ProviderOauth2":
            "accessCodeValidity accessTokenValidity allowedRedirectUris authenticationFlow !authorizationFlow " +
            "!clientId *clientSecret clientType encryptionKey grantTypes includeClaimsInIdToken " +
            "!invalidationFlow issuerMode jwksSources jwtFederationProviders jwtFederationSources logoutMethod " +
            "logoutUri name propertyMappings refreshTokenThreshold refreshTokenValidity signingKey subMode",
    };

    test.each(Object.entries(bridged))("%s has its properties", (token, expected) => {
        const definition = resources.find((candidate) => candidate.token === token)!;
        const secrets = secretsOf(definition);
        const names = propertiesOf(definition).map(
            (property) =>
                `${property.required ? "!" : ""}${secrets.includes(property.name) ? "*" : ""}${property.name}`,
        );
        expect(names.join(" ")).toBe(expected);
    });

    test("the schema has the same tokens, and types of the same shape", () => {
        const schema = JSON.parse(packageSchema());
        expect(schema).toMatchObject({
            name: "authentik",
            version: "2026.5.0",
            meta: { moduleFormat: "(.*)(?:/[^/]*)" },
        });
        expect(Object.keys(schema.resources)).toEqual(expect.arrayContaining(Object.keys(bridged)));
        expect(Object.keys(schema.functions)).toEqual(
            [
                "getCertificateKeyPair",
                "getFlow",
                "getGroup",
                "getPropertyMappingProviderScope",
                "getStage",
                "getUser",
            ].map((name) => `authentik:index/${name}:${name}`),
        );
        const provider = schema.resources["authentik:index/providerOauth2:ProviderOauth2"];
        expect(provider.inputProperties.allowedRedirectUris).toMatchObject({
            type: "array",
            items: { type: "object", additionalProperties: { type: "string" } },
        });
        expect(provider.properties.clientSecret).toMatchObject({ type: "string", secret: true });
        expect(provider.properties.providerOauth2Id).toMatchObject({ type: "string" });
        expect(schema.config.variables).toMatchObject({
            token: { secret: true },
            headers: { secret: true, additionalProperties: { type: "string" } },
            insecure: { type: "boolean" },
        });
    });
});

describe("against the API's own document", () => {
    const document = parse(fs.readFileSync(path.join(root, "node_modules/@goauthentik/api/schema.yml"), "utf8")) as {
        paths: Record<string, Record<string, unknown>>;
        components: {
            schemas: Record<string, { properties?: Record<string, Record<string, unknown>>; enum?: string[] }>;
        };
    };
    const requestSchemas: Record<string, string> = {
        Group: "GroupRequest",
        User: "UserRequest",
        Application: "ApplicationRequest",
        PolicyBinding: "PolicyBindingRequest",
        ProviderOauth2: "OAuth2ProviderRequest",
        Flow: "FlowRequest",
        FlowStageBinding: "FlowStageBindingRequest",
        StageIdentification: "IdentificationStageRequest",
        StageUserLogin: "UserLoginStageRequest",
        PolicyExpression: "ExpressionPolicyRequest",
    };
    const snakeCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const cases = resources.flatMap((definition) => {
        const schema = requestSchemas[definition.token.split(":")[2]!];
        return schema
            ? propertiesOf(definition)
                  .filter((property) => property.field !== undefined)
                  .map((property) => [`${definition.noun}.${property.name}`, schema, property] as const)
            : [];
    });

    test("every resource is looked at", () =>
        expect(
            resources.map((definition) => definition.token.split(":")[2]).filter((name) => !requestSchemas[name!]),
        ).toEqual([]));

    test.each(cases)("%s has the type that the API documents", (_, schemaName, property) => {
        const documented = document.components.schemas[schemaName]!.properties![snakeCase(property.field!)]!;
        expect(documented).toBeDefined();
        const reference =
            (documented.allOf as { $ref: string }[] | undefined)?.[0]?.$ref ?? (documented.$ref as string | undefined);
        const type = reference ? document.components.schemas[reference.split("/").pop()!]! : documented;
        const words = (type as { enum?: string[] }).enum;
        if (words) {
            for (const word of words) expect([word, property.type.check(word)]).toEqual([word, { value: word }]);
            expect("reason" in property.type.check("nonsense")).toBe(true);
            return;
        }
        const expected = property.type === json ? "object" : property.type.schema.type;
        expect((type as { type?: string }).type).toBe(expected);
        if (property.type.nothing === null && property.default === undefined)
            expect(documented.nullable === true || property.required).toBe(true);
    });
});

describe("the SDK", () => {
    test("is what the tables make", () => {
        const folder = path.join(root, "sdks/authentik");
        for (const [file, text] of Object.entries(sdkFiles())) {
            // On a difference: npm run generate:sdk
            expect({ file, text: fs.readFileSync(path.join(folder, file), "utf8") }).toEqual({ file, text });
        }
        const generated = new Set(Object.keys(sdkFiles()));
        const sources = fs
            .readdirSync(folder, { recursive: true, encoding: "utf8" })
            .filter((file) => file.endsWith(".ts") && !file.startsWith("bin"));
        expect(sources.filter((file) => !generated.has(file.split(path.sep).join("/")))).toEqual([]);
    });

    test("loads its resources only when they are used", () => {
        (require("../../../build/compile.cjs") as { compiled(source: string): string }).compiled(
            "sdks/authentik/index.ts",
        );
        const script = `
            const authentik = require("@pulumi/authentik");
            const all = Object.keys(authentik);
            console.log(JSON.stringify({ all, type: authentik.Group.__pulumiType, call: typeof authentik.getFlowOutput, provider: typeof authentik.Provider }));`;
        const answer = JSON.parse(execFileSync(process.execPath, ["-e", script], { cwd: root, encoding: "utf8" }));
        expect(answer).toMatchObject({ type: "authentik:index/group:Group", call: "function", provider: "function" });
        for (const definition of [...resources, ...functions])
            expect(answer.all).toContain(definition.token.split(":")[2]);
    });
});

describe("values", () => {
    const list = fc.array(fc.string());
    test("lists are the same in any order, and only then", async () => {
        await fc.assert(fc.property(list, (items) => sameProperty(textList, items, [...items].reverse())));
        await fc.assert(
            fc.property(list, fc.string(), (items, extra) => !sameProperty(textList, items, [...items, extra])),
        );
    });

    test("JSON survives the way to the API and back", async () => {
        await fc.assert(
            fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
                const text = JSON.stringify(object, undefined, 3);
                return sameProperty(json, text, json.fromApi(JSON.parse(JSON.stringify(json.toApi(text)))));
            }),
        );
    });

    test("redirect URIs survive it too, with or without their type", async () => {
        const uri = fc.record(
            {
                matching_mode: fc.constantFrom("strict", "regex"),
                url: fc.webUrl(),
                redirect_uri_type: fc.constantFrom("authorization", "logout"),
            },
            { requiredKeys: ["matching_mode", "url"] },
        );
        await fc.assert(
            fc.property(fc.array(uri), (uris) => {
                const wanted = uris as PropertyValue[];
                expect("value" in redirectUriList.check(wanted)).toBe(true);
                const stored = (redirectUriList.toApi(wanted) as { redirectUriType?: string }[]).map((item) => ({
                    ...item,
                    redirectUriType: item.redirectUriType ?? "authorization",
                }));
                return sameProperty(redirectUriList, wanted, redirectUriList.fromApi(stored));
            }),
            { numRuns: 30 },
        );
    });

    test.each([
        ["hours=1;minutes=30", true],
        ["days=-3", true],
        ["Minutes=1", true],
        ["30", false],
        ["fortnights=1", false],
        ["hours=", false],
        ["hours=1;", false],
        ["", false],
    ])("duration %j: %p", (text, isGood) => expect("value" in duration.check(text)).toBe(isGood));

    test("a number may come as text, an unknown equals nothing", () => {
        expect(integer.check("12")).toEqual({ value: 12 });
        expect("reason" in integer.check("1.5")).toBe(true);
        expect("reason" in integer.check("12a")).toBe(true);
        expect(sameProperty(textList, [UNKNOWN], [UNKNOWN])).toBe(false);
        expect(sameProperty(textList, undefined, [])).toBe(true);
    });
});

describe("what a program says is checked before anything is asked", () => {
    const check = async (type: string, inputs: PropertyMap) =>
        (await driver("http://127.0.0.1:9", "unused")).failures(type, inputs);

    test.each<[string, string, PropertyMap, string[]]>([
        [
            "a property that does not exist",
            "group",
            { nmae: "x" },
            ["nmae: nmae is not a property of a group. It has: attributes, isSuperuser, name, parents, roles, users"],
        ],
        [
            "what only Authentik assigns",
            "application",
            { slug: "x", uuid: "y", applicationId: "z" },
            [
                "uuid: uuid is assigned by Authentik: leave it out",
                "applicationId: applicationId is assigned by Authentik: leave it out",
            ],
        ],
        [
            "what is missing",
            "user",
            {},
            ["username: username is required: The name to log in with. No two users have the same."],
        ],
        [
            "a wrong word",
            "application",
            { slug: "x", policyEngineMode: "some" },
            ['policyEngineMode: policyEngineMode must be one of all, any, not "some"'],
        ],
        [
            "a wrong item in a list",
            "group",
            { users: [1, "two"] },
            ['users[1]: users[1] must be a whole number, not "two"'],
        ],
        [
            "a redirect URI without its mode",
            "providerOauth2",
            {
                clientId: "x",
                authorizationFlow: "a",
                invalidationFlow: "b",
                allowedRedirectUris: [{ url: "https://x" }],
            },
            ["allowedRedirectUris[0].matching_mode: allowedRedirectUris[0].matching_mode is required"],
        ],
        [
            "what Authentik no longer reads",
            "providerOauth2",
            { clientId: "x", authorizationFlow: "a", invalidationFlow: "b", jwksSources: ["c"] },
            ["jwksSources: jwksSources is no longer read by Authentik: say jwtFederationSources instead"],
        ],
        [
            "unknowns",
            "providerOauth2",
            {
                clientId: UNKNOWN,
                authorizationFlow: UNKNOWN,
                invalidationFlow: "b",
                propertyMappings: [UNKNOWN],
                allowedRedirectUris: [{ url: UNKNOWN, matching_mode: "strict" }],
            },
            [],
        ],
        ["notes of the bridge", "group", { __defaults: ["name"] }, []],
    ])("%s", async (_, type, inputs, expected) => expect(await check(type, inputs)).toEqual(expected));

    test("a secret of the wrong type is not repeated", async () => {
        const [failure] = await check("user", { username: "u", password: ["canary"] });
        expect(failure).toBe("password: password must be text");
    });
});

describe("configuration", () => {
    const token = "t";
    test.each([
        ["https://authentik.example.com", "https://authentik.example.com/api/v3"],
        ["https://example.com/sso/", "https://example.com/sso/api/v3"],
        ["https://example.com/api/v3", "https://example.com/api/v3"],
    ])("%s is asked at %s", (url, basePath) => expect(connectionFrom({ url, token }, {}).basePath).toBe(basePath));

    test("wins over the environment, which is enough alone", () => {
        expect(connectionFrom({}, { AUTHENTIK_URL: "https://e.example.com", AUTHENTIK_TOKEN: "e" })).toMatchObject({
            token: "e",
            url: "https://e.example.com",
        });
        expect(
            connectionFrom(
                { url: "https://c.example.com", token: "c", headers: '{"X-A":"1"}' },
                { AUTHENTIK_URL: "https://e.example.com", AUTHENTIK_TOKEN: "e" },
            ),
        ).toMatchObject({ token: "c", url: "https://c.example.com", headers: { "X-A": "1" } });
        expect(isInsecure({}, { AUTHENTIK_INSECURE: "true" })).toBe(true);
        expect(isInsecure({ insecure: "false" }, { AUTHENTIK_INSECURE: "true" })).toBe(false);
    });

    test("is refused by name", () => {
        expect(checkConfiguration({ url: "authentik.example.com", insecure: "perhaps", headers: "[canary]" })).toEqual([
            {
                property: "url",
                reason:
                    'authentik:url "authentik.example.com" cannot be used: it does not begin with https:// or http://. ' +
                    "Give Authentik's address, such as https://authentik.example.com (http:// is for a loopback host " +
                    "only; the API token is authentik:token).",
            },
            { property: "insecure", reason: 'authentik:insecure must be true or false, not "perhaps".' },
            {
                property: "headers",
                reason: 'authentik:headers must be an object of texts, for example {"X-Forwarded-For":"10.0.0.1"}.',
            },
        ]);
        expect(checkConfiguration({ url: UNKNOWN, token: UNKNOWN })).toEqual([]);
        const plain =
            /authentik:url "http:\/\/authentik\.example\.com" cannot be used: over plain http, the API token could be read on the way/;
        expect(checkConfiguration({ url: "http://authentik.example.com" })).toEqual([
            { property: "url", reason: expect.stringMatching(plain) },
        ]);
        expect(() => connectionFrom({ token }, { AUTHENTIK_URL: "http://10.0.0.7:9000" })).toThrow(
            /AUTHENTIK_URL .*over plain http/,
        );
        for (const url of ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"])
            expect(checkConfiguration({ url })).toEqual([]);
        expect(() => connectionFrom({ url: "https://u:p@x.example.com", token }, {})).toThrow(
            /it holds a user name or a password/,
        );
        expect(() => connectionFrom({ url: "https://x.example.com", token: "a b" }, {})).toThrow(
            /contains a character that no token has/,
        );
        expect(() => connectionFrom({}, {})).toThrow(
            /pulumi config set authentik:url .*pulumi config set --secret authentik:token/,
        );
    });
});

test("versions are compared by their numbers", () => {
    expect(isAtLeast("2026.5.0-rc1", "2025.10")).toBe(true);
    expect(isAtLeast("2025.10.3", "2025.10")).toBe(true);
    expect(isAtLeast("2025.8.9", "2025.10")).toBe(false);
    expect(isAtLeast("2025.10.9", "2025.12")).toBe(false);
});

test("complaints of the API are found by property", () => {
    expect(
        complaintsByField({ redirect_uris: [{ url: ["bad"] }], non_field_errors: ["all wrong"], client_id: ["taken"] }),
    ).toEqual({ redirectUris: ["url: bad"], "": ["all wrong"], clientId: ["taken"] });
});

test("every page of a list is read, and no page after the last", async () => {
    const asked: number[] = [];
    const all = await everyPage((page) => {
        asked.push(page);
        return Promise.resolve({ pagination: { next: page < 3 ? page + 1 : 0 }, results: [page] });
    });
    expect(all).toEqual([1, 2, 3]);
    expect(asked).toEqual([1, 2, 3]);
});
