/** The two readers, which have to find the same in the same stack. */

import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import { allSettings, parseSettings, SecretText, type SettingMistake } from "../../../components/settings";
import { settingsFromPulumi } from "../../../components/settings/fromPulumi";
import { StackFileError, settingsFromStackFile, stacksWithFile } from "../../../components/settings/fromStackFile";
import { HOST_KEY } from "../../support/settings";

const PRIVATE_KEY = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n";
const ENVIRONMENT = ["AUTHENTIK_URL", "AUTHENTIK_TOKEN", "SSH_AUTH_SOCK"];
const folders: string[] = [];
const before = Object.fromEntries(ENVIRONMENT.map((name) => [name, process.env[name]]));

beforeAll(async () => {
    await pulumi.runtime.setMocks(
        { newResource: ({ name, inputs }) => ({ id: name, state: inputs }), call: () => ({}) },
        "zot-hardening",
        "test",
    );
});
beforeEach(() => {
    for (const name of ENVIRONMENT) delete process.env[name];
});
afterAll(() => {
    for (const name of ENVIRONMENT) {
        if (before[name] === undefined) delete process.env[name];
        else process.env[name] = before[name];
    }
    for (const folder of folders) fs.rmSync(folder, { recursive: true });
});

/** A project's folder with the defaults of the real Pulumi.yaml and one stack. */
function project(stack: string | object, projectFile: string | object = projectDeclaration()): string {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), "settings-test-"));
    folders.push(folder);
    const write = (name: string, content: string | object) =>
        fs.writeFileSync(path.join(folder, name), typeof content === "string" ? content : stringify(content));
    write("Pulumi.yaml", projectFile);
    write("Pulumi.test.yaml", stack);
    return folder;
}

function projectDeclaration(): object {
    return {
        name: "zot-hardening",
        runtime: "nodejs",
        config: Object.fromEntries(
            allSettings().map(({ name, setting }) => [name, { default: setting.default ?? "" }]),
        ),
    };
}

const site = {
    "zot-hardening:registry": { url: "https://registry.example.org" },
    "zot-hardening:zot": {
        binary: "/usr/local/bin/zot",
        configFile: "/etc/zot/config.json",
        rootDirectory: "/var/lib/zot",
        port: 5050,
    },
    "zot-hardening:identity": { issuer: "https://authentik.example.org/application/o/zot/" },
};
const secure = (text: string) => ({ secure: `v1:${Buffer.from(text).toString("base64")}` });
const sentences = (mistakes: SettingMistake[]) => mistakes.map((mistake) => mistake.message);

describe("a stack's file", () => {
    const read = (config: object) => parseSettings(settingsFromStackFile(project({ config }), "test"));

    test("gives the settings in it over the defaults of Pulumi.yaml", () => {
        const { settings, mistakes } = read(site);
        expect(mistakes).toEqual([]);
        expect(settings.zot.port).toBe(5050);
        expect(settings.zot.address).toBe("127.0.0.1");
        expect(settings.access).toEqual({
            ciRepositories: ["**"],
            ciMayPushToMirrors: false,
            adminsMayUpdate: false,
            channels: [],
            movableTags: {},
            acceptLossOfManifests: false,
            tagScheme: [],
            explainRefusals: false,
            rules: {},
        });
    });

    test("keeps encrypted values closed, wherever they are", () => {
        const { settings, mistakes } = read({
            ...site,
            "zot-hardening:host": { privateKey: secure(PRIVATE_KEY), password: secure("x"), hostKey: secure(HOST_KEY) },
            "authentik:token": secure("t"),
        });
        expect(mistakes).toEqual([]);
        expect(settings.host.privateKey).toBeInstanceOf(SecretText);
        expect(settings.host.privateKey?.isReadable).toBe(false);
        expect(settings.host.password?.isReadable).toBe(false);
    });

    test("refuses what has to be readable and is encrypted", () => {
        const { mistakes } = read({
            ...site,
            "zot-hardening:registry": { url: secure("https://registry.example.org") },
            "zot-hardening:access": { rules: { "team/**": { ci: [secure("read")] } } },
            "zot-hardening:zot": {
                ...site["zot-hardening:zot"],
                extraConfig: { storage: { storageDriver: { secretkey: secure("x") } } },
            },
        });
        expect(sentences(mistakes)).toEqual([
            "registry.url is encrypted, but registry.url is shown wherever it is used; " +
                "set it without --secret, or leave it out if it is a secret.",
            "zot.extraConfig.storage.storageDriver.secretkey is encrypted, " +
                "but zot.extraConfig is shown wherever it is used; " +
                "set it without --secret, or leave it out if it is a secret.",
            'access.rules["team/**"].ci[0] is encrypted, but access.rules is shown wherever it is used; ' +
                "set it without --secret, or leave it out if it is a secret.",
        ]);
    });

    test("refuses a misspelt namespace, which Pulumi would take for another package's", () => {
        const { mistakes } = read({
            ...site,
            "zot-hardning:access": { ciRepositories: ["images/**"] },
            "aws:region": "eu-central-1",
        });
        expect(sentences(mistakes)).toEqual([
            "zot-hardning:access is not a setting, and has no effect: its namespace is misspelt; " +
                "did you mean zot-hardening:access?",
        ]);
    });

    test("refuses plain secrets, and shows none", () => {
        const { mistakes } = read({
            ...site,
            "zot-hardening:host": { password: "canary" },
            "authentik:token": "canary",
        });
        expect(mistakes.map((mistake) => mistake.setting)).toEqual(["authentik:token", "host.password"]);
        expect(sentences(mistakes)[0]).toBe(
            "authentik:token is a secret but is not encrypted in the stack's file: " +
                "change it where it came from, and set it with: " +
                "pulumi config set --secret authentik:token (or AUTHENTIK_TOKEN in the environment)",
        );
        expect(sentences(mistakes).join()).not.toContain("canary");
    });

    test("passes over the configuration of others, and refuses names that only look like ours", () => {
        const { mistakes } = read({
            ...site,
            "authentik:url": "https://authentik.example.org",
            "aws:region": "x",
            "zot:cacheFolder": "y",
            "zot:port": 1,
            "zot-hardening:zot": { ...site["zot-hardening:zot"], port: 5051 },
            "zot-hardening:zot.port": 1,
        });
        expect(mistakes.map((mistake) => mistake.setting)).toEqual(["zot:port", "zot.port"]);
    });

    test("takes keys without a namespace as the project's", () => {
        const { settings, mistakes } = read(
            Object.fromEntries(Object.entries(site).map(([key, value]) => [key.replace("zot-hardening:", ""), value])),
        );
        expect(mistakes).toEqual([]);
        expect(settings.registry.url).toBe("https://registry.example.org");
    });

    test.each<[title: string, stack: string | object, message: RegExp]>([
        [
            "is no YAML",
            "config:\n  zot-hardening:host:\n    password: 'canary\n",
            /^The stack's file .*Pulumi\.test\.yaml is not YAML as Pulumi reads it, line \d+: \S.*$/,
        ],
        [
            "has a key twice",
            "config:\n  a:b: canary\n  a:b: canary\n",
            /^The stack's file .*Pulumi\.test\.yaml is not YAML as Pulumi reads it, line 3: Map keys must be unique$/,
        ],
        ["is a list", ["config"], /^The stack's file .*Pulumi\.test\.yaml is not a map\.$/],
        ["has a list as config", { config: ["canary"] }, /^"config" in the file of the stack "test" is not a map\.$/],
    ])("%s", (_title, stack, message) => {
        let thrown: unknown;
        try {
            settingsFromStackFile(project(stack), "test");
        } catch (error) {
            thrown = error;
        }
        expect(thrown).toBeInstanceOf(StackFileError);
        expect((thrown as Error).message).toMatch(message);
        expect((thrown as Error).message).not.toContain("canary");
    });

    test("may be empty, which is a site that has set nothing", () => {
        for (const stack of ["", "config:\n", "encryptionsalt: x\n"]) {
            const { mistakes } = parseSettings(settingsFromStackFile(project(stack), "test"));
            expect(mistakes.map((mistake) => mistake.setting)).toEqual([
                "registry.url",
                "zot.binary",
                "zot.configFile",
                "zot.rootDirectory",
                "identity.issuer",
            ]);
        }
    });

    test("is named by the last part of a stack's full name, and has to be there", () => {
        const folder = project({ config: site });
        expect(settingsFromStackFile(folder, "organization/zot-hardening/test")).toEqual(
            settingsFromStackFile(folder, "test"),
        );
        expect(stacksWithFile(folder)).toEqual(["test"]);
        expect(() => settingsFromStackFile(folder, "prod")).toThrow(
            /^There is no stack "prod": .*Pulumi\.prod\.yaml does not exist\. Stacks with a file here: test\.$/,
        );
        for (const name of ["", "a b", "test\n"]) {
            expect(() => settingsFromStackFile(folder, name)).toThrow(
                `There is no stack ${JSON.stringify(name)}. Stacks with a file here: test.`,
            );
        }
    });

    test("needs a project beside it", () => {
        const folder = project({ config: site });
        fs.rmSync(path.join(folder, "Pulumi.yaml"));
        expect(() => settingsFromStackFile(folder, "test")).toThrow(
            /^Cannot read the project's file .*Pulumi\.yaml: ENOENT$/,
        );
        expect(() => settingsFromStackFile(project({ config: site }, "runtime: nodejs\n"), "test")).toThrow(
            /^The project's file .*Pulumi\.yaml has no name\.$/,
        );
    });
});

describe("a running program", () => {
    /** Configuration as the CLI hands it over: groups as JSON, and the names of those that hold a secret. */
    function configure(config: Record<string, unknown>, secretKeys: string[] = []): void {
        pulumi.runtime.setAllConfig(
            Object.fromEntries(
                Object.entries(config).map(([key, value]) => [
                    key,
                    typeof value === "string" ? value : JSON.stringify(value),
                ]),
            ),
            secretKeys,
        );
    }
    const host = { address: "registry-host.example.org", user: "zot", hostKey: HOST_KEY, privateKey: PRIVATE_KEY };
    const whole = {
        ...site,
        "zot-hardening:host": host,
        "authentik:url": "https://authentik.example.org",
        "authentik:token": "canary",
    };
    const secretKeys = ["zot-hardening:host", "authentik:token"];
    const read = () => parseSettings(settingsFromPulumi());

    test("refuses a misspelt namespace", () => {
        configure({ ...whole, "zot-hardning:access": { ciRepositories: ["images/**"] } }, secretKeys);
        expect(read().mistakes.map(({ setting }) => setting)).toEqual(["zot-hardning:access"]);
    });

    test("finds the settings, and what is secret in a group that holds secrets", () => {
        configure(whole, secretKeys);
        const { settings, mistakes } = read();
        expect(mistakes).toEqual([]);
        expect(settings.zot.port).toBe(5050);
        expect(settings.host.hostKey).toBe(HOST_KEY);
        expect(settings.host.privateKey?.reveal()).toBe(PRIVATE_KEY);
        expect(settings.host.password).toBeUndefined();
        expect(JSON.stringify(settings)).not.toContain("canary");
    });

    test("takes an empty secret of Pulumi.yaml as not set, and digits as text", () => {
        configure(
            {
                ...whole,
                "zot-hardening:host": { ...host, privateKey: "", privateKeyPassphrase: "", password: 12345 },
                "zot-hardening:identity": { ...site["zot-hardening:identity"], clientId: 4711 },
            },
            secretKeys,
        );
        const { settings, mistakes } = read();
        expect(mistakes).toEqual([]);
        expect(settings.host.privateKey).toBeUndefined();
        expect(settings.host.password?.reveal()).toBe("12345");
        expect(settings.identity.clientId).toBe("4711");
    });

    test("finds numbers, booleans, lists and maps that were set as text", () => {
        configure(
            {
                ...whole,
                "zot-hardening:host": { ...host, port: "2222" },
                "zot-hardening:zot": {
                    ...site["zot-hardening:zot"],
                    port: "5051",
                    search: "true",
                    mirrors: '[{"url":"https://a.example","prefix":"a"}]',
                    extraConfig: '{"log":{"audit":"/x"}}',
                },
            },
            secretKeys,
        );
        const { settings, mistakes } = read();
        expect(mistakes).toEqual([]);
        // A port that stayed text would make the command plugin print the whole connection, its key too.
        expect(settings.host.port).toBe(2222);
        expect(settings.zot).toMatchObject({
            port: 5051,
            search: true,
            mirrors: [{ url: "https://a.example", prefix: "a" }],
            extraConfig: { log: { audit: "/x" } },
        });
    });

    test("refuses plain secrets", () => {
        configure(whole);
        expect(read().mistakes.map((mistake) => mistake.setting)).toEqual(["authentik:token", "host.privateKey"]);
    });

    test("refuses an encrypted group that has no secrets, without a word of it", () => {
        configure({ ...whole, "zot-hardening:access": { adminsMayUpdate: "canary" } }, [
            ...secretKeys,
            "zot-hardening:access",
        ]);
        expect(sentences(read().mistakes)).toEqual([
            "access holds an encrypted value, but is not a secret; set it again without --secret: " +
                "access.ciRepositories, access.ciMayPushToMirrors, access.adminsMayUpdate, access.channels, " +
                "access.movableTags, access.acceptLossOfManifests, access.tagScheme, " +
                "access.explainRefusals, access.rules.",
        ]);
    });

    test("refuses what is no JSON, and names without --path", () => {
        configure(
            {
                ...whole,
                "zot-hardening:access": "{canary",
                "zot-hardening:host": { ...host, password: "other canary" },
                "zot-hardening:zot": { ...site["zot-hardening:zot"], port: "5051" },
                "zot-hardening:host.password": "canary",
                "zot-hardening:zot.port": "1",
            },
            [...secretKeys, "zot-hardening:access", "zot-hardening:host.password"],
        );
        const { mistakes } = read();
        expect(mistakes.map((mistake) => mistake.setting)).toEqual(["access", "host.password", "zot.port"]);
        expect(sentences(mistakes).join()).not.toContain("canary");
    });

    test("asks for Authentik's URL and token where neither configuration nor environment has them", () => {
        configure({ ...site, "zot-hardening:host": host }, secretKeys);
        expect(read().mistakes.map((mistake) => mistake.setting)).toEqual(["authentik:url", "authentik:token"]);
        process.env.AUTHENTIK_URL = "https://authentik.example.org";
        process.env.AUTHENTIK_TOKEN = "canary";
        expect(read().mistakes).toEqual([]);
    });

    test("knows of an SSH agent from the environment", () => {
        configure({ ...whole, "zot-hardening:host": { ...host, privateKey: "" } }, secretKeys);
        expect(read().mistakes.map((mistake) => mistake.setting)).toEqual(["host.privateKey"]);
        process.env.SSH_AUTH_SOCK = "/run/agent";
        expect(read().mistakes).toEqual([]);
    });

    test("agrees with the reader of the file", () => {
        configure(whole, secretKeys);
        const fromProgram = read().settings;
        const fromFile = parseSettings(
            settingsFromStackFile(
                project({
                    config: {
                        ...whole,
                        "zot-hardening:host": { ...host, privateKey: secure(PRIVATE_KEY) },
                        "authentik:token": secure("t"),
                    },
                }),
                "test",
            ),
        ).settings;
        expect(JSON.stringify(fromFile)).toBe(JSON.stringify(fromProgram));
    });
});
