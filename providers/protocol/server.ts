/**
 * The gRPC face of a Pulumi provider in Node.
 *
 * `pulumi.provider.main` is not used: it discards the provider's configuration, does not call create in
 * a preview, and needs twice the memory and three times the start-up time (measured, November 2026).
 */

import { isDeepStrictEqual } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { printable } from "../../clients/outsideText";
import type {
    CallContext,
    CheckRequest,
    CheckResult,
    DiffResult,
    LogSeverity,
    PropertyDiff,
    Provider,
    ResourceHandler,
    ResourceState,
} from "./provider";
import { PartialFailure } from "./provider";
import { type PropertyMap, unwrapMap, withSecrets } from "./values";

// The generated protobuf modules carry no usable types for plain CommonJS; they are only touched in this file.
const providerService: any = require("@pulumi/pulumi/proto/provider_grpc_pb");
const providerMessages: any = require("@pulumi/pulumi/proto/provider_pb");
const pluginMessages: any = require("@pulumi/pulumi/proto/plugin_pb");
const engineService: any = require("@pulumi/pulumi/proto/engine_grpc_pb");
const engineMessages: any = require("@pulumi/pulumi/proto/engine_pb");
const statusMessages: any = require("@pulumi/pulumi/proto/status_pb");

/** A state of several megabytes (a long chain of outputs) must not break a call: the limit of Pulumi's own clients. */
const MAXIMUM_MESSAGE_BYTES = 400 * 1024 * 1024;

const toMap = (struct: any): PropertyMap => struct?.toJavaScript() ?? {};
const toStruct = (map: PropertyMap) => Struct.fromJavaScript(withoutUndefined(map) as any);

/** `Struct.fromJavaScript` turns undefined into an invalid value, so absent properties are left out. */
function withoutUndefined(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => (item === undefined ? null : withoutUndefined(item)));
    if (value !== null && typeof value === "object") {
        return Object.fromEntries(
            Object.entries(value)
                .filter(([, item]) => item !== undefined)
                .map(([key, item]) => [key, withoutUndefined(item)]),
        );
    }
    return value;
}

/** Speaks the provider protocol on a loopback port, whose number it prints as the engine expects, until it is told to stop. */
export function serve(provider: Provider): void {
    const cancellation = new AbortController();
    const log = engineLog(process.argv[2]);
    const contextFor = (urn: string): CallContext => ({
        urn,
        log: (severity, message, options) => log(severity, message, urn, options?.ephemeral ?? false),
        cancelled: cancellation.signal,
    });
    const server = new grpc.Server({
        "grpc.max_receive_message_length": MAXIMUM_MESSAGE_BYTES,
        "grpc.max_send_message_length": MAXIMUM_MESSAGE_BYTES,
    });
    server.addService(providerService.ResourceProviderService, implementation(provider, contextFor, cancellation));
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) {
            process.stderr.write(`${provider.name} provider: cannot listen on loopback: ${error.message}\n`);
            process.exit(1);
        }
        process.stdout.write(`${port}\n`);
    });
    // A provider whose engine is gone has nothing left to do; the engine ends it by a signal otherwise.
    // It closes its plugins one after the other with an interrupt; one that lingers makes the next ones miss their time limit
    // and be reported as crashed. A person's Ctrl-C does not arrive here: plugins have a process group of their own.
    process.on("SIGTERM", () => process.exit(0));
    process.on("SIGINT", () => process.exit(0));
}

function implementation(provider: Provider, contextFor: (urn: string) => CallContext, cancellation: AbortController) {
    const accepts = provider.accepts ?? {};
    const keepsMarks = Object.values(accepts).some(Boolean);
    const fromStruct = (struct: any): PropertyMap => (keepsMarks ? toMap(struct) : unwrapMap(toMap(struct)));
    const resourceOf = (urn: string): ResourceHandler => {
        const type = urn.split("::")[2]?.split("$").pop() ?? "";
        const handler = provider.resources[type];
        if (!handler) {
            throw new Error(
                `The ${provider.name} provider has no resource ${type}. It has: ${Object.keys(provider.resources).sort().join(", ")}.`,
            );
        }
        return handler;
    };

    return {
        getPluginInfo: unary(() => {
            const response = new pluginMessages.PluginInfo();
            response.setVersion(provider.version);
            return response;
        }),
        // A state that a provider of the same name was at before, made of a parameter (Terraform's, bridged), asks for that one again.
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
        checkConfig: unary(async (request) => {
            const config = unwrapMap(toMap(request.getNews()));
            return checkResponse(
                provider.checkConfig ? await provider.checkConfig(config) : { inputs: config },
                request.getNews(),
            );
        }),
        // What is the same, the engine does not configure anew: it goes on with what the state has, a token that was replaced since among it.
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
            response.setAcceptsecrets(accepts.secrets ?? false);
            response.setAcceptresources(accepts.resources ?? false);
            response.setAcceptoutputs(accepts.outputs ?? false);
            response.setSupportspreview(true);
            return response;
        }),
        check: unary(async (request) => {
            const inputs = fromStruct(request.getNews());
            const handler = resourceOf(request.getUrn());
            const result = handler.check
                ? await handler.check(
                      {
                          oldInputs: request.getOlds() ? fromStruct(request.getOlds()) : undefined,
                          inputs,
                          randomSeed: request.getRandomseed_asU8(),
                          autonaming: autonamingOf(request.getAutonaming()),
                      },
                      contextFor(request.getUrn()),
                  )
                : { inputs };
            return checkResponse({ ...result, inputs: withSecrets(result.inputs, handler.secretProperties ?? []) });
        }),
        diff: unary(async (request) => {
            const result = await resourceOf(request.getUrn()).diff(
                {
                    id: request.getId(),
                    oldOutputs: fromStruct(request.getOlds()),
                    oldInputs: fromStruct(request.getOldInputs()),
                    inputs: fromStruct(request.getNews()),
                },
                contextFor(request.getUrn()),
            );
            return diffResponse(result);
        }),
        create: unary(async (request) => {
            const handler = resourceOf(request.getUrn());
            const state = await keepingSecrets(handler, () =>
                handler.create(
                    {
                        inputs: fromStruct(request.getProperties()),
                        preview: request.getPreview(),
                        name: request.getUrn().split("::").slice(3).join("::"),
                        timeoutSeconds: request.getTimeout(),
                    },
                    contextFor(request.getUrn()),
                ),
            );
            const response = new providerMessages.CreateResponse();
            response.setId(state.id);
            response.setProperties(toStruct(withSecrets(state.properties, handler.secretProperties ?? [])));
            return response;
        }),
        read: unary(async (request) => {
            const handler = resourceOf(request.getUrn());
            const state = await handler.read(
                {
                    id: request.getId(),
                    properties: fromStruct(request.getProperties()),
                    inputs: fromStruct(request.getInputs()),
                },
                contextFor(request.getUrn()),
            );
            const response = new providerMessages.ReadResponse();
            if (!state) return response; // an empty id says that it is gone
            const secrets = handler.secretProperties ?? [];
            response.setId(state.id);
            response.setProperties(toStruct(withSecrets(state.properties, secrets)));
            response.setInputs(toStruct(withSecrets(state.inputs ?? {}, secrets)));
            return response;
        }),
        update: unary(async (request) => {
            const handler = resourceOf(request.getUrn());
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
                    contextFor(request.getUrn()),
                ),
            );
            const response = new providerMessages.UpdateResponse();
            response.setProperties(toStruct(withSecrets(properties, handler.secretProperties ?? [])));
            return response;
        }),
        delete: unary(async (request) => {
            await resourceOf(request.getUrn()).delete(
                {
                    id: request.getId(),
                    properties: fromStruct(request.getProperties()),
                    inputs: fromStruct(request.getOldInputs()),
                    timeoutSeconds: request.getTimeout(),
                },
                contextFor(request.getUrn()),
            );
            return new Empty();
        }),
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

function autonamingOf(options: any): CheckRequest["autonaming"] {
    if (!options) return undefined;
    const modes = providerMessages.CheckRequest.AutonamingOptions.Mode;
    const mode =
        options.getMode() === modes.DISABLE ? "disable" : options.getMode() === modes.ENFORCE ? "enforce" : "propose";
    return { proposedName: options.getProposedName(), mode };
}

/** One request, one answer. A thrown error reaches the terminal as its message alone: no stack trace for a user's mistake. */
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

function serviceError(error: unknown): Partial<grpc.StatusObject> {
    // What a registry, Authentik or a host said may be in it.
    const message = printable(error instanceof Error ? error.message : String(error));
    const metadata = new grpc.Metadata();
    if (error instanceof PartialFailure) {
        metadata.set("grpc-status-details-bin", partialFailureDetails(message, error.state));
    }
    return { code: grpc.status.UNKNOWN, details: message, metadata };
}

/** What a create or update leaves behind when it fails half-way is saved in the state: its secrets too must be marked. */
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

function partialFailureDetails(message: string, state: ResourceState): Buffer {
    const detail = new providerMessages.ErrorResourceInitFailed();
    detail.setId(state.id);
    detail.setProperties(toStruct(state.properties));
    if (state.inputs) detail.setInputs(toStruct(state.inputs));
    detail.setReasonsList([message]);
    const wrapped = new Any();
    wrapped.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
    const status = new statusMessages.Status();
    status.setCode(grpc.status.UNKNOWN);
    status.setMessage(message);
    status.addDetails(wrapped);
    return Buffer.from(status.serializeBinary());
}

function checkFailure(failure: { property: string; reason: string }) {
    const message = new providerMessages.CheckFailure();
    message.setProperty(failure.property);
    message.setReason(printable(failure.reason));
    return message;
}

/** `verbatim` is sent instead of `inputs` where given: the configuration's secrets must stay wrapped. */
function checkResponse(result: CheckResult, verbatim?: unknown) {
    const response = new providerMessages.CheckResponse();
    response.setInputs(verbatim ?? toStruct(result.inputs));
    // Beside a failure that names its property the engine prints the property's value, secret or not (seen on 3.259.0). So the name
    // travels in the sentence only.
    response.setFailuresList(
        (result.failures ?? []).map(({ property, reason, showsValue }) =>
            checkFailure(
                showsValue
                    ? { property, reason }
                    : { property: "", reason: reason.startsWith(property) ? reason : `${property}: ${reason}` },
            ),
        ),
    );
    return response;
}

function diffResponse(result: DiffResult) {
    const response = new providerMessages.DiffResponse();
    const { DIFF_NONE, DIFF_SOME } = providerMessages.DiffResponse.DiffChanges;
    response.setChanges(result.changes ? DIFF_SOME : DIFF_NONE);
    const properties = Object.entries(result.properties ?? {});
    response.setDiffsList(properties.map(([path]) => path));
    response.setReplacesList(properties.filter(([, diff]) => diff.kind.endsWith("-replace")).map(([path]) => path));
    response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
    if (properties.length > 0) {
        response.setHasdetaileddiff(true);
        for (const [path, diff] of properties) response.getDetaileddiffMap().set(path, propertyDiff(diff));
    }
    return response;
}

/** Never a replacement: the resources stay what they are, wherever they are reached and by whichever token. */
function configurationDiff(before: PropertyMap, after: PropertyMap): DiffResult {
    const properties: Record<string, PropertyDiff> = {};
    for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
        if (isDeepStrictEqual(before[name], after[name])) continue;
        properties[name] = {
            kind: before[name] === undefined ? "add" : after[name] === undefined ? "delete" : "update",
        };
    }
    return { changes: Object.keys(properties).length > 0, properties };
}

function propertyDiff(diff: PropertyDiff) {
    const message = new providerMessages.PropertyDiff();
    const kinds = providerMessages.PropertyDiff.Kind;
    message.setKind(kinds[diff.kind.toUpperCase().replace("-", "_")]);
    message.setInputdiff(diff.inputDiff ?? true);
    return message;
}

/** Messages for the person at the terminal, through the engine that started this provider. */
function engineLog(engineAddress: string | undefined) {
    let client: any;
    return (severity: LogSeverity, text: string, urn: string, ephemeral: boolean): Promise<void> => {
        if (!engineAddress) return Promise.resolve();
        // The engine is on loopback, where no proxy of the environment (HTTPS_PROXY, HTTP_PROXY) can reach it.
        client ??= new engineService.EngineClient(engineAddress, grpc.credentials.createInsecure(), {
            "grpc.enable_http_proxy": 0,
        });
        const message = new engineMessages.LogRequest();
        message.setSeverity(engineMessages.LogSeverity[severity.toUpperCase()]);
        message.setMessage(printable(text));
        message.setUrn(urn);
        message.setEphemeral(ephemeral);
        // A message that cannot be shown must not fail the operation.
        return new Promise((resolve) => client.log(message, () => resolve()));
    };
}
