/** What a service manager does for zot, as one shell script: start, restart, stop. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface ZotService {
    /** The command for restarting zot that is in the program's settings. */
    restartCommand: string;
    logFile: string;
    /** Restarts zot and waits until it is ready. */
    restart(): Promise<void>;
    /** The process id, while it runs. */
    pid(): number | undefined;
    stop(): void;
}

/** How long a start may take, in milliseconds. */
const START_TIMEOUT = 20_000;

export function startZotService(options: {
    folder: string;
    binary: string;
    configFile: string;
    url: string;
    /** What zot's process has in its environment besides. Default: nothing. */
    environment?: Record<string, string>;
}): ZotService {
    const bin = join(options.folder, "bin");
    mkdirSync(bin, { recursive: true });
    const script = join(bin, "restart-zot");
    const pidFile = join(options.folder, "zot.pid");
    const logFile = join(options.folder, "zot.log");
    writeFileSync(
        script,
        `#!/bin/sh
# Stops the zot that runs, if one does, and starts it again unless the argument is "stop".
PATH='${process.env.PATH ?? "/usr/bin:/bin"}'
export PATH
${Object.entries(options.environment ?? {})
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join("")}pid=$(cat '${pidFile}' 2>/dev/null)
if [ -n "$pid" ] && kill "$pid" 2>/dev/null; then
    # One that has ended and that nobody has waited for yet is no longer in the way.
    while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.02; done
fi
rm -f '${pidFile}'
[ "\${1-}" = stop ] && exit 0
nohup '${options.binary}' serve '${options.configFile}' </dev/null >>'${logFile}' 2>&1 &
echo $! >'${pidFile}'
`,
        { mode: 0o755 },
    );
    const pid = () => {
        const text = existsSync(pidFile) ? readFileSync(pidFile, "utf8").trim() : "";
        return text === "" ? undefined : Number(text);
    };
    return {
        restartCommand: script,
        logFile,
        pid,
        async restart() {
            spawnSync(script, { stdio: "ignore" });
            const deadline = Date.now() + START_TIMEOUT;
            while (!(await isReady(options.url))) {
                if (Date.now() > deadline)
                    throw new Error(
                        `zot was not ready within ${START_TIMEOUT / 1000} seconds; ` +
                            `its log:\n${readFileSync(logFile, "utf8").slice(-2000)}`,
                    );
                await new Promise((resolve) => setTimeout(resolve, 30));
            }
        },
        stop: () => void spawnSync(script, ["stop"], { stdio: "ignore" }),
    };
}

async function isReady(url: string): Promise<boolean> {
    try {
        return (await fetch(`${url}/readyz`)).status === 200;
    } catch {
        return false;
    }
}
