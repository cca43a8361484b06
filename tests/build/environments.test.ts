/** What another program is started with: a secret is in the environment of those that need it, and of nobody else. */
import { execFileSync, spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import { knownKeys, sshDefaults } from "../../cli/setup/host";
import { pulumiVariables, withoutSecretVariables } from "../../cli/shared/environment";
import { fakePulumi } from "../cli/ciSecrets/command";

const ROOT = path.resolve(__dirname, "../..");
const { compiled } = require("../../build/compile.cjs") as { compiled(source: string): string };

/** Every variable that a person, a forge or Pulumi's engine gives a secret in. */
const OURS = {
    AUTHENTIK_TOKEN: "canary-authentik",
    AUTHENTIK_ADMIN_TOKEN: "canary-admin",
    ZOT_CI_API_KEY: "canary-key",
    FORGE_TOKEN: "canary-forge",
    FORGE_BOT_TOKEN: "canary-bot",
    FORGEJO_TOKEN: "canary-forgejo",
    GITEA_TOKEN: "canary-gitea",
    GITHUB_TOKEN: "canary-github",
    GH_TOKEN: "canary-gh",
    GIT_TOKEN: "canary-git",
    ZOT_SSH_PRIVATE_KEY: "canary-ssh",
    ACTIONS_RUNTIME_TOKEN: "canary-runtime",
    ACTIONS_ID_TOKEN_REQUEST_TOKEN: "canary-request",
};
const FOR_PULUMI = {
    PULUMI_CONFIG_PASSPHRASE: "canary-passphrase",
    PULUMI_ACCESS_TOKEN: "canary-access",
    AWS_ACCESS_KEY_ID: "canary-aws-id",
    AWS_SECRET_ACCESS_KEY: "canary-aws",
    AWS_SESSION_TOKEN: "canary-aws-session",
    GOOGLE_CREDENTIALS: "canary-google",
    AZURE_STORAGE_KEY: "canary-azure",
    ARM_CLIENT_SECRET: "canary-arm",
};
/** Of what else a person, or a runner, may have in an environment. */
const OF_OTHERS = {
    GOOGLE_OAUTH_ACCESS_TOKEN: "canary-oauth",
    AZURE_CLIENT_CERTIFICATE_PASSWORD: "canary-certificate",
    AZURE_STORAGE_CONNECTION_STRING: "AccountKey=canary-account",
    PGPASSWORD: "canary-pg",
    PULUMI_BACKEND_URL: "postgres://pulumi:canary-backend@db/state",
    DOCKER_AUTH_CONFIG: "canary-docker",
    npm_config__authToken: "canary-npm",
    SITE_DB_PASSWORD: "canary-db\nexport 1_TOKEN='x'\n$(false) `false`",
};
/** The stack's whole configuration in clear, which Pulumi's engine gives to its children. */
const ENGINES = { PULUMI_CONFIG: '{"zot-hardening:host":"canary-config"}' };
const PLAIN = { HOME: "/home/somebody", HTTPS_PROXY: "http://proxy:3128", SSH_AUTH_SOCK: "/agent" };

const canaries = (text: string) => [...new Set(text.match(/canary-[a-z-]+/g) ?? [])].sort();

let folder: string;
beforeEach(() => void (folder = fs.mkdtempSync(path.join(os.tmpdir(), "environments-"))));
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

/** A program that writes its environment down, and then is another, or nothing. */
function witness(name: string, then = ""): string {
    const file = path.join(folder, name);
    fs.writeFileSync(file, `#!/bin/sh\n/usr/bin/env >>'${folder}/seen'\n${then}\n`, { mode: 0o755 });
    return file;
}
const seen = () => fs.readFileSync(path.join(folder, "seen"), "utf8");

test("Pulumi's CLI gets what it decrypts and reaches its backend with, and none of the tokens of these commands", () => {
    expect(pulumiVariables({ ...OURS, ...FOR_PULUMI, ...PLAIN })).toEqual({ ...FOR_PULUMI, ...PLAIN });
});

test("a browser, and git, get no secret at all", () => {
    expect(withoutSecretVariables({ ...OURS, ...FOR_PULUMI, ...PLAIN })).toEqual(PLAIN);
    // Whatever they are called.
    const byForm = {
        PULUMI_BACKEND_URL: "postgres://pulumi:canary-canary@db.example.org/state",
        DOCKER_AUTH_CONFIG: `{"auths":{"registry.example.org":{"auth":"${Buffer.from("ci:canary").toString("base64")}"}}}`,
        CHAT: "https://hooks.slack.com/services/T0/B0/canary-canary",
        DEPLOY_KEY: "-----BEGIN OPENSSH PRIVATE KEY-----\ncanary\n-----END OPENSSH PRIVATE KEY-----",
    };
    expect(withoutSecretVariables({ ...byForm, ...PLAIN })).toEqual(PLAIN);
    expect(withoutSecretVariables({ https_proxy: "http://ci:canary@proxy:3128" })).toEqual({
        https_proxy: "http://proxy:3128",
    });
    expect(withoutSecretVariables({ PULUMI_BACKEND_URL: "s3://state?region=eu", PATH: "/usr/bin" })).toEqual({
        PULUMI_BACKEND_URL: "s3://state?region=eu",
        PATH: "/usr/bin",
    });
});

test.each(["authentik", "zot"])("the provider %s gets Authentik's token, and no other secret", (name) => {
    witness("node");
    // Nor does any other program on the way.
    for (const tool of ["env", "sed", "cat", "dirname", "printenv"]) witness(tool);
    execFileSync(path.join(ROOT, `providers/${name}/pulumi-resource-${name}`), ["127.0.0.1:1"], {
        env: { ...OURS, ...FOR_PULUMI, ...ENGINES, ...OF_OTHERS, ...PLAIN, PATH: `${folder}:/usr/bin:/bin` },
    });
    expect(seen()).toContain("SSH_AUTH_SOCK=/agent");
    expect(canaries(seen())).toEqual(["canary-authentik"]);
});

test.each([
    ["one that is stale", "compiled('cli/matrix.ts')"],
    ["all of them", "compileAll()"],
])("the compiler gets none: %s", (_what, call) => {
    for (const part of ["build", "cli/matrix.ts"])
        fs.cpSync(path.join(ROOT, part), path.join(folder, part), { recursive: true });
    fs.writeFileSync(path.join(folder, "package.json"), fs.readFileSync(path.join(ROOT, "package.json")));
    for (const source of ["cli/matrix.ts", "index.ts"])
        fs.writeFileSync(path.join(folder, source), "console.log(process.env.FORGE_TOKEN)\n");
    fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"), "dir");
    const binary = fs.globSync(path.join(ROOT, "node_modules/@esbuild/*/bin/esbuild"))[0]!;
    const ran = spawnSync(
        process.execPath,
        ["-e", `const { compiled, compileAll } = require("./build/compile.cjs"); ${call}`],
        {
            cwd: folder,
            encoding: "utf8",
            env: {
                ...OURS,
                ...FOR_PULUMI,
                ...ENGINES,
                PATH: "/usr/bin:/bin",
                HOME: folder,
                ESBUILD_BINARY_PATH: witness("esbuild", `exec '${binary}' "$@"`),
            },
        },
    );
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    expect(fs.existsSync(path.join(folder, "dist/cli/matrix.js"))).toBe(true);
    expect(seen()).toContain("PATH=");
    expect(canaries(seen())).toEqual([]);
});

/** A stack's file, and what an operator has in the environment. */
function project(): { env: Record<string, string>; calls: string } {
    fs.copyFileSync(path.join(ROOT, "Pulumi.yaml"), path.join(folder, "Pulumi.yaml"));
    fs.copyFileSync(path.join(ROOT, "Pulumi.prod.yaml"), path.join(folder, "Pulumi.prod.yaml"));
    const { env, calls } = fakePulumi(folder, "{}");
    return { env: { ...OURS, ...FOR_PULUMI, ...env, AUTHENTIK_URL: "http://127.0.0.1:9" }, calls };
}

test.each([
    ["ci-secrets", ["--stack", "prod", "--store", "json", "--file", "x.json"]],
    ["verify", ["--stack", "prod", "--read-only", "--registry", "http://127.0.0.1:9"]],
    ["adopt", ["--stack", "prod"]],
])("npm run %s gives Pulumi what is Pulumi's", (name, args) => {
    const { env, calls } = project();
    spawnSync(process.execPath, [compiled(`cli/${name}.ts`), ...args], { cwd: folder, env, timeout: 60_000 });
    expect(canaries(fs.readFileSync(calls, "utf8"))).toEqual(Object.values(FOR_PULUMI).sort());
});

test("npm run review starts git without a secret, whatever git does with it", () => {
    const { env } = project();
    const real = execFileSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).trim();
    const git = (...args: string[]) =>
        execFileSync(real, ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], { cwd: folder });
    fs.symlinkSync(path.join(ROOT, "node_modules"), path.join(folder, "node_modules"), "dir");
    git("init", "--quiet");
    git("add", "Pulumi.yaml", "Pulumi.prod.yaml");
    git("commit", "--quiet", "--message", "one");
    fs.appendFileSync(path.join(folder, "Pulumi.prod.yaml"), "# changed\n");
    witness("git", `exec '${real}' "$@"`);
    const ran = spawnSync(process.execPath, [compiled("cli/review.ts"), "--base", "HEAD"], {
        cwd: folder,
        env: { ...env, GIT_AUTHOR_NAME: "kept" },
        encoding: "utf8",
    });
    expect(ran).toMatchObject({ status: 0, stderr: "" });
    expect(seen()).toContain("GIT_AUTHOR_NAME=kept");
    expect(canaries(seen())).toEqual([]);
});

test("npm run setup starts ssh and ssh-keygen without a secret, whatever SSH's configuration makes of it", async () => {
    witness("ssh");
    witness("ssh-keygen");
    const before = { ...process.env };
    Object.assign(process.env, OURS, FOR_PULUMI, { SSH_AUTH_SOCK: "/agent", PATH: `${folder}:/usr/bin:/bin` });
    try {
        await sshDefaults({ host: "registry-host.example.org" });
        await knownKeys("registry-host.example.org", 22);
    } finally {
        for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
        Object.assign(process.env, before);
    }
    expect(seen().match(/^SSH_AUTH_SOCK=\/agent$/gm)).toHaveLength(2);
    expect(canaries(seen())).toEqual([]);
});
