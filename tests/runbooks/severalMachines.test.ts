/**
 * The page on several machines, followed literally: a registry in use moves from one machine into a bucket and redis,
 * gets a second machine, and goes back. On a real zot, with a real redis, a bucket as moto serves it, and aws.
 */
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf, RegistryClient } from "../../clients/zot/registry";
import { ZotSession } from "../../clients/zot/session";
import { findExecutable, readMachine, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { openConfig } from "../../testbed/site";
import { freePort } from "../../testbed/site/ports";
import { noSharedState, type SharedState, startSharedState } from "../../testbed/site/sharedState";
import { startZotService, type ZotService } from "../../testbed/site/zotService";
import { type SshHost, startSshHost } from "../../testbed/sshHost";
import { shellBlocks } from "./manual";
import { type Operator, type RegistryCredentials, reason, STACK, startOperator } from "./operator";

jest.setTimeout(600_000);

const noZot = readMachine().zot.kind === "real" ? undefined : "there is no real zot in ZOT or on the PATH";
const noAws = findExecutable("aws") ? undefined : "there is no aws on the PATH (pip install awscli)";
const missing = reason ?? noSharedState() ?? noZot ?? noAws;

const [IMAGE, INDEX] = ["application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"];
const SIGNATURE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const MANUAL = shellBlocks("docs/scale.md");

let operator: Operator;
let shared: SharedState;

/** What the page says below a heading, block by block; there have to be so many. */
function blocks(heading: string, count: number): string[] {
    const found = MANUAL.get(heading) ?? [];
    expect({ heading, blocks: found.length }).toEqual({ heading, blocks: count });
    return found;
}

const ci = () => operator.ciSecrets();
const anyone = (url = operator.site.registryUrl) => new RegistryClient(url);
const as = (who: RegistryCredentials, url = operator.site.registryUrl) => new RegistryClient(url, who);

/** A key of the site's admin, from a login as by a browser. */
async function personKey(label: string): Promise<RegistryCredentials & { id: string }> {
    const { site } = operator;
    const username = site.authentik.adminUser;
    const session = await ZotSession.login(
        site.registryUrl,
        { username, password: await site.authentik.appPassword(username) },
        { identityProvider: [site.issuer] },
    );
    const { key, record } = await session.apiKeys.create(label, new Date(Date.now() + 60 * 60_000));
    await session.end();
    return { username, key, id: record.uuid };
}

/** What zot answers to a key: 401 where it does not know it. */
const knows = async (who: RegistryCredentials, url?: string) => (await as(who, url).request("GET", "/v2/")).status;

/** Puts a manifest; by its digest where there is no tag. */
async function put(registry: RegistryClient, repository: string, type: string, manifest: object, tag?: string) {
    const body = JSON.stringify(manifest);
    const digest = digestOf(body);
    const { status } = await registry.request("PUT", `/v2/${repository}/manifests/${tag ?? digest}`, {
        headers: { "content-type": type },
        body,
    });
    expect([repository, tag, status]).toEqual([repository, tag, 201]);
    return { mediaType: type, digest, size: body.length };
}

/** An index of an image, and a signature of it; all repositories have the image's blobs. */
async function pushAll(registry: RegistryClient, repository: string) {
    expect(await registry.push(repository, "v1", "a layer that all repositories have")).toBe(201);
    const { text } = await registry.request("GET", `/v2/${repository}/manifests/v1`, { headers: { accept: IMAGE } });
    const { config, layers } = JSON.parse(text) as { config: object; layers: object[] };
    const image = { mediaType: IMAGE, digest: digestOf(text), size: text.length };
    const platform = { os: "linux", architecture: "amd64" };
    const index = await put(
        registry,
        repository,
        INDEX,
        { schemaVersion: 2, mediaType: INDEX, manifests: [{ ...image, platform }] },
        "v1-index",
    );
    await put(registry, repository, IMAGE, {
        ...{ schemaVersion: 2, mediaType: IMAGE, artifactType: SIGNATURE },
        ...{ config, layers, subject: index },
    });
    return index.digest;
}

const REPOSITORIES = ["team/app", "team/copy"];

/** Everything that anyone may pull, as it is answered. */
async function contents(url = operator.site.registryUrl): Promise<unknown[]> {
    const registry = anyone(url);
    const accept = { headers: { accept: `${IMAGE}, ${INDEX}` } };
    const get = async (path: string) => {
        const { status, text } = await registry.request("GET", path, accept);
        expect([path, status]).toEqual([path, 200]);
        return text;
    };
    const found: unknown[] = [];
    for (const repository of REPOSITORIES) {
        const { tags } = JSON.parse(await get(`/v2/${repository}/tags/list`)) as { tags: string[] };
        for (const tag of tags.sort()) {
            const manifest = await get(`/v2/${repository}/manifests/${tag}`);
            const {
                config,
                layers = [],
                manifests = [],
            } = JSON.parse(manifest) as Record<string, { digest: string }[]> & {
                config?: { digest: string };
            };
            const blobs = [...(config ? [config] : []), ...layers];
            found.push(
                [repository, tag, manifest],
                ...(await Promise.all(blobs.map(({ digest }) => get(`/v2/${repository}/blobs/${digest}`)))),
                ...(await Promise.all(manifests.map(({ digest }) => get(`/v2/${repository}/manifests/${digest}`)))),
                await get(`/v2/${repository}/referrers/${digestOf(manifest)}`),
            );
        }
    }
    return found;
}

/** When zot says that versions were pushed, and how often pulled. */
async function statistics(): Promise<Record<string, { PushTimestamp: string; DownloadCount: number }>> {
    const query = `{ImageList(repo:"team/app"){Results{Tag PushTimestamp DownloadCount}}}`;
    const { text } = await anyone().request("GET", `/v2/_zot/ext/search?query=${encodeURIComponent(query)}`);
    const { Results } = (
        JSON.parse(text) as {
            data: { ImageList: { Results: { Tag: string; PushTimestamp: string; DownloadCount: number }[] } };
        }
    ).data.ImageList;
    return Object.fromEntries(Results.map(({ Tag, ...rest }) => [Tag, rest]));
}

(missing ? describe.skip : describe)(skippable("a registry in use, from one machine to several", missing), () => {
    let person: RegistryCredentials;
    let revoked: RegistryCredentials & { id: string };
    let before: unknown[];
    let second: { ssh: SshHost; zot: ZotService; url: string; member: Record<string, unknown> } | undefined;
    const images = () => String(operator.site.settings.zot!.rootDirectory);
    /** On the machine there are the bucket's credentials, and an aws that a test can let fail. */
    const onMachine = () => ({ env: { ...shared.environment, PATH: `${operator.home}/bin:${operator.path}` } });
    const stop = () => ({ "sudo systemctl stop zot": `${operator.site.zot.restartCommand} stop` });
    const toRedis = (block: string, more = "") =>
        operator.type(block, {
            replace: {
                "ssh USER@HOST sudo cat ROOT-DIRECTORY/meta.db": `cat '${images()}/meta.db'`,
                "REDIS-ADDRESS": String(shared.settings.redis.address),
                "--from -": `--from - ${more}`,
            },
        });
    const member = () => {
        const { address, port, hostKey } = operator.site.settings.host as Record<string, unknown>;
        return { address, port, hostKey };
    };
    const configOnMachine = () => readFileSync(String(operator.site.settings.zot!.configFile), "utf8");

    beforeAll(async () => {
        shared = await startSharedState();
        operator = await startOperator({ zotEnvironment: shared.environment });
        // No zot of a bucket searches images for vulnerabilities.
        operator.changeSettings({ zot: { vulnerabilityUpdateInterval: "off" } });
        await operator.harden();
        for (const repository of REPOSITORIES) await pushAll(as(ci()), repository);
        person = await personKey("laptop");
        revoked = await personKey("another laptop");
        before = await contents();
        const aws = join(operator.home, "bin", "aws");
        mkdirSync(join(operator.home, "bin"));
        writeFileSync(
            aws,
            `#!/bin/sh\ncase "$*" in *" cp "*) [ ! -e '${operator.home}/interrupted' ] || exit 130 ;; esac\n` +
                `exec '${findExecutable("aws")}' "$@"\n`,
        );
        chmodSync(aws, 0o755);
    });
    afterAll(async () => {
        second?.zot.stop();
        await second?.ssh.stop();
        await operator?.stop();
        shared?.stop();
    });

    test("the preview says what zot would not see, and refuses nothing", async () => {
        const [preview] = blocks("From one machine to several", 6);
        const { host } = operator.settings() as Record<string, Record<string, unknown>>;
        const { address: _address, hostKey: _key, ...rest } = host!;
        await operator.type(
            `pulumi config rm --path host.address --stack ${STACK}; pulumi config rm --path host.hostKey --stack ${STACK}`,
        );
        operator.changeSettings({ host: { ...rest, members: [member()] }, ...shared.settings });
        const { text } = await operator.type(preview!);
        expect(text).toContain(`in the bucket zot below zot/zot instead of the folder ${images()}`);
        expect(text).toContain(`in redis below zot: instead of ${images()}/meta.db`);
    });

    test("blobs are copied while zot runs, and CI goes on pushing", async () => {
        const [, script, blobs] = blocks("From one machine to several", 6);
        await operator.type(script!, { replace: { "scp move-images.sh USER@HOST:": "true" } });
        await operator.type(blobs!, onMachine());
        expect(await as(ci()).push("team/app", "v2", "pushed while blobs were copied")).toBe(201);
        before = await contents();
    });

    test("a copy that is interrupted changes nothing for the former registry, and is made again", async () => {
        const [, , , all, metadata] = blocks("From one machine to several", 6);
        writeFileSync(join(operator.home, "interrupted"), "");
        const cut = await operator.type(all!, { ...onMachine(), replace: stop(), code: 1 });
        expect(cut.text).toContain("Not all tags were copied. Run the same once more");
        await toRedis(metadata!);
        rmSync(join(operator.home, "interrupted"));

        await operator.site.zot.restart();
        expect(await contents()).toEqual(before);
        expect(await as(ci()).push("team/app", "v3", "pushed after a move that was given up")).toBe(201);
        before = await contents();

        const refused = await operator.type(all!, { ...onMachine(), replace: stop(), code: 1 });
        expect(refused.text).toContain("has repositories already");
        const [again] = blocks("A move that does not come to its end", 1);
        expect((await operator.type(again!, onMachine())).text).toContain("have the same: 2 repositories");
        await expect(toRedis(metadata!)).rejects.toThrow("is there already, and nothing was changed");
        expect((await toRedis(metadata!, "--replace")).text).toContain("errors: 0");
    });

    test("an update that fails leaves the former config, and what was copied is none the worse for it", async () => {
        const former = configOnMachine();
        operator.changeSettings({ host: { restartCommand: "exit 7" } });
        const [, , , , , deploy] = blocks("From one machine to several", 6);
        const failed = await operator.type(deploy!.split("\n")[0]!, { code: 1 });
        expect(failed.text).toContain("ZH-RESTART-FAILED");
        expect(configOnMachine()).toBe(former);
        operator.changeSettings({ host: { restartCommand: operator.site.zot.restartCommand } });
    });

    test("zot starts on the bucket: images, keys, times of pushes and counts of pulls are as before", async () => {
        const [, , , , , deploy] = blocks("From one machine to several", 6);
        const key = ci();
        const { text } = await operator.type(deploy!);
        expect(text).not.toMatch(/\d+ (replaced|deleted)/);
        expect(await contents()).toEqual(before);
        expect((await operator.outputs()).ciApiKey).toBe(key.key);
        expect(await as(key).push("team/app", "v4", "pushed to the bucket")).toBe(201);
        expect(await as(key).push("team/app", "v1", "another")).toBe(403);
        expect(await knows(person)).toBe(200);
        const { v1, v4 } = await statistics();
        expect(v1!.DownloadCount).toBeGreaterThan(3);
        expect(new Date(v1!.PushTimestamp).getTime()).toBeLessThan(new Date(v4!.PushTimestamp).getTime() - 5000);
        expect(await operator.pending()).toEqual({});
        before = await contents();
    });

    test("a second machine serves the same; what a person revokes on one is revoked on both", async () => {
        second = await startSecond();
        operator.changeSettings({ host: { members: [member(), second.member] } });
        await operator.type(`pulumi up --stack ${STACK}`);
        expect(await contents(second.url)).toEqual(before);
        expect(await as(ci(), second.url).push("team/copy", "v5", "pushed by way of the second")).toBe(201);
        expect(await anyone().pull("team/copy", "v5")).toBe(200);
        expect(await knows(person, second.url)).toBe(200);
        expect(await knows(revoked)).toBe(200);
        const headers = { "X-ZOT-API-CLIENT": "zot-ui" };
        await as(person, second.url).request("DELETE", `/zot/auth/apikey?id=${revoked.id}`, { headers });
        for (const url of [second.url, operator.site.registryUrl]) expect(await knows(revoked, url)).toBe(401);
        expect(await as(person, second.url).delete("team/app", "v3")).toBe(202);
        expect(await anyone().pull("team/app", "v3")).toBe(404);
        before = await contents();
    });

    test("back to one machine: what was pushed and deleted since is so, and keys are those of the stop", async () => {
        const [back, deploy] = blocks("Back to one machine", 2);
        second!.zot.stop();
        await operator.type(`${operator.site.zot.restartCommand} stop`);
        await operator.type(back!, onMachine());
        const { address, hostKey } = operator.site.settings.host as Record<string, unknown>;
        await operator.type(
            ["--path host.members", "storage", "redis"]
                .map((setting) => `pulumi config rm ${setting} --stack ${STACK}`)
                .join("; "),
        );
        operator.changeSettings({ host: { address, hostKey } });
        await operator.type(deploy!);
        expect(await contents()).toEqual(before);
        expect(await as(ci()).push("team/app", "v6", "pushed to the folder again")).toBe(201);
        expect(await knows(person)).toBe(200);
        // As the page warns.
        expect(await knows(revoked)).toBe(200);
    });

    async function startSecond() {
        const { site } = operator;
        const ssh = await startSshHost({});
        appendFileSync(ssh.authorizedKeysFile, readFileSync(site.ssh.authorizedKeysFile));
        const folder = join(site.folder, "second");
        const [configFile, rootDirectory] = [join(folder, "zot", "config.json"), join(folder, "images")];
        mkdirSync(join(folder, "zot"), { recursive: true });
        mkdirSync(rootDirectory);
        const port = await freePort();
        const url = `http://127.0.0.1:${port}`;
        const binary = String(site.settings.zot!.binary);
        const zot = startZotService({ folder, binary, configFile, url, environment: shared.environment });
        writeFileSync(configFile, JSON.stringify(openConfig(rootDirectory, port)));
        await zot.restart();
        return {
            ssh,
            zot,
            url,
            member: {
                ...{ address: ssh.host, port: ssh.port, hostKey: ssh.hostPublicKey },
                restartCommand: zot.restartCommand,
                zot: { configFile, rootDirectory, port },
            },
        };
    }
});
