/** The commands that need no engine, as an operator runs them. */
import * as fs from "node:fs";
import * as path from "node:path";
import { parse } from "yaml";
import { declaredState } from "../../components/declaredState";
import { settingsFromStackFile } from "../../components/settings/fromStackFile";
import { configText } from "../../components/zotConfig";
import { project, root, run, scratch } from "./projectCommand";

const declared = (stack: string) => declaredState(settingsFromStackFile(root, stack));

test.each(["prod", "demo"])("npm run config prints what the stack %s would deploy", (stack) => {
    expect(run("config", ["--stack", stack])).toEqual({
        status: 0,
        stdout: configText(declared(stack).zotConfig()),
        stderr: "",
    });
    expect(run("config", ["-s", stack, "--json"])).toEqual({
        status: 0,
        stdout: configText(declared(stack).zotConfig()),
        stderr: "",
    });
});

describe("npm run matrix", () => {
    test("as a table", () => {
        const { status, stdout, stderr } = run("matrix", ["--stack", "demo"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout).toBe(
            [
                "repositories       who                       read    create  update  delete",
                "**                 anonymous                 yes     -       -       -",
                "                   logged in, no group       yes     -       -       -",
                "                   group artifact-workloads  yes     yes     -       -",
                "                   group admins              yes     yes     -       yes",
                "mirror.example/**  anonymous                 yes     -       -       -",
                "                   logged in, no group       yes     -       -       -",
                "                   group artifact-workloads  yes     -       -       -",
                "                   group admins              yes     yes     -       yes",
                "",
            ].join("\n"),
        );
    });

    test("as JSON", () => {
        const { status, stdout } = run("matrix", ["--stack", "prod", "--json"]);
        expect(status).toBe(0);
        expect(JSON.parse(stdout)).toEqual(declared("prod").matrix);
    });

    test("as Markdown, every row complete", () => {
        const { status, stdout } = run("matrix", ["--stack", "demo", "--markdown"]);
        expect(status).toBe(0);
        expect(stdout.split("\n").slice(0, 4)).toEqual([
            "| repositories | who | read | create | update | delete |",
            "|---|---|---|---|---|---|",
            "| `**` | anonymous | yes | – | – | – |",
            "| `**` | logged in, no group | yes | – | – | – |",
        ]);
    });

    test("not as both", () => {
        const { status, stderr } = run("matrix", ["--stack", "demo", "--json", "--markdown"]);
        expect(status).toBe(2);
        expect(stderr).toMatch(/'--(json|markdown)'? cannot be used with option '--(json|markdown)'/);
    });
});

describe.each(["config", "matrix"] as const)("npm run %s", (command) => {
    test("explains itself, with an example that works", () => {
        const { status, stdout, stderr } = run(command, ["--help"]);
        expect([status, stderr]).toEqual([0, ""]);
        expect(stdout).toMatch(/^Usage: npm run \w+ -- \[options\]\n\nPrints .*\.\n/);
        const [, args] = new RegExp(`Example:\n  npm run --silent ${command} -- (.+)\n`).exec(stdout)!;
        expect(run(command, args!.split(" ")).status).toBe(0);
        expect(stdout).toContain(
            "Exit code: 0 done, 1 a mistake in the settings or the stack's name, or it could not be done, " +
                "2 a mistake on the command line, 3 a defect.",
        );
    });

    test("asks which stack", () => {
        expect(run(command, [])).toEqual({
            status: 2,
            stdout: "",
            stderr: expect.stringMatching(
                /^Which stack\? Name one with --stack; those with a file here: .*demo.*prod.*\.\n/,
            ),
        });
    });

    test("says that there is no such stack", () => {
        expect(run(command, ["--stack", "prdo"])).toEqual({
            status: 1,
            stdout: "",
            stderr: expect.stringMatching(
                /^There is no stack "prdo": .*Pulumi\.prdo\.yaml does not exist\. Stacks with a file here: .*prod.*\.\n$/,
            ),
        });
    });

    test.each([[["--stak", "prod"]], [["--stack"]], [["--stack", "prod", "demo"]]])(
        "refuses the command line %j",
        (args) => {
            const { status, stdout, stderr } = run(command, args);
            expect([status, stdout]).toEqual([2, ""]);
            expect(stderr).toMatch(/^error: .*\n(.*\n)?\(add --help for more\)\n/);
        },
    );

    test("works below the project's folder, and says where there is none", () => {
        expect(run(command, ["--stack", "prod"], path.join(root, "components", "settings")).status).toBe(0);
        const nowhere = scratch();
        expect(run(command, ["--stack", "prod"], nowhere)).toEqual({
            status: 1,
            stdout: "",
            stderr:
                `There is no Pulumi.yaml in ${fs.realpathSync(nowhere)} or above; ` +
                `run this in the project's folder.\n`,
        });
    });

    test("tells every mistake, without a stack trace, and as JSON where asked", () => {
        const folder = project({
            test: {
                config: {
                    "zot-hardening:registry": { url: "http://registry.example.org" },
                    "zot-hardening:zot": { prot: 1 },
                    "zot-hardening:host": { password: "canary" },
                },
            },
        });
        const { status, stdout, stderr } = run(command, ["--stack", "test"], folder);
        expect([status, stdout]).toEqual([1, ""]);
        const lines = stderr.trimEnd().split("\n");
        expect(lines[0]).toBe("There are 7 mistakes in the settings of Pulumi.test.yaml:");
        expect(lines).toHaveLength(8);
        expect(stderr).not.toMatch(/canary|^\s+at /m);

        const asJson = run(command, ["--stack", "test", "--json"], folder);
        expect([asJson.status, asJson.stderr]).toEqual([1, stderr]);
        const { mistakes } = JSON.parse(asJson.stdout) as { mistakes: { setting: string; message: string }[] };
        expect(mistakes.map((mistake) => `  - ${mistake.message}`)).toEqual(lines.slice(1));
        expect(mistakes.map((mistake) => mistake.setting)).toEqual([
            "zot.prot",
            "registry.url",
            "zot.binary",
            "zot.configFile",
            "zot.rootDirectory",
            "identity.issuer",
            "host.password",
        ]);
    });

    test("says what is wrong with a file that is no YAML", () => {
        const { status, stderr } = run(command, ["--stack", "test"], project({ test: "config: [" }));
        expect(status).toBe(1);
        expect(stderr).toMatch(/^The stack's file .*Pulumi\.test\.yaml is not YAML as Pulumi reads it, line 1: .*\n$/);
    });

    test("needs no secret: encrypted ones stay closed", () => {
        const config = {
            ...(
                parse(fs.readFileSync(path.join(root, "Pulumi.prod.yaml"), "utf8")) as {
                    config: Record<string, object>;
                }
            ).config,
        };
        config["zot-hardening:host"] = {
            ...config["zot-hardening:host"],
            privateKey: { secure: "v1:AAAA:BBBB" },
            hostKey: { secure: "v1:AAAA:BBBB" },
        };
        expect(run(command, ["--stack", "test"], project({ test: { config, encryptionsalt: "v1:x" } })).stdout).toBe(
            run(command, ["--stack", "prod"]).stdout,
        );
    });
});

test("npm run settings writes the declarations and the reference, and keeps the rest of Pulumi.yaml", () => {
    const folder = project({});
    const file = path.join(folder, "Pulumi.yaml");
    const whole = fs.readFileSync(file, "utf8");
    fs.writeFileSync(file, whole.replace(/^config:[\s\S]*/m, "config:\n  zot.port:\n    default: 1\n"));
    expect(run("settings", [], folder)).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(fs.readFileSync(file, "utf8")).toBe(whole);
    expect(fs.readFileSync(path.join(folder, "docs/settings.md"), "utf8")).toBe(
        fs.readFileSync(path.join(root, "docs/settings.md"), "utf8"),
    );
});

test("host-rights tells machines apart that need different rights", () => {
    const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIMHlrzPZ9dYKCTMTPzqxP0XQuTHvjmYQ9fv4pmWvgY2";
    const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHh7Y9hD9xXg0s1r7bDPvQ8wq1p3cQm8b6tV2nq4xk3T";
    const site = fs
        .readFileSync(path.join(root, "Pulumi.prod.yaml"), "utf8")
        .replace(
            /^ {4}vulnerabilityUpdateInterval: .*\n/m,
            '    vulnerabilityUpdateInterval: "off"\n' +
                "    extraConfig: {extensions: {sync: {downloadDir: /var/tmp/zot}}}\n",
        )
        .replace(
            /^ {2}zot-hardening:host:\n( {4}.*\n)*/m,
            [
                "  zot-hardening:storage: {bucket: registry, region: eu-central-1}",
                "  zot-hardening:redis: {address: 'cache.example.org:6379'}",
                "  zot-hardening:host:",
                "    user: zot",
                "    members:",
                `      - {address: one.example.org, hostKey: ${key}}`,
                `      - {address: two.example.org, hostKey: ${other}, sudo: service}`,
                "",
            ].join("\n"),
        );
    const folder = project({ site });
    const { status, stdout, stderr } = run("host-rights", ["--stack", "site"], folder);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toMatch(/^# On one\.example\.org:\n(.|\n)*^# On two\.example\.org:\n/m);
    const asJson = run("host-rights", ["--stack", "site", "--json"], folder);
    expect(JSON.parse(asJson.stdout)).toContainEqual(expect.objectContaining({ machines: ["two.example.org"] }));
});

test.each(['    user: ""\n', ""])("host-rights gives no rights to nobody: %j in place of host.user", (line) => {
    const site = fs
        .readFileSync(path.join(root, "Pulumi.prod.yaml"), "utf8")
        .replace(/^ {4}user: .*\n/m, line)
        .replace(/^ {4}serviceManager: .*\n/m, "    serviceManager: systemd\n    sudo: service\n")
        .replace(/^ {4}startWithoutIssuer: .*\n/m, "");
    const { status, stdout, stderr } = run("host-rights", ["--stack", "site"], project({ site }));
    expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
    expect(stderr).toContain("host.user is not set");
});
