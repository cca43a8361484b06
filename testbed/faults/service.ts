/** The service that zot runs as on the host under test, with what can go wrong with one. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { onPath } from "./steps";

/**
 * What is wrong with the restart: it fails and touches nothing; fails after it has stopped zot; fails the first time;
 * never ends.
 * `port taken`: another program takes zot's port while zot is not running, for two seconds.
 */
export type RestartFault = "fails" | "stops and fails" | "fails once" | "hangs" | "port taken";

/**
 * What is wrong with zot if its config contains or lacks a given text: it dies as soon as it has started, or never gets
 * ready.
 */
export interface ServeFault {
    how: "dies" | "hangs";
    where: { holds: string } | { lacks: string };
}

export class ZotService {
    readonly restartCommand: string;
    readonly logFile: string;
    private readonly pidFile: string;
    private readonly control: string;

    constructor(
        folder: string,
        private readonly options: { zot: string; configFile: string; start: string; port: number; uid?: number },
    ) {
        const bin = join(folder, "bin");
        this.control = join(folder, "service");
        this.logFile = join(folder, "zot.log");
        this.pidFile = join(folder, "zot.pid");
        this.restartCommand = join(bin, "zot-service");
        mkdirSync(bin, { recursive: true });
        mkdirSync(this.control);
        // A fault kills zot as its own user.
        chmodSync(this.control, 0o777);
        writeFileSync(join(bin, "zot-run"), this.runScript(), { mode: 0o755 });
        writeFileSync(this.restartCommand, this.serviceScript(join(bin, "zot-run")), { mode: 0o755 });
    }

    /** Ends zot and starts it again, and does not wait for it. */
    start(): void {
        spawnSync(this.restartCommand, { stdio: "ignore" });
    }

    /** `kill`: as if the machine lost power. */
    stop(how: "end" | "kill" = "end"): void {
        if (how === "kill") for (const pid of this.processes()) killGroup(pid);
        spawnSync(this.restartCommand, ["stop"], { stdio: "ignore" });
    }

    /** From now on, starts zot with the start script that the deployment has put beside the config. */
    useStart(use: boolean): void {
        this.set("use-start", use ? "yes" : undefined);
    }

    async restartFault(fault: RestartFault | undefined): Promise<void> {
        this.set("restart-fault", fault);
        rmSync(join(this.control, "port-taken"), { force: true });
        rmSync(join(this.control, "port-free"), { force: true });
    }

    serveFault(fault: ServeFault | undefined): void {
        if (fault) this.set("died", undefined);
        this.set("serve-fault", fault && [fault.how, ...Object.entries(fault.where).flat()].join("\n"));
    }

    /** Plays the other program that takes the port, until `ended`. */
    async takePort(ended: Promise<unknown>): Promise<void> {
        let over = false;
        void ended.then(() => (over = true));
        while (!existsSync(join(this.control, "port-free"))) {
            if (over) return;
            await pause(5);
        }
        const server: Server = createServer((_request, response) => response.writeHead(503).end());
        await new Promise<void>((resolve) => server.listen(this.options.port, "127.0.0.1", resolve));
        writeFileSync(join(this.control, "port-taken"), "");
        await Promise.race([pause(2000), ended]);
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
    }

    /** When the current or latest fault last made a zot die, as Date.now(). */
    diedAt(): number | undefined {
        return statSync(join(this.control, "died"), { throwIfNoEntry: false })?.mtimeMs;
    }

    private processes(): number[] {
        const pid = existsSync(this.pidFile) ? Number(readFileSync(this.pidFile, "utf8").trim()) : Number.NaN;
        return Number.isInteger(pid) ? [pid] : [];
    }

    private set(name: string, value: string | undefined): void {
        const file = join(this.control, name);
        if (value === undefined) rmSync(file, { force: true });
        else writeFileSync(file, `${value}\n`);
    }

    /** How a service manager starts zot if zot has its own user. */
    private get asZot(): string {
        const { uid } = this.options;
        return uid === undefined ? "" : `setpriv --reuid ${uid} --regid ${uid} --clear-groups `;
    }

    private serviceScript(run: string): string {
        const { control, pidFile, logFile } = this;
        return `#!/bin/sh
# Stops the zot that runs, if one does, and starts it again unless the argument is "stop".
PATH='${process.env.PATH ?? "/usr/bin:/bin"}'
export PATH
stop() {
    pid=$(cat '${pidFile}' 2>/dev/null)
    if [ -n "$pid" ] && kill "$pid" 2>/dev/null; then
        # Ended, it may yet wait for somebody to ask how.
        while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.01; done
    fi
    rm -f '${pidFile}'
}
fault=
[ "\${1-}" = stop ] || [ ! -e '${control}/restart-fault' ] || fault=$(cat '${control}/restart-fault')
case $fault in
    fails) echo "the service manager is out of order" >&2; exit 1 ;;
    "fails once") rm -f '${control}/restart-fault'; echo "the service manager is out of order" >&2; exit 1 ;;
    "stops and fails") stop; rm -f '${control}/restart-fault'; echo "zot was stopped, and the service manager is out of order" >&2; exit 1 ;;
    hangs) rm -f '${control}/restart-fault'; exec sleep 1000 ;;
esac
stop
[ "\${1-}" != stop ] || exit 0
if [ "$fault" = "port taken" ]; then
    rm -f '${control}/restart-fault'
    : >'${control}/port-free'
    while [ ! -e '${control}/port-taken' ]; do sleep 0.01; done
fi
${onPath("setsid") ? "setsid " : ""}nohup ${this.asZot}'${run}' serve '${this.options.configFile}' </dev/null >>'${logFile}' 2>&1 &
echo $! >'${pidFile}'
`;
    }

    /** What the service runs: zot itself, or the start script; or what a fault turns it into. */
    private runScript(): string {
        const { control } = this;
        return `#!/bin/sh
if [ -e '${control}/serve-fault' ]; then
    { read -r how; read -r whether; read -r where; } <'${control}/serve-fault'
    is=lacks
    if grep -qF "$where" "$2"; then is=holds; fi
    if [ "$is" = "$whether" ]; then
        case $how in
            dies) sleep 0.1; : >'${control}/died'; echo "Error: zot has died of a fault" >&2; exit 1 ;;
            hangs) trap 'kill "$nap"; exit' TERM; sleep 1000 & nap=$!; wait; exit ;;
        esac
    fi
fi
if [ -e '${control}/use-start' ] && [ -e '${this.options.start}' ]; then exec /bin/sh '${this.options.start}'; fi
exec '${this.options.zot}' serve "$2"
`;
    }
}

function killGroup(pid: number): void {
    for (const target of [-pid, pid]) {
        try {
            process.kill(target, "SIGKILL");
        } catch {
            // It has ended already.
        }
    }
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
