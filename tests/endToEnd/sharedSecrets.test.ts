/**
 * A registry whose bucket and redis want to be logged in to: the real zot, a redis with users, and a server of S3 that
 * looks at signatures. Their secrets are looked for in all that any process shows, in what is printed, in the state, in
 * logs and in files.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RegistryClient } from "../../clients/zot/registry";
import { findExecutable, readMachine, skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { startMoto, startServer } from "../../testbed/site/moto";
import { freePort } from "../../testbed/site/ports";
import { noSharedState } from "../../testbed/site/sharedState";
import { type SignedS3, startSignedS3 } from "../../testbed/site/signedS3";
import { reason as noOperator, type Operator, type RunOptions, STACK, startOperator } from "../runbooks/operator";
import { Canaries } from "./leaks/canaries";
import { filesBelow } from "./leaks/files";
import { noWatch, type ProcessWatch, watchProcesses } from "./leaks/processWatch";
import { leaksOf } from "./leaks/whoMayKnow";

const noZot = readMachine().zot.kind === "real" ? undefined : "there is no real zot in ZOT or on the PATH";
const reason = noOperator ?? noWatch ?? noSharedState() ?? noZot;
jest.setTimeout(600_000);

(reason ? describe.skip : describe)(skippable("secrets of shared storage, with the engine", reason), () => {
    const canaries = new Canaries();
    const key = { id: `CANARY${randomBytes(7).toString("hex")}`, secret: `canary/+${randomBytes(16).toString("hex")}` };
    const passwords = [0, 1, 2].map(() => `addr"\\canary-${randomBytes(9).toString("hex")}`) as [
        string,
        string,
        string,
    ];
    const printed: [block: string, text: string][] = [];
    const undo: (() => unknown)[] = [];
    let operator: Operator;
    let s3: SignedS3;
    let watch: ProcessWatch;
    let redisPort: number;
    let began: number;

    const stack = `--stack ${STACK}`;
    const type = async (block: string, options: RunOptions = {}) => {
        const ran = await operator.type(block, options).catch((error: Error) => ({ text: error.message, error }));
        printed.push([block, ran.text]);
        if ("error" in ran) throw new Error(`${block} failed`, { cause: ran.error });
        return ran;
    };
    const setSecret = (name: string, input: string) =>
        type(`pulumi config set --path ${name} --secret ${stack}`, { input });
    const onHost = (...path: string[]) => join(operator.site.folder, "zot", ...path);
    const configOnHost = () => readFileSync(onHost("config.json"), "utf8");
    const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);
    /** Another password of zot's user, beside the one that it has; neither is an argument. */
    async function addPassword(password: string) {
        const lines = [
            `AUTH default ${JSON.stringify(passwords[2])}`,
            `ACL SETUSER zot ${JSON.stringify(`>${password}`)}`,
        ];
        const { stdout } = await operator.type(`'${findExecutable("redis-cli")}' -p ${redisPort}`, {
            input: `${lines.join("\n")}\n`,
        });
        expect(stdout.trim().split("\n")).toEqual(["OK", "OK"]);
    }

    beforeAll(async () => {
        began = Date.now();
        canaries.add("the bucket's key ID", key.id);
        canaries.add("the bucket's secret", key.secret);
        for (const password of passwords) canaries.add("a password of redis", password);
        operator = await startOperator();
        undo.push(() => operator.stop());
        const { site, home, environment } = operator;
        redisPort = await freePort();
        const inRedis = (text: string) => JSON.stringify(text);
        writeFileSync(
            join(home, "redis.conf"),
            `port ${redisPort}\nbind 127.0.0.1\nsave ""\nrequirepass ${inRedis(passwords[2])}\n` +
                `user zot on ${inRedis(`>${passwords[0]}`)} ~* &* +@all\n`,
            { mode: 0o600 },
        );
        undo.push(startServer("redis-server", [join(home, "redis.conf")]));
        const moto = await startMoto("images");
        undo.push(() => moto.stop());
        s3 = await startSignedS3(moto.url, key);
        undo.push(() => s3.stop());
        environment.TMPDIR = join(home, "tmp");
        mkdirSync(environment.TMPDIR);
        watch = await watchProcesses(environment.TMPDIR, onHost());
        undo.push(() => watch.stop().catch(() => undefined));

        operator.changeSettings({
            storage: { bucket: "images", region: "us-east-1", endpoint: s3.url, pathStyle: true },
            redis: { address: `127.0.0.1:${redisPort}`, user: "zot" },
            zot: { vulnerabilityUpdateInterval: "off" },
            host: { logFile: join(site.folder, "zot.log") },
        });
        await type(
            `mkdir '${home}/.pulumi-state' && pulumi login 'file://${home}/.pulumi-state' && pulumi stack init ${STACK}`,
        );
        await setSecret("host.privateKey", site.ssh.privateKeyPem);
        await setSecret("authentik:token", site.authentik.token);
        await setSecret("storage.accessKeyId", key.id);
        await setSecret("storage.secretAccessKey", key.secret);
        await setSecret("redis.password", passwords[0]);
    });
    afterAll(async () => {
        for (const step of undo.reverse()) await step();
    });

    test("zot logs in to both with what the settings have; its config is its own alone, and all that is kept of it", async () => {
        await type(`npm run --silent config -- ${stack}`);
        await type(`npm run --silent review -- --base HEAD`);
        await type(`pulumi preview --diff ${stack}`);
        await type(`PULUMI_DEBUG_COMMANDS=1 pulumi up --event-log '${operator.home}/events.json' ${stack}`);
        const config = JSON.parse(configOnHost()) as Record<string, any>;
        expect(config.storage.storageDriver).toMatchObject({ accesskey: key.id, secretkey: key.secret });
        expect(config.storage.cacheDriver.password).toBe(passwords[0]);
        expect(config.http.auth.sessionDriver.password).toBe(passwords[0]);
        expect(modeOf(onHost("config.json"))).toBe("600");
        const { ciApiKey, ciUserName } = await operator.outputs();
        const ci = new RegistryClient(operator.site.registryUrl, {
            username: String(ciUserName),
            key: String(ciApiKey),
        });
        expect(await ci.push("team/app", "v1", "x")).toBe(201);
        expect(await new RegistryClient(operator.site.registryUrl).pull("team/app", "v1")).toBe(200);
        expect(s3.taken).toBeGreaterThan(5);
        expect(s3.refused).toBe(0);
        expect(await operator.pending()).toEqual({});
    });

    test("a mode that was changed by hand is seen, and mended", async () => {
        chmodSync(onHost("config.json"), 0o644);
        expect((await type(`pulumi preview ${stack}`)).text).toContain("has mode 0644 instead of 0600");
        await type(`pulumi up ${stack}`);
        expect(modeOf(onHost("config.json"))).toBe("600");
        expect(await operator.pending()).toEqual({});
    });

    test("a password that redis refuses changes nothing; one that it takes does", async () => {
        const before = configOnHost();
        await setSecret("redis.password", passwords[1]);
        expect((await type(`if pulumi up ${stack} 2>&1; then exit 9; fi`)).text).toContain("WRONGPASS");
        expect(configOnHost()).toBe(before);
        expect(modeOf(onHost("config.json"))).toBe("600");
        await addPassword(passwords[1]);
        await type(`pulumi preview --diff ${stack}`);
        await type(`pulumi up ${stack}`);
        expect((JSON.parse(configOnHost()) as Record<string, any>).storage.cacheDriver.password).toBe(passwords[1]);
        await type(`pulumi refresh ${stack} && npm run --silent verify -- ${stack}`);
    });

    test("no secret is where nobody may know it", async () => {
        await type(`pulumi stack export ${stack} && pulumi stack history --json ${stack} && pulumi config ${stack}`);
        await type(`pulumi stack output --json ${stack}`);
        await type(`pulumi destroy --json ${stack}`);
        expect(modeOf(onHost("config.json"))).toBe("600");
        expect(configOnHost()).toContain(key.secret);
        const kept = readdirSync(onHost("config.json.zot-hardening"), { recursive: true, withFileTypes: true });
        expect(kept.filter((entry) => entry.isFile()).length).toBeGreaterThan(1);
        const seen = await watch.stop();
        const files = [
            ...seen.files,
            ...filesBelow(operator.site.folder, { since: began, passedOver: /\/(node_modules|images|\.git)$/ }),
        ];
        const of = (text: string) =>
            canaries.in(text).filter((name) => /^(the bucket's|a password of redis)/.test(name));
        expect([
            ...leaksOf(canaries, { processes: seen.processes, files }).filter((leak) => !isByHand(leak)),
            ...printed.flatMap(([block, text]) => of(text).map((secret) => `${secret} was printed by ${block}`)),
        ]).toEqual([]);
        // The search finds what is there.
        expect(seen.processes.some(({ environment }) => environment.some((entry) => of(entry).length > 0))).toBe(true);
        expect(files.some(({ file, content }) => file === onHost("config.json") && of(content).length === 3)).toBe(
            true,
        );
    });

    /** What this test itself has opened. */
    const isByHand = (leak: string) => leak.endsWith(`is in the file ${onHost("config.json")}, of mode 644`);
});
