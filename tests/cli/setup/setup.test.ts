/** npm run setup as a person or a script runs it, on a site on loopback: from answers to a preview that succeeds. */
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { skippable } from "../../../testbed/bootstrap/toolchain.cjs";
import { startSshHost } from "../../../testbed/sshHost";
import { type Operator, reason, startOperator } from "../../runbooks/operator";

jest.setTimeout(1_200_000);

(reason ? describe.skip : describe)(skippable("npm run setup", reason), () => {
    let operator: Operator;
    let answers: Record<string, unknown>;
    beforeAll(async () => {
        operator = await startOperator();
        const { site, folder, home } = operator;
        await operator.type(`mkdir '${home}/.pulumi-state' && pulumi login 'file://${home}/.pulumi-state'`);
        rmSync(operator.stackFile);
        answers = {
            host: `${site.ssh.user}@127.0.0.1:${site.ssh.port}`,
            hostKey: site.ssh.hostPublicKey,
            sshKey: site.ssh.privateKeyFile,
            zot: join(site.folder, "zot/config.json"),
            registryUrl: site.registryUrl,
            authentikUrl: site.authentik.url,
            restartCommand: site.zot.restartCommand,
        };
        expect(existsSync(folder)).toBe(true);
    });
    afterAll(() => operator?.stop());

    const file = (stack: string) => join(operator.folder, `Pulumi.${stack}.yaml`);
    const leftovers = () => readdirSync(tmpdir()).filter((name) => name.startsWith("zot-hardening-setup-"));
    const setup = (options: string, more: object = {}) => {
        writeFileSync(join(operator.home, "answers.yaml"), JSON.stringify(answers));
        return operator.type(`npm run --silent setup -- --answers '${operator.home}/answers.yaml' ${options}`, {
            env: { AUTHENTIK_TOKEN: operator.site.authentik.token },
            ...more,
        });
    };

    const settings = (stack: string) =>
        parse(readFileSync(file(stack), "utf8")).config as Record<string, Record<string, unknown>>;
    const stacks = async () =>
        (JSON.parse((await operator.type("pulumi stack ls --json")).stdout) as { name: string }[]).map(
            ({ name }) => name,
        );

    test("unattended, from answers in a file to a preview that succeeds; the secrets are encrypted", async () => {
        const { site } = operator;
        const { text } = await setup("--stack first --yes");
        expect(text).toMatch(/\+ \d+ to create/);
        expect(text).toContain("anyone without a login may no longer create, update and delete on `**`.");
        expect(text).toContain("Nothing is changed yet. To put it into force: pulumi up --stack first\n");
        const config = settings("first");
        expect(config["zot-hardening:registry"]).toEqual({ url: site.registryUrl });
        // Not one of these was given: the host knows them.
        expect(config["zot-hardening:zot"]).toEqual({
            binary: site.settings.zot!.binary,
            configFile: join(site.folder, "zot/config.json"),
            rootDirectory: join(site.folder, "images"),
            port: site.settings.zot!.port,
        });
        expect(config["zot-hardening:host"]).toEqual({
            address: "127.0.0.1",
            port: site.ssh.port,
            user: site.ssh.user,
            hostKey: site.ssh.hostPublicKey,
            privateKey: { secure: expect.any(String) },
            serviceManager: "command",
            restartCommand: site.zot.restartCommand,
        });
        expect(config["zot-hardening:identity"]).toEqual({ issuer: site.issuer });
        const written = readFileSync(file("first"), "utf8") + text;
        expect(written).not.toContain(site.authentik.token);
        expect(written).not.toContain(site.ssh.privateKeyPem.split("\n")[1]);
        expect(await stacks()).toEqual(["first"]);
        expect(leftovers()).toEqual([]);
    });

    test("run again, it changes what is answered otherwise and nothing else", async () => {
        const before = readFileSync(file("first"), "utf8").replace(
            "zot-hardening:zot:\n",
            "zot-hardening:zot:\n    # Ours.\n",
        );
        writeFileSync(file("first"), before);
        const again = { env: {} };
        // From the stack: host, key, addresses and token.
        const { text } = await operator.type(
            `npm run --silent setup -- --stack first --yes --no-preview --zot '${answers.zot}'`,
            again,
        );
        expect(text).toContain("Pulumi.first.yaml is as it was.");
        expect(readFileSync(file("first"), "utf8")).toBe(before);
        await operator.type(
            `npm run --silent setup -- --stack first --yes --no-preview --zot '${answers.zot}' --metrics anonymous`,
            again,
        );
        const after = readFileSync(file("first"), "utf8");
        expect(after.replace("    metrics: anonymous\n", "")).toBe(before);
        expect(after).not.toBe(before);
    });

    test("a stack that lists several machines is left to its file, before anything is asked", async () => {
        const before = readFileSync(file("first"), "utf8");
        const { address, hostKey, ...host } = settings("first")["zot-hardening:host"]!;
        const config = { ...settings("first"), "zot-hardening:host": { ...host, members: [{ address, hostKey }] } };
        writeFileSync(file("first"), stringify({ ...parse(before), config }));
        const { text } = await setup("--stack first --yes --no-preview", { code: 1 });
        expect(text).toContain(
            "Pulumi.first.yaml lists the machines of its registry (host.members), but setup handles only one",
        );
        writeFileSync(file("first"), before);
    });

    test("in a pipe, one line answers one question", async () => {
        const { site } = operator;
        const lines = ["second", answers.host, "1", answers.sshKey, answers.zot, site.zot.restartCommand, ""];
        const { text, stdout } = await operator.type(
            `npm run --silent setup -- --no-preview --registry-url ${site.registryUrl} --authentik-url ${site.authentik.url} ` +
                "--admins-group admins",
            { input: `${lines.join("\n")}\n`, env: { AUTHENTIK_TOKEN: site.authentik.token } },
        );
        expect(stdout).toBe("");
        expect(text).toMatch(/Is this the key of 127\.0\.0\.1\? SHA256:[A-Za-z0-9+/]{43}\n/);
        expect(settings("second")["zot-hardening:host"]!.hostKey).toBe(site.ssh.hostPublicKey);
        expect(await stacks()).toContain("second");
    });

    test("by way of a jump host, whose key is confirmed as well; another key of it is refused", async () => {
        const { site } = operator;
        const jump = await startSshHost({ kind: "embedded" });
        try {
            // The login is the same on both.
            const publicKey = execFileSync("ssh-keygen", ["-yf", site.ssh.privateKeyFile], { encoding: "utf8" });
            appendFileSync(jump.authorizedKeysFile, publicKey);
            const to = `--jump-host ${jump.user}@127.0.0.1:${jump.port}`;
            const { text } = await setup(`--stack jumped --yes --no-preview ${to}`, { code: 1 });
            expect(text).toMatch(/Nobody can answer "Is this the key of 127\.0\.0\.1\?.*Give --jump-host-key\./s);
            const wrong = await setup(
                `--stack jumped --yes --no-preview ${to} --jump-host-key '${site.ssh.hostPublicKey}'`,
                {
                    code: 1,
                },
            );
            expect(wrong.text).toContain(`127.0.0.1 port ${jump.port} shows another key than the one given`);
            expect(existsSync(file("jumped"))).toBe(false);
            await setup(`--stack jumped --yes --no-preview ${to} --jump-host-key '${jump.hostPublicKey}'`);
            expect(settings("jumped")["zot-hardening:host"]).toMatchObject({
                address: "127.0.0.1",
                port: site.ssh.port,
                hostKey: site.ssh.hostPublicKey,
                jumpAddress: "127.0.0.1",
                jumpPort: jump.port,
                jumpHostKey: jump.hostPublicKey,
            });
            // The stack knows the way.
            const before = readFileSync(file("jumped"), "utf8");
            await operator.type(`npm run --silent setup -- --stack jumped --yes --no-preview --zot '${answers.zot}'`);
            expect(readFileSync(file("jumped"), "utf8")).toBe(before);
        } finally {
            await jump.stop();
        }
    });

    test.each<[title: string, change: (answers: Record<string, unknown>) => Record<string, unknown>, message: RegExp]>([
        [
            "another host key",
            (known) => ({ ...known, hostKey: `SHA256:${"A".repeat(43)}` }),
            /shows another key than the one given: SHA256:/,
        ],
        ["no host key", ({ hostKey: _, ...known }) => known, /Nobody can answer "Is this the key of 127\.0\.0\.1\?/],
        [
            "a port where nobody listens",
            (known) => ({ ...known, host: "127.0.0.1:1" }),
            /127\.0\.0\.1 port 1 shows no SSH key: ECONNREFUSED/,
        ],
        [
            "a config that is none",
            (known) => ({ ...known, zot: "/no/such.json" }),
            /--zot "\/no\/such\.json": on the host there are /,
        ],
        [
            "a group that is not there",
            (known) => ({ ...known, adminsGroup: "admin" }),
            /--admins-group "admin": Authentik has none of this name; it has admins/,
        ],
        [
            "an address with a slash",
            (known) => ({ ...known, registryUrl: "https://a.example/" }),
            /registryUrl is "https:\/\/a\.example\/": give an https:/,
        ],
        ["an Authentik that is none", (known) => ({ ...known, authentikUrl: "http://127.0.0.1:1" }), /127\.0\.0\.1:1/],
        ["a restart command that is missing", ({ restartCommand: _, ...known }) => known, /Give --restart-command\./],
    ])("a mistake leaves nothing: %s", async (_title, change, message) => {
        const right = answers;
        const before = await stacks();
        answers = change(answers);
        try {
            const { text } = await setup("--stack third --yes --no-preview", { code: 1 });
            expect(text).toMatch(message);
            expect(text).not.toMatch(/^\s+at /m);
            expect(text).not.toContain(operator.site.authentik.token);
        } finally {
            answers = right;
        }
        expect([existsSync(file("third")), await stacks(), leftovers()]).toEqual([false, before, []]);
    });

    test("a token that is refused is said, and never shown", async () => {
        const { text } = await setup("--stack third --yes --no-preview", {
            code: 1,
            env: { AUTHENTIK_TOKEN: "canary-token" },
        });
        expect(text).toMatch(/Authentik at .* 40[13]|token/i);
        expect(text).not.toContain("canary-token");
        expect(existsSync(file("third"))).toBe(false);
    });

    /** Runs it in a pipe, ends it by a signal once a text has been printed, and tells how it ended. */
    const interrupted = (text: RegExp, lines: readonly unknown[], environment: Record<string, string>) =>
        operator.type(
            // What feeds the lines holds nothing open that is waited for, and ends with the command.
            `exec 9< <(exec 2>/dev/null; ${lines.map((line) => `echo '${line}'; `).join("")}exec sleep 120); feeder=$!; ` +
                `node build/run.cjs cli/setup.ts --stack third --no-preview <&9 2>'${operator.home}/said' & child=$!; ` +
                `for try in $(seq 1200); do grep -qE '${text.source}' '${operator.home}/said' && break; kill -0 $child 2>/dev/null || break; sleep 0.1; done; ` +
                "kill -INT $child; wait $child && echo ended 0 || echo ended $?; kill $feeder || true",
            { env: environment },
        );

    test("Ctrl-C at each question leaves nothing", async () => {
        const known = await stacks();
        const { site } = operator;
        const given: [RegExp, unknown][] = [
            [/Which host is the registry on/, answers.host],
            [/Is this the key/, "1"],
            [/Which private key/, answers.sshKey],
            [/Which of these is the registry/, answers.zot],
            [/public address/, site.registryUrl],
            [/Authentik.s address/, site.authentik.url],
            [/An API token/, site.authentik.token],
            [/Which group are the admins/, "admins"],
            [/Which command restarts/, site.zot.restartCommand],
        ];
        for (const [index, [text]] of given.entries()) {
            const { stdout } = await interrupted(
                text,
                given.slice(0, index).map(([, line]) => line),
                {},
            );
            expect([text.source, stdout]).toEqual([text.source, "ended 130\n"]);
            expect([existsSync(file("third")), leftovers()]).toEqual([false, []]);
        }
        expect(await stacks()).toEqual(known);
    });

    test("Ctrl-C while the stack is made takes it back", async () => {
        const known = await stacks();
        const bin = join(operator.home, "bin");
        mkdirSync(bin);
        // The stack is there, and its secrets are being stored, for as long as it takes.
        writeFileSync(
            join(bin, "pulumi"),
            `#!/bin/sh\nif [ "$1 $2" = "config set" ]; then echo "storing" >&2; echo storing >>'${operator.home}/said'; sleep 1; fi\nexec ${JSON.stringify(operator.pulumi)} "$@"\n`,
            { mode: 0o755 },
        );
        const { stdout } = await interrupted(
            /storing/,
            [
                answers.host,
                "1",
                answers.sshKey,
                answers.zot,
                operator.site.registryUrl,
                operator.site.authentik.url,
                operator.site.authentik.token,
                "admins",
                operator.site.zot.restartCommand,
            ],
            { PATH: `${bin}:${operator.path}` },
        );
        expect(stdout).toBe("ended 130\n");
        expect([existsSync(file("third")), await stacks(), leftovers()]).toEqual([false, known, []]);
    });
});
