/** `node build/run.cjs testbed/sshHost/main.ts`: an SSH host to try things on, until it is interrupted. */
import { Command, InvalidArgumentError, Option } from "commander";
import { fingerprint, type SshHost, startSshHost } from "./index";

interface Arguments {
    kind?: "openssh" | "embedded";
    port?: number;
    home?: string;
    shell?: string;
    json?: boolean;
}

const command = new Command("sshHost")
    .description(
        "Starts an SSH host on 127.0.0.1 that lets the current user in with a key of its own, until it is interrupted.",
    )
    .addOption(
        new Option("--kind <kind>", "which server; default: sshd where it is installed").choices([
            "openssh",
            "embedded",
        ]),
    )
    .option("--port <number>", "its port (default: a free one)", portNumber)
    .option("--home <folder>", "the home folder of its commands (default: yours)")
    .option("--shell <path>", "the shell that runs them (default: yours)")
    .option("--json", "say where it is as one JSON object")
    .action(run);

async function run(options: Arguments): Promise<void> {
    const host = await startSshHost({
        kind: options.kind,
        port: options.port,
        home: options.home,
        shell: options.shell,
    });
    process.stdout.write(options.json ? `${JSON.stringify(addressOf(host))}\n` : descriptionOf(host));
    const stop = () => {
        void host.stop().then(() => process.exit(0));
    };
    process.once("SIGINT", stop);
    process.once("SIGTERM", stop);
}

function addressOf(host: SshHost) {
    const { kind, port, user, hostPublicKey, privateKeyFile } = host;
    return { kind, host: host.host, port, user, hostPublicKey, privateKeyFile };
}

function descriptionOf(host: SshHost): string {
    const what = host.kind === "openssh" ? "OpenSSH's sshd" : "the embedded stand-in for an SSH host";
    return [
        `This is ${what}, on ${host.host} port ${host.port}. It ends with Ctrl-C.`,
        `  host key     ${host.hostPublicKey}`,
        `  fingerprint  ${fingerprint(host.hostPublicKey)}`,
        `  private key  ${host.privateKeyFile}`,
        `  log in with  ssh -p ${host.port} -i ${host.privateKeyFile} -o StrictHostKeyChecking=no -o ` +
            `UserKnownHostsFile=/dev/null ${host.user}@${host.host} COMMAND`,
        "",
    ].join("\n");
}

function portNumber(value: string): number {
    const port = Number(value);
    if (!Number.isInteger(port) || port < 1 || port > 65535)
        throw new InvalidArgumentError("A port is a number from 1 to 65535.");
    return port;
}

command.parseAsync().catch((error: Error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
});
