/**
 * A day of a site on loopback, from setup to destroy, as an operator types it. Every secret of that day is looked for
 * in what any process of this machine shows, in all that was printed, in the state, in logs and in files.
 */
import { randomBytes } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { ForgejoStandIn } from "../cli/ciSecrets/forge";
import { ROOT } from "../runbooks/manual";
import { reason as noOperator, type Operator, type RunOptions, STACK, startOperator } from "../runbooks/operator";
import { Canaries } from "./leaks/canaries";
import { filesBelow } from "./leaks/files";
import { noWatch, type ProcessWatch, type SeenProcess, watchProcesses } from "./leaks/processWatch";
import { type RecordingProxy, startRecordingProxy } from "./leaks/recordingProxy";
import { leaksOf } from "./leaks/whoMayKnow";

const reason = noOperator ?? noWatch;
jest.setTimeout(1_800_000);

(reason ? describe.skip : describe)(skippable("a day of a site", reason), () => {
    const canaries = new Canaries();
    const began = Date.now();
    /** All that was printed, by what was typed. */
    const printed: [block: string, text: string][] = [];
    let operator: Operator;
    let authentik: RecordingProxy;
    let zot: RecordingProxy;
    let forge: ForgejoStandIn;
    let watch: ProcessWatch | undefined;
    let processes: SeenProcess[];
    let leaks: string[];
    const undo: (() => unknown)[] = [];
    const forgeToken = randomBytes(20).toString("hex");

    const type = async (block: string, options: RunOptions = {}) => {
        // Where it fails, too.
        const ran = await operator.type(block, options).catch((error: Error) => ({ text: error.message, error }));
        printed.push([block, ran.text]);
        if ("error" in ran) throw new Error(`${block} failed`, { cause: ran.error });
        return ran;
    };
    const onHost = (...path: string[]) => join(operator.site.folder, "zot", ...path);
    const learnFromHost = () => {
        for (const name of readdirSync(onHost())) {
            const read = () => JSON.parse(readFileSync(onHost(name), "utf8")) as Record<string, string>;
            if (name.startsWith("oidc-credentials.")) canaries.add("the client secret", read().clientsecret!);
            if (!name.startsWith("session-keys.")) continue;
            canaries.add("the session keys' hashKey", read().hashKey!);
            canaries.add("the session keys' encryptKey", read().encryptKey!);
        }
    };

    beforeAll(async () => {
        operator = await startOperator();
        undo.push(() => operator.stop());
        const { site, home, folder, environment, passphrase } = operator;
        canaries.add("the state's passphrase", passphrase);
        canaries.add("the token for Authentik", site.authentik.token);
        canaries.add("the SSH key", site.ssh.privateKeyPem);
        canaries.add("the forge's token", forgeToken);
        forge = await new ForgejoStandIn({ token: forgeToken, repeats: true }).listen();
        undo.push(() => forge.close());
        forge.has("acme/images");
        [authentik, zot] = await Promise.all([
            startRecordingProxy("Authentik", site.authentik.url, canaries),
            startRecordingProxy("zot", site.registryUrl, canaries),
        ]);
        undo.push(authentik.stop, zot.stop);
        environment.TMPDIR = join(home, "tmp");
        mkdirSync(environment.TMPDIR);
        watch = await watchProcesses(environment.TMPDIR, onHost());
        undo.push(() => watch?.stop());

        const stack = `--stack ${STACK}`;
        const own = (name: string, command: string, options = "") =>
            `npm run --silent ${name} -- ${command} ${options}`;
        writeFileSync(
            join(home, "answers.yaml"),
            JSON.stringify({
                host: `${site.ssh.user}@127.0.0.1:${site.ssh.port}`,
                hostKey: site.ssh.hostPublicKey,
                sshKey: site.ssh.privateKeyFile,
                zot: onHost("config.json"),
                registryUrl: zot.url,
                authentikUrl: authentik.url,
                restartCommand: site.zot.restartCommand,
            }),
        );
        await type(`mkdir '${home}/.pulumi-state' && pulumi login 'file://${home}/.pulumi-state'`);
        const isReal = site.parts.some(({ name, kind }) => name === "zot" && kind === "real");
        await type(own("setup", `--answers '${home}/answers.yaml' --stack first --yes --no-preview`), {
            env: { AUTHENTIK_TOKEN: site.authentik.token },
        });
        await type(`pulumi stack init ${stack} && pulumi config set authentik:url ${authentik.url} ${stack}`);
        operator.changeSettings({
            identity: { issuer: site.issuer.replace(site.authentik.url, authentik.url) },
            registry: { url: zot.url },
        });
        await type(`pulumi config set --path host.privateKey --secret ${stack}`, { input: site.ssh.privateKeyPem });
        await type(`pulumi config set authentik:token --secret ${stack}`, { input: site.authentik.token });
        await type(own("matrix", stack));
        await type(own("review", "--base HEAD"));
        await type(`pulumi preview --json ${stack}`);

        // What does not go as it should, and says again what it was sent.
        zot.repeats = /^POST \/zot\/auth\/apikey/;
        expect((await type(`if pulumi up --json ${stack} 2>&1; then exit 9; fi`)).text).toContain("500");
        zot.repeats = undefined;
        await type(`PULUMI_DEBUG_COMMANDS=1 pulumi up --event-log '${home}/events.json' ${stack}`);
        learnFromHost();
        const before = String((await operator.outputs()).ciApiKey);
        canaries.add("CI's key before", before);

        const where = `--store forgejo --api-url ${forge.url} --owner acme --name ciApiKey=KEY`;
        const env = { FORGE_TOKEN: forgeToken };
        await type(own("ci-secrets", `${stack} ${where} --repository images`), { env });
        await type(own("ci-secrets", `${stack} ${where} --repository none`), { env, code: 1 });
        expect(forge.secrets.get("acme/images")!.get("KEY")!.value).toBe(before);

        await type(own("rotate", stack));
        canaries.add("CI's key", operator.ciSecrets().key);
        await type(own("rotate", `${stack} --secret client-secret`));
        learnFromHost();
        await type(`pulumi refresh --json ${stack}`);
        await type(own("verify", `${stack} --html '${home}/report.html'`));

        copyFileSync(join(site.folder, "images/meta.db"), join(home, "meta.db"));
        await type(own("keys", `--from '${home}/meta.db'`), { code: isReal ? 0 : 1 });
        await type(own("adopt", `${stack} --json`), { env: { AUTHENTIK_TOKEN: site.authentik.token } });
        const admin = { env: { AUTHENTIK_ADMIN_TOKEN: site.authentik.token } };
        await type(own("authentik-token", `${stack} --for preview --output preview-token`), admin);
        canaries.add("another token for Authentik", readFileSync(join(folder, "preview-token"), "utf8").trim());
        await type(own("authentik-token", `${stack} --for preview --rotate --output rotated-token`), admin);
        canaries.add("another token for Authentik", readFileSync(join(folder, "rotated-token"), "utf8").trim());
        await type(own("authentik-token", `${stack} --remove --yes`), admin);

        // Drift, also of what nobody but the host and Authentik may know.
        await site.authentik.api("PATCH", "/core/applications/zot/", { name: "Changed by hand" });
        const config = JSON.parse(readFileSync(onHost("config.json"), "utf8")) as { http: Record<string, unknown> };
        const byHand = randomBytes(16).toString("hex");
        canaries.add("a password that somebody put into zot's config", byHand);
        config.http.auth = { ...(config.http.auth as object), ldap: { bindPassword: byHand } };
        writeFileSync(onHost("config.json"), JSON.stringify(config));
        const { text } = await type(`pulumi preview --refresh --diff ${stack}`);
        expect(text).toContain("Changed by hand");
        expect(text).toContain("bindPassword");
        await type(`pulumi stack export ${stack} && pulumi stack history --json ${stack} && pulumi config ${stack}`);
        await type(`pulumi destroy --json ${stack}`);

        const seen = await watch.stop();
        watch = undefined;
        processes = seen.processes;
        const files = [
            ...seen.files,
            ...filesBelow(site.folder, { passedOver: /\/(node_modules|images|\.git)$/ }),
            // Other tests have folders of their own there.
            ...filesBelow(tmpdir(), { since: began, depth: 2, passedOver: /\/zot-hardening-site-[^/]+$/ }),
            ...filesBelow(ROOT, { since: began, passedOver: /\/(node_modules|\.git)$/ }),
        ];
        leaks = [
            ...leaksOf(canaries, { processes, files }),
            ...printed.flatMap(([block, text]) =>
                canaries.in(text).map((secret) => `${secret} was printed by ${JSON.stringify(block)}`),
            ),
        ];
    });
    afterAll(async () => {
        for (const step of undo.reverse()) await step();
    });

    test("no secret is where nobody may know it", () => expect(leaks).toEqual([]));

    test("every secret of the day was looked for, and the processes that work were seen", () => {
        expect(canaries.names).toEqual(
            expect.arrayContaining([
                "the state's passphrase",
                "the token for Authentik",
                "another token for Authentik",
                "the SSH key",
                "the forge's token",
                "the client secret",
                "the session keys' hashKey",
                "the session keys' encryptKey",
                "CI's key before",
                "CI's key",
                expect.stringMatching(/^password in POST .*set_password/) as string,
                expect.stringMatching(/^a login's code/) as string,
                expect.stringMatching(/^the cookie session of zot/) as string,
            ]),
        );
        const commands = ["setup", "review", "ci-secrets", "rotate", "verify", "keys", "adopt", "authentik-token"];
        expect([...new Set(processes.map(({ name }) => name))]).toEqual(
            expect.arrayContaining([
                ...["bash", "npm", "pulumi", "pulumi-language-nodejs", "node @pulumi/pulumi/cmd/run/index.js"],
                ...commands.map((name) => `node cli/${name}.ts`),
            ]),
        );
        // Who knows, was seen to know: the search finds what is there.
        const knows = (name: string, variable: string, secret: string) =>
            processes.some(
                (one) =>
                    one.name === name &&
                    one.environment.some(
                        (entry) => entry.startsWith(`${variable}=`) && canaries.in(entry).includes(secret),
                    ),
            );
        expect([
            knows("pulumi", "PULUMI_CONFIG_PASSPHRASE", "the state's passphrase"),
            knows("node @pulumi/pulumi/cmd/run/index.js", "PULUMI_CONFIG", "the SSH key"),
            knows("node cli/ci-secrets.ts", "FORGE_TOKEN", "the forge's token"),
        ]).toEqual([true, true, true]);
    });
});
