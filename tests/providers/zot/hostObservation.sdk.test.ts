/** The schema of HostObservation, its provider and its SDK say the same. */
import * as pulumi from "@pulumi/pulumi";
import {
    connectionFields,
    observationInputs,
    observationOutputs,
    reportDefinitions,
} from "../../../providers/zot/hostObservationProperties";
import { hostObservationToken } from "../../../providers/zot/package";
import { packageSchema } from "../../../providers/zot/schema";
import * as zot from "../../../sdks/zot";

interface Described {
    properties: object;
    inputProperties: object;
    requiredInputs: string[];
}
const schema = JSON.parse(packageSchema()) as {
    resources: Record<string, Described>;
    types: Record<string, Described>;
};

const every = Object.fromEntries(
    Object.entries(observationInputs).map(([name, { type }]) => [
        name,
        { strings: ["text"], texts: ["text"], boolean: true, secrets: { path: "text" }, string: "text" }[type],
    ]),
);
const connection = {
    ...Object.fromEntries(Object.keys(connectionFields).map((name) => [name, "text"])),
    proxy: { host: "jump", user: "zot", hostKey: "text" },
};

const secret = (value: unknown) => ({
    "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
    value,
});

test("every input goes from the SDK to the provider by its name, the connection and secrets as one secret each", async () => {
    const found: { type: string; inputs: Record<string, unknown> }[] = [];
    await pulumi.runtime.setMocks({
        newResource: ({ type, inputs }) => {
            found.push({ type, inputs: inputs as Record<string, unknown> });
            return { id: "id", state: inputs as Record<string, unknown> };
        },
        call: () => ({}),
    });
    new zot.HostObservation("host", { ...every, connection } as unknown as zot.HostObservationArgs);
    await pulumi.runtime.disconnect();
    expect(found).toEqual([
        {
            type: hostObservationToken,
            inputs: {
                ...every,
                connection: secret(connection),
                configSecrets: secret(every.configSecrets),
            },
        },
    ]);
});

test("the schema has them all", () => {
    const resource = schema.resources[hostObservationToken]!;
    expect(Object.keys(resource.inputProperties)).toEqual(["connection", ...Object.keys(observationInputs)]);
    expect(Object.keys(resource.properties)).toEqual(Object.keys(observationOutputs));
    expect(Object.keys(schema.types["zot:index/sshConnection:SshConnection"]!.properties)).toEqual([
        ...Object.keys(connectionFields),
        "proxy",
    ]);
    expect(Object.keys(schema.types["zot:index/hostReport:HostReport"]!.properties)).toEqual(
        Object.keys(reportDefinitions),
    );
});

test("what is required is an error where it is written", () => {
    for (const missing of schema.resources[hostObservationToken]!.requiredInputs) {
        const given = Object.fromEntries(Object.entries({ ...every, connection }).filter(([name]) => name !== missing));
        expect(() => new zot.HostObservation("host", given as unknown as zot.HostObservationArgs)).toThrow(
            `Missing required property '${missing}'`,
        );
    }
});
