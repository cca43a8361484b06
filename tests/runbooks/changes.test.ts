/** The operator's manual, followed literally: what moves, is renamed, breaks or comes to its end. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ZotSession } from "../../clients/zot/session";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { freePort } from "../../testbed/site/ports";
import { blocks, shellBlocks } from "./manual";
import { type Operator, type Ran, type RunOptions, reason, STACK, startOperator } from "./operator";

jest.setTimeout(600_000);

let operator: Operator;
const type = (block: string, options?: RunOptions): Promise<Ran> => operator.type(block, options);
const anyone = () => operator.registry();
const ci = (credentials = operator.ciSecrets()) => operator.registry(credentials);
let tags = 0;
const newTag = () => `v${++tags}`;
const configFile = () => join(operator.site.folder, "zot/config.json");
const issuer = () => /"issuer": "([^"]*)"/.exec(readFileSync(configFile(), "utf8"))![1];

/** A key of the site's admin, from a login as by a browser. */
async function adminKey(): Promise<{ username: string; key: string }> {
    const { site } = operator;
    const username = site.authentik.adminUser;
    const session = await ZotSession.login(
        site.registryUrl,
        { username, password: await site.authentik.appPassword(username) },
        { identityProvider: [issuer()!] },
    );
    const { key } = await session.createApiKey("runbook", new Date(Date.now() + 10 * 60_000));
    await session.end();
    return { username, key };
}

(reason ? describe.skip : describe)(skippable("the manual, on a registry in use", reason), () => {
    beforeAll(async () => {
        operator = await startOperator();
        expect(await anyone().push("app/hello", "v0", "before the hardening")).toBe(201);
        await operator.harden();
    });
    afterAll(() => operator?.stop());

    test("Authentik is down: zot goes on, and pulumi up ends before it changes anything", async () => {
        const { url } = operator.site.authentik;
        const before = readFileSync(configFile(), "utf8");
        operator.changeSettings({ zot: { logLevel: "debug" } });
        await type(`pulumi config set authentik:url http://127.0.0.1:${await freePort()} --stack ${STACK}`);
        try {
            await expect(type(`pulumi up --stack ${STACK}`)).rejects.toThrow(
                /Authentik cannot be reached at http:\/\/127\.0\.0\.1:\d+ /,
            );
            expect(readFileSync(configFile(), "utf8")).toBe(before);
            expect(await anyone().pull("app/hello", "v0")).toBe(200);
            expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        } finally {
            operator.changeSettings({ zot: { logLevel: "info" } });
            await type(
                `pulumi config set authentik:url ${url} --stack ${STACK} && pulumi up --stack ${STACK} ` +
                    "--expect-no-changes",
            );
        }
    });

    test("Authentik moves to another address", async () => {
        const [block] = blocks("Authentik moves to another address", 1);
        const { url } = operator.site.authentik;
        await type(block!, { replace: { "https://NEW-ADDRESS": url.replace("127.0.0.1", "localhost") } });
        expect(issuer()).toMatch(/^http:\/\/localhost:/);
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        expect(await operator.pending()).toEqual({});
        // A person logs in, by way of the new address.
        await adminKey();
        await type(block!, { replace: { "https://NEW-ADDRESS": url } });
        expect(issuer()).toMatch(/^http:\/\/127\.0\.0\.1:/);
    });

    test("Rename the slug", async () => {
        const [block] = blocks("Rename the slug", 1);
        await expect(
            type(
                "pulumi config set --path identity.applicationSlug registry --stack prod && pulumi preview " +
                    "--stack prod",
            ),
        ).rejects.toThrow(/identity\.(applicationSlug|issuer)/);
        await type(block!, { replace: { "NEW-SLUG": "registry", "https://AUTHENTIK": operator.site.authentik.url } });
        expect(issuer()).toMatch(/\/application\/o\/registry\/$/);
        await adminKey();
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        expect(await operator.pending()).toEqual({});
        await type(block!, { replace: { "NEW-SLUG": "zot", "https://AUTHENTIK": operator.site.authentik.url } });
    });

    test("Rename a group", async () => {
        const [block] = blocks("Rename a group", 1);
        await type(block!, { replace: { "NEW-NAME": "builders" } });
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        expect(await operator.pending()).toEqual({});
    });

    test("Rename the service account", async () => {
        const before = operator.ciSecrets();
        const [block] = blocks("Rename the service account", 1);
        await type(block!, { replace: { "NEW-NAME": "zot-builder" } });
        expect(operator.ciSecrets().username).toBe("zot-builder");
        expect(await ci(before).push("app/hello", newTag(), "x")).toBe(401);
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        expect(await operator.pending()).toEqual({});
    });

    describe("Break glass: administration without Authentik", () => {
        let found: string[];
        beforeAll(() => void (found = blocks("Break glass: administration without Authentik", 4)));

        test("by an admin's key", async () => {
            const tag = newTag();
            expect(await ci().push("app/hello", tag, "bad")).toBe(201);
            const { username, key } = await adminKey();
            const netrc = join(operator.home, "netrc");
            writeFileSync(netrc, `machine 127.0.0.1 login ${username} password ${key}\n`, { mode: 0o600 });
            await type(found[0]!, {
                replace: {
                    "--user USER": `--netrc-file '${netrc}'`,
                    "https://REGISTRY": operator.site.registryUrl,
                    REPOSITORY: "app/hello",
                    TAG: tag,
                },
            });
            expect(await anyone().pull("app/hello", tag)).toBe(404);
        });

        test("without any key, on the host", async () => {
            const { site, home } = operator;
            const tag = newTag();
            expect(await ci().push("app/hello", tag, "bad")).toBe(201);
            site.zot.stop();
            const port = await freePort();
            const zot = (operator.settings().zot as { binary: string }).binary;
            const file = join(home, "break-glass.json");
            const script = found[1]!
                .replace("ROOT-DIRECTORY", join(site.folder, "images"))
                .replace("5099", String(port))
                .replaceAll("~/break-glass.json", file)
                .replaceAll(/\bzot (?=verify|serve)/g, `'${zot}' `)
                .replace(/&& (?='[^']*' serve)/, "&& exec ");
            const serving = spawn("bash", ["-e", "-c", script], {
                cwd: home,
                env: { PATH: (await type("echo $PATH")).stdout.trim(), HOME: home },
                stdio: "ignore",
            });
            try {
                for (
                    let tries = 0;
                    tries < 200 && (await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined))?.status !== 200;
                    tries++
                )
                    await new Promise((resolve) => setTimeout(resolve, 100));
                await type(found[2]!, { replace: { "5099": String(port), REPOSITORY: "app/hello", TAG: tag } });
            } finally {
                const ended = new Promise((resolve) => serving.once("exit", resolve));
                serving.kill("SIGINT");
                await ended;
                rmSync(file);
            }
            await site.zot.restart();
            expect(await anyone().pull("app/hello", tag)).toBe(404);
            expect(await anyone().pull("app/hello", "v0")).toBe(200);
        });

        test("read-only, where zot cannot start", async () => {
            const { site } = operator;
            site.zot.stop();
            const zot = (operator.settings().zot as { binary: string }).binary;
            const script = found[3]!.replace(/^zot /, `exec '${zot}' `).replace("CONFIG", configFile());
            const serving = spawn("bash", ["-e", "-c", script], {
                env: { PATH: (await type("echo $PATH")).stdout.trim(), HOME: operator.home },
                stdio: "ignore",
            });
            try {
                let status = 0;
                for (let tries = 0; tries < 200 && status !== 200; tries++) {
                    await new Promise((resolve) => setTimeout(resolve, 100));
                    status = await anyone()
                        .pull("app/hello", "v0")
                        .catch(() => 0);
                }
                expect(status).toBe(200);
                expect(await anyone().push("app/hello", newTag(), "x")).toBe(401);
                // The config knows CI's key, and gives it no more than reading.
                expect(await ci().push("app/hello", newTag(), "x")).toBe(403);
            } finally {
                const ended = new Promise((resolve) => serving.once("exit", resolve));
                serving.kill("SIGINT");
                await ended;
            }
            await site.zot.restart();
            expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        });
    });

    test("How long a request may take", async () => {
        const [block] = blocks("How long a request may take", 1);
        await type(block!);
        expect(readFileSync(configFile(), "utf8")).toMatch(/"readTimeout": "10m",\s+"writeTimeout": "10m"/);
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
        const endless = ["readTimeout", "writeTimeout"]
            .map((name) => `pulumi config set --path zot.${name} 0s --stack ${STACK}`)
            .join(" && ");
        const told = await type(`${endless} && pulumi preview --stack ${STACK}`);
        expect(told.text).toMatch(
            /warning: zot\.readTimeout is "0s", which zot takes for no limit: a push may take any time/,
        );
        const back = ["readTimeout", "writeTimeout"]
            .map((name) => `pulumi config rm --path zot.${name} --stack ${STACK}`)
            .join(" && ");
        await type(`${back} && pulumi up --stack ${STACK}`);
        expect(readFileSync(configFile(), "utf8")).toContain('"readTimeout": "1h"');
    });

    test("Upgrade zot", async () => {
        const { site } = operator;
        const [replaceBinary, look] = blocks("Upgrade zot", 2);
        const bin = join(site.folder, "zot-bin");
        mkdirSync(bin);
        const real = (operator.settings().zot as { binary: string }).binary;
        for (const name of ["zot", "zot-new"])
            writeFileSync(join(bin, name), `#!/bin/sh\n# ${name}\nexec '${real}' "$@"\n`, { mode: 0o755 });
        operator.changeSettings({ zot: { binary: join(bin, "zot") } });
        await type(`pulumi up --stack ${STACK}`);
        await type(replaceBinary!, {
            replace: {
                "NEW-ZOT": join(bin, "zot-new"),
                CONFIG: configFile(),
                " ZOT\n": ` ${join(bin, "zot")}\n`,
                "RESTART-ZOT": site.zot.restartCommand,
            },
        });
        for (
            let tries = 0;
            tries < 100 &&
            (await anyone()
                .pull("app/hello", "v0")
                .catch(() => 0)) !== 200;
            tries++
        )
            await new Promise((resolve) => setTimeout(resolve, 100));
        expect(readFileSync(join(bin, "zot"), "utf8")).toContain("# zot-new");
        await type(look!);
        operator.changeSettings({ zot: { binary: real } });
        await type(`pulumi up --stack ${STACK}`);
    });

    test("An update that was interrupted, and two at once", async () => {
        const locks = () => {
            const folder = join(operator.home, ".pulumi-state/.pulumi/locks");
            return existsSync(folder)
                ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".json"))
                : [];
        };
        const [rerun] = blocks("An update that was interrupted", 1);
        operator.changeSettings({ zot: { logLevel: "debug" } });
        // `exec`: the signal is to reach the CLI itself.
        const killed = type(`echo $$ >'${operator.home}/up.pid'; exec pulumi up --stack ${STACK}`).catch(
            (error: Error) => error,
        );
        while (locks().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));

        const second = await type(`pulumi up --stack ${STACK}`, { code: 1 });
        const message = /error: (the stack is currently locked by 1 lock\(s\)[^\n]*)\n/.exec(second.text);
        expect(message).not.toBeNull();
        // As the page on state tells it.
        expect(readFileSync(join(operator.folder, "docs/state.md"), "utf8")).toContain(message![1]);

        process.kill(Number(readFileSync(join(operator.home, "up.pid"), "utf8")), "SIGKILL");
        await killed;
        expect(locks()).toHaveLength(1);
        await type(rerun!);
        expect(readFileSync(configFile(), "utf8")).toContain('"level": "debug"');
        expect(await operator.pending()).toEqual({});
        expect(await ci().push("app/hello", newTag(), "x")).toBe(201);
    });

    test("Undo everything", async () => {
        const [destroy, restore, tokens] = blocks("Undo everything", 3);
        const key = operator.ciSecrets();
        const { authentik } = operator.site;
        await type(`npm run authentik-token -- --stack ${STACK} --for preview --output preview-token`, {
            env: { AUTHENTIK_ADMIN_TOKEN: authentik.token },
        });
        const authorization = `Bearer ${readFileSync(join(operator.folder, "preview-token"), "utf8").trim()}`;
        const isTaken = async () =>
            (await fetch(`${authentik.url}/api/v3/core/users/me/`, { headers: { authorization } })).ok;
        expect(await isTaken()).toBe(true);
        await type(restore!);
        // What was there before: an open registry.
        expect(await anyone().push("app/hello", newTag(), "x")).toBe(201);
        await type(`pulumi config rm --path host.onDestroy --stack ${STACK} && pulumi up --stack ${STACK}`);
        expect(await anyone().push("app/hello", newTag(), "x")).toBe(401);
        await type(destroy!);
        expect(await anyone().pull("app/hello", "v0")).toBe(200);
        expect(await ci(key).push("app/hello", newTag(), "x")).toBe(401);
        const groups = await operator.site.authentik.api<{ results: unknown[] }>("GET", "/core/groups/?name=builders");
        expect(groups.results).toEqual([]);
        await operator.site.zot.restart();
        expect(await anyone().pull("app/hello", "v0")).toBe(200);
        expect((await type(tokens!, { input: `${authentik.token}\n` })).text).toContain(
            `service account pulumi-zot-${STACK}-preview`,
        );
        expect(await isTaken()).toBe(false);
    });
});

test("the manual's blocks are all typed by one of these tests", () => {
    const sources = ["runbooks", "changes", "takingOver"]
        .map((name) => readFileSync(join(__dirname, `${name}.test.ts`), "utf8"))
        .join("");
    const followed = [...sources.matchAll(/\bblocks\("([^"]+)"/g)].map(([, heading]) => heading!);
    expect([...new Set(followed)].sort()).toEqual([...shellBlocks("docs/operations.md").keys()].sort());
});
