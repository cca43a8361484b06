/** Tags that move beside versions, on a real zot: who may move what, and what it costs. */
import { tieredPolicy } from "../../components/accessTiers";
import { repositoriesOf } from "../../components/zotConfig/accessControl";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { looked } from "../cli/verify/integrity/registry";
import { siteSettings } from "../support/settings";
import { PASSWORD, startWithPasswords } from "../testbed/zot/passwordFile";
import {
    type Credentials,
    cleanUp,
    digestOf,
    image,
    jsonOf,
    manifestType,
    noRealZot,
    push,
    putManifest,
    type RunningZot,
    zots,
} from "../testbed/zot/zots";

jest.setTimeout(120_000);
afterAll(cleanUp);

const CI: Credentials = ["ci", PASSWORD];
const ADMIN: Credentials = ["boss", PASSWORD];
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

async function start(): Promise<RunningZot> {
    const access = {
        movableTags: { "team/**": ["latest", "pr-X"] },
        acceptLossOfManifests: true,
        tagScheme: ["vX.Y.Z"],
        explainRefusals: true,
        rules: { "team/base/**": {}, "team/closed/**": { ci: ["read"] } },
    };
    const repositories = repositoriesOf(tieredPolicy(siteSettings({ access }).settings));
    const members = { ci: ["artifact-workloads"], boss: ["admins"] };
    const real = zots.find(({ isStandIn }) => !isStandIn)!;
    return startWithPasswords(real, members, { accessControl: { repositories }, storage: { gc: false } });
}

(noRealZot ? test.skip : test)(
    skippable(
        "a real zot moves them by the tag and by ?tag=, and nothing else; a version stays, and may lose a part",
        noRealZot,
    ),
    async () => {
        const server = await start();
        const put = (repository: string, reference: string, text: string) =>
            putManifest(server, repository, reference, image(text).manifest, CI).then(({ status }) => status);
        for (const repository of ["team", "team/app", "team/base/x"]) {
            expect(await push(server, repository, "v1.0.0", "one", CI)).toBe(201);
            expect(await push(server, repository, image("two").digest, "two", CI)).toBe(201);
            for (const text of ["one", "two", "one"]) expect(await put(repository, "latest", text)).toBe(201);
            const two = image("two").digest;
            const expected: [reference: string, status: number][] = [
                [`${two}?tag=latest`, 201],
                [`${two}?tag=latest&tag=pr-7`, 201],
                [`${two}?tag=pr-8&tag=v1.0.1`, 201],
                [`${two}?tag=v1.0.0`, 403],
                [`${two}?tag=latest&tag=v1.0.0`, 403],
                [`${two}?tag=latest&tag=v1.0.1`, 403],
                [`${two}?tag=other`, 403],
                ["v1.0.0", 403],
                ["v1.0.1", 403],
                ["other", 403],
                ["latest2", 403],
                ["0".repeat(64), 403],
                [two, 201],
            ];
            for (const [reference, status] of expected)
                expect([repository, reference, await put(repository, reference, "two")]).toEqual([
                    repository,
                    reference,
                    status,
                ]);
            for (const reference of ["latest", two]) {
                const answer = await server.request("DELETE", `/v2/${repository}/manifests/${reference}`, { as: CI });
                expect(answer.status).toBe(403);
            }
        }
        expect(await put("team/closed/app", "latest", "one")).toBe(403);
        expect(await push(server, "other", "latest", "one", CI)).toBe(403);
        const refused = await putManifest(server, "team/app", "v1.0.0", image("two").manifest, CI);
        expect(jsonOf<{ errors: { detail: { reason: string } }[] }>(refused).errors[0]!.detail.reason).toBe(
            "this tag exists, and tags here cannot be changed: push another tag; " +
                "tags like latest or pr-1 can be moved in repositories like team/**",
        );
        expect(digestOf((await server.request("GET", "/v2/team/app/manifests/v1.0.0")).body)).toBe(image("one").digest);
        expect((await server.request("DELETE", "/v2/team/app/manifests/latest", { as: ADMIN })).status).toBe(202);
        await server.stop();
    },
);

(noRealZot ? test.skip : test)(
    skippable("what it costs: a platform of a version is gone once a tag left it, and --integrity names it", noRealZot),
    async () => {
        const server = await start();
        const children = [image("amd64"), image("arm64")];
        for (const [index, text] of ["amd64", "arm64"].entries())
            expect(await push(server, "team/app", children[index]!.digest, text, CI)).toBe(201);
        const index = JSON.stringify({
            schemaVersion: 2,
            mediaType: INDEX_TYPE,
            manifests: children.map((one, place) => ({
                mediaType: manifestType,
                digest: one.digest,
                size: one.manifest.length,
                platform: { os: "linux", architecture: ["amd64", "arm64"][place] },
            })),
        });
        const pushed = await server.request("PUT", "/v2/team/app/manifests/v1.0.0", {
            as: CI,
            headers: { "Content-Type": INDEX_TYPE },
            body: index,
        });
        expect(pushed.status).toBe(201);
        expect((await looked(server)).said).toEqual([]);
        // latest on a platform, and away again: each step is allowed.
        const [, arm64] = children as [(typeof children)[0], (typeof children)[0]];
        expect((await putManifest(server, "team/app", `${arm64.digest}?tag=latest`, arm64.manifest, CI)).status).toBe(
            201,
        );
        expect(await push(server, "team/app", "latest", "something else", CI)).toBe(201);
        expect((await server.request("GET", `/v2/team/app/manifests/${arm64.digest}`)).status).toBe(404);
        expect(digestOf((await server.request("GET", "/v2/team/app/manifests/v1.0.0")).body)).toBe(digestOf(index));
        expect((await looked(server)).said).toEqual([
            `team/app:v1.0.0 (${digestOf(index)}): the platform linux/arm64 (${arm64.digest}) is forgotten by zot, ` +
                "and its bytes are there until garbage collection",
        ]);
        await server.stop();
    },
);
