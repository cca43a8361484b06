/** The dialects: the whole deployment in every shell, by BusyBox's tools, and its command through every login shell. */
import { spawn, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { hostArrival, hostCommand } from "../../components/hostPayload";
import { deploymentScript, zotStartScript } from "../../host/scripts";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { FaultHost } from "../../testbed/faults/host";
import { READ_ONLY, servedBy } from "../../testbed/faults/watch";
import { aliases, awks, busyboxTools, runIn, type Shell, scratchFolder, shells } from "./shells";

jest.setTimeout(120_000);

const missing = (program: string, of = program) =>
    findExecutable(program) ? undefined : `no ${program} here (Debian's package ${of})`;

describe("the script", () => {
    it("uses no option that only GNU's tools have", () => {
        const text = `${deploymentScript}\n${zotStartScript}`.replace(/^\s*#.*$/gm, "");
        const gnu = [
            /\bsed -[a-z]*[irE]/,
            /\bgrep -[a-zA-Z]*[PoR]/,
            /\bfind [^|;]*-(printf|maxdepth|mindepth|regex)/,
            /\breadlink -/,
            /\bstat /,
            /\bdate -(d|Is)/,
            /\bsort -[a-z]*V/,
            /\bcp -[a-z]*[a-oq-z]/,
            /\bmktemp -[a-z]*t/,
            /\bxargs -r/,
            /\btac\b/,
            /\bseq\b/,
            /(^|[ |(])timeout /m,
            /\blocal /,
            /\[\[ /,
            /<\(/,
            /<<</,
            /\bsource /,
            /&>/,
            /\becho -/,
            /\bpkill\b/,
            /\bpgrep\b/,
            /\bmv -[a-z]*T/,
            /\bln -[a-z]*T/,
            /--?color/,
        ];
        expect(gnu.filter((pattern) => pattern.test(text)).map(String)).toEqual([]);
    });

    it("has curl read no file of the user's", () => {
        const scripts = [
            deploymentScript,
            zotStartScript,
            fs.readFileSync(join(__dirname, "../../.github/scripts/pulumi-cli.sh"), "utf8"),
        ].join("\n");
        const calls = scripts.replace(/^\s*#.*$/gm, "").match(/(?<![\w-])curl (?![a-z])(?!"\$@").*/g) ?? [];
        expect(calls.length).toBeGreaterThan(2);
        expect(calls.filter((call) => !call.startsWith("curl -q "))).toEqual([]);
        // The one call whose arguments are set before.
        expect(scripts.match(/set -- -q --silent/g)).toHaveLength(scripts.match(/curl "\$@"/g)!.length);
    });

    it("is small enough for the connection, and reads no line of itself that is long", () => {
        expect(Buffer.byteLength(deploymentScript)).toBeLessThan(128 * 1024);
        expect(Math.max(...deploymentScript.split("\n").map((line) => line.length))).toBeLessThan(2000);
    });

    for (const shell of shells) {
        (shell.reason ? it.skip : it)(skippable(`can be read by ${shell.name}`, shell.reason), () => {
            for (const text of [deploymentScript, zotStartScript]) {
                const file = join(scratchFolder(), "script");
                fs.writeFileSync(file, text);
                const [program, ...args] = shell.command;
                const { status, stderr } = spawnSync(program!, [...args, "-n", file], { encoding: "utf8" });
                expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
            }
        });
    }
});

describe("the command", () => {
    const loginShells: Shell[] = ["bash", "dash", "zsh", "fish", "tcsh", "mksh"].map((name) => ({
        name,
        command: [findExecutable(name) ?? name],
        reason: missing(name),
    }));
    for (const shell of loginShells) {
        (shell.reason ? it.skip : it)(skippable(`means the same to ${shell.name}`, shell.reason), () => {
            const folder = scratchFolder();
            const payload =
                `# A comment.\n${hostArrival}\n` +
                'echo "$1 $2"; sed -n "/^== end/=" "$1/payload"; rm -rf "$1"; ' +
                "exit\n!history $HOME `x` 'quoted' \\back \"double\"\n== end\n";
            const answer = runIn(shell, hostCommand("deploy"), {
                input: payload,
                env: { TMPDIR: folder, HOME: folder },
            });
            expect(answer).toMatchObject({ status: 0, errors: "" });
            expect(answer.output).toMatch(/^\S+\/zot-hardening\.\d+\.\w{8} deploy\n3\n$/);
            expect(fs.readdirSync(folder).filter((name) => name.startsWith("zot-hardening"))).toEqual([]);
        });
    }

    /** The command as it runs where that shell is the host's sh. */
    const commandIn = (shell: Shell) => hostCommand("deploy").replaceAll("/bin/sh", shell.command.join(" "));
    const left = (folder: string) => fs.readdirSync(folder).filter((name) => name.startsWith("zot-hardening"));

    for (const shell of shells) {
        (shell.reason ? it.skip : it)(
            skippable(`leaves no secret where a signal ends the script: ${shell.name}`, shell.reason),
            () => {
                for (const signal of ["HUP", "INT", "QUIT", "PIPE", "ALRM", "TERM", "USR1", "KILL"]) {
                    const folder = scratchFolder();
                    // Before the script has set a trap, or where it has none for that signal.
                    const { status } = runIn(shell, commandIn(shell), {
                        input: `${hostArrival}\nkill -${signal} $$; sleep 5\n== end\n`,
                        env: { TMPDIR: folder, HOME: folder },
                    });
                    expect({ signal, left: left(folder), failed: status !== 0 }).toEqual({
                        signal,
                        left: [],
                        failed: true,
                    });
                }
            },
        );

        (shell.reason ? it.skip : it)(
            skippable(`leaves no secret where a signal comes while it reads: ${shell.name}`, shell.reason),
            async () => {
                for (const signal of ["SIGINT", "SIGQUIT", "SIGALRM", "SIGTERM"] as const) {
                    const folder = scratchFolder();
                    const [program, ...args] = shell.command;
                    const child = spawn(program!, [...args, "-c", commandIn(shell)], {
                        env: { PATH: process.env.PATH, TMPDIR: folder, HOME: folder },
                        stdio: ["pipe", "ignore", "ignore"],
                    });
                    const ended = new Promise((resolve) => child.once("exit", resolve));
                    child.stdin.write(`${hostArrival}\na secret\n`);
                    while (!left(folder).some((name) => fs.existsSync(join(folder, name, "payload"))))
                        await new Promise((done) => setTimeout(done, 10));
                    child.kill(signal);
                    child.stdin.end("touch $TMPDIR/ran\n== end\n");
                    await ended;
                    // Neither the folder, nor what the script would have made.
                    expect({ signal, left: fs.readdirSync(folder) }).toEqual({ signal, left: [] });
                }
            },
        );
    }

    it("says what is wrong where there is no room for the payload", () => {
        const folder = scratchFolder();
        // A file may have no byte at all.
        const answer = runIn({ name: "sh", command: ["/bin/sh"] }, `ulimit -f 0; ${hostCommand("deploy")}`, {
            input: `${hostArrival}\nx\n== end\n`,
            env: { TMPDIR: folder },
        });
        expect(answer.status).toBe(1);
        expect(answer.errors).toContain(`there is no room in ${folder}. Nothing on the host was changed.`);
        expect(fs.readdirSync(folder)).toEqual([]);
    });

    it.each([
        ["a TMPDIR that is missing", { TMPDIR: "/no/such/folder" }],
        ["a TMPDIR that is a file", { TMPDIR: "/etc/passwd" }],
        ["no TMPDIR", { TMPDIR: "" }],
        ["a PATH without the folder of the tools", { PATH: "/opt/none" }],
        ["an empty PATH", { PATH: "" }],
    ])("runs with %s", (_what, env: Record<string, string>) => {
        const names = Object.keys(env).map((name) => `${name}='${env[name]}'; export ${name};`);
        const answer = runIn({ name: "sh", command: ["/bin/sh"] }, `${names.join(" ")} ${hostCommand("deploy")}`, {
            input: `${hostArrival}\necho "$2"; rm -rf "$1"; exit\n== end\n`,
        });
        expect(answer).toEqual({ status: 0, output: "deploy\n", errors: "" });
    });
});

describe("a deployment, a change, one that fails, and a destroy", () => {
    const busybox = findExecutable("busybox");
    const worlds: { name: string; shell: Shell; path?: () => string }[] = [
        ...shells.map((shell) => ({ name: shell.name, shell })),
        {
            name: "BusyBox ash with BusyBox's tools",
            shell: shells.find(({ name }) => name === "BusyBox ash")!,
            path: () => busyboxTools(busybox!),
        },
        ...awks.map((awk) => ({
            name: awk.name,
            shell: { ...awk, command: ["/bin/sh"] },
            path: () => aliases({ awk: awk.command }),
        })),
    ];
    for (const { name, shell, path } of worlds) {
        (shell.reason ? it.skip : it)(skippable(`by ${name}`, shell.reason), async () => {
            const program = join(scratchFolder(), "shell");
            fs.writeFileSync(program, `#!/bin/sh\nexec ${shell.command.map((word) => `'${word}'`).join(" ")} "$@"\n`, {
                mode: 0o755,
            });
            const host = await FaultHost.start({
                shell: shell.command.length === 1 ? shell.command[0] : program,
                path: path?.(),
            });
            try {
                host.reset(host.openConfig());
                await host.ready();
                const a = host.declare("a");
                const b = host.declare("b", { zot: { garbageCollectionDelay: "2h", metrics: "anonymous" } });
                const known = [a, b];
                expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
                expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
                host.service.serveFault({ how: "dies", where: { holds: b.files[0]!.path } });
                const failed = await host.deploy(b);
                host.service.serveFault(undefined);
                expect(failed).toMatchObject({ exitCode: 1, output: "" });
                expect(failed.errors).toContain("[ZH-ROLLBACK-DONE]");
                expect(await servedBy(host.url, known)).toBe("a");
                expect(await host.deploy(b)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
                expect(await servedBy(host.url, known)).toBe("b");
                expect(await host.deploy(b, "withdraw")).toEqual({ exitCode: 0, output: "read-only\n", errors: "" });
                expect(await servedBy(host.url, known)).toBe(READ_ONLY);
                expect(fs.readdirSync(host.temporary).filter((entry) => entry.startsWith("zot-hardening"))).toEqual([]);
            } finally {
                await host.stop();
            }
        });
    }
});

/** What users have in their start-up files and folders: the deployment is not to heed it. */
function configuredUser() {
    const home = scratchFolder();
    const curlrc = [
        "--include",
        "--location",
        "--fail",
        "--request OPTIONS",
        "--proxy http://127.0.0.1:9",
        "--output /dev/null",
        "--user nobody:nothing",
    ];
    fs.writeFileSync(join(home, ".curlrc"), `${curlrc.join("\n")}\n`);
    const environment = {
        CURL_HOME: home,
        XDG_CONFIG_HOME: home,
        http_proxy: "http://127.0.0.1:9",
        https_proxy: "http://127.0.0.1:9",
        ALL_PROXY: "http://127.0.0.1:9",
        CURL_CA_BUNDLE: "/no/such/bundle",
        SSLKEYLOGFILE: join(home, "tls-secrets"),
        GREP_OPTIONS: "--color=always --line-number",
        GREP_COLOR: "01;31",
        CLICOLOR_FORCE: "1",
        LS_COLORS: "di=01;34",
        QUOTING_STYLE: "c",
        TIME_STYLE: "full-iso",
        POSIXLY_CORRECT: "1",
        _POSIX2_VERSION: "199209",
        BLOCK_SIZE: "1",
        DF_BLOCK_SIZE: "M",
        PS_FORMAT: "comm",
        PS_PERSONALITY: "old",
        COLUMNS: "20",
        IFS: "/",
        CDPATH: "/tmp:/",
        ENV: join(home, ".shrc"),
        BASH_ENV: join(home, ".shrc"),
        SYSTEMD_COLORS: "1",
        SYSTEMD_PAGER: "cat -n",
        SYSTEMD_LOG_LEVEL: "debug",
        SYSTEMD_OFFLINE: "1",
        GLOBIGNORE: "*",
        SHELLOPTS: "errexit:noclobber:noglob:nounset:pipefail:verbose:xtrace",
        TMOUT: "1",
    };
    fs.writeFileSync(join(home, ".shrc"), "echo noise; alias cp='cp -i' rm='rm -i' mv='mv -i'; set -e; set -f\n");
    return { home, environment };
}

describe("what the user has set for the tools", () => {
    const functions = Object.fromEntries(
        ["curl", "grep", "cmp", "ls", "mv"].map((name) => [
            `BASH_FUNC_${name}%%`,
            `() {  echo a function of the user; return 1\n}`,
        ]),
    );
    // gawk has a mode of its own for POSIXLY_CORRECT.
    const worlds: (Shell & { awk?: string[] })[] = [
        ...shells,
        ...awks
            .filter(({ name }) => name === "gawk")
            .map((awk) => ({ ...awk, command: ["/bin/sh"], awk: awk.command })),
    ];
    for (const shell of worlds) {
        (shell.reason ? it.skip : it)(skippable(`changes nothing in ${shell.name}`, shell.reason), async () => {
            const { home, environment } = configuredUser();
            const program = join(scratchFolder(), "shell");
            fs.writeFileSync(program, `#!/bin/sh\nexec ${shell.command.map((word) => `'${word}'`).join(" ")} "$@"\n`, {
                mode: 0o755,
            });
            const path = shell.awk ? aliases({ awk: shell.awk }) : undefined;
            const host = await FaultHost.start({
                shell: shell.command.length === 1 ? shell.command[0] : program,
                path,
                environment: { ...environment, ...functions },
            });
            try {
                fs.copyFileSync(join(home, ".curlrc"), join(host.temporary, ".curlrc"));
                host.reset(host.openConfig());
                await host.ready();
                const a = host.declare("a");
                expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
                expect(await servedBy(host.url, [a])).toBe("a");
                expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
                expect(await host.deploy(a, "withdraw")).toEqual({ exitCode: 0, output: "read-only\n", errors: "" });
                expect(fs.existsSync(environment.SSLKEYLOGFILE)).toBe(false);
            } finally {
                await host.stop();
            }
        });
    }
});
