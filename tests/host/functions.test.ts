/** The script's functions by themselves: each in every shell and awk that it may meet. */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import end from "../../host/end.sh";
import lock from "../../host/lock.sh";
import { inspectionScript } from "../../host/scripts";
import service from "../../host/service.sh";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { contentOf, noCertificates, selfSigned } from "../support/certificates";
import ZOT_VERSIONS from "../support/zotVersions.json";
import { aliases, awks, dash, eachShell, quoted, runIn, type Shell, scratchFolder } from "./shells";

describe("a message on a terminal", () => {
    for (const awk of awks) {
        (awk.reason ? it.skip : it)(skippable(`is shown, and nothing in it is obeyed: ${awk.name}`, awk.reason), () => {
            const path = [aliases({ awk: awk.command })];
            const said = (text: string) =>
                runIn(dash, `LC_ALL=C\nexport LC_ALL\n${inspectionScript}\nwarn ${quoted(text)}`, { path }).errors;
            expect(said("zot: \x1b[2Jgone\r\x07 \x9b31m\u202edias\u2066\u2028\u061c\ufeff")).toMatch(
                /^zot: +\[2Jgone +31m +dias +\n$/,
            );
            expect(said(`a\u{e0041}\u00ad\u034f\u3164\u206f\ufe0f\ufff9b${"\u0336".repeat(9)}c`)).toMatch(
                /^a {7}b\u0336{4} c\n$/,
            );
            expect(said("größer als\tzwei 😀\nLines")).toBe("größer als\tzwei 😀\nLines\n");
            expect(said("x".repeat(5000))).toBe(`${"x".repeat(2000)}\n`);
            // Cut within a character, and bytes that are none: not UTF-8, on which the plugin command fails.
            expect(said(`x${"é".repeat(1500)}`)).toBe(`x${"é".repeat(999)}?\n`);
            const bytes = runIn(
                dash,
                `LC_ALL=C\nexport LC_ALL\n${inspectionScript}\nwarn "$(printf 'a\\377b\\303c\\342\\202')"`,
                { path },
            ).errors;
            expect(bytes).toBe("a?b?c??\n");
        });
    }
});

describe("a login, or a sudo, whose PATH has no tools", () => {
    eachShell("is no reason not to know who runs it", (shell) => {
        const { output, errors } = runIn(shell, `${inspectionScript}\nprintf %s "$user_id"`, {
            env: { PATH: "/nowhere" },
        });
        expect({ output, errors }).toEqual({ output: String(process.getuid!()), errors: "" });
    });
});

describe("what a process has started", () => {
    eachShell("is found, whatever it has started itself, but for what is below another", (shell) => {
        const script =
            `${inspectionScript}\n${end}\n` +
            "( ( sleep 9; : ) & below=$!; echo $below >&2; sleep 9 & wait ) & top=$!; sleep 0.5\n" +
            'processes_below "$top" ""; echo; processes_below $top "$(processes_below "$top" "" | sort -n | head -n 1)"; ' +
            'kill $(processes_below "$top" "") "$top"';
        const [all, rest] = runIn(shell, script).output.split("\n\n");
        expect(all!.trim().split("\n")).toHaveLength(3);
        expect(rest!.trim().split("\n").length).toBeLessThan(3);
    });
});

describe("a restart command that hangs", () => {
    eachShell("is ended, but not the zot that it runs in the foreground", (shell) => {
        const zot = join(scratchFolder(), "zot");
        const script =
            `${inspectionScript}\n${end}\n` +
            `zot_processes() { cat ${quoted(zot)}; }\n` +
            `/bin/sh -c 'sleep 30 & echo $! >'${quoted(zot)}'; wait' & child=$!\n` +
            `until [ -s ${quoted(zot)} ]; do sleep 0.1; done\n` +
            `end_restart; kill -0 "$(cat ${quoted(zot)})" && echo goes on; kill "$(cat ${quoted(zot)})"`;
        const { output, errors } = runIn(shell, script);
        expect(output).toBe("goes on\n");
        expect(errors).toMatch(/does not end because it runs zot itself \(process \d+\).* \[ZH-RESTART-FOREGROUND\]/);
    });
});

describe("the version of zot", () => {
    const asked = (versions: string[]) =>
        `${inspectionScript}\n${versions
            .map((version) => `keeps_tags ${quoted(version)} && echo keeps || echo "$version_kind"`)
            .join("\n")}`;
    const cases = Object.entries(ZOT_VERSIONS as Record<string, string[]>).flatMap(([kind, versions]) =>
        versions.map((version) => ({ version, kind })),
    );

    eachShell("is read by the host as by the commands", (shell) => {
        const { output } = runIn(shell, asked(cases.map(({ version }) => version)));
        expect(
            output
                .trim()
                .split("\n")
                .map((kind, index) => ({ version: cases[index]!.version, kind })),
        ).toEqual(cases);
    });

    for (const awk of awks) {
        (awk.reason ? it.skip : it)(skippable(`is read by ${awk.name}`, awk.reason), () => {
            const { output } = runIn(dash, asked(cases.map(({ version }) => version)), {
                path: [aliases({ awk: awk.command })],
            });
            expect(
                output
                    .trim()
                    .split("\n")
                    .map((kind, index) => ({ version: cases[index]!.version, kind })),
            ).toEqual(cases);
        });
    }

    describe("of a build whose commit cannot be read", () => {
        /** What the preflight says, of a zot that runs and says this of itself. */
        const checked = (
            installed: string,
            { running = installed, release = "", accepted = "", search = true } = {},
        ) => {
            const folder = scratchFolder();
            writeFileSync(join(folder, "config"), JSON.stringify({ extensions: { search: { enable: search } } }));
            writeFileSync(join(folder, "live.json"), JSON.stringify({ http: { port: "1" } }));
            writeFileSync(join(folder, "zot"), "a binary\n", { mode: 0o755 });
            const script = `set -u\n${inspectionScript}\n${service}
                fail() { printf '%s' "$*"; exit 1; }
                as_zot() { :; }
                running_says() { case $1 in commit) printf '%s' ${quoted(running)} ;; releasetag) printf '%s' ${quoted(release)} ;; esac; }
                folder=${quoted(folder)} config=${quoted(join(folder, "live.json"))} binary=${quoted(join(folder, "zot"))}
                accepted_version=${quoted(accepted)} installed_commit=${quoted(installed)}
                check_version && echo "accepted$must_name_release"`;
            return runIn(dash, script).output.trim();
        };
        const HASH = createHash("sha256").update("a binary\n").digest("hex");

        it("the release that it names where it runs will do, and is asked again after the restart", () => {
            expect(checked("", { release: "v2.1.20" })).toBe("acceptedyes");
            expect(checked("3b5796d", { release: "v2.1.20" })).toBe("acceptedyes");
            expect(checked("", { release: "v2.1.18" })).toMatch(
                /zot does not report its version\. \[ZH-VERSION-UNSAID\] Before zot 2\.1\.19/,
            );
            expect(checked("", { release: "dev" })).toMatch(/does not report its version/);
        });

        it("the word of another zot does not count, nor does one that will not be asked again", () => {
            expect(checked("", { running: "v2.1.20", release: "v2.1.20" })).toMatch(/does not report its version/);
            expect(checked("abc", { running: "", release: "v2.1.20" })).toMatch(/reports its version as abc,/);
            expect(checked("", { release: "v2.1.20", search: false })).toMatch(/does not report its version/);
            // It is readable, and says that it is older.
            expect(checked("v2.1.18", { release: "v2.1.20" })).toMatch(/is version v2\.1\.18\./);
        });

        it("the hash of the binary is a way on, and the message has it", () => {
            expect(checked("")).toContain(
                `if this build has both corrections, set zot.acceptVersion to "sha256:${HASH}".`,
            );
            expect(checked("a b")).toContain(`set zot.acceptVersion to "sha256:${HASH}".`);
            expect(checked("my-branch")).toContain('set zot.acceptVersion to "my-branch".');
            for (const installed of ["", "my-branch", "v2.1.18"])
                expect(checked(installed, { accepted: `sha256:${HASH}` })).toBe("accepted");
            const other = `sha256:${"0".repeat(64)}`;
            expect(checked("my-branch", { accepted: other })).toContain(`set zot.acceptVersion to "sha256:${HASH}".`);
            expect(checked("my-branch", { accepted: "my-branch" })).toBe("accepted");
        });
    });

    it("says why not", () => {
        const problem = (version: string) =>
            runIn(dash, `${inspectionScript}\nbinary=zot\nkeeps_tags ${quoted(version)}; printf '%s' "$problem"`)
                .output;
        expect(problem("v2.1.18-0-g3b5796d")).toBe("zot is version v2.1.18-0-g3b5796d. [ZH-VERSION-OLD]");
        expect(problem("")).toBe("zot does not report its version. [ZH-VERSION-UNSAID]");
    });

    it("is read from the line that zot prints, on either stream", () => {
        const line = '{"time":"t","level":"info","message":"version","commit":"v2.1.20-0-g3b5796d8","go version":""}';
        for (const stream of ["", " >&2"]) {
            const zot = join(scratchFolder(), "zot");
            writeFileSync(zot, `#!/bin/sh\necho 'something else'${stream}\necho ${quoted(line)}${stream}\n`, {
                mode: 0o755,
            });
            expect(runIn(dash, `${inspectionScript}\nzot_commit ${quoted(zot)}`).output).toBe("v2.1.20-0-g3b5796d8\n");
        }
    });
});

describe("where zot is reached, and what it is to answer", () => {
    const expectOf = (shell: Shell, config: unknown) => {
        const file = join(scratchFolder(), "config.json");
        writeFileSync(file, JSON.stringify(config));
        return runIn(
            shell,
            `${inspectionScript}\nexpect_of ${quoted(file)}; ` +
                `printf '%s|' "$url" "$connect_to" "$metrics_path" "$metrics_status" "$expected_issuer"`,
        ).output;
    };

    eachShell("is read from a config with many rules in no time", (shell) => {
        const conditions = [{ expression: "x".repeat(200), message: "y".repeat(100) }];
        const policies = Array.from({ length: 100 }, (_, index) => ({
            groups: [`g${index}`],
            actions: ["create"],
            conditions,
        }));
        const repositories = { "**": { policies }, "a/**": { policies }, "b/**": { policies } };
        const metrics = { enable: true, prometheus: { path: "/m" } };
        const started = performance.now();
        const config = { http: { accessControl: { repositories }, port: "5050" }, extensions: { metrics } };
        expect(expectOf(shell, config)).toBe("http://127.0.0.1:5050||/m|401||");
        expect(performance.now() - started).toBeLessThan(20_000);
    });

    eachShell("is read from the config", (shell) => {
        expect(expectOf(shell, { http: { address: "0.0.0.0", port: "5050" } })).toBe("http://127.0.0.1:5050|||||");
        for (const address of ["::", "[::]", "[::1]"])
            expect(expectOf(shell, { http: { address, port: 5050 } })).toBe("http://[::1]:5050|||||");
        expect(expectOf(shell, { http: { address: "[fd00::1]", port: "1" } })).toBe("http://[fd00::1]:1|||||");
        expect(expectOf(shell, { storage: {} })).toBe("http://127.0.0.1:8080|||||");
        expect(
            expectOf(shell, {
                http: {
                    address: "10.0.0.1",
                    port: "443",
                    externalUrl: "https://registry.example.org",
                    tls: { cert: "/c", key: "/k" },
                },
            }),
        ).toBe("https://registry.example.org:443|registry.example.org:443:10.0.0.1:443||||");
        const metrics = { extensions: { metrics: { enable: true, prometheus: { path: "/m" } } } };
        expect(
            expectOf(shell, { ...metrics, http: { accessControl: { metrics: { anonymousPolicy: ["read"] } } } }),
        ).toBe("http://127.0.0.1:8080||/m|200||");
        expect(expectOf(shell, { ...metrics, http: { accessControl: { metrics: { users: ["prometheus"] } } } })).toBe(
            "http://127.0.0.1:8080||/m|401||",
        );
    });
});

describe("what tells one process from another", () => {
    eachShell("is the same as long as it lives, and differs between two", (shell) => {
        const script =
            `${lock}\nsleep 5 & other=$!; printf '%s\\n' "$(identity_of $$)" "$(identity_of $$)" ` +
            `"$(identity_of 999999999)"; kill $other`;
        const [first, again, none] = runIn(shell, script).output.split("\n");
        expect(first).toMatch(/^[A-Za-z0-9-]+$/);
        expect(again).toBe(first);
        expect(none).toBe("");
    });

    it("needs no /proc", () => {
        // As on macOS: where there is no such folder, ps is asked.
        const without = lock.replaceAll("/proc/", "/no-such-folder/");
        const { output } = runIn(
            dash,
            `${without}\nLC_ALL=C; export LC_ALL; identity_of $$; echo; is_alive $$ && echo alive; ` +
                "is_alive 999999999 || echo dead",
        );
        expect(output).toMatch(/^[A-Z][a-z]{2}-[A-Z][a-z]{2}-\d+-\d+-\d+-\d+-\d+-?\nalive\ndead\n$/);
    });
});

describe("the proof that zot serves the config", () => {
    // Over a bucket zot lists objects for it: under load that takes longer than the proof waits.
    eachShell("needs no catalogue of all images", (shell) => {
        const zot = `
status_of() { case "$1 $2" in PUT*) printf 401 ;; *) printf 000 ;; esac; }
statuses_of() {
    for path; do case $path in /v2/) echo '200 ' ;; /zot/auth/login*) echo '404 ' ;; *) echo '000 ' ;; esac; done
}
serves_our_config() { :; }
metrics_path= expected_issuer= external=https://registry.example.org
probe && echo proven || echo "$problem"`;
        expect(runIn(shell, `${inspectionScript}\n${zot}`).output).toBe("proven\n");
    });
});

describe("whether the service runs the start script, by what that has noted", () => {
    const now = "2026-11-30T08:00:00Z";
    test.each([
        ["is known by another note than before", "with its config since 2026-11-30T07:59:58Z", now, 0],
        ["is denied by the same note", `with its config since ${now}`, "2026-11-30T08:00:07Z", 1],
        ["is not known where it has said the same within one second", `with its config since ${now}`, now, 2],
        ["is denied without a note", "", now, 1],
    ])("%s", (_what, before, restarted, code) => {
        const state = scratchFolder();
        if (before) writeFileSync(join(state, "serving"), `with its config since ${now}\n`);
        const script =
            `state=${quoted(state)}; manager=command; config=/none; restarted_second=${restarted}; ` +
            `start_in_use ${quoted(before)}; echo $?`;
        expect(runIn(dash, `${inspectionScript}\n${script}`).output).toBe(`${code}\n`);
    });
});

describe("an issuer behind a private certificate authority", () => {
    const reason = noCertificates;
    let server: Server | undefined;
    afterAll(() => server?.close());

    (reason ? it.skip : it)(skippable("is trusted by the CA file alone", reason), async () => {
        const folder = scratchFolder();
        const made = selfSigned(folder, "issuer", "IP:127.0.0.1");
        server = createServer(contentOf(made), (_request, response) => response.end(JSON.stringify({ issuer: url })));
        await new Promise<void>((done) => server!.listen(0, "127.0.0.1", done));
        const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/application/o/zot/`;
        // In a process of its own: this one has to answer.
        const asked = (authorities: string) =>
            new Promise<string>((done) => {
                const child = spawn("/bin/sh", [
                    "-c",
                    `${inspectionScript}\nproblem=; issuer_answers ${quoted(url)} ${quoted(authorities)} 5 && ` +
                        `echo ours || printf '%s' "$problem"`,
                ]);
                let output = "";
                child.stdout.on("data", (chunk) => (output += String(chunk)));
                child.on("close", () => done(output));
            });
        expect(await asked("")).toMatch(/could not be fetched on this host: curl: \(60\)/);
        expect(await asked(made.cert)).toBe("ours\n");
    });
});
