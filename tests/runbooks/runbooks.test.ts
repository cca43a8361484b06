/** The operator's manual, followed literally: its shell blocks, typed on a site on loopback with the ordinary CLI. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ZotSession } from "../../clients/zot/session";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { startSshHost } from "../../testbed/sshHost";
import { blocks, README } from "./manual";
import { type Operator, type Ran, type RunOptions, reason, STACK, startOperator } from "./operator";

jest.setTimeout(600_000);

let operator: Operator;

const type = (block: string, options?: RunOptions): Promise<Ran> => operator.type(block, options);
const anyone = () => operator.registry();
const ci = (credentials = operator.ciSecrets()) => operator.registry(credentials);
const configFolder = () => join(operator.site.folder, "zot");
let tags = 0;
const newTag = () => `v${++tags}`;

/** From nothing to a hardened registry, as the README and the manual say. */
async function harden(): Promise<void> {
    const { site, home, folder } = operator;
    const state = join(home, ".pulumi-state");
    const setUp = README.get("By hand");
    if (setUp?.length !== 1) throw new Error('The README has another number of shell blocks below "By hand".');
    const [preparation, update] = setUp[0]!.split("\npulumi preview\n");
    expect(update).toContain("pulumi up\npulumi stack output --json --show-secrets");
    writeFileSync(join(home, "id_ed25519"), site.ssh.privateKeyPem, { mode: 0o600 });
    // The file of the site is there already.
    await type(preparation!.replaceAll("mysite", STACK), {
        replace: {
            "npm ci ": "true ",
            "~/.pulumi-state": state,
            [`cp Pulumi.example.yaml Pulumi.${STACK}.yaml`]: "true",
            "registry-host.example.org": "127.0.0.1",
            "ssh-keyscan -t": `ssh-keyscan -p ${site.ssh.port} -t`,
            "~/.ssh/id_ed25519": join(home, "id_ed25519"),
        },
        // The token is asked for; the manual lets the next step set it.
        input: "not-yet\n",
    });

    const [look, token, update2, prove] = blocks("The first hardening", 4);
    const looked = await type(look!);
    expect(looked.stdout).toMatch(/^repositories +who +read +create +update +delete$/m);
    expect(looked.stdout).toContain('"distSpecVersion"');
    await type(token!, { input: `${site.authentik.token}\n` });
    const ran = await type(update2!);
    expect(ran.text).not.toContain(site.authentik.token);
    const proof = await type(prove!);
    expect(proof.text).not.toContain(operator.ciSecrets().key);
    expect(existsSync(join(folder, "adopt.json"))).toBe(false);
}

(reason ? describe.skip : describe)(skippable("the manual, on a hardened registry", reason), () => {
    beforeAll(async () => {
        operator = await startOperator();
        expect(await anyone().push("app/hello", "v0", "before the hardening")).toBe(201);
        await harden();
    });
    afterAll(() => operator?.stop());

    test("The first hardening", async () => {
        expect(await anyone().pull("app/hello", "v0")).toBe(200);
        expect(await anyone().push("app/hello", newTag(), "x")).toBe(401);
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        expect(await operator.pending()).toEqual({});
    });

    test("A change of policy", async () => {
        await type(
            "git -c user.name=operator -c user.email=operator@example.org -c commit.gpgsign=false commit " +
                "--quiet --all --message site",
        );
        operator.changeSettings({ access: { ciRepositories: ["app/**"] } });
        const [block] = blocks("A change of policy", 1);
        const { text } = await type(block!);
        expect(text).toMatch(
            /^# Rights narrow\n- narrower `prod`: CI \(group `artifact-workloads`\) loses create on `\*\*`, except `app\/\*\*`/,
        );
        expect(await ci().push("other/hello", newTag(), "x")).toBe(403);
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
    });

    test("Back to yesterday's policy", async () => {
        const signature = { NAME: "operator", EMAIL: "operator@example.org" };
        const env = Object.fromEntries(
            Object.entries(signature).flatMap(([key, value]) =>
                ["AUTHOR", "COMMITTER"].map((who) => [`GIT_${who}_${key}`, value]),
            ),
        );
        await type("git -c commit.gpgsign=false commit --quiet --all --message 'CI pushes to app only'", { env });
        expect(await ci().push("tools/hello", "v1", "x")).toBe(403);
        const [block] = blocks("Back to yesterday's policy", 1);
        const { text } = await type(block!, { replace: { COMMIT: "HEAD" }, env });
        expect(text).toContain("CI pushes to app only");
        expect(text).toContain("CI (group `artifact-workloads`) gains create on `**`");
        expect(operator.settings().access?.ciRepositories).toBeUndefined();
        expect(await ci().push("tools/hello", "v1", "x")).toBe(201);
        expect(await operator.pending()).toEqual({});
    });

    test("Rotate CI's key", async () => {
        const before = operator.ciSecrets();
        const [block] = blocks("Rotate CI's key", 1);
        await type(block!);
        const after = operator.ciSecrets();
        expect(after.key).not.toBe(before.key);
        for (const key of [before, after]) expect(await ci(key).push("app/hello", newTag(), "x")).toBe(201);
        expect(operator.settings().ci ?? {}).not.toHaveProperty("keyRotateAfter");
        expect(await operator.pending()).toEqual({});
    });

    test("Rotate the client secret", async () => {
        const credentials = () => readdirSync(configFolder()).filter((name) => name.startsWith("oidc-credentials."));
        const before = credentials();
        const [block] = blocks("Rotate the client secret", 1);
        await type(block!);
        expect(credentials().filter((name) => !before.includes(name))).toHaveLength(1);
        // A login with the new one.
        const { site } = operator;
        const session = await ZotSession.login(
            site.registryUrl,
            {
                username: site.authentik.adminUser,
                password: await site.authentik.appPassword(site.authentik.adminUser),
            },
            { identityProvider: [site.issuer] },
        );
        await session.end();
        expect(await operator.pending()).toEqual({});
    });

    test("Rotate the session keys", async () => {
        const config = () => readFileSync(join(configFolder(), "config.json"), "utf8");
        const named = (kind: string) => new RegExp(`${kind}\\.([0-9a-f]{64})\\.json`).exec(config())![1];
        const before = { credentials: named("oidc-credentials"), sessions: named("session-keys") };
        const [block] = blocks("Rotate the session keys", 1);
        await type(block!);
        expect(named("session-keys")).not.toBe(before.sessions);
        expect(named("oidc-credentials")).toBe(before.credentials);
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
    });

    test("Rotate the token for Authentik", async () => {
        const { site } = operator;
        const token = async () => (await type(`pulumi config get authentik:token --stack ${STACK}`)).stdout.trim();
        const before = await token();
        const [block] = blocks("Rotate the token for Authentik", 1);
        const { text } = await type(block!, { input: `${site.authentik.token}\n` });
        expect(text).toMatch(/\d+ unchanged/);
        expect(await token()).not.toBe(before);
        const status = async (key: string) =>
            (
                await fetch(`${site.authentik.url}/api/v3/core/users/me/`, {
                    headers: { authorization: `Bearer ${key}` },
                })
            ).status;
        expect([await status(before), await status(await token())]).toEqual([403, 200]);
    });

    test("Rotate the SSH key", async () => {
        const { site, home } = operator;
        const [block] = blocks("Rotate the SSH key", 1);
        // ssh-copy-id logs in with the old key, and appends.
        const bin = join(home, "bin");
        mkdirSync(bin, { recursive: true });
        writeFileSync(
            join(bin, "ssh-copy-id"),
            `#!/bin/sh\n[ "$1 $3" = "-i USER@HOST" ] && cat "$2" >>'${site.ssh.authorizedKeysFile}'\n`,
            { mode: 0o755 },
        );
        mkdirSync(join(home, ".ssh"), { recursive: true });
        await type(block!, {
            replace: { "~/.ssh/": `${home}/.ssh/` },
            env: { PATH: `${bin}:${(await type("echo $PATH")).stdout.trim()}` },
        });
        writeFileSync(site.ssh.authorizedKeysFile, readFileSync(join(home, ".ssh/id_zot.pub"), "utf8"));
        expect(await operator.pending()).toEqual({});
    });

    test("Rotate the state's passphrase, and restore a backup of before", async () => {
        const [rotate, backUp] = blocks("Rotate the state's passphrase", 2);
        const [restore, look] = blocks("Restore a backup of before a rotation", 2);
        const rotated = { env: { PULUMI_CONFIG_PASSPHRASE: "another-passphrase" } };
        const twice = (passphrase: string) => `${passphrase}\n${passphrase}\n`;
        const preview = `pulumi preview --stack ${STACK} --expect-no-changes`;
        await type(`pulumi stack export --stack ${STACK} >old-state.json`);
        // On a terminal it is asked for twice.
        await type(rotate!, { input: twice("another-passphrase") });
        await expect(type(preview)).rejects.toThrow(/passphrase/);
        await type(preview, rotated);
        await type(backUp!, rotated);

        // What goes wrong by the short way, as the manual tells it.
        const state = join(operator.home, ".pulumi-state/.pulumi");
        await expect(type(`pulumi stack import --stack ${STACK} <old-state.json`, rotated)).rejects.toThrow(
            /incorrect passphrase/,
        );
        rmSync(state, { recursive: true });
        await type(`pulumi stack init ${STACK}`, rotated);
        expect((await type(`pulumi stack import --stack ${STACK} <old-state.json`)).text).toContain("Import complete");
        for (const passphrase of [operator.passphrase, "another-passphrase"]) {
            await expect(type(preview, { env: { PULUMI_CONFIG_PASSPHRASE: passphrase } })).rejects.toThrow(
                /incorrect passphrase/,
            );
        }

        // The passphrase of that time is in the environment.
        await type(restore!, { input: twice("another-passphrase"), replace: { "OLD-STATE": "old-state.json" } });
        await type(look!, rotated);
        await type(preview, rotated);
        await expect(type(preview)).rejects.toThrow(/passphrase/);
        // Where the stack is gone.
        rmSync(state, { recursive: true });
        const [copy, ...rest] = restore!.split("\n").slice(1);
        await type([copy, `pulumi stack init ${STACK}`, ...rest].join("\n"), {
            input: twice("another-passphrase"),
            replace: { "OLD-STATE": "old-state.json" },
        });
        await type(preview, rotated);

        await type(rotate!, { input: twice(operator.passphrase), ...rotated });
        expect(await operator.pending()).toEqual({});
    });

    test("CI's key leaked", async () => {
        const before = operator.ciSecrets();
        const [block] = blocks("CI's key leaked", 1);
        await type(block!);
        expect(await ci(before).push("app/hello", newTag(), "x")).toBe(401);
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        expect(await operator.pending()).toEqual({});
    });

    test("The state is lost, and there is a backup", async () => {
        const [block] = blocks("The state is lost, and there is a backup", 1);
        await type(`pulumi stack export --stack ${STACK} >prod-state.json`);
        rmSync(join(operator.home, ".pulumi-state/.pulumi"), { recursive: true });
        await type(block!);
        expect(await operator.pending()).toEqual({});
    });

    test("The state is lost, without a backup", async () => {
        const before = operator.ciSecrets();
        rmSync(join(operator.home, ".pulumi-state/.pulumi"), { recursive: true });
        const [init, takeOver] = blocks("The state is lost, without a backup", 2);
        await type(init!);
        await type(takeOver!);
        expect(operator.ciSecrets()).not.toEqual(before);
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        expect(await anyone().push("app/hello", newTag(), "x")).toBe(401);
        expect(await operator.pending()).toEqual({});
    });

    test("Restore the registry", async () => {
        const { site } = operator;
        site.zot.stop();
        const lost = readdirSync(join(site.folder, "images")).filter(
            (name) => !statSync(join(site.folder, "images", name)).isDirectory() || name === "_meta",
        );
        for (const name of lost) rmSync(join(site.folder, "images", name), { recursive: true });
        await site.zot.restart();
        const before = operator.ciSecrets();
        expect(await ci().push("app/hello", newTag(), "x")).toBe(401);
        const [block] = blocks("Restore the registry", 1);
        await type(block!);
        expect(operator.ciSecrets()).not.toEqual(before);
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        expect(await anyone().pull("app/hello", "v0")).toBe(200);
    });

    test("The host is replaced", async () => {
        const { site } = operator;
        const [tell, update] = blocks("The host is replaced", 2);
        const other = await startSshHost();
        try {
            await type(tell!, {
                replace: {
                    "ssh-keyscan -t ed25519 HOST": `ssh-keyscan -p ${other.port} -t ed25519 127.0.0.1`,
                    "host.address HOST": "host.address 127.0.0.1",
                },
            });
            operator.changeSettings({ host: { port: other.port } });
            await type("pulumi config set --path host.privateKey --secret --stack prod", {
                input: other.privateKeyPem,
            });
            const before = site.ssh.connections();
            const { text } = await type(update!);
            expect(text).not.toMatch(/replace/);
            expect(site.ssh.connections()).toBe(before);
            expect(other.connections()).toBeGreaterThan(1);
            expect(await operator.pending()).toEqual({});
        } finally {
            operator.changeSettings({ host: { port: site.ssh.port, hostKey: site.ssh.hostPublicKey } });
            writeFileSync(
                site.ssh.authorizedKeysFile,
                (await type(`ssh-keygen -y -f ${site.ssh.privateKeyFile}`)).stdout,
            );
            await type("pulumi config set --path host.privateKey --secret --stack prod", {
                input: site.ssh.privateKeyPem,
            });
            await type(`pulumi up --stack ${STACK}`);
            await other.stop();
        }
    });
});
