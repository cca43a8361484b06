/** The calls of the provider protocol; each is passed on to a handler of the provider. */
import type * as grpc from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import {
    autonamingOf,
    checkFailure,
    checkResponse,
    configurationDiff,
    diffResponse,
    type FailureForm,
    serviceError,
    toMap,
    toStruct,
} from "./messages";
import type { CallContext, Provider, ResourceHandler } from "./provider";
import { PartialFailure } from "./provider";
import { type PropertyMap, unwrapMap, withSecrets } from "./values";

// The generated protobuf modules carry no usable types for plain CommonJS.
const providerMessages: any = require("@pulumi/pulumi/proto/provider_pb");
const pluginMessages: any = require("@pulumi/pulumi/proto/plugin_pb");

/** How a plugin that was written elsewhere may differ. Default: as our providers do it. */
export interface Dialect {
    /**
     * Whether values keep their marks (secrets, outputs, references to resources). Then handlers get them marked, and
     * are responsible for the secrets in their answers. Default false: a handler gets plain values.
     */
    keepsMarks?: boolean;
    /** Default: without the property, because the engine would print its value. */
    failureForm?: FailureForm;
}

export function providerService(
    provider: Provider,
    contextFor: (urn: string) => CallContext,
    cancellation: AbortController,
    { keepsMarks = false, failureForm }: Dialect = {},
) {
    const fromStruct: FromStruct = (struct) => (keepsMarks ? toMap(struct) : unwrapMap(toMap(struct)));
    const called: Called = (urn) => ({ handler: resourceOf(provider, urn), context: contextFor(urn) });
    return {
        ...packageCalls(provider),
        ...configurationCalls(provider, keepsMarks),
        ...planningCalls(called, fromStruct, failureForm),
        ...writingCalls(called, fromStruct),
        ...readingCalls(called, fromStruct),
        invoke: unary(async (request) => {
            const handler = provider.functions?.[request.getTok()];
            if (!handler) throw new Error(`The ${provider.name} provider has no function ${request.getTok()}.`);
            const { result, failures } = await handler.invoke(fromStruct(request.getArgs()), contextFor(""));
            const response = new providerMessages.InvokeResponse();
            if (result) response.setReturn(toStruct(withSecrets(result, handler.secretProperties ?? [])));
            response.setFailuresList((failures ?? []).map(checkFailure));
            return response;
        }),
        cancel: unary(() => {
            cancellation.abort();
            return new Empty();
        }),
        attach: unary(() => new Empty()),
    };
}

type FromStruct = (struct: any) => PropertyMap;
/** Finds the handler of the resource that a call is about, and creates the call's context. */
type Called = (urn: string) => { handler: ResourceHandler; context: CallContext };

function resourceOf(provider: Provider, urn: string): ResourceHandler {
    const type = urn.split("::")[2]?.split("$").pop() ?? "";
    const handler = provider.resources[type];
    if (!handler)
        throw new Error(
            `The ${provider.name} provider has no resource ${type}. ` +
                `It has: ${Object.keys(provider.resources).sort().join(", ")}.`,
        );
    return handler;
}

/** Calls that describe the provider. */
function packageCalls(provider: Provider) {
    return {
        getPluginInfo: unary(() => {
            const response = new pluginMessages.PluginInfo();
            response.setVersion(provider.version);
            return response;
        }),
        // If a provider of the same name wrote the state and was parameterized (bridged from Terraform's), the engine
        // asks for that one again.
        parameterize: unary((request) => {
            const value = request.getValue();
            const response = new providerMessages.ParameterizeResponse();
            response.setName(value?.getName() || provider.name);
            response.setVersion(value?.getVersion() || provider.version);
            return response;
        }),
        getSchema: unary(() => {
            const response = new providerMessages.GetSchemaResponse();
            response.setSchema(provider.schema());
            return response;
        }),
    };
}

/** Calls that configure the provider. */
function configurationCalls(provider: Provider, keepsMarks: boolean) {
    return {
        checkConfig: unary(async (request) => {
            const config = unwrapMap(toMap(request.getNews()));
            return checkResponse(
                provider.checkConfig ? await provider.checkConfig(config) : { inputs: config },
                request.getNews(),
            );
        }),
        // The engine does not configure again what is unchanged: it continues with the values in the state, including a
        // token that has since been replaced.
        diffConfig: unary((request) =>
            diffResponse(
                configurationDiff(
                    unwrapMap(toMap(request.getOldInputs() ?? request.getOlds())),
                    unwrapMap(toMap(request.getNews())),
                ),
            ),
        ),
        configure: unary(async (request) => {
            await provider.configure(unwrapMap(toMap(request.getArgs())));
            const response = new providerMessages.ConfigureResponse();
            // Without marks, inputs arrive plain, and the engine keeps those secret that the program marked. Answers
            // wrap what is always secret (secretProperties).
            response.setAcceptsecrets(keepsMarks);
            response.setAcceptresources(keepsMarks);
            response.setAcceptoutputs(keepsMarks);
            response.setSupportspreview(true);
            return response;
        }),
    };
}

/** Calls that determine what a change of a resource means. */
function planningCalls(called: Called, fromStruct: FromStruct, failureForm?: FailureForm) {
    return {
        check: unary(async (request) => {
            const inputs = fromStruct(request.getNews());
            const { handler, context } = called(request.getUrn());
            const result = handler.check
                ? await handler.check(
                      {
                          oldInputs: request.getOlds() ? fromStruct(request.getOlds()) : undefined,
                          inputs,
                          randomSeed: request.getRandomseed_asU8(),
                          autonaming: autonamingOf(request.getAutonaming()),
                      },
                      context,
                  )
                : { inputs };
            const marked = { ...result, inputs: withSecrets(result.inputs, handler.secretProperties ?? []) };
            return checkResponse(marked, undefined, failureForm);
        }),
        diff: unary(async (request) => {
            const { handler, context } = called(request.getUrn());
            const result = await handler.diff(
                {
                    id: request.getId(),
                    oldOutputs: fromStruct(request.getOlds()),
                    oldInputs: fromStruct(request.getOldInputs()),
                    inputs: fromStruct(request.getNews()),
                },
                context,
            );
            return diffResponse(result);
        }),
    };
}

/** Calls that change a resource. */
function writingCalls(called: Called, fromStruct: FromStruct) {
    return {
        create: unary(async (request) => {
            const { handler, context } = called(request.getUrn());
            const state = await keepingSecrets(handler, () =>
                handler.create(
                    {
                        inputs: fromStruct(request.getProperties()),
                        preview: request.getPreview(),
                        name: request.getUrn().split("::").slice(3).join("::"),
                        timeoutSeconds: request.getTimeout(),
                    },
                    context,
                ),
            );
            const response = new providerMessages.CreateResponse();
            response.setId(state.id);
            response.setProperties(toStruct(withSecrets(state.properties, handler.secretProperties ?? [])));
            return response;
        }),
        update: unary(async (request) => {
            const { handler, context } = called(request.getUrn());
            const properties = await keepingSecrets(handler, () =>
                handler.update(
                    {
                        id: request.getId(),
                        oldOutputs: fromStruct(request.getOlds()),
                        oldInputs: fromStruct(request.getOldInputs()),
                        inputs: fromStruct(request.getNews()),
                        preview: request.getPreview(),
                        timeoutSeconds: request.getTimeout(),
                    },
                    context,
                ),
            );
            const response = new providerMessages.UpdateResponse();
            response.setProperties(toStruct(withSecrets(properties, handler.secretProperties ?? [])));
            return response;
        }),
        delete: unary(async (request) => {
            const { handler, context } = called(request.getUrn());
            await handler.delete(
                {
                    id: request.getId(),
                    properties: fromStruct(request.getProperties()),
                    inputs: fromStruct(request.getOldInputs()),
                    timeoutSeconds: request.getTimeout(),
                },
                context,
            );
            return new Empty();
        }),
    };
}

/** Calls that read a resource. */
function readingCalls(called: Called, fromStruct: FromStruct) {
    return {
        read: unary(async (request) => {
            const { handler, context } = called(request.getUrn());
            const state = await handler.read(
                {
                    id: request.getId(),
                    properties: fromStruct(request.getProperties()),
                    inputs: fromStruct(request.getInputs()),
                },
                context,
            );
            const response = new providerMessages.ReadResponse();
            if (!state) return response; // an empty id means that it is gone
            const secrets = handler.secretProperties ?? [];
            response.setId(state.id);
            response.setProperties(toStruct(withSecrets(state.properties, secrets)));
            response.setInputs(toStruct(withSecrets(state.inputs ?? {}, secrets)));
            return response;
        }),
    };
}

/**
 * One request, one answer. Only the message of a thrown error reaches the terminal: no stack trace for a user's
 * mistake.
 */
function unary(handle: (request: any) => unknown): grpc.handleUnaryCall<any, any> {
    return (call, callback) => {
        Promise.resolve()
            .then(() => handle(call.request))
            .then(
                (response) => callback(null, response),
                (error) => callback(serviceError(error)),
            );
    };
}

/**
 * If a create or update fails half-way, the engine saves what it left behind. Its secrets must be marked too.
 */
async function keepingSecrets<Result>(handler: ResourceHandler, write: () => Promise<Result>): Promise<Result> {
    try {
        return await write();
    } catch (error) {
        if (!(error instanceof PartialFailure)) throw error;
        const secrets = handler.secretProperties ?? [];
        const { id, properties, inputs } = error.state;
        throw new PartialFailure(error.message, {
            id,
            properties: withSecrets(properties, secrets),
            ...(inputs ? { inputs: withSecrets(inputs, secrets) } : {}),
        });
    }
}
