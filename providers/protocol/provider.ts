/** The interface of our providers to {@link serve}: plain functions over plain data, without gRPC. */
import type { PropertyMap } from "./values";

export interface CheckFailure {
    /** The property at fault, in the path syntax of the engine (`redirectUris[0].url`). */
    property: string;
    /** One sentence: what was given and what is allowed. */
    reason: string;
}

export interface CheckRequest {
    /** Undefined for a resource that is not in the state yet. */
    oldInputs: PropertyMap | undefined;
    inputs: PropertyMap;
    /** A seed for automatic names: the same in a preview and in the update that follows it. */
    randomSeed: Uint8Array;
    /**
     * The project's settings for automatic names (`pulumi:autonaming`); undefined if there are none.
     */
    autonaming?: { proposedName: string; mode: "propose" | "enforce" | "disable" };
}

export interface CheckResult {
    inputs: PropertyMap;
    failures?: CheckFailure[];
}

export interface PropertyDiff {
    kind: "add" | "delete" | "update" | "add-replace" | "delete-replace" | "update-replace";
    /**
     * True if the difference is between the old and the new inputs; false if it is between state and inputs. Default:
     * true.
     */
    inputDiff?: boolean;
}

export interface DiffResult {
    changes: boolean;
    /** Keyed by property path. A kind that ends in `-replace` asks for a replacement. */
    properties?: Record<string, PropertyDiff>;
    /** Delete the old one before the new one is made, because two cannot coexist. Default: false. */
    deleteBeforeReplace?: boolean;
}

export interface ResourceState {
    id: string;
    /** The outputs. */
    properties: PropertyMap;
    /** The inputs, for `read`: how a program would declare this object. */
    inputs?: PropertyMap;
}

export type LogSeverity = "debug" | "info" | "warning" | "error";

/** How the handler of a call talks to the person at the terminal. */
export interface CallContext {
    /** The resource's URN; empty for functions. */
    urn: string;
    /** Shows a message next to the resource, and in the summary. Never pass a secret. */
    log(severity: LogSeverity, message: string): Promise<void>;
    /** Aborted when the engine asks to stop. */
    cancelled: AbortSignal;
}

export interface TimeLimit {
    /**
     * The program's `customTimeouts` for this operation, in seconds; 0 or undefined if it sets none. The engine does
     * not enforce it.
     */
    timeoutSeconds?: number;
}

export interface ResourceHandler {
    /**
     * Validates the inputs and fills in defaults. Unknown values arrive as `UNKNOWN` and pass. Default: everything
     * passes.
     */
    check?(request: CheckRequest, context: CallContext): Promise<CheckResult>;
    diff(
        request: { id: string; oldOutputs: PropertyMap; oldInputs: PropertyMap; inputs: PropertyMap },
        context: CallContext,
    ): Promise<DiffResult>;
    /** With `preview`, it returns what is known beforehand (the rest is `UNKNOWN`), and changes nothing. */
    create(
        request: { inputs: PropertyMap; preview: boolean; name: string } & TimeLimit,
        context: CallContext,
    ): Promise<ResourceState>;
    /** Returns undefined if the object is gone. `properties` and `inputs` are empty in an import. */
    read(
        request: { id: string; properties: PropertyMap; inputs: PropertyMap },
        context: CallContext,
    ): Promise<ResourceState | undefined>;
    update(
        request: {
            id: string;
            oldOutputs: PropertyMap;
            oldInputs: PropertyMap;
            inputs: PropertyMap;
            preview: boolean;
        } & TimeLimit,
        context: CallContext,
    ): Promise<PropertyMap>;
    /** Deletes the object. If it is already gone, that is no error. */
    delete(
        request: { id: string; properties: PropertyMap; inputs: PropertyMap } & TimeLimit,
        context: CallContext,
    ): Promise<void>;
    /** Outputs (and inputs of the same name) that are always secret, whatever the program says. */
    secretProperties?: readonly string[];
}

export interface FunctionHandler {
    invoke(args: PropertyMap, context: CallContext): Promise<{ result?: PropertyMap; failures?: CheckFailure[] }>;
    secretProperties?: readonly string[];
}

export interface Provider {
    name: string;
    version: string;
    /** The package's schema as JSON text; only `pulumi package get-schema` and code generators ask for it. */
    schema(): string;
    /** Validates the provider's configuration: at preview, before anything is configured. */
    checkConfig?(config: PropertyMap): Promise<CheckResult>;
    /**
     * Receives the configuration with its secrets unwrapped; values are as in `Pulumi.<stack>.yaml`, mostly strings.
     */
    configure(config: PropertyMap): Promise<void>;
    /** Handlers by type token, for example `authentik:index/group:Group`. */
    resources: Record<string, ResourceHandler>;
    /** Handlers by function token, for example `authentik:index/getFlow:getFlow`. */
    functions?: Record<string, FunctionHandler>;
}

/**
 * A create or update that failed after the object existed. The engine saves what exists, and the next `up` continues
 * from there instead of creating a second object.
 */
export class PartialFailure extends Error {
    constructor(
        message: string,
        readonly state: ResourceState,
    ) {
        super(message);
    }
}
