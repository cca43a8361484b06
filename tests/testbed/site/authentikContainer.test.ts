/**
 * Authentik in containers: what is asked of the engine, and when it counts as ready. The engine is a program that
 * writes down how it was called, and whose container is the stand-in.
 */
import { spawnSync } from "node:child_process";
import {
    existsSync,
    mkdirSync,
    mkdtempSync,
    readFileSync,
    rmSync,
    statSync,
    symlinkSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import { findExecutable } from "../../../testbed/bootstrap/toolchain.cjs";
import { startAuthentikContainer } from "../../../testbed/site/authentikContainer";

const ROOT = resolve(__dirname, "../../..");
jest.setTimeout(120_000);

const { PATH } = process.env;
let folder: string;
const at = (name: string) => join(folder, name);
const calls = () => readFileSync(at("calls"), "utf8").trim().split("\n");

/** An engine. `info` and `up`: what these do, as shell. */
function engine({ name = "docker", info = "exit 0", up = "" }: { name?: string; info?: string; up?: string }): void {
    mkdirSync(at("bin"), { recursive: true });
    writeFileSync(
        join(at("bin"), name),
        `#!/bin/sh
echo "$*" >>'${at("calls")}'
for last; do :; done
case "$*" in
    info) ${info} ;;
    "compose version") exit 0 ;;
    *" up --detach") ${up || STAND_IN} ;;
    *" port server 9000") sed -n 's|.*"url":"http://\\([^"]*\\)".*|\\1|p' '${at("ready")}' ;;
    *" down "*) kill "$(cat '${at("pid")}')" 2>/dev/null; exit 0 ;;
esac
`,
        { mode: 0o755 },
    );
}
/** As a container: with the settings of .env, and nothing else. */
const STAND_IN = `
        sed -n 's/^AUTHENTIK_BOOTSTRAP_TOKEN=//p' .env >token
        '${process.execPath}' '${ROOT}/build/run.cjs' testbed/authentik/main.ts --quiet --token-file "$PWD/token" \\
            >'READY' 2>/dev/null </dev/null &
        echo $! >'PID'
        while ! [ -s 'READY' ]; do sleep 0.05; done`;

beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "authentik-container-"));
    // Tools that the engine needs, and no engine of this machine.
    mkdirSync(at("tools"));
    for (const tool of ["sh", "sed", "sleep", "cat"]) symlinkSync(findExecutable(tool)!, join(at("tools"), tool));
    process.env.PATH = `${at("bin")}:${at("tools")}`;
});
afterEach(() => {
    process.env.PATH = PATH;
    if (existsSync(at("pid"))) spawnSync("kill", [readFileSync(at("pid"), "utf8").trim()]);
    rmSync(folder, { recursive: true, force: true });
});
const here = (script: string) => script.replaceAll("READY", at("ready")).replaceAll("PID", at("pid"));

test("it is started, waited for, named by address and token, and removed with its data", async () => {
    engine({ up: here(STAND_IN) });
    const authentik = await startAuthentikContainer(ROOT, folder);
    const answer = await fetch(`${authentik.url}/api/v3/core/users/me/`, {
        headers: { authorization: `Bearer ${authentik.token}` },
    });
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { user: { is_superuser: boolean } }).user.is_superuser).toBe(true);

    const settings = join(folder, "authentik", ".env");
    expect(statSync(settings).mode & 0o777).toBe(0o600);
    // No secret is an argument: arguments are public.
    for (const [, secret] of readFileSync(settings, "utf8").matchAll(/=([0-9a-f]{40,})$/gm))
        expect(calls().join("\n")).not.toContain(secret);
    await authentik.stop();
    const project = /^compose --project-name (\S+) --file \S+ up --detach$/.exec(calls()[2]!)?.[1];
    expect(project).toMatch(/^zot-hardening-[0-9a-f]{6}$/);
    expect(calls().at(-1)).toBe(
        `compose --project-name ${project} --file ${folder}/authentik/compose.yml down --volumes --timeout 5`,
    );
});

test("what does not come up is removed, and the engine's words are told", async () => {
    engine({ up: "echo 'no space left on device' >&2; exit 1" });
    await expect(startAuthentikContainer(ROOT, folder)).rejects.toThrow("docker --detach: no space left on device");
    expect(calls().at(-1)).toMatch(/ down --volumes --timeout 5$/);
});

test("one that never gets ready is given up and removed", async () => {
    engine({ up: here(`echo '{"url":"http://127.0.0.1:9"}' >'READY'`) });
    await expect(startAuthentikContainer(ROOT, folder, 300)).rejects.toThrow(
        /^Authentik in containers was not ready within 0 seconds at http:\/\/127\.0\.0\.1:9; the last that came was fetch failed\./,
    );
    expect(calls().at(-1)).toMatch(/ down /);
});

test("where the first engine does not answer, the next is taken; where none does, each is told", async () => {
    engine({ name: "docker", info: "echo 'Cannot connect to the Docker daemon' >&2; exit 1" });
    await expect(startAuthentikContainer(ROOT, folder)).rejects.toThrow(
        /none answers:\n {2}docker: docker info: Cannot connect to the Docker daemon\nStart it, /,
    );
    engine({ name: "podman", up: here(STAND_IN) });
    const authentik = await startAuthentikContainer(ROOT, folder);
    await authentik.stop();
    rmSync(at("bin"), { recursive: true });
    rmSync(join(folder, "authentik"), { recursive: true });
    await expect(startAuthentikContainer(ROOT, folder)).rejects.toThrow(
        /docker or podman with its "compose" is needed/,
    );
});

test("the compose file publishes on loopback alone, and mounts nothing of this machine", () => {
    const { services } = parse(readFileSync(join(ROOT, "testbed/site/authentik.compose.yml"), "utf8"), {
        merge: true,
    }) as { services: Record<string, { command?: string; ports?: string[]; volumes?: unknown; image: string }> };
    expect(Object.keys(services)).toEqual(["postgresql", "server", "worker"]);
    expect([services.server!.ports, services.worker!.ports]).toEqual([["127.0.0.1::9000"], []]);
    expect([services.server!.command, services.worker!.command]).toEqual(["server", "worker"]);
    for (const service of Object.values(services)) expect(service.volumes).toBeUndefined();
    expect(services.worker!.image).toBe(services.server!.image);
});
