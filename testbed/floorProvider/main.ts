/**
 * A provider whose resources and look-ups do nothing, by the protocol that ours speak: what the engine itself costs
 * with a provider of this kind. `npm run bench` alone starts it, under the name in its first argument.
 */
import { type FunctionHandler, type ResourceHandler, serve } from "../../providers/protocol";

const [name = "floor"] = process.argv.splice(2, 1);

const nothing: ResourceHandler = {
    check: async ({ inputs }) => ({ inputs }),
    diff: async () => ({ changes: false }),
    create: async ({ inputs, name: id }) => ({ id, properties: { ...inputs, uuid: id } }),
    read: async ({ id, properties, inputs }) => ({ id, properties, inputs }),
    update: async ({ inputs }) => inputs,
    delete: async () => undefined,
};
const found: FunctionHandler = { invoke: async () => ({ result: { id: "1", ids: ["1", "2", "3"] } }) };

const all = <T>(handler: T): Record<string, T> => new Proxy({}, { get: () => handler });

serve({
    name,
    // As new as every package asks for.
    version: "9999.0.0",
    schema: () => JSON.stringify({ name }),
    configure: async () => undefined,
    resources: all(nothing),
    functions: all(found),
});
