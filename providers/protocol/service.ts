/** The calls of the provider protocol, each handed on to a provider's handler. */
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

/** What a plugin written elsewhere does otherwise. Default: what our providers do. */
export interface Dialect {
    /**
     * Whether values travel with their marks (secrets, outputs, references to resources): then handlers get them so,
     * and answer for what is secret in their answers. Default false: a handler gets plain values.
     */
    keepsMarks?: boolean;
    /** Default: without the property, whose value the engine would print. */
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
/** The handler of the resource that a call is about, and the call's context. */
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

/** What the provider is. */
function packageCalls(provider: Provider) {
    return {
        getPluginInfo: unary(() => {
            const response = new pluginMessages.PluginInfo();
            response.setVersion(provider.version);
            return response;
        }),
        // A state that a provider of the same name was at before, made of a parameter (Terraform's, bridged), asks for
        // that one again.
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

/** How the provider is configured. */
function configurationCalls(provider: Provider, keepsMarks: boolean) {
    return {
        checkConfig: unary(async (request) => {
            const config = unwrapMap(toMap(request.getNews()));
            return checkResponse(
                provider.checkConfig ? await provider.checkConfig(config) : { inputs: config },
                request.getNews(),
            );
        }),
        // What is the same, the engine does not configure anew: it goes on with what the state has, a token that was
        // replaced since among it.
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
            // Where a mark is not accepted, inputs arrive plain, and the engine keeps those secret that the program
            // marked so; what is secret by nature is wrapped in the answers (secretProperties).
            response.setAcceptsecrets(keepsMarks);
            response.setAcceptresources(keepsMarks);
            response.setAcceptoutputs(keepsMarks);
            response.setSupportspreview(true);
            return response;
        }),
    };
}

/** What a change of a resource comes to. */
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

/** What changes a resource. */
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

/** What a resource is like now. */
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
            if (!state) return response; // an empty id says that it is gone
            const secrets = handler.secretProperties ?? [];
            response.setId(state.id);
            response.setProperties(toStruct(withSecrets(state.properties, secrets)));
            response.setInputs(toStruct(withSecrets(state.inputs ?? {}, secrets)));
            return response;
        }),
    };
}

/**
 * One request, one answer. A thrown error reaches the terminal as its message alone: no stack trace for a user's
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
 * What a create or update leaves behind when it fails half-way is saved in the state: its secrets too must be marked.
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
