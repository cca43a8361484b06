/** What a provider of ours looks like to {@link serve}: plain functions over plain data, nothing of gRPC. */
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
    /** For automatic names: the same in a preview and in the update that follows it. */
    randomSeed: Uint8Array;
    /**
     * What the project's settings say about automatic names (`pulumi:autonaming`); undefined where they say nothing.
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
     * True where the difference is between the old and the new inputs; false where it is between state and inputs.
     * Default true.
     */
    inputDiff?: boolean;
}

export interface DiffResult {
    changes: boolean;
    /** Keyed by property path. A kind that ends in `-replace` asks for a replacement. */
    properties?: Record<string, PropertyDiff>;
    /** Delete the old one before the new one is made, where two cannot exist side by side. Default false. */
    deleteBeforeReplace?: boolean;
}

export interface ResourceState {
    id: string;
    /** The outputs. */
    properties: PropertyMap;
    /** The inputs, for `read`: what a program would have to say to get this object. */
    inputs?: PropertyMap;
}

export type LogSeverity = "debug" | "info" | "warning" | "error";

/** How the handler of one call talks to the person at the terminal. */
export interface CallContext {
    /** The resource's URN; empty for functions. */
    urn: string;
    /** Shown beside the resource, and in the summary. Never pass a secret. */
    log(severity: LogSeverity, message: string): Promise<void>;
    /** True when the engine has asked to stop. */
    cancelled: AbortSignal;
}

export interface TimeLimit {
    /**
     * The program's `customTimeouts` for this operation, in seconds; 0 or undefined where it sets none. The engine does
     * not enforce it.
     */
    timeoutSeconds?: number;
}

export interface ResourceHandler {
    /**
     * Validates the inputs and fills in defaults. Unknowns arrive as `UNKNOWN` and pass. Default: everything passes.
     */
    check?(request: CheckRequest, context: CallContext): Promise<CheckResult>;
    diff(
        request: { id: string; oldOutputs: PropertyMap; oldInputs: PropertyMap; inputs: PropertyMap },
        context: CallContext,
    ): Promise<DiffResult>;
    /** With `preview`, answers with what is known beforehand (the rest `UNKNOWN`) and changes nothing. */
    create(
        request: { inputs: PropertyMap; preview: boolean; name: string } & TimeLimit,
        context: CallContext,
    ): Promise<ResourceState>;
    /** Answers undefined when the object is gone. `properties` and `inputs` are empty in an import. */
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
    /** An object that is gone already is no error. */
    delete(
        request: { id: string; properties: PropertyMap; inputs: PropertyMap } & TimeLimit,
        context: CallContext,
    ): Promise<void>;
    /** Outputs (and inputs of the same name) that are secret whatever the program says. */
    secretProperties?: readonly string[];
}

export interface FunctionHandler {
    invoke(args: PropertyMap, context: CallContext): Promise<{ result?: PropertyMap; failures?: CheckFailure[] }>;
    secretProperties?: readonly string[];
}

export interface Provider {
    name: string;
    version: string;
    /** The package's schema as JSON text; asked for only by `pulumi package get-schema` and code generators. */
    schema(): string;
    /** Validates the provider's configuration: at preview, before anything is configured. */
    checkConfig?(config: PropertyMap): Promise<CheckResult>;
    /**
     * Receives the configuration with secrets unwrapped; values are as `Pulumi.<stack>.yaml` has them, mostly strings.
     */
    configure(config: PropertyMap): Promise<void>;
    /** Handlers by type token, for example `authentik:index/group:Group`. */
    resources: Record<string, ResourceHandler>;
    /** Handlers by function token, for example `authentik:index/getFlow:getFlow`. */
    functions?: Record<string, FunctionHandler>;
}

/**
 * A create or update that went wrong after the object existed: the engine saves what there is,
 * and the next `up` goes on from it instead of making a second one.
 */
export class PartialFailure extends Error {
    constructor(
        message: string,
        readonly state: ResourceState,
    ) {
        super(message);
    }
}
