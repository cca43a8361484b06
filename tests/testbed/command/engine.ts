/** Drives a provider plugin over gRPC as Pulumi's engine does, and keeps what it logs. */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { type PropertyMap, UNKNOWN } from "../../../providers/protocol";

// The generated protobuf modules carry no usable types for plain CommonJS.
const providerService: any = require("@pulumi/pulumi/proto/provider_grpc_pb");
const providerMessages: any = require("@pulumi/pulumi/proto/provider_pb");
const engineService: any = require("@pulumi/pulumi/proto/engine_grpc_pb");
const engineMessages: any = require("@pulumi/pulumi/proto/engine_pb");
const { Empty }: any = require("google-protobuf/google/protobuf/empty_pb");

export interface LogLine {
    severity: string;
    message: string;
    ephemeral: boolean;
}

export interface DiffAnswer {
    changes: "unknown" | "none" | "some";
    /** Path to kind: `ADD`, `DELETE`, `UPDATE`, … and whether it is between inputs. */
    detailed: Record<string, { kind: string; inputDiff: boolean }>;
    replaces: string[];
}

export class Engine {
    private constructor(
        private readonly plugin: ChildProcess,
        private readonly server: grpc.Server,
        private readonly client: any,
        readonly log: LogLine[],
        /** Milliseconds from the start of the plugin to its port number. */
        readonly startedIn: number,
    ) {}

    /** Starts the plugin and configures it as the engine of CLI 3.259.0 does. */
    static async start(executable: string, environment: NodeJS.ProcessEnv = {}): Promise<Engine> {
        const log: LogLine[] = [];
        const severities = Object.fromEntries(
            Object.entries(engineMessages.LogSeverity).map(([name, value]) => [value, name.toLowerCase()]),
        );
        const server = new grpc.Server();
        server.addService(engineService.EngineService, {
            log: (call: any, callback: any) => {
                const { severity, message, ephemeral } = call.request.toObject();
                log.push({ severity: severities[severity] as string, message, ephemeral });
                callback(null, new Empty());
            },
        });
        const enginePort = await new Promise<number>((resolve, reject) =>
            server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
                error ? reject(error) : resolve(port),
            ),
        );
        const begun = performance.now();
        const { SSH_AUTH_SOCK: _agent, ...inherited } = process.env;
        const plugin = spawn(executable, [`127.0.0.1:${enginePort}`], {
            env: { ...inherited, ...environment },
            stdio: ["ignore", "pipe", "inherit"],
        });
        const port = await new Promise<string>((resolve, reject) => {
            createInterface({ input: plugin.stdout! }).once("line", resolve);
            plugin.once("error", reject);
            plugin.once("exit", (code) =>
                reject(new Error(`${executable} ended with ${code} before it told its port`)),
            );
        });
        const startedIn = performance.now() - begun;
        const client = new providerService.ResourceProviderClient(
            `127.0.0.1:${port}`,
            grpc.credentials.createInsecure(),
            {
                "grpc.max_receive_message_length": 400 * 1024 * 1024,
                "grpc.max_send_message_length": 400 * 1024 * 1024,
            },
        );
        return new Engine(plugin, server, client, log, startedIn);
    }

    async configure(): Promise<{
        acceptSecrets: boolean;
        supportsPreview: boolean;
        acceptResources: boolean;
        acceptOutputs: boolean;
    }> {
        const request = new providerMessages.ConfigureRequest();
        request.setArgs(Struct.fromJavaScript({}));
        request.setAcceptsecrets(true);
        request.setAcceptresources(true);
        request.setSendsOldInputs(true);
        request.setSendsOldInputsToDelete(true);
        const answer = await this.call("configure", request);
        return {
            acceptSecrets: answer.getAcceptsecrets(),
            supportsPreview: answer.getSupportspreview(),
            acceptResources: answer.getAcceptresources(),
            acceptOutputs: answer.getAcceptoutputs(),
        };
    }

    async version(): Promise<string> {
        return (await this.call("getPluginInfo", new Empty())).getVersion();
    }

    async check(inputs: PropertyMap, options: { urn?: string } = {}) {
        const request = new providerMessages.CheckRequest();
        request.setUrn(options.urn ?? urnOf());
        request.setNews(struct(inputs));
        const answer = await this.call("check", request);
        const failures: { property: string; reason: string }[] = answer
            .getFailuresList()
            .map((failure: any) => ({ property: failure.getProperty(), reason: failure.getReason() }));
        return { inputs: map(answer.getInputs()), failures };
    }

    async diff(request: {
        id?: string;
        oldInputs: PropertyMap;
        oldOutputs: PropertyMap;
        inputs: PropertyMap;
    }): Promise<DiffAnswer> {
        const message = new providerMessages.DiffRequest();
        message.setId(request.id ?? "name12345678");
        message.setUrn(urnOf());
        message.setOlds(struct(request.oldOutputs));
        message.setOldInputs(struct(request.oldInputs));
        message.setNews(struct(request.inputs));
        const answer = await this.call("diff", message);
        const detailed: DiffAnswer["detailed"] = {};
        const kinds = Object.fromEntries(
            Object.entries(providerMessages.PropertyDiff.Kind).map(([name, value]) => [value, name]),
        );
        for (const [path, diff] of answer.getDetaileddiffMap().toArray()) {
            // An entry arrives as a plain array of its fields, in the order of the protocol.
            const typed = answer.getDetaileddiffMap().get(path) ?? diff;
            detailed[path] = { kind: kinds[typed.getKind()] as string, inputDiff: typed.getInputdiff() };
        }
        return {
            changes: (["unknown", "none", "some"] as const)[answer.getChanges() as 0 | 1 | 2],
            detailed,
            replaces: answer.getReplacesList(),
        };
    }

    async create(inputs: PropertyMap, options: { preview?: boolean; name?: string; timeoutSeconds?: number } = {}) {
        const request = new providerMessages.CreateRequest();
        request.setUrn(urnOf(options.name));
        request.setProperties(struct(inputs));
        request.setPreview(options.preview ?? false);
        request.setTimeout(options.timeoutSeconds ?? 0);
        const answer = await this.call("create", request);
        return { id: answer.getId() as string, properties: map(answer.getProperties()) };
    }

    async update(request: {
        id: string;
        oldInputs: PropertyMap;
        oldOutputs: PropertyMap;
        inputs: PropertyMap;
        preview?: boolean;
    }) {
        const message = new providerMessages.UpdateRequest();
        message.setId(request.id);
        message.setUrn(urnOf());
        message.setOlds(struct(request.oldOutputs));
        message.setOldInputs(struct(request.oldInputs));
        message.setNews(struct(request.inputs));
        message.setPreview(request.preview ?? false);
        return map((await this.call("update", message)).getProperties());
    }

    async read(request: { id: string; properties: PropertyMap; inputs: PropertyMap }) {
        const message = new providerMessages.ReadRequest();
        message.setId(request.id);
        message.setUrn(urnOf());
        message.setProperties(struct(request.properties));
        message.setInputs(struct(request.inputs));
        const answer = await this.call("read", message);
        return {
            id: answer.getId() as string,
            properties: map(answer.getProperties()),
            inputs: map(answer.getInputs()),
        };
    }

    async delete(request: { id: string; properties: PropertyMap; inputs: PropertyMap }): Promise<void> {
        const message = new providerMessages.DeleteRequest();
        message.setId(request.id);
        message.setUrn(urnOf());
        message.setProperties(struct(request.properties));
        message.setOldInputs(struct(request.inputs));
        await this.call("delete", message);
    }

    async cancel(): Promise<void> {
        await this.call("cancel", new Empty());
    }

    /** Ends the plugin as the engine does, and whatever it still had open. */
    async stop(): Promise<void> {
        this.client.close();
        this.server.forceShutdown();
        if (this.plugin.exitCode === null && this.plugin.signalCode === null) {
            const ended = new Promise((resolve) => this.plugin.once("exit", resolve));
            this.plugin.kill("SIGKILL");
            await ended;
        }
    }

    /** Calls one method; a failure is an error with the text that the person at the terminal gets. */
    private call(method: string, request: unknown): Promise<any> {
        return new Promise((resolve, reject) => {
            this.client[method](request, (error: grpc.ServiceError | null, answer: unknown) =>
                error ? reject(new Error(error.details)) : resolve(answer),
            );
        });
    }
}

const urnOf = (name = "push", type = "command:remote:Command") => `urn:pulumi:test::project::${type}::${name}`;

const struct = (properties: PropertyMap) => Struct.fromJavaScript(JSON.parse(JSON.stringify(properties)));
const map = (message: any): PropertyMap => message?.toJavaScript() ?? {};

export { UNKNOWN };
