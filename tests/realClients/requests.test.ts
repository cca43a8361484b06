/**
 * How Docker's daemon and containerd ask a registry, request by request, as they were seen to (docker 20.10.24,
 * containerd 1.6.20). The requests are sent by the test itself, so that this holds where the programs are missing;
 * where they are there, they are watched sending just these.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Gate, startGate } from "../providers/zot/gate";
import { ociLayout } from "../support/ociLayout";
import { cleanUp, image, push, pushBlob, zots } from "../testbed/zot/zots";
import { type Client, clients } from "./clients";
import { type HardenedRegistry, startHardenedRegistry } from "./registry";

jest.setTimeout(120_000);
afterAll(cleanUp);

const MANIFEST = "/v2/ops/hello/manifests/v1";

interface Step {
    method: "GET" | "HEAD" | "POST" | "PUT";
    path: string;
    /** Whether it carries the login. */
    loggedIn?: boolean;
    answered: number;
}

interface Way {
    client: string;
    userAgent: string;
    accept: string;
    manifestType: string;
    /** What is sent to resolve a tag, without and with a login, and to push a manifest. */
    anonymousPull: Step[];
    pull: Step[];
    anonymousPush: Step[];
    push: Step[];
    /** Pushing another image to a tag that is there. */
    overwrite: Step[];
}

const challenge: Step = { method: "GET", path: "/v2/", answered: 401 };
const put = (answered: number, path = "/v2/ops/hello/manifests/v2"): Step => ({
    method: "PUT",
    path,
    loggedIn: true,
    answered,
});

const ways: Way[] = [
    {
        client: "docker, with its daemon",
        userAgent:
            "docker/20.10.24+dfsg1 go/go1.19.8 git-commit/5d6db84 kernel/6.1.0 os/linux arch/amd64 " +
            "UpstreamClient(Docker-Client/20.10.24+dfsg1 \\(linux\\))",
        accept:
            "application/vnd.docker.distribution.manifest.v2+json, " +
            "application/vnd.docker.distribution.manifest.list.v2+json, " +
            "application/vnd.oci.image.index.v1+json, " +
            "application/vnd.docker.distribution.manifest.v1+prettyjws, application/json, " +
            "application/vnd.oci.image.manifest.v1+json",
        manifestType: "application/vnd.docker.distribution.manifest.v2+json",
        // The challenge is the end of it: the daemon has no login to answer with, and asks for nothing more.
        anonymousPull: [challenge],
        pull: [challenge, { method: "HEAD", path: MANIFEST, loggedIn: true, answered: 200 }],
        anonymousPush: [challenge],
        push: [challenge, put(201)],
        overwrite: [challenge, put(403, MANIFEST)],
    },
    {
        client: "containerd, by ctr",
        userAgent: "containerd/1.6.20~ds1",
        accept:
            "application/vnd.docker.distribution.manifest.v2+json, " +
            "application/vnd.docker.distribution.manifest.list.v2+json, " +
            "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, */*",
        manifestType: "application/vnd.oci.image.manifest.v1+json",
        // It never asks /v2/, so it meets no challenge where anyone may read.
        anonymousPull: [{ method: "HEAD", path: MANIFEST, answered: 200 }],
        pull: [{ method: "HEAD", path: MANIFEST, loggedIn: true, answered: 200 }],
        anonymousPush: [{ method: "POST", path: "/v2/ops/hello/blobs/uploads/", answered: 401 }],
        push: [{ method: "HEAD", path: "/v2/ops/hello/manifests/v2", loggedIn: true, answered: 404 }, put(201)],
        overwrite: [{ method: "HEAD", path: MANIFEST, loggedIn: true, answered: 200 }, put(403, MANIFEST)],
    },
];

describe.each(zots)("$name", (zot) => {
    test("docker's own kind of manifest is refused unless the site's config takes it (http.compat)", async () => {
        const registry = await startHardenedRegistry(zot);
        const { config, layer, manifest } = image("one");
        for (const blob of [config, layer])
            expect(await pushBlob(registry.zot, "ops/hello", blob, registry.ci)).toBe(201);
        const { manifestType } = ways[0]!;
        const body = JSON.stringify({ ...(JSON.parse(manifest) as object), mediaType: manifestType });
        const answer = await registry.zot.request("PUT", MANIFEST, {
            headers: { "Content-Type": manifestType },
            body,
            as: registry.ci,
        });
        expect([answer.status, answer.body.toString()]).toEqual([
            415,
            expect.stringMatching(/"code":"MANIFEST_INVALID"/),
        ]);
        await registry.stop();
    });

    for (const way of ways) {
        describe(`${way.client}: the requests`, () => {
            let registry: HardenedRegistry;
            beforeAll(async () => {
                registry = await startHardenedRegistry(zot, { http: { compat: ["docker2s2"] } });
                expect(await push(registry.zot, "ops/hello", "v1", "one", registry.ci)).toBe(201);
            });
            afterAll(() => registry?.stop());

            test.each(["anonymousPull", "pull", "anonymousPush", "push", "overwrite"] as const)("%s", async (what) => {
                // What a push of the manifest finds there.
                const { config, layer, manifest } = image("two");
                for (const blob of [config, layer])
                    expect(await pushBlob(registry.zot, "ops/hello", blob, registry.ci)).toBe(201);
                const body = JSON.stringify({ ...(JSON.parse(manifest) as object), mediaType: way.manifestType });
                for (const { method, path, loggedIn, answered } of way[what]) {
                    const answer = await registry.zot.request(method, path, {
                        headers: {
                            "User-Agent": way.userAgent,
                            ...(method === "PUT" ? { "Content-Type": way.manifestType } : { Accept: way.accept }),
                        },
                        as: loggedIn ? registry.ci : undefined,
                        ...(method === "PUT" ? { body } : {}),
                    });
                    expect({ method, path, answered: answer.status }).toEqual({ method, path, answered });
                    if (answered === 401) expect(answer.headers["www-authenticate"]).toMatch(/^Basic realm=/i);
                    if (answered === 403) expect(answer.body.toString()).toMatch(/"code":"DENIED"/);
                    if (answered === 200 && path !== "/v2/")
                        expect(answer.headers["docker-content-digest"]).toMatch(/^sha256:/);
                }
            });

            test("the manifest itself is there for anyone who asks for it", async () => {
                expect(
                    (
                        await registry.zot.request("HEAD", MANIFEST, {
                            headers: { "User-Agent": way.userAgent, Accept: way.accept },
                        })
                    ).status,
                ).toBe(200);
            });
        });

        const client = clients.find(({ name }) => name === way.client)!;
        (client.missing ? describe.skip : describe)(skippable(`${way.client}: watched`, client.missing), () => {
            let registry: HardenedRegistry;
            let gate: Gate;
            let folder: string;
            let engine: Awaited<ReturnType<Client["start"]>>;
            const seen: Step[] = [];

            beforeAll(async () => {
                folder = mkdtempSync(join(tmpdir(), "zot-client-"));
                registry = await startHardenedRegistry(zot, client.extraConfig);
                gate = await startGate(() => registry.url);
                engine = await client.start(folder, new URL(gate.url).host);
                gate.after = ({ method, path, headers }, { status }) => {
                    if (headers["user-agent"] === undefined || !/^(docker|containerd)\//.test(headers["user-agent"]))
                        throw new Error(`a request of ${headers["user-agent"]}`);
                    // Layers are asked for side by side, and in no order.
                    if (path.includes("/blobs/") && status !== 401) return;
                    const step: Step = {
                        method: method as Step["method"],
                        path,
                        ...(headers.authorization ? { loggedIn: true } : {}),
                        answered: status,
                    };
                    if (!seen.some((before) => isDeepStrictEqual(before, step))) seen.push(step);
                };
            });
            afterAll(async () => {
                await engine?.stop();
                await gate?.stop();
                await registry?.stop();
                rmSync(folder, { recursive: true, force: true });
            });

            /** A tag is resolved, and then fetched by its digest. */
            const watched = async (work: () => Promise<unknown>) => {
                seen.length = 0;
                await work();
                return seen.filter(({ path }) => !path.includes("/manifests/sha256:"));
            };
            test("it sends just these", async () => {
                const reference = (tag: string) => `${new URL(gate.url).host}/ops/hello:${tag}`;
                const [one, two] = [ociLayout(folder, "one"), ociLayout(folder, "two")];
                const [anyone, ci] = [engine.session("anyone"), engine.session("ci")];
                await ci.logIn(...registry.ci);
                await ci.push(one, reference("v1"));
                expect(await watched(() => anyone.pull(reference("v1")))).toEqual(way.anonymousPull);
                expect(await watched(() => ci.pull(reference("v1")))).toEqual(way.pull);
                expect(await watched(() => anyone.push(two, reference("v2")))).toEqual(way.anonymousPush);
                expect(await watched(() => ci.push(two, reference("v2")))).toEqual(way.push);
                expect(await watched(() => ci.push(two, reference("v1")))).toEqual(way.overwrite);
            });
        });
    }
});
