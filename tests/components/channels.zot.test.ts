/** A channel, a scheme and refusals that say why, with the clients that this machine has: as docs/clients.md has it. */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { tieredPolicy } from "../../components/accessTiers";
import { repositoriesOf } from "../../components/zotConfig/accessControl";
import { findExecutable, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { siteSettings } from "../support/settings";
import { PASSWORD, startWithPasswords } from "../testbed/zot/passwordFile";
import {
    type Credentials,
    cleanUp,
    digestOf,
    image,
    jsonOf,
    push,
    putManifest,
    type RunningZot,
    scratch,
    zots,
} from "../testbed/zot/zots";

jest.setTimeout(120_000);
afterAll(cleanUp);

const CI: Credentials = ["ci", PASSWORD];
const ADMIN: Credentials = ["boss", PASSWORD];
const access = { channels: ["**/cache", "channels/**"], tagScheme: ["vX.Y.Z"], explainRefusals: true };
const real = zots.filter(({ isStandIn }) => !isStandIn);
const noZot = real.length > 0 ? undefined : "no real zot, neither in ZOT nor on PATH";
const noSkopeo = noZot ?? (findExecutable("skopeo") ? undefined : "there is no skopeo; Debian's package is skopeo");

async function start(): Promise<RunningZot> {
    const repositories = repositoriesOf(tieredPolicy(siteSettings({ access }).settings));
    const members = { ci: ["artifact-workloads"], boss: ["admins"] };
    return startWithPasswords(real[0]!, members, { accessControl: { repositories } });
}

const reasonOf = (answer: { status: number; body: Buffer }) => [
    answer.status,
    (jsonOf(answer as never) as { errors: { detail?: { reason?: string } }[] }).errors[0]?.detail?.reason,
];

(noZot ? test.skip : test)(
    skippable("a real zot moves a channel's tag, keeps a version's, and says why", noZot),
    async () => {
        const server = await start();
        expect(await push(server, "app", "v1.4.2", "one", CI)).toBe(201);
        expect(reasonOf(await putManifest(server, "app", "v1.4.2", image("two").manifest, CI))).toEqual([
            403,
            "this tag exists, and tags here cannot be changed: push another tag; " +
                "tags can be moved in repositories like **/cache or channels/**",
        ]);
        expect(reasonOf(await putManifest(server, "app", "latest", image("one").manifest, CI))).toEqual([
            403,
            "a new tag has to look like v1.4.2: push such a tag; " +
                "any tag may be pushed to repositories like **/cache or channels/**",
        ]);
        // By digest, with tags that are there and others.
        const two = image("two");
        expect(await push(server, "app", two.digest, "two", CI)).toBe(201);
        for (const [query, status] of [
            ["?tag=v1.4.3&tag=v1.4.4", 201],
            ["?tag=v1.4.2", 403],
            ["?tag=v1.4.5&tag=latest", 403],
        ] as const)
            expect((await putManifest(server, "app", `${two.digest}${query}`, two.manifest, CI)).status).toBe(status);
        for (const repository of ["app/cache", "cache", "channels/app", "channels"])
            for (const text of ["one", "two", "one"])
                expect(await push(server, repository, "latest", text, CI)).toBe(201);
        const moved = await putManifest(server, "channels/app", `${two.digest}?tag=latest`, two.manifest, CI);
        expect(moved.status).toBe(201);
        expect(reasonOf(await server.request("DELETE", "/v2/channels/app/manifests/latest", { as: CI }))).toEqual([
            403,
            "CI may not delete: ask an admin of the registry, or push another tag",
        ]);
        expect(reasonOf(await putManifest(server, "app", "v1.4.2", two.manifest, ADMIN))).toEqual([
            403,
            "this tag exists, and tags cannot be changed: push another tag, or delete this one first",
        ]);
        expect((await server.request("DELETE", "/v2/channels/app/manifests/latest", { as: ADMIN })).status).toBe(202);
        const kept = await server.request("GET", "/v2/app/manifests/v1.4.2");
        expect(digestOf(kept.body)).toBe(image("one").digest);
        await server.stop();
    },
);

(noSkopeo ? test.skip : test)(
    skippable("skopeo fills a channel from a version, again and again", noSkopeo),
    async () => {
        const server = await start();
        for (const [tag, text] of [
            ["v1.0.0", "one"],
            ["v1.0.1", "two"],
        ] as const)
            expect(await push(server, "app", tag, text, CI)).toBe(201);
        const host = server.url.replace("http://", "");
        const authfile = path.join(scratch(), "auth.json");
        fs.writeFileSync(
            authfile,
            JSON.stringify({ auths: { [host]: { auth: Buffer.from(CI.join(":")).toString("base64") } } }),
        );
        const copy = (from: string, to: string) =>
            spawnSync(
                "skopeo",
                ["copy", "--all", "--src-tls-verify=false", "--dest-tls-verify=false", "--authfile", authfile].concat(
                    [from, to].map((reference) => `docker://${host}/${reference}`),
                ),
                { encoding: "utf8", timeout: 60_000 },
            );
        for (const version of ["v1.0.0", "v1.0.1", "v1.0.0", "v1.0.0"])
            expect(copy(`app:${version}`, "channels/app:latest").stderr).not.toMatch(/denied/);
        const channel = await server.request("GET", "/v2/channels/app/manifests/latest");
        expect(digestOf(channel.body)).toBe(image("one").digest);
        expect(copy("app:v1.0.1", "app:v1.0.0")).toMatchObject({ status: 1, stderr: expect.stringMatching(/denied/) });
        await server.stop();
    },
);
