/**
 * The stand-in for zot 2.1.20, with zot's own command line: `zot serve|verify|schema <config.json>`, `zot --version`.
 *
 * It exists because a machine that reaches only package registries cannot have zot. It reads the very config.json that
 * zot reads and answers as zot was measured to answer; it keeps nothing safe and is no registry to rely on.
 */
import * as nodeModule from "node:module";
import { openLog } from "./log";
import { version } from "./version";

// Node 22 and newer keep compiled code between runs.
nodeModule.enableCompileCache?.();

const usage = `This is the stand-in for zot ${version.releaseTag}.

Usage:
  zot [flags]
  zot [command]

Available Commands:
  schema         \`schema\` dumps JSON Schema for zot config
  serve          \`serve\` stores and distributes OCI images
  verify         \`verify\` validates a zot config file

Flags:
  -h, --help      help for zot
  -v, --version   show the version and exit
`;

async function main([command, ...rest]: string[]): Promise<number | undefined> {
    const files = rest.filter((argument) => !argument.startsWith("-"));
    switch (command) {
        case "serve":
            if (files.length !== 1 || files[0] === undefined) return fail(`accepts 1 arg(s), received ${files.length}`);
            return serve(files[0]);
        case "verify":
            return files[0] === undefined ? 0 : verify(files[0]);
        case "schema": {
            const { configSchema } = await import("./configSchema.js");
            process.stdout.write(`${JSON.stringify(configSchema, null, 2)}\n`);
            return 0;
        }
        case "-v":
        case "--version":
            openLog("info", "").info("version", {
                "distribution-spec": version.distributionSpecification,
                commit: version.commit,
                "binary-type": version.binaryType,
                "go version": "",
            });
            return 0;
        case undefined:
        case "-h":
        case "--help":
        case "help":
            process.stdout.write(usage);
            return 0;
        default:
            return fail(`unknown command "${command}" for the stand-in for zot\nRun 'zot --help' for usage.`);
    }
}

async function verify(file: string): Promise<number> {
    const { loadConfig } = await import("./config.js");
    const { ConfigError } = await import("./configFile.js");
    const log = openLog("info", "");
    let output: string;
    try {
        ({ output } = loadConfig(file).log);
    } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        log.error("invalid config file", { config: file });
        return fail(error.message);
    }
    // It opens the log too, and makes it; where that cannot be, zot panics.
    try {
        openLog("info", output);
    } catch (error) {
        process.stderr.write(`panic: ${(error as Error).message}\n\ngoroutine 1 [running]:\n`);
        return 2;
    }
    log.info("config file is valid", { config: file });
    return 0;
}

/** Undefined: the registry runs, until a signal ends it. */
async function serve(file: string): Promise<number | undefined> {
    const [{ ConfigError }, { loadConfig }, { Server, StartError }] = await Promise.all([
        import("./configFile.js"),
        import("./config.js"),
        import("./server.js"),
    ]);
    let server: InstanceType<typeof Server>;
    try {
        server = new Server(file, loadConfig(file));
    } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        return fail(error.message);
    }
    // SIGHUP ends zot, too: it does not mean "read your config again".
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
        process.once(signal, () => {
            openLog("info", "").info("received signal", { signal });
            server.stop();
            process.exit(0);
        });
    }
    try {
        await server.start();
        return undefined;
    } catch (error) {
        if (!(error instanceof StartError)) throw error;
        server.stop();
        if (error.exitCode === 0)
            openLog("info", "").error("failed to start controller, exiting", { error: error.message });
        else if (error.exitCode === 2) process.stderr.write(`panic: ${error.message}\n`);
        else fail(error.message);
        return error.exitCode;
    }
}

function fail(message: string): 1 {
    process.stderr.write(`Error: ${message}\n`);
    return 1;
}

void main(process.argv.slice(2)).then((exitCode) => {
    if (exitCode !== undefined) process.exit(exitCode);
});
