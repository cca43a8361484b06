/** The lines that docs/ci.md gives for each client do what is said there, as they stand. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { ociLayout } from "../support/ociLayout";
import { cleanUp, zots } from "../testbed/zot/zots";
import { clients, PATH } from "./clients";
import { runProgram } from "./program";
import { type HardenedRegistry, startHardenedRegistry } from "./registry";

jest.setTimeout(180_000);
afterAll(cleanUp);

const document = readFileSync(resolve(__dirname, "../../docs/ci.md"), "utf8");
const block = /## With other clients[\s\S]*?```sh\n([\s\S]*?)```/.exec(document)![1]!;
const [opening, ...parts] = block.split(/^# /m);
const commands = parts.map((part) => ({ name: /^[a-z]+/.exec(part)![0], script: part.slice(part.indexOf("\n") + 1) }));

test("every client has its lines, and gives the key on standard input", () => {
    expect(commands.map(({ name }) => name)).toEqual(["skopeo", "buildah", "crane", "docker"]);
    for (const { script } of commands) expect(script).toMatch(/^printf %s "\$ZOT_CI_API_KEY" \| .*--password-stdin/);
});

for (const zot of zots) {
    for (const { name, script } of commands) {
        // The lines for buildah and podman are podman's.
        const client = clients.find((candidate) => candidate.name.startsWith(name === "buildah" ? "podman" : name))!;
        (client.missing ? test.skip : test)(
            skippable(`the lines for ${name}, on ${zot.name}`, client.missing),
            async () => {
                const folder = mkdtempSync(join(tmpdir(), "zot-client-"));
                const undo: (() => Promise<unknown>)[] = [async () => rmSync(folder, { recursive: true, force: true })];
                try {
                    const registry: HardenedRegistry = await startHardenedRegistry(zot, client.extraConfig);
                    undo.push(() => registry.stop());
                    const engine = await client.start(folder, registry.host);
                    undo.push(() => engine.stop());
                    mkdirSync(join(folder, "job", "build"), { recursive: true });
                    const image = ociLayout(join(folder, "job", "build"), "one");
                    // What is a machine's to know: that the registry speaks plain http, and where images are kept.
                    writeFileSync(
                        join(folder, "registries.conf"),
                        `[[registry]]\nlocation = "${registry.host}"\ninsecure = true\n`,
                    );
                    writeFileSync(
                        join(folder, "storage.conf"),
                        `[storage]\ndriver = "vfs"\ngraphroot = "${folder}/job/graph"\nrunroot = "${folder}/job/run"\n`,
                    );
                    const env = {
                        PATH,
                        HOME: join(folder, "job"),
                        XDG_RUNTIME_DIR: join(folder, "job"),
                        CONTAINERS_REGISTRIES_CONF: join(folder, "registries.conf"),
                        CONTAINERS_STORAGE_CONF: join(folder, "storage.conf"),
                        DOCKER_HOST: `unix://${join(folder, "docker.sock")}`,
                        ZOT_REGISTRY_URL: registry.url,
                        ZOT_CI_USER: registry.ci[0],
                        ZOT_CI_API_KEY: registry.ci[1],
                        tag: "v1",
                    };
                    const prepared: Record<string, string> = {
                        skopeo: "mv build/image-one build/image",
                        buildah:
                            "cd build && mv image-one hello && podman --cgroup-manager cgroupfs " +
                            "--events-backend file pull --quiet oci:hello",
                        crane: "mv build/image-one build/image",
                        docker: "head -c 1024 /dev/zero | docker import - hello",
                    };
                    // skopeo is told by its options alone.
                    const plainHttp =
                        "skopeo() { verb=$1; shift; case $verb in login) option=--tls-verify ;; " +
                        '*) option=--dest-tls-verify ;; esac; command skopeo "$verb" "$option=false" "$@"; }\n';
                    const shell = (text: string) =>
                        runProgram("sh", ["-ec", plainHttp + text], { env, cwd: join(folder, "job") });
                    expect(await shell(prepared[name]!)).toMatchObject({ status: 0 });
                    const ran = await shell(`${opening}${script}`);
                    if (ran.status !== 0) throw new Error(ran.said);
                    const { status, headers } = await registry.zot.request("HEAD", "/v2/ops/hello/manifests/v1", {
                        headers: {
                            Accept:
                                "application/vnd.oci.image.manifest.v1+json, " +
                                "application/vnd.docker.distribution.manifest.v2+json",
                        },
                    });
                    expect(status).toBe(200);
                    if (name === "skopeo" || name === "crane")
                        expect(headers["docker-content-digest"]).toBe(image.digest);
                    // A second run is refused, or finds the very same there; the tag stays.
                    const again = await shell(`${opening}${script}`);
                    expect(again.status === 0).toBe(client.sameContent === "nothing to do");
                } finally {
                    for (const step of undo.reverse()) await step();
                }
            },
        );
    }
}
