/** A command with the official Authentik in containers, which are removed after it. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command, EXIT, run } from "../../cli/shared/command";
import { type EndingSignal, EXIT_BY_SIGNAL, onInterrupt, Steps } from "../../cli/shared/interrupt";
import { checkoutOf } from "../checkout";
import { type AuthentikContainer, startAuthentikContainer } from "../site/authentikContainer";

async function withAuthentik(words: string[]): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), "zot-hardening-authentik-"));
    const steps = new Steps();
    let authentik: AuthentikContainer | undefined;
    const stop = async () => {
        const running = authentik;
        authentik = undefined;
        await running?.stop();
        rmSync(folder, { recursive: true, force: true });
    };
    const interrupts = onInterrupt(async () => {
        await steps.interrupt();
        await stop();
    });
    try {
        process.stderr.write("Starting Authentik in containers; the first time its images are fetched …\n");
        const { url, token } = await steps.run(
            async () => (authentik = await startAuthentikContainer(checkoutOf(__dirname), folder)),
        );
        process.stderr.write(`Authentik is ready at ${url}.\n`);
        const env = { ...process.env, AUTHENTIK_URL: url, AUTHENTIK_TOKEN: token };
        process.exitCode = await steps.run(() => exitCodeOf(words, env));
    } finally {
        await stop();
        interrupts.forget();
    }
}

/** Of a command on this terminal. */
function exitCodeOf([file = "", ...args]: string[], env: NodeJS.ProcessEnv): Promise<number> {
    return new Promise((resolve) => {
        const child = spawn(file, args, { env, stdio: "inherit" });
        child.on("error", (error) => {
            process.stderr.write(`${file} cannot be run: ${error.message}\n`);
            resolve(EXIT.mistake);
        });
        child.on("close", (code, signal) => resolve(code ?? EXIT_BY_SIGNAL[signal as EndingSignal] ?? EXIT.defect));
    });
}

const program = command(
    "node build/run.cjs testbed/withAuthentik/main.ts",
    "Runs a command with the official Authentik in containers, which AUTHENTIK_URL and AUTHENTIK_TOKEN name in its " +
        "environment, and removes them. It takes docker or podman with compose; AUTHENTIK_TAG is the version.",
    "node build/run.cjs testbed/withAuthentik/main.ts npm run contract -- --only authentik",
)
    .argument("<command...>", "the command and its arguments")
    .passThroughOptions()
    .action(withAuthentik);
void run(program);
