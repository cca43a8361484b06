/** Sends a provider's messages through the engine that started it. */
import * as grpc from "@grpc/grpc-js";
import { printable } from "../../clients/outsideText";
import type { LogSeverity } from "./provider";

// The generated protobuf modules carry no usable types for plain CommonJS.
const engineService: any = require("@pulumi/pulumi/proto/engine_grpc_pb");
const engineMessages: any = require("@pulumi/pulumi/proto/engine_pb");

/**
 * Sends one message to the person at the terminal. `urn` is the resource next to which it appears; empty for none. An
 * ephemeral message is shown only while it is the latest. Default: it stays in the summary. Never fails.
 */
export type EngineLog = (severity: LogSeverity, text: string, urn: string, ephemeral?: boolean) => Promise<void>;

/**
 * @param engineAddress the first argument of a plugin; undefined if no engine started it, and then messages go nowhere
 */
export function engineLog(engineAddress: string | undefined): EngineLog {
    let client: any;
    return (severity, text, urn, ephemeral = false) => {
        if (!engineAddress) return Promise.resolve();
        // The engine is on loopback, which no proxy of the environment (HTTPS_PROXY, HTTP_PROXY) can reach.
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
