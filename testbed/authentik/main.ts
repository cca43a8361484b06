import { readFileSync } from "node:fs";

import { Command, InvalidArgumentError, Option } from "commander";

import { startAuthentikStandIn } from "./server";

interface Options {
    listen: { host: string; port: number };
    tokenFile: string;
    quiet?: boolean;
}

const program = new Command("authentik-stand-in")
    .description(
        "A stand-in for the Authentik identity provider, " +
            "for tests and demonstrations where the real one cannot be had: " +
            "its API, its flow executor and its OpenID Connect, as far as this project uses them, on loopback.\n" +
            'When it is ready it prints one line of JSON: {"url": "http://127.0.0.1:PORT", "standIn": ' +
            '"authentik", "version": "…"}.',
    )
    .requiredOption(
        "--token-file <file>",
        "file with the API token of the superuser akadmin (never an argument: arguments are public)",
    )
    .addOption(
        new Option("--listen <address>", "loopback address and port; port 0 takes a free one")
            .argParser(parseAddress)
            .default({ host: "127.0.0.1", port: 0 }, "127.0.0.1:0"),
    )
    .option("--quiet", "no line on standard error for each request");

function parseAddress(text: string): { host: string; port: number } {
    const match = /^(.+):(\d{1,5})$/.exec(text);
    if (!match) throw new InvalidArgumentError('An address and a port are needed, such as "127.0.0.1:0".');
    return { host: (match[1] as string).replace(/^\[(.*)\]$/, "$1"), port: Number(match[2]) };
}

/** The content of a file that holds one secret. */
function readSecret(option: string, file: string): string {
    let secret: string;
    try {
        secret = readFileSync(file, "utf8").trim();
    } catch (error) {
        throw new Error(`${option} ${file} cannot be read: ${(error as Error).message}`);
    }
    if (!secret) throw new Error(`${option} ${file} is empty: write the secret into it`);
    return secret;
}

async function main(): Promise<void> {
    const options = program.parse().opts<Options>();
    const standIn = await startAuthentikStandIn({
        host: options.listen.host,
        port: options.listen.port,
        token: readSecret("--token-file", options.tokenFile),
        log: options.quiet ? undefined : (message) => process.stderr.write(`authentik (stand-in): ${message}\n`),
    });
    process.stdout.write(`${JSON.stringify({ url: standIn.url, standIn: "authentik", version: standIn.version })}\n`);
    const stop = () => void standIn.close().then(() => process.exit(0));
    process.once("SIGTERM", stop);
    process.once("SIGINT", stop);
}

main().catch((error: unknown) => {
    process.stderr.write(`authentik (stand-in): ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
});
