/** The resource ClientSecret: what is in Authentik is kept, and what is given anew takes its place. */
import type { CallContext, PropertyMap } from "../../../providers/protocol";
import { UNKNOWN } from "../../../providers/protocol";
import { clientSecret, clientSecretInputs } from "../../../providers/zot/clientSecret";
import { packageSchema } from "../../../providers/zot/schema";

const context = {} as CallContext;

function resource(present: string | undefined | Error) {
    const asked: string[] = [];
    const authentik = {
        clientSecret: (id: string) => {
            asked.push(id);
            return present instanceof Error ? Promise.reject(present) : Promise.resolve(present);
        },
    };
    return { asked, handler: clientSecret(() => ({ authentik: () => authentik }) as never) };
}

const create = (present: string | undefined | Error, preview: boolean, value: string = "generated") =>
    resource(present).handler.create({ inputs: { clientId: "zot", value }, preview, name: "registry" }, context);

test("a client that is there keeps its secret, in preview and update; a new one gets the generated one", async () => {
    for (const preview of [true, false]) {
        expect((await create("present", preview)).properties.value).toBe("present");
        expect((await create("present", preview, UNKNOWN)).properties.value).toBe("present");
        expect((await create(undefined, preview)).properties.value).toBe("generated");
    }
    expect((await create(undefined, true, UNKNOWN)).properties.value).toBe(UNKNOWN);
});

test("a token that may not see it is no matter in preview, and stops an update before anything changes", async () => {
    const refused = new Error(
        "The token for Authentik lacks the permission authentik_providers_oauth2.view_oauth2provider",
    );
    expect((await create(refused, true)).properties.value).toBe("generated");
    await expect(create(refused, false)).rejects.toThrow("view_oauth2provider");
});

test("only another given secret is a change, and then it is the one in use", async () => {
    const { handler, asked } = resource("present");
    const state = {
        id: "registry",
        oldInputs: { clientId: "zot", value: "generated" },
        oldOutputs: { clientId: "zot", value: "present" },
    };
    const diff = (inputs: PropertyMap) => handler.diff({ ...state, inputs }, context);
    expect((await diff({ clientId: "zot", value: "generated" })).changes).toBe(false);
    expect((await diff({ clientId: "renamed", value: "generated" })).changes).toBe(false);
    for (const value of ["another", UNKNOWN]) {
        expect(await diff({ clientId: "zot", value })).toEqual({
            changes: true,
            properties: { value: { kind: "update" } },
        });
        expect(
            await handler.update({ ...state, inputs: { clientId: "zot", value }, preview: value === UNKNOWN }, context),
        ).toEqual({ clientId: "zot", value });
    }
    expect(asked).toEqual([]);
});

test("it is secret, and both inputs are needed", async () => {
    const { handler } = resource(undefined);
    expect(handler.secretProperties).toEqual(["value"]);
    const { failures } = await handler.check!(
        { inputs: { clientId: "" }, oldInputs: undefined, randomSeed: new Uint8Array() },
        context,
    );
    expect(failures!.map(({ reason }) => reason)).toEqual(["clientId is missing.", "value is missing."]);
    const schema = JSON.parse(packageSchema()) as { resources: Record<string, { inputProperties: object }> };
    expect(schema.resources["zot:index/clientSecret:ClientSecret"]!.inputProperties).toEqual(clientSecretInputs);
});
