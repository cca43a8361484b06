/** The schema that the stand-in prints: that it accepts what it should, and has the names of the real one. */
import Ajv from "ajv";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { on } from "../../../testbed/contract/titles";
import { configSchema, type Schema } from "../../../testbed/zot/configSchema";
import { noRealZot, run, type Zot, zots } from "./zots";

const compile = () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    return ajv.compile(configSchema);
};

test("it accepts the parts that a hardened registry has, under their usual names", () => {
    const accepts = compile();
    const config = {
        storage: { rootDirectory: "/zot", gc: true, gcDelay: "1h", gcInterval: "24h" },
        http: {
            address: "0.0.0.0",
            port: "5050",
            externalUrl: "https://registry.example.org",
            auth: {
                openid: {
                    providers: {
                        oidc: {
                            name: "Authentik",
                            credentialsFile: "/zot/oidc.json",
                            issuer: "https://authentik.example.org/application/o/zot/",
                            scopes: ["openid", "email", "profile"],
                            claimMapping: { username: "preferred_username" },
                        },
                    },
                },
                apikey: true,
                sessionKeysFile: "/zot/keys.json",
                failDelay: 1,
            },
            accessControl: {
                repositories: {
                    "**": {
                        policies: [{ groups: ["admins"], actions: ["read"] }],
                        anonymousPolicy: ["read"],
                        defaultPolicy: ["read"],
                    },
                },
                adminPolicy: { users: [], actions: [] },
                metrics: { users: ["scraper"], anonymousPolicy: ["read"] },
            },
        },
        log: { level: "info" },
        extensions: {
            metrics: { enable: true, prometheus: { path: "/metrics" } },
            search: { enable: true, cve: { updateInterval: "24h" } },
            ui: { enable: true },
            sync: {
                enable: true,
                registries: [
                    {
                        urls: ["https://quay.io"],
                        content: [{ prefix: "**", destination: "/quay.io" }],
                        onDemand: true,
                        tlsVerify: true,
                    },
                ],
            },
        },
    };
    expect([accepts(config), accepts.errors]).toEqual([true, null]);
    expect(accepts({ ...config, log: { levle: "info" } })).toBe(false);
    expect(accepts({ ...config, storage: { gc: "perhaps" } })).toBe(false);
});

/** Every setting as a path, in lower case, `*` standing for any name and `[]` for an item. */
function settings(schema: Schema, definitions: Record<string, Schema> = {}, place = ""): string[] {
    const found: string[] = [];
    const variants = (schema["anyOf"] as Schema[] | undefined) ?? [];
    for (const variant of variants) found.push(...settings(variant, definitions, place));
    const reference = schema["$ref"] as string | undefined;
    if (reference) {
        const name = reference.replace("#/definitions/", "").replaceAll("~1", "/").replaceAll("~0", "~");
        found.push(...settings(definitions[name] ?? {}, definitions, place));
    }
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
        const here = `${place}.${name.toLowerCase()}`;
        found.push(here, ...settings(property, definitions, here));
    }
    if (schema.items) found.push(...settings(schema.items, definitions, `${place}[]`));
    if (schema.additionalProperties) found.push(...settings(schema.additionalProperties, definitions, `${place}.*`));
    return [...new Set(found)].sort();
}

(noRealZot ? test.skip : test)(
    skippable(on("both", "it has every setting of the real one's, and no other"), noRealZot),
    () => {
        const real = zots.find((zot) => !zot.isStandIn) as Zot;
        const schema = JSON.parse(run(real, "schema").output) as Schema & { definitions: Record<string, Schema> };
        expect(settings(configSchema)).toEqual(settings(schema, schema.definitions));
    },
);
