/**
 * The gRPC server of a Pulumi provider in Node.
 *
 * It does not use `pulumi.provider.main`, which discards the provider's configuration, does not call create in a
 * preview, and needs twice the memory and three times the start-up time (measured, November 2026).
 */
import { fstatSync } from "node:fs";
import * as grpc from "@grpc/grpc-js";
import { engineLog } from "./engineLog";
import type { CallContext, Provider } from "./provider";
import { type Dialect, providerService } from "./service";

// The generated protobuf modules carry no usable types for plain CommonJS.
const { ResourceProviderService }: any = require("@pulumi/pulumi/proto/provider_grpc_pb");

/** The limit of Pulumi's own clients: a state of several megabytes (a long chain of outputs) must not break a call. */
const MAXIMUM_MESSAGE_BYTES = 400 * 1024 * 1024;

/**
 * Speaks the provider protocol on a loopback port until it is told to stop. It prints the port's number, as the engine
 * expects.
 */
export function serve(provider: Provider, dialect: Dialect = {}): void {
    const cancellation = new AbortController();
    const log = engineLog(process.argv[2]);
    const contextFor = (urn: string): CallContext => ({
        urn,
        log: (severity, message) => log(severity, message, urn),
        cancelled: cancellation.signal,
    });
    const server = new grpc.Server({
        "grpc.max_receive_message_length": MAXIMUM_MESSAGE_BYTES,
        "grpc.max_send_message_length": MAXIMUM_MESSAGE_BYTES,
    });
    server.addService(ResourceProviderService, providerService(provider, contextFor, cancellation, dialect));
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
        if (error) {
            process.stderr.write(`${provider.name} provider: cannot listen on loopback: ${error.message}\n`);
            process.exit(1);
        }
        process.stdout.write(`${port}\n`);
    });
    // A provider whose engine is gone has nothing left to do. The engine ends its plugins one after the other with an
    // interrupt; if one lingers, the next ones miss their time limit and are reported as crashed. A person's Ctrl-C
    // does not arrive here, because plugins have a process group of their own.
    process.on("SIGTERM", () => process.exit(0));
    process.on("SIGINT", () => process.exit(0));
    endWithEngine();
}

/**
 * Ends this process with the engine, which holds the other end of its standard input: an engine that was killed, or
 * whose terminal was closed, ends no plugin. Whoever starts a plugin by hand gives it a terminal or a file.
 */
function endWithEngine(): void {
    const input = fstatSync(0);
    if (!input.isFIFO() && !input.isSocket()) return;
    const end = () => process.exit(0);
    process.stdin.on("end", end).on("error", end).resume();
}
