/** The package's schema, its provider and its SDK say the same. */
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { inputDefinitions, outputDefinitions } from "../../../providers/zot/apiKeyProperties";
import { configurationProperties } from "../../../providers/zot/configuration";
import { apiKeyToken, packageVersion } from "../../../providers/zot/package";
import { packageSchema } from "../../../providers/zot/schema";
import * as zot from "../../../sdks/zot";

const folder = path.resolve(__dirname, "../../../sdks/zot");
const schema = JSON.parse(packageSchema()) as {
    version: string;
    resources: Record<string, { inputProperties: object; properties: object; requiredInputs: string[] }>;
    provider: { inputProperties: object };
};

interface Registered {
    type: string;
    inputs: Record<string, unknown>;
}

async function registered(declare: () => unknown): Promise<Registered[]> {
    const found: Registered[] = [];
    await pulumi.runtime.setMocks({
        newResource: ({ type, inputs }) => {
            found.push({ type, inputs: inputs as Record<string, unknown> });
            return { id: "id", state: inputs as Record<string, unknown> };
        },
        call: () => ({}),
    });
    declare();
    await pulumi.runtime.disconnect();
    return found;
}

test("every input goes from the SDK to the provider by its name", async () => {
    const every = Object.fromEntries(
        Object.entries(inputDefinitions).map(([name, { type }]) => [
            name,
            type === "integer" ? 1 : type === "boolean" ? true : "text",
        ]),
    );
    const [key] = await registered(() => new zot.ApiKey("key", every as unknown as zot.ApiKeyArgs));
    expect(key).toEqual({ type: apiKeyToken, inputs: every });
    expect(Object.keys(schema.resources[apiKeyToken]!.inputProperties)).toEqual(Object.keys(inputDefinitions));
    expect(Object.keys(schema.resources[apiKeyToken]!.properties)).toEqual([
        ...Object.keys(inputDefinitions),
        ...Object.keys(outputDefinitions),
    ]);
});

test("the class declares every output", () => {
    const source = fs.readFileSync(path.join(folder, "apiKey.ts"), "utf8");
    for (const name of [...Object.keys(inputDefinitions), ...Object.keys(outputDefinitions)])
        expect(source).toMatch(new RegExp(`declare public (/\\*out\\*/ )?readonly ${name}: pulumi\\.Output<`));
});

test("the provider's configuration goes through, its token as a secret", async () => {
    const every = Object.fromEntries(Object.keys(configurationProperties).map((name) => [name, name]));
    const [provider] = await registered(() => new zot.Provider("provider", every));
    expect(provider!.type).toBe("pulumi:providers:zot");
    const { authentikToken, ...rest } = provider!.inputs;
    expect(rest).toEqual(Object.fromEntries(Object.entries(every).filter(([name]) => name !== "authentikToken")));
    expect(authentikToken).toMatchObject({
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        value: "authentikToken",
    });
});

test("what is missing is an error where it is written", () => {
    expect(() => new zot.ApiKey("key", { user: "ci" } as zot.ApiKeyArgs)).toThrow(
        "Missing required property 'registryUrl'",
    );
});

test("the versions are one", () => {
    const { version, pulumi: plugin } = JSON.parse(fs.readFileSync(path.join(folder, "package.json"), "utf8")) as {
        version: string;
        pulumi: { version: string };
    };
    expect([version, plugin.version, schema.version]).toEqual([packageVersion, packageVersion, packageVersion]);
});
