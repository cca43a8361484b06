/**
 * Plays the engine's part towards the resource ApiKey, without gRPC: check, then create, read, diff, update, delete.
 */
import { type CallContext, PartialFailure, type PropertyMap, type ResourceHandler } from "../../../providers/protocol";
import { apiKeyToken } from "../../../providers/zot/package";
import { zotProvider } from "../../../providers/zot/provider";
import type { World } from "./world";

export interface Driver {
    /** Severity and text of what the person was told. */
    log: string[];
    state: { id: string; inputs: PropertyMap; outputs: PropertyMap } | undefined;
    failures(inputs: PropertyMap): Promise<string[]>;
    /** What `pulumi preview` does; answers the operation and the outputs it shows. */
    preview(
        inputs: PropertyMap,
    ): Promise<{ operation: "create" | "update" | "replace" | "same"; changed: string[]; outputs: PropertyMap }>;
    /** What `pulumi up` does; a failure with a state keeps the state and is thrown. */
    up(inputs: PropertyMap): Promise<"create" | "update" | "replace" | "same">;
    refresh(): Promise<void>;
    destroy(): Promise<void>;
}

export interface DriverOptions {
    stack?: string;
    name?: string;
    /** Over the world's configuration of the provider. */
    config?: PropertyMap;
    environment?: NodeJS.ProcessEnv;
    /** What to drive, instead of the resource in this process; asked for at each call. */
    handler?: () => ResourceHandler;
}

export const configurationFor = (world: Pick<World, "authentik" | "authentikGate">): PropertyMap => ({
    authentikUrl: world.authentikGate.url,
    authentikToken: world.authentik.token,
});

export async function driver(
    world: Pick<World, "authentik" | "authentikGate">,
    options: DriverOptions = {},
): Promise<Driver> {
    const provider = zotProvider(options.environment ?? {});
    await provider.configure({ ...configurationFor(world), ...options.config });
    const own = provider.resources[apiKeyToken]!;
    const handler: ResourceHandler = options.handler
        ? {
              check: (request, context) => options.handler!().check!(request, context),
              diff: (request, context) => options.handler!().diff(request, context),
              create: (request, context) => options.handler!().create(request, context),
              read: (request, context) => options.handler!().read(request, context),
              update: (request, context) => options.handler!().update(request, context),
              delete: (request, context) => options.handler!().delete(request, context),
          }
        : own;
    const log: string[] = [];
    const context: CallContext = {
        urn: `urn:pulumi:${options.stack ?? "test"}::project::${apiKeyToken}::${options.name ?? "ci"}`,
        log: async (severity, message) => void log.push(`${severity}: ${message}`),
        cancelled: new AbortController().signal,
    };
    let pending = false;
    const checked = async (inputs: PropertyMap) => {
        const result = await handler.check!(
            { inputs, oldInputs: driven.state?.inputs, randomSeed: new Uint8Array() },
            context,
        );
        if (result.failures?.length) throw new Error(result.failures.map((failure) => failure.reason).join(" "));
        return result.inputs;
    };
    const keeping = async <T>(inputs: PropertyMap, work: () => Promise<T>): Promise<T> => {
        try {
            return await work();
        } catch (error) {
            if (error instanceof PartialFailure) {
                driven.state = { id: error.state.id, inputs, outputs: error.state.properties };
                pending = true;
            }
            throw error;
        }
    };
    const create = async (inputs: PropertyMap) => {
        const made = await keeping(inputs, () => handler.create({ inputs, preview: false, name: "ci" }, context));
        driven.state = { id: made.id, inputs, outputs: made.properties };
    };
    const driven: Driver = {
        log,
        state: undefined,
        failures: async (inputs) =>
            (
                (
                    await handler.check!(
                        { inputs, oldInputs: driven.state?.inputs, randomSeed: new Uint8Array() },
                        context,
                    )
                ).failures ?? []
            ).map((failure) => failure.reason),
        async preview(given) {
            const inputs = await checked(given);
            const { state } = driven;
            if (!state)
                return {
                    operation: "create",
                    changed: [],
                    outputs: (await handler.create({ inputs, preview: true, name: "ci" }, context)).properties,
                };
            const diff = await handler.diff(
                { id: state.id, oldOutputs: state.outputs, oldInputs: state.inputs, inputs },
                context,
            );
            const changed = Object.keys(diff.properties ?? {});
            if (!diff.changes && !pending) return { operation: "same", changed, outputs: state.outputs };
            if (Object.values(diff.properties ?? {}).some(({ kind }) => kind.endsWith("-replace")))
                return {
                    operation: "replace",
                    changed,
                    outputs: (await handler.create({ inputs, preview: true, name: "ci" }, context)).properties,
                };
            return {
                operation: "update",
                changed,
                outputs: await handler.update(
                    { id: state.id, oldOutputs: state.outputs, oldInputs: state.inputs, inputs, preview: true },
                    context,
                ),
            };
        },
        async up(given) {
            const inputs = await checked(given);
            const { state } = driven;
            if (!state) {
                await create(inputs);
                return "create";
            }
            const diff = await handler.diff(
                { id: state.id, oldOutputs: state.outputs, oldInputs: state.inputs, inputs },
                context,
            );
            if (!diff.changes && !pending) {
                driven.state = { ...state, inputs };
                return "same";
            }
            if (Object.values(diff.properties ?? {}).some(({ kind }) => kind.endsWith("-replace"))) {
                await driven.destroy();
                await create(inputs);
                return "replace";
            }
            const outputs = await keeping(inputs, () =>
                handler.update(
                    { id: state.id, oldOutputs: state.outputs, oldInputs: state.inputs, inputs, preview: false },
                    context,
                ),
            );
            pending = false;
            driven.state = { id: state.id, inputs, outputs };
            return "update";
        },
        async refresh() {
            const { state } = driven;
            if (!state) return;
            const read = await handler.read({ id: state.id, properties: state.outputs, inputs: state.inputs }, context);
            driven.state = read && { id: read.id, inputs: read.inputs ?? {}, outputs: read.properties };
        },
        async destroy() {
            const { state } = driven;
            if (!state) return;
            await handler.delete({ id: state.id, properties: state.outputs, inputs: state.inputs }, context);
            driven.state = undefined;
        },
    };
    return driven;
}
