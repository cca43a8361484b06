/**
 * The stand-in for Pulumi's `command` plugin 1.2.1, for machines that cannot download it. It has
 * `command:remote:Command`, with the habits of the official one, the unkind ones too, for a program must live with
 * them.
 */
import { type CallContext, type Provider, type ResourceHandler, serve } from "../../providers/protocol";
import { remoteCommand } from "./remoteCommand";
import { packageSchema } from "./schema";

const VERSION = "1.2.1";

let announced = false;
async function announce(context: CallContext): Promise<void> {
    if (announced) return;
    announced = true;
    await context.log(
        "info",
        `Commands on hosts are run by the test bed's stand-in for the command plugin ${VERSION}.`,
    );
}

function missing(what: string): ResourceHandler {
    const refuse = () => {
        throw new Error(
            `This is the test bed's stand-in for the command plugin, which has no ${what}, ` +
                "only command:remote:Command. " +
                `Install the official plugin: pulumi plugin install resource command ${VERSION}`,
        );
    };
    return {
        check: async () => refuse(),
        diff: async () => refuse(),
        create: async () => refuse(),
        read: async () => refuse(),
        update: async () => refuse(),
        delete: async () => refuse(),
    };
}

const provider: Provider = {
    name: "command",
    version: VERSION,
    schema: () => packageSchema(VERSION),
    configure: async () => {},
    resources: {
        "command:remote:Command": remoteCommand(announce),
        ...Object.fromEntries(
            ["command:local:Command", "command:remote:CopyToRemote", "command:remote:CopyFile"].map((token) => [
                token,
                missing(token),
            ]),
        ),
    },
};

// With the official plugin the engine prints the value at fault, a connection's private key and all.
serve(provider, { keepsMarks: true, failureForm: (failure) => failure });
