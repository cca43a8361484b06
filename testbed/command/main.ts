/**
 * The stand-in for Pulumi's `command` plugin 1.2.1, for machines that cannot download it. It has
 * `command:remote:Command`, with the habits of the official one, the unkind ones too, for a program must live with
 * them.
 */
import { type CallContext, type Provider, serve } from "../../providers/protocol";
import { remoteCommand } from "./remoteCommand";

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

const provider: Provider = {
    name: "command",
    version: VERSION,
    schema: () => JSON.stringify({ name: "command", version: VERSION }),
    configure: async () => {},
    resources: { "command:remote:Command": remoteCommand(announce) },
};

// With the official plugin the engine prints the value at fault, a connection's private key and all.
serve(provider, { keepsMarks: true, failureForm: (failure) => failure });
