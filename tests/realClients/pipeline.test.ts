/**
 * A pipeline that is run three times: two platforms, a version, a channel, a cache, what is in it and a signature. Each
 * run is green, and afterwards every part of every version is there. With skopeo, and the script of docs/ci.md;
 * signature and SBOM are pushed by digest with a subject, as cosign 3 and ORAS do it.
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { startVerify } from "../cli/verify/verifyProcess";
import { type OciLayout, ociIndex } from "../support/ociLayout";
import { cleanUp, digestOf, manifestType, pushBlob, putManifest, scratch, zots } from "../testbed/zot/zots";
import { home } from "./clients";
import { runProgram } from "./program";
import { type HardenedRegistry, startHardenedRegistry } from "./registry";
import { notBuilt, writeLogin } from "./table/sessions";
import { pushLayout } from "./table/stage";

jest.setTimeout(180_000);
afterAll(cleanUp);

const document = readFileSync(resolve(__dirname, "../../docs/ci.md"), "utf8");
const pushOnce = /```sh\n(#!\/bin\/sh\n# push-once [\s\S]*?)```/.exec(document)![1]!;
const missing = ["skopeo", "curl"].filter((name) => !findExecutable(name));
const reason = missing.length > 0 ? `there is no ${missing.join(" and no ")}` : undefined;

const noSigners = notBuilt("cosign", "oras");

/** The job, as it would stand in a workflow. */
const JOB = `set -eu
sh push-once "oci:$IMAGE" app v1.4.2-0f3c9a1
printf %s "$ZOT_CI_API_KEY" | skopeo login --authfile auth.json --username "$ZOT_CI_USER" --password-stdin "$registry"
skopeo copy --quiet --all --authfile auth.json "docker://$registry/app:v1.4.2-0f3c9a1" "docker://$registry/channels/app:latest"
skopeo copy --quiet --all --authfile auth.json "oci:$CACHE" "docker://$registry/app/cache:main"
`;

/** Plain http on loopback, which skopeo has to be told of each side that is the registry. */
const SKOPEO = `#!/bin/sh
verb=$1; shift
case $verb in
    login) exec '${findExecutable("skopeo") ?? "skopeo"}' login --tls-verify=false "$@" ;;
esac
exec '${findExecutable("skopeo") ?? "skopeo"}' "$verb" --src-tls-verify=false --dest-tls-verify=false "$@"
`;

(reason ? describe.skip : describe).each(zots)(skippable("a pipeline, on $name", reason), (zot) => {
    let registry: HardenedRegistry;
    let folder: string;

    beforeAll(async () => {
        folder = scratch();
        registry = await startHardenedRegistry(
            zot,
            {},
            { channels: ["**/cache", "channels/**"], explainRefusals: true },
        );
        mkdirSync(join(folder, "bin"));
        writeFileSync(join(folder, "bin", "skopeo"), SKOPEO, { mode: 0o755 });
        writeFileSync(join(folder, "push-once"), pushOnce);
    });
    afterAll(() => registry?.stop());

    /** Ends with what it said where it fails. */
    const job = (image: OciLayout, cache: OciLayout): Promise<string> => {
        const child = spawn("/bin/sh", ["-c", JOB], {
            cwd: folder,
            env: {
                PATH: `${join(folder, "bin")}:/usr/bin:/bin`,
                HOME: folder,
                IMAGE: image.folder,
                CACHE: cache.folder,
                registry: registry.host,
                ZOT_REGISTRY_URL: registry.url,
                ZOT_CI_USER: registry.ci[0],
                ZOT_CI_API_KEY: registry.ci[1],
            },
            stdio: ["ignore", "pipe", "pipe"],
        });
        let said = "";
        for (const stream of [child.stdout, child.stderr])
            stream.on("data", (chunk: Buffer) => (said += String(chunk)));
        return new Promise((done, failed) =>
            child.once("close", (status) =>
                status === 0 ? done(said) : failed(new Error(`The job ended with ${status}:\n${said}`)),
            ),
        );
    };

    /** Pushes what belongs to the version by its digest; its status. */
    const attach = async (subject: OciLayout, artifactType: string, content: string): Promise<number> => {
        for (const blob of ["{}", content]) expect(await pushBlob(registry.zot, "app", blob, registry.ci)).toBe(201);
        const manifest = JSON.stringify({
            schemaVersion: 2,
            mediaType: manifestType,
            artifactType,
            config: { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf("{}"), size: 2 },
            layers: [{ mediaType: artifactType, digest: digestOf(content), size: content.length }],
            subject: { mediaType: "application/vnd.oci.image.index.v1+json", digest: subject.digest, size: 1 },
        });
        return (await putManifest(registry.zot, "app", digestOf(manifest), manifest, registry.ci)).status;
    };

    test("three runs are green, and every part of every version is there", async () => {
        const image = ociIndex(folder, "version");
        for (const run of [1, 2, 3]) {
            // A cache changes with each run.
            const said = await job(image, ociIndex(folder, `cache-${run}`));
            expect(said).toMatch(run === 1 ? /v1\.4\.2-0f3c9a1 is pushed/ : /is there already, with the same content/);
            expect(await attach(image, "application/spdx+json", "sbom")).toBe(201);
            // Each signature is another one.
            expect(await attach(image, "application/vnd.dev.sigstore.bundle.v0.3+json", `signature ${run}`)).toBe(201);
        }
        const args = ["--registry", registry.url, "--integrity", "--signed", "--channels", "**/cache"];
        const { code, stdout } = await startVerify([...args, "--channels", "channels/**"]).ended;
        expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("1 passed.") });
        expect(stdout.replace(/\s+/g, " ")).toContain("Nothing is missing of 3 versions in 3 repositories.");
        // The channel and the version have one digest, and a fourth run that built something else does not move it.
        const digest = async (repository: string, tag: string) =>
            (await registry.zot.request("HEAD", `/v2/${repository}/manifests/${tag}`)).headers["docker-content-digest"];
        expect(await digest("channels/app", "latest")).toBe(image.digest);
        expect(await job(ociIndex(folder, "other"), ociIndex(folder, "cache-4"))).toMatch(
            /with other content; it stays/,
        );
        expect(await digest("app", "v1.4.2-0f3c9a1")).toBe(image.digest);
    });

    (noSigners ? test.skip : test)(
        skippable("cosign signs and attests, oras attaches: three times", noSigners),
        async () => {
            const image = ociIndex(folder, "signed");
            const { env, place } = home(folder, "signer");
            writeLogin(place, registry.host, registry.ci);
            writeFileSync(join(place, "predicate.json"), '{"built":"here"}');
            writeFileSync(join(place, "sbom.json"), '{"spdxVersion":"SPDX-2.3"}');
            await pushLayout(registry.zot, "signed", "v1.4.2-0f3c9a1", image, registry.ci);
            const green = async (program: string, ...args: string[]) => {
                const { status, said } = await runProgram(program, args, {
                    env: { ...env, COSIGN_PASSWORD: "" },
                    cwd: place,
                });
                if (status !== 0) throw new Error(`${program} ended with ${status}:\n${said}`);
            };
            await green("cosign", "generate-key-pair");
            const at = `${registry.host}/signed@${image.digest}`;
            const offline = ["--yes", "--key", "cosign.key", "--use-signing-config=false", "--tlog-upload=false"];
            for (const _run of [1, 2, 3]) {
                await green("cosign", "sign", ...offline, at);
                await green("cosign", "attest", ...offline, "--type", "custom", "--predicate", "predicate.json", at);
                const sbom = ["--artifact-type", "application/spdx+json", "sbom.json:application/spdx+json"];
                await green("oras", "attach", "--plain-http", at, ...sbom);
            }
            await green("cosign", "verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", at);
            const args = [
                "--registry",
                registry.url,
                "--integrity",
                "--channels",
                "**/cache",
                "--channels",
                "channels/**",
            ];
            const { code, stdout } = await startVerify(args).ended;
            expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("1 passed.") });
        },
    );
});
