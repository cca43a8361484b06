/** Pull-through caches: what readers ask for comes from upstream, and stays. */
import { sourceOf } from "../../../testbed/zot/pullThrough";
import { cleanUp, digestOf, image, jsonOf, push, RunningZot, textOf, zots } from "./zots";

jest.setTimeout(120_000);
afterAll(cleanUp);

describe.each(zots)("$name", (zot) => {
    let upstream: RunningZot;
    let server: RunningZot;

    beforeAll(async () => {
        upstream = await RunningZot.start(zot, () => ({}));
        server = await RunningZot.start(zot, () => ({
            http: { accessControl: { repositories: { "**": { anonymousPolicy: ["read"] } } } },
            extensions: {
                sync: {
                    enable: true,
                    registries: [
                        {
                            urls: [upstream.url],
                            onDemand: true,
                            tlsVerify: false,
                            content: [{ prefix: "**", destination: "/docker.io" }],
                        },
                    ],
                },
            },
        }));
    });

    const pull = (repository: string, reference = "v1") =>
        server.request("GET", `/v2/${repository}/manifests/${reference}`);

    test(
        "an anonymous reader gets what upstream has, and it is stored although nobody may create [fact: " +
            "`sync` on demand stores what an anonymous reader asks for, whatever `accessControl` says of `create`]",
        async () => {
            await push(upstream, "library/app", "v1", "upstream");
            const answer = await pull("docker.io/library/app");
            expect(answer.status).toBe(200);
            expect(textOf(answer)).toBe(image("upstream").manifest);
            const layer = await server.request(
                "GET",
                `/v2/docker.io/library/app/blobs/${digestOf(image("upstream").layer)}`,
            );
            expect(textOf(layer)).toBe(image("upstream").layer);
            expect(
                jsonOf<{ repositories: string[] }>(await server.request("GET", "/v2/_catalog")).repositories,
            ).toContain("docker.io/library/app");
            expect(await push(server, "docker.io/library/app", "v2", "x")).toBe(401);
        },
    );

    test("by digest, too", async () => {
        await push(upstream, "library/by-digest", "v1", "by digest");
        expect((await pull("docker.io/library/by-digest", image("by digest").digest)).status).toBe(200);
    });

    test("a tag that moves upstream moves here", async () => {
        await push(upstream, "library/moving", "latest", "old");
        expect(textOf(await pull("docker.io/library/moving", "latest"))).toBe(image("old").manifest);
        await push(upstream, "library/moving", "latest", "new");
        expect(textOf(await pull("docker.io/library/moving", "latest"))).toBe(image("new").manifest);
    });

    test("what upstream does not have, and what no rule is for, is 404", async () => {
        expect((await pull("docker.io/library/nobody")).status).toBe(404);
        await push(upstream, "library/app", "v1", "upstream");
        expect((await pull("library/app")).status).toBe(404);
    });

    test(
        "without upstream the stored answers, and nothing else [fact: Upstream down: " +
            "a cached tag still answers (after about 3 s), an uncached one is 404]",
        async () => {
            await push(upstream, "library/cached", "v1", "cached");
            expect((await pull("docker.io/library/cached")).status).toBe(200);
            await upstream.stop();
            expect((await pull("docker.io/library/cached")).status).toBe(200);
            expect((await pull("docker.io/library/uncached")).status).toBe(404);
        },
    );
});

test.each([
    ["docker.io/library/app", [{ prefix: "**", destination: "/docker.io" }], "library/app"],
    ["ghcr.io/library/app", [{ prefix: "**", destination: "/docker.io" }], undefined],
    ["local/repo/repo1", [{ prefix: "/repo/*", destination: "/local" }], "repo/repo1"],
])("%s comes from %j as %s", (repository, content, source) => {
    expect(sourceOf(repository, content)).toBe(source);
});
