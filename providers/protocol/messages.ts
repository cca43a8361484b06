/** Converts between the protocol's messages and plain data. */
import { isDeepStrictEqual } from "node:util";
import * as grpc from "@grpc/grpc-js";
import { Any } from "google-protobuf/google/protobuf/any_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { printable } from "../../clients/outsideText";
import type { CheckFailure, CheckRequest, CheckResult, DiffResult, PropertyDiff, ResourceState } from "./provider";
import { PartialFailure } from "./provider";
import type { PropertyMap } from "./values";

// The generated protobuf modules carry no usable types for plain CommonJS.
const providerMessages: any = require("@pulumi/pulumi/proto/provider_pb");
const statusMessages: any = require("@pulumi/pulumi/proto/status_pb");

export const toMap = (struct: any): PropertyMap => struct?.toJavaScript() ?? {};
export const toStruct = (map: PropertyMap) => Struct.fromJavaScript(withoutUndefined(map) as any);

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

export function autonamingOf(options: any): CheckRequest["autonaming"] {
    if (!options) return undefined;
    const modes = providerMessages.CheckRequest.AutonamingOptions.Mode;
    const mode =
        options.getMode() === modes.DISABLE ? "disable" : options.getMode() === modes.ENFORCE ? "enforce" : "propose";
    return { proposedName: options.getProposedName(), mode };
}

/**
 * A thrown error in the form for the engine: only its message, and what to keep of a partly created resource.
 */
export function serviceError(error: unknown): Partial<grpc.StatusObject> {
    // The message may quote a registry, Authentik or a host.
    const message = printable(error instanceof Error ? error.message : String(error));
    const metadata = new grpc.Metadata();
    if (error instanceof PartialFailure) {
        metadata.set("grpc-status-details-bin", partialFailureDetails(message, error.state));
    }
    return { code: grpc.status.UNKNOWN, details: message, metadata };
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

/** How the complaint of a check is sent, and with which property. */
export type FailureForm = (failure: CheckFailure) => CheckFailure;

/**
 * If a failure names its property, the engine prints the property's value too, even a secret one (seen on 3.259.0).
 * Therefore only the sentence has the name.
 */
const nameInSentence: FailureForm = ({ property, reason }) => ({
    property: "",
    reason: reason.startsWith(property) ? reason : `${property}: ${reason}`,
});

export function checkFailure(failure: CheckFailure) {
    const message = new providerMessages.CheckFailure();
    message.setProperty(failure.property);
    message.setReason(printable(failure.reason));
    return message;
}

/** If `verbatim` is given, it is sent instead of `inputs`: the configuration's secrets must stay wrapped. */
export function checkResponse(result: CheckResult, verbatim?: unknown, failureForm: FailureForm = nameInSentence) {
    const response = new providerMessages.CheckResponse();
    response.setInputs(verbatim ?? toStruct(result.inputs));
    response.setFailuresList((result.failures ?? []).map((failure) => checkFailure(failureForm(failure))));
    return response;
}

export function diffResponse(result: DiffResult) {
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

/** Never a replacement: the resources stay the same, whatever address or token is used. */
export function configurationDiff(before: PropertyMap, after: PropertyMap): DiffResult {
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
