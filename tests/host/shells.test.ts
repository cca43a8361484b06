/** The dialects: the whole push in every shell, by BusyBox's tools, and its command through every login shell. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { hostCommand, hostScript, zotStartScript } from "../../components/hostPayload";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { FaultHost } from "../../testbed/faults/host";
import { READ_ONLY, servedBy } from "../../testbed/faults/watch";
import { aliases, awks, busyboxTools, runIn, scratchFolder, type Shell, shells } from "./shells";

jest.setTimeout(120_000);

const missing = (program: string, of = program) => (findExecutable(program) ? undefined : `no ${program} here (Debian's package ${of})`);

describe("the script", () => {
    const reason = missing("shellcheck");
    (reason ? it.skip : it).each([
        ["of the push", hostScript],
        ["of the start", `#!/bin/sh\nbinary=/zot\nconfig=/config\nstate=/state\nauthorities=\n${zotStartScript}`],
    ])(skippable("has nothing that shellcheck finds: %s", reason), (_name, text) => {
        // Functions that a trap calls seem unreachable to it.
        const { stdout } = spawnSync("shellcheck", ["--shell=sh", "--format=gcc", "--exclude=SC2317", "-"], { input: text, encoding: "utf8" });
        expect(stdout).toBe("");
    });

    it("uses no option that only GNU's tools have", () => {
        const text = `${hostScript}\n${zotStartScript}`.replace(/^\s*#.*$/gm, "");
        const gnu = [/\bsed -[a-z]*[irE]/, /\bgrep -[a-zA-Z]*[PoR]/, /\bfind [^|;]*-(printf|maxdepth|mindepth|regex)/, /\breadlink -/, /\bstat /, /\bdate -(d|Is)/, /\bsort -[a-z]*V/, /\bcp -[a-z]*[a-oq-z]/, /\bmktemp -[a-z]*t/, /\bxargs -r/, /\btac\b/, /\bseq\b/, /(^|[ |(])timeout /m, /\blocal /, /\[\[ /, /<\(/, /<<</, /\bsource /, /&>/, /\becho -/, /\bpkill\b/, /\bpgrep\b/, /\bmv -[a-z]*T/, /\bln -[a-z]*T/, /--?color/];
        expect(gnu.filter((pattern) => pattern.test(text)).map(String)).toEqual([]);
    });

    it("is small enough for the connection, and reads no line of itself that is long", () => {
        expect(Buffer.byteLength(hostScript)).toBeLessThan(128 * 1024);
        expect(Math.max(...hostScript.split("\n").map((line) => line.length))).toBeLessThan(2000);
    });

    for (const shell of shells) {
        (shell.reason ? it.skip : it)(skippable(`can be read by ${shell.name}`, shell.reason), () => {
            for (const text of [hostScript, zotStartScript]) {
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
    const loginShells: Shell[] = ["bash", "dash", "zsh", "fish", "tcsh", "mksh"].map((name) => ({ name, command: [findExecutable(name) ?? name], reason: missing(name) }));
    for (const shell of loginShells) {
        (shell.reason ? it.skip : it)(skippable(`means the same to ${shell.name}`, shell.reason), () => {
            const folder = scratchFolder();
            const payload = 'echo "$1 $2"; sed -n "/^== end/=" "$1/payload"; rm -rf "$1"; exit\n!history $HOME `x` \'quoted\' \\back "double"\n== end\n';
            const answer = runIn(shell, hostCommand("deploy"), { input: payload, env: { TMPDIR: folder, HOME: folder } });
            expect(answer).toMatchObject({ status: 0, errors: "" });
            expect(answer.output).toMatch(/^\S+\/zot-hardening\.\d+\.\w{8} deploy\n3\n$/);
            expect(fs.readdirSync(folder).filter((name) => name.startsWith("zot-hardening"))).toEqual([]);
        });
    }

    it("says what is wrong where there is no room for the payload", () => {
        const answer = runIn({ name: "sh", command: ["/bin/sh"] }, hostCommand("deploy"), { input: "x\n== end\n", env: { TMPDIR: "/no/such/folder" } });
        expect(answer.status).toBe(1);
        expect(answer.errors).toContain("there is no room in /no/such/folder. Nothing was changed.");
    });
});

describe("a push, a change, one that fails, and a destroy", () => {
    const busybox = findExecutable("busybox");
    const worlds: { name: string; shell: Shell; path?: () => string }[] = [
        ...shells.map((shell) => ({ name: shell.name, shell })),
        { name: "BusyBox ash with BusyBox's tools", shell: shells.find(({ name }) => name === "BusyBox ash")!, path: () => busyboxTools(busybox!) },
        ...awks.map((awk) => ({ name: awk.name, shell: { ...awk, command: ["/bin/sh"] }, path: () => aliases({ awk: awk.command }) })),
    ];
    for (const { name, shell, path } of worlds) {
        (shell.reason ? it.skip : it)(skippable(`by ${name}`, shell.reason), async () => {
            const program = join(scratchFolder(), "shell");
            fs.writeFileSync(program, `#!/bin/sh\nexec ${shell.command.map((word) => `'${word}'`).join(" ")} "$@"\n`, { mode: 0o755 });
            const host = await FaultHost.start({ shell: shell.command.length === 1 ? shell.command[0] : program, path: path?.() });
            try {
                host.reset(host.openConfig());
                await host.ready();
                const a = host.declare("a");
                const b = host.declare("b", { zot: { garbageCollectionDelay: "2h", metrics: "anonymous" } });
                const known = [a, b];
                expect(await host.push(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
                expect(await host.push(a)).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
                host.service.serveFault({ how: "dies", where: b.files[0]!.path });
                const failed = await host.push(b);
                host.service.serveFault(undefined);
                expect(failed).toMatchObject({ exitCode: 1, output: "" });
                expect(failed.errors).toContain("The config that was in force before is back, and zot is ready with it.");
                expect(await servedBy(host.url, known)).toBe("a");
                expect(await host.push(b)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
                expect(await servedBy(host.url, known)).toBe("b");
                expect(await host.push(b, "withdraw")).toEqual({ exitCode: 0, output: "read-only\n", errors: "" });
                expect(await servedBy(host.url, known)).toBe(READ_ONLY);
                expect(fs.readdirSync(host.temporary).filter((entry) => entry.startsWith("zot-hardening"))).toEqual([]);
            } finally {
                await host.stop();
            }
        });
    }
});
