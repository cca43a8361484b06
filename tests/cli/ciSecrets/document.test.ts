/**
 * The script that docs/ci.md gives to CI does what is said there, with skopeo and curl, on the stand-in and a real zot
 * where there is one.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { findExecutable, skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { ociArtifact, ociIndex, ociLayout } from "../../support/ociLayout";
import { IdentityProvider, keyFor, person } from "../../testbed/zot/logins";
import { cleanUp, manifestType, type RunningZot, zots } from "../../testbed/zot/zots";
import { removeScratch, scratch } from "./command";
import { startRegistry } from "./registry";

const document = readFileSync(resolve(__dirname, "../../../docs/ci.md"), "utf8");
const script = /```sh\n(#!\/bin\/sh\n# push-once [\s\S]*?)```/.exec(document)![1]!;
const missing = ["skopeo", "curl"].filter((name) => !findExecutable(name));
const reason =
    missing.length > 0 ? `there is no ${missing.join(" and no ")}; install the packages of these names` : undefined;

jest.setTimeout(60_000);
afterAll(async () => {
    await cleanUp();
    removeScratch();
});

const layout = (folder: string, text: string) => `oci:${ociLayout(folder, text).folder}`;

const twoPlatforms = (folder: string, text: string) => `oci:${ociIndex(folder, text).folder}`;
const chart = (folder: string, text: string) =>
    `oci:${ociArtifact(folder, text, "application/vnd.cncf.helm.config.v1+json", "application/vnd.cncf.helm.chart.content.v1.tar+gzip").folder}`;
const artifact = (folder: string, text: string) =>
    `oci:${ociArtifact(folder, text, "application/vnd.oci.empty.v1+json", "application/spdx+json").folder}`;
/** As docker and Nix write it. */
const archive = (folder: string, text: string) => {
    const file = join(folder, `archive-${text}.tar`);
    if (!existsSync(file)) {
        const made = spawnSync(findExecutable("skopeo")!, ["copy", layout(folder, text), `docker-archive:${file}`]);
        if (made.status !== 0) throw new Error(String(made.stderr));
    }
    return `docker-archive:${file}`;
};

interface Ran {
    status: number | null;
    stdout: string;
    stderr: string;
}

(reason ? describe.skip : describe).each(zots)(skippable("push-once of docs/ci.md, on $name", reason), (zot) => {
    let provider: IdentityProvider;
    let registry: RunningZot;
    let folder: string;
    let credentials: [string, string];

    beforeAll(async () => {
        provider = await IdentityProvider.start();
        folder = scratch();
        registry = await startRegistry(zot, provider, folder);
        credentials = await keyFor(provider, registry, person("zot-ci", "artifact-workloads"));
        writeFileSync(join(folder, "push-once"), script);
        // The registry of the test speaks plain http, on loopback, which skopeo has to be told.
        mkdirSync(join(folder, "bin"));
        shim(join(folder, "bin"));
        mkdirSync(join(folder, "tmp"));
    });
    afterAll(() => provider?.stop());

    /** A skopeo that accepts plain http, and copies once more beforehand where `twice`. */
    const shim = (bin: string, twice = false) => {
        const skopeo = `'${findExecutable("skopeo")!}'`;
        const copy = `${skopeo} copy --dest-tls-verify=false "$@"`;
        const lines = [
            "#!/bin/sh",
            "verb=$1; shift",
            "case $verb in",
            `    login) exec ${skopeo} login --tls-verify=false "$@" ;;`,
            `    copy) ${twice ? `${copy} >/dev/null; ` : ""}exec ${copy} ;;`,
            "esac",
            "",
        ];
        writeFileSync(join(bin, "skopeo"), lines.join("\n"), { mode: 0o755 });
    };
    const pushOnce = (source: string, tag: string, changed: Record<string, string> = {}): Promise<Ran> => {
        const env = {
            PATH: [join(folder, "bin"), dirname(findExecutable("curl")!), "/usr/bin", "/bin"].join(":"),
            HOME: folder,
            TMPDIR: join(folder, "tmp"),
            ZOT_REGISTRY_URL: registry.url,
            ZOT_CI_USER: credentials[0],
            ZOT_CI_API_KEY: credentials[1],
            ...changed,
        };
        const child = spawn("/bin/sh", [join(folder, "push-once"), source, "ops/hello", tag], {
            env,
            stdio: ["ignore", "pipe", "pipe"],
        });
        const [output, errors]: [Buffer[], Buffer[]] = [[], []];
        child.stdout.on("data", (chunk: Buffer) => output.push(chunk));
        child.stderr.on("data", (chunk: Buffer) => errors.push(chunk));
        return new Promise((done) =>
            child.on("close", (status) =>
                done({ status, stdout: Buffer.concat(output).toString(), stderr: Buffer.concat(errors).toString() }),
            ),
        );
    };
    const digest = async (tag: string) =>
        (await registry.request("GET", `/v2/ops/hello/manifests/${tag}`, { headers: { Accept: manifestType } }))
            .headers["docker-content-digest"];

    test("pushes a tag once; the same and another image leave it as it is", async () => {
        const source = layout(folder, "first");
        const first = await pushOnce(source, "v1.0.0-0f3c9a1");
        expect([first.status, first.stdout]).toEqual([
            0,
            expect.stringMatching(/ops\/hello:v1\.0\.0-0f3c9a1 is pushed\n$/),
        ]);
        const pushed = await digest("v1.0.0-0f3c9a1");
        expect(pushed).toMatch(/^sha256:/);
        const isThere = "ops/hello:v1.0.0-0f3c9a1 is there already, with";
        const other = layout(folder, "second");
        for (const [again, environment, status, said] of [
            [source, {}, 0, "the same content"],
            [other, {}, 0, "other content; it stays as it is"],
            [source, { PUSH_ONCE_OTHER: "fail" }, 0, "the same content"],
            [other, { PUSH_ONCE_OTHER: "fail" }, 4, "other content; it stays as it is"],
        ] as const)
            expect(await pushOnce(again, "v1.0.0-0f3c9a1", environment)).toEqual({
                status,
                stdout: `${isThere} ${said}\n`,
                stderr: "",
            });
        expect(await digest("v1.0.0-0f3c9a1")).toBe(pushed);
        expect(await pushOnce(source, "v1.0.0-0f3c9a1-nix")).toMatchObject({ status: 0 });
        // The key is in no file that outlives the job.
        expect(readdirSync(join(folder, "tmp"))).toEqual([]);
    });

    test("what another job pushed between the look and the push stays", async () => {
        const shims = scratch();
        shim(shims, true);
        const ran = await pushOnce(layout(folder, "third"), "v1.1.0-1111111", { PATH: `${shims}:/usr/bin:/bin` });
        expect([ran.status, ran.stdout]).toEqual([
            0,
            expect.stringMatching(/was pushed by another job meanwhile, with the same content\n$/),
        ]);
        expect(ran.stderr).toMatch(/denied|403/i);
    });

    test.each([
        ["an index of two platforms", twoPlatforms],
        ["a chart", chart],
        ["an artifact", artifact],
        ["an image archive", archive],
    ])("%s is pushed once, and known again", async (name, made) => {
        const tag = `v2.0.0-${name.length}`;
        const pushed = await pushOnce(made(folder, "one"), tag);
        expect([pushed.status, pushed.stderr]).toEqual([0, ""]);
        expect(await pushOnce(made(folder, "one"), tag)).toMatchObject({
            status: 0,
            stdout: `ops/hello:${tag} is there already, with the same content\n`,
        });
        expect(await pushOnce(made(folder, "two"), tag, { PUSH_ONCE_OTHER: "fail" })).toMatchObject({
            status: 4,
            stdout: `ops/hello:${tag} is there already, with other content; it stays as it is\n`,
        });
    });

    test("a wrong key and a registry that is away end the job", async () => {
        const source = layout(folder, "fourth");
        const wrong = await pushOnce(source, "v1.2.0-2222222", {
            ZOT_CI_API_KEY: "zak_00000000000000000000000000000000",
        });
        expect(wrong.status).not.toBe(0);
        expect(await digest("v1.2.0-2222222")).toBeUndefined();
        expect((await pushOnce(source, "v1.2.0-2222222", { ZOT_REGISTRY_URL: "http://127.0.0.1:2" })).status).not.toBe(
            0,
        );
    });
});
