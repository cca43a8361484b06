/** What builds and pushes in one: ko, buildkit. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { findExecutable } from "../../../testbed/bootstrap/toolchain.cjs";
import { home, noDaemon } from "../clients";
import { runProgram, startDaemon } from "../program";
import { logIn, notBuilt, plainHttp, runsOf, writeLogin } from "./sessions";
import { commonWorkflows, type Place, type TableClient, WHO, type Who, type Workflow } from "./workflow";

const ko: TableClient = {
    name: "ko",
    missing: notBuilt("ko") ?? (findExecutable("go") ? undefined : "there is no Go on the PATH"),
    async start(place) {
        const go = {
            GOCACHE: join(homedir(), ".cache", "go-build"),
            GOFLAGS: "-mod=mod",
            GOPROXY: "off",
            GOTOOLCHAIN: "local",
        };
        const runs = runsOf(place, "ko", (folder) => ({
            ...go,
            GOPATH: join(folder, "go"),
            KO_DEFAULTBASEIMAGE: `${place.host}/stage/app:one`,
            SOURCE_DATE_EPOCH: "1700000000",
        }));
        for (const who of WHO)
            for (const content of ["one", "two"]) {
                const folder = join(runs.folder(who), content);
                mkdirSync(folder, { recursive: true });
                writeFileSync(join(folder, "go.mod"), "module example.org/app\n\ngo 1.21\n");
                writeFileSync(join(folder, "main.go"), `package main\n\nfunc main() { println("${content}") }\n`);
            }
        await logIn(runs, place, (user) => ["login", place.host, "--username", user, "--password-stdin"]);
        const build = (who: Who, content: string, repository: string, tags: string, ...more: string[]) =>
            runs[who](["build", "--bare", `--tags=${tags}`, ...more, "."], undefined, {
                folder: content,
                env: { KO_DOCKER_REPO: `${place.host}/${repository}` },
            });
        const common = commonWorkflows(place, {
            push: (who, content, repository, tag) => build(who, content, repository, tag),
        });
        const more: Workflow[] = [
            {
                name: "two tags at once, one of them there",
                run: () => build("ci", "two", "app", "v6,v1"),
                again: null,
            },
            { name: "`--sbom=none`", run: () => build("ci", "two", "app", "v7", "--sbom=none") },
        ];
        return { workflows: [...common, ...more], stop: async () => undefined };
    },
};

const buildkit: TableClient = {
    name: "buildkit",
    missing: notBuilt("buildctl", "buildkitd") ?? noDaemon("runc", "runc"),
    async start(place) {
        const { folder, host, ca } = place;
        const address = `unix://${join(folder, "buildkitd.sock")}`;
        const { env } = home(folder, "daemon", ca);
        const config = join(folder, "buildkitd.toml");
        writeFileSync(
            config,
            `[registry."${host}"]\n  ${ca === undefined ? "http = true" : `http = false\n  insecure = false\n  ca = ["${ca}"]`}\n`,
        );
        const args = ["--addr", address, "--root", join(folder, "root"), "--config", config];
        const worker = ["--containerd-worker=false", "--oci-worker=true", "--oci-worker-snapshotter=native"];
        const isReady = async () =>
            existsSync(join(folder, "buildkitd.sock")) &&
            (await runProgram("buildctl", ["--addr", address, "debug", "workers"], { env })).status === 0;
        const daemon = await startDaemon("buildkitd", [...args, ...worker], env, isReady);
        const runs = runsOf(place, "buildctl", () => ({ BUILDKIT_HOST: address }));
        // It has no login of its own, and takes docker's.
        for (const who of ["ci", "admin"] as const) writeLogin(runs.folder(who), host, place.logins[who]);
        return { workflows: buildkitWorkflows(place, runs), stop: daemon.stop };
    },
};

function buildkitWorkflows(place: Place, runs: ReturnType<typeof runsOf>): Workflow[] {
    for (const who of WHO)
        for (const content of ["one", "two"]) {
            const folder = join(runs.folder(who), content);
            mkdirSync(folder, { recursive: true });
            writeFileSync(join(folder, "Dockerfile"), "FROM scratch\nCOPY content /content\n");
            // Of another length: by that and the time it tells files apart.
            writeFileSync(join(folder, "content"), content === "one" ? content : `${content}, another`);
        }
    const at = (name: string) => `${place.host}/${name}`;
    const build = (who: Who, content: string, output: string, ...more: string[]) =>
        runs[who]([
            "build",
            "--progress=plain",
            "--frontend=dockerfile.v0",
            ...["context", "dockerfile"].flatMap((name) => ["--local", `${name}=${content}`]),
            "--opt=build-arg:SOURCE_DATE_EPOCH=1700000000",
            "--output",
            output,
            ...more,
        ]);
    const plain = plainHttp(place, ",registry.insecure=true").join("");
    const image = (...names: string[]) => `type=image,"name=${names.map(at).join(",")}",push=true${plain}`;
    const common = commonWorkflows(place, {
        push: (who, content, repository, tag) => build(who, content, image(`${repository}:${tag}`)),
    });
    const cached = (to: string, content: string, ...more: string[]) =>
        build(
            "ci",
            content,
            image(`app:${content}`),
            "--export-cache",
            `type=registry,ref=${at(to)},mode=max${plain}`,
            ...more,
        );
    return [
        ...common,
        {
            name: "two tags at once, one of them there",
            run: () => build("ci", "two", image("app:v6", "app:v1")),
            again: null,
        },
        {
            name: "a cache in a channel, then of another build",
            run: () => cached("app/cache:main", "one"),
            again: () => cached("app/cache:main", "two"),
        },
        {
            name: "a cache beside versions, then of another build",
            run: () => cached("app:buildcache", "one"),
            again: () => cached("app:buildcache", "two"),
        },
        {
            name: "build from the cache in a channel",
            run: () =>
                build(
                    "ci",
                    "two",
                    image("app:v8"),
                    "--import-cache",
                    `type=registry,ref=${at("app/cache:main")}${plain}`,
                ),
        },
    ];
}

export const builders: TableClient[] = [ko, buildkit];
