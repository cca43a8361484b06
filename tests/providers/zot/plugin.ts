/** The plugin as the engine has it: a process of its own, spoken to over gRPC. */
import { type ChildProcess, spawn } from "node:child_process";
import * as path from "node:path";
import { createInterface } from "node:readline";
import * as grpc from "@grpc/grpc-js";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { PartialFailure, type PropertyMap, type ResourceHandler, unwrapMap } from "../../../providers/protocol";
import { apiKeyToken } from "../../../providers/zot/package";

const service: any = require("@pulumi/pulumi/proto/provider_grpc_pb");
const messages: any = require("@pulumi/pulumi/proto/provider_pb");
const statusMessages: any = require("@pulumi/pulumi/proto/status_pb");

export const root = path.resolve(__dirname, "../../..");

export interface Plugin {
    pid: number;
    handler: ResourceHandler;
    /** What it wrote, to either stream. */
    output(): string;
    /** Property maps as they travel, secrets marked: what the engine would write to the state. */
    sent: unknown[];
    kill(): void;
    ended: Promise<void>;
}

export async function startPlugin(
    configuration: PropertyMap,
    environment: NodeJS.ProcessEnv = process.env,
): Promise<Plugin> {
    // Compiled here, so that a start is what an operator's is.
    (require("../../../build/compile.cjs") as { compiled(source: string): string }).compiled("providers/zot/main.ts");
    const child: ChildProcess = spawn(path.join(root, "providers/zot/pulumi-resource-zot"), [], {
        stdio: ["ignore", "pipe", "pipe"],
        env: environment,
    });
    const written: string[] = [];
    child.stdout!.on("data", (chunk: Buffer) => written.push(chunk.toString()));
    child.stderr!.on("data", (chunk: Buffer) => written.push(chunk.toString()));
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    const port = await new Promise<string>((resolve, reject) => {
        createInterface({ input: child.stdout! }).once("line", resolve);
        child.once("exit", (code) => reject(new Error(`The plugin ended with ${code}: ${written.join("")}`)));
    });
    const client = new service.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure(), {
        "grpc.enable_http_proxy": 0,
    });
    const sent: unknown[] = [];
    const call = (method: string, request: unknown) =>
        new Promise<any>((resolve, reject) => {
            client[method](request, (error: grpc.ServiceError | null, response: any) =>
                error ? reject(failureOf(error)) : resolve(response),
            );
        });
    const struct = (map: PropertyMap) =>
        Struct.fromJavaScript(JSON.parse(JSON.stringify(map)) as Record<string, never>);
    const plain = (map: any): PropertyMap => {
        const value = (map?.toJavaScript() ?? {}) as PropertyMap;
        sent.push(value);
        return unwrapMap(value);
    };
    const request = (kind: string, urn: string, set: Record<string, unknown>) => {
        const message = new messages[kind]();
        message.setUrn(urn);
        for (const [name, value] of Object.entries(set)) message[`set${name}`](value);
        return message;
    };

    const configure = new messages.ConfigureRequest();
    configure.setArgs(struct(configuration));
    await call("configure", configure);

    const handler: ResourceHandler = {
        async check({ inputs, oldInputs }, { urn }) {
            const response = await call(
                "check",
                request("CheckRequest", urn, {
                    News: struct(inputs),
                    ...(oldInputs ? { Olds: struct(oldInputs) } : {}),
                }),
            );
            return {
                inputs: plain(response.getInputs()),
                failures: response
                    .getFailuresList()
                    .map((failure: any) => ({ property: failure.getProperty(), reason: failure.getReason() })),
            };
        },
        async diff({ id, oldOutputs, oldInputs, inputs }, { urn }) {
            const response = await call(
                "diff",
                request("DiffRequest", urn, {
                    Id: id,
                    Olds: struct(oldOutputs),
                    OldInputs: struct(oldInputs),
                    News: struct(inputs),
                }),
            );
            const replaced = new Set<string>(response.getReplacesList());
            return {
                changes: response.getChanges() === messages.DiffResponse.DiffChanges.DIFF_SOME,
                properties: Object.fromEntries(
                    response
                        .getDiffsList()
                        .map((name: string) => [name, { kind: replaced.has(name) ? "update-replace" : "update" }]),
                ),
            };
        },
        async create({ inputs, preview }, { urn }) {
            const response = await call(
                "create",
                request("CreateRequest", urn, { Properties: struct(inputs), Preview: preview }),
            );
            return { id: response.getId(), properties: plain(response.getProperties()) };
        },
        async read({ id, properties, inputs }, { urn }) {
            const response = await call(
                "read",
                request("ReadRequest", urn, { Id: id, Properties: struct(properties), Inputs: struct(inputs) }),
            );
            return response.getId()
                ? {
                      id: response.getId(),
                      properties: plain(response.getProperties()),
                      inputs: plain(response.getInputs()),
                  }
                : undefined;
        },
        async update({ id, oldOutputs, oldInputs, inputs, preview }, { urn }) {
            const response = await call(
                "update",
                request("UpdateRequest", urn, {
                    Id: id,
                    Olds: struct(oldOutputs),
                    OldInputs: struct(oldInputs),
                    News: struct(inputs),
                    Preview: preview,
                }),
            );
            return plain(response.getProperties());
        },
        async delete({ id, properties, inputs }, { urn }) {
            await call(
                "delete",
                request("DeleteRequest", urn, { Id: id, Properties: struct(properties), OldInputs: struct(inputs) }),
            );
        },
    };
    return {
        pid: child.pid!,
        handler,
        output: () => written.join(""),
        sent,
        kill: () => void child.kill("SIGKILL"),
        ended: ended.then(() => client.close()),
    };
}

/** A failure with a state, which the engine keeps, comes in the details of the status. */
function failureOf(error: grpc.ServiceError): Error {
    const [details] = error.metadata?.get("grpc-status-details-bin") ?? [];
    if (!details) return new Error(error.details || error.message);
    const status = statusMessages.Status.deserializeBinary(new Uint8Array(details as Buffer));
    const detail = messages.ErrorResourceInitFailed.deserializeBinary(status.getDetailsList()[0].getValue_asU8());
    return new PartialFailure(error.details, {
        id: detail.getId(),
        properties: unwrapMap(detail.getProperties().toJavaScript()),
    });
}

export const urnType = apiKeyToken;
