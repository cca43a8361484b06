/** The inputs of a host's observation: defaults, and what is refused without showing a key. */
import type { PropertyMap } from "../../../providers/protocol";
import { checkObservation, observationOf } from "../../../providers/zot/hostObservationInputs";
import { generateKeyPair } from "../../../testbed/sshHost";

const SECRET_FILE = `/etc/zot/oidc-credentials.${"a".repeat(64)}.json`;
const { privateKeyPem, publicKey } = generateKeyPair("ed25519", "user");
const given: PropertyMap = {
    connection: { host: "registry.example.org", user: "zot", hostKey: publicKey, privateKey: privateKeyPem },
    config: "{}\n",
    secretFiles: [SECRET_FILE],
    configFile: "/etc/zot/config.json",
    binary: "/usr/local/bin/zot",
    rootDirectory: "/var/lib/zot",
    serviceManager: "systemd",
};
const problems = (changes: PropertyMap) =>
    checkObservation({ ...given, ...changes }).failures.map(({ reason }) => reason);
const connection = (changes: PropertyMap) => ({ connection: { ...(given.connection as PropertyMap), ...changes } });

test("defaults, and the agent of the environment", () => {
    const { inputs, failures } = checkObservation(given);
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({
        look: true,
        sudo: "off",
        manageService: false,
        serviceName: "zot",
        connection: { port: 22 },
    });
    const observation = observationOf(inputs, { SSH_AUTH_SOCK: "/run/agent" })!;
    expect(observation.connection.agentSocketPath).toBe("/run/agent");
    expect(Object.fromEntries(observation.variables)).toMatchObject({
        config: "/etc/zot/config.json",
        own_service: "no",
        zot_user: "",
    });
});

test.each<[string, PropertyMap, RegExp]>([
    ["a port that is a text", connection({ port: "22" }), /^connection\.port must be a number from 1 to 65535\.$/],
    [
        "a private key that is a map",
        connection({ privateKey: { pem: privateKeyPem } }),
        /^connection\.privateKey must be a text\.$/,
    ],
    [
        "a private key under another name",
        connection({ key: privateKeyPem }),
        /^connection\.key is not part of a connection; the parts are host, /,
    ],
    ["a connection that is the key", { connection: privateKeyPem }, /^connection must be a map of host, /],
    [
        "a fingerprint for a host key",
        connection({ hostKey: "SHA256:abc" }),
        /^connection\.hostKey must be one ed25519 or ecdsa key/,
    ],
    [
        "an RSA host key",
        connection({ hostKey: generateKeyPair("rsa", "x").publicKey }),
        /^connection\.hostKey must be one ed25519 or ecdsa key/,
    ],
    [
        "a host key of two lines",
        connection({ hostKey: `${publicKey}\n${publicKey}` }),
        /^connection\.hostKey must be one ed25519 or ecdsa key/,
    ],
    [
        "a jump host without its key",
        connection({ proxy: { host: "jump", user: "zot" } }),
        /^connection\.proxy\.hostKey is missing\.$/,
    ],
    ["a relative path", { configFile: "config.json" }, /^configFile must be an absolute path\.$/],
    ["a line break in a path", { binary: "/zot\n/other" }, /^binary must be of one line\.$/],
    [
        "a secret file without its hash",
        { secretFiles: ["/etc/zot/credentials.json"] },
        /^secretFiles must be paths with the sha256/,
    ],
    ["a name that is none", { configPath: "/x" }, /^configPath is not a property of a host observation/],
    ["what is missing", { config: null }, /^config is missing\.$/],
])("%s is refused, and no value of the connection is shown", (_what, changes, sentence) => {
    const said = problems(changes);
    expect(said).toEqual([expect.stringMatching(sentence)]);
    for (const line of privateKeyPem.split("\n").filter((each) => each.length > 20))
        expect(said.join("")).not.toContain(line);
});

test("what is not known yet passes, and is not looked at", () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    const { inputs, failures } = checkObservation({
        ...given,
        config: unknown,
        ...connection({ privateKey: unknown }),
    });
    expect(failures).toEqual([]);
    expect(observationOf(inputs, {})).toBeUndefined();
    expect(observationOf(checkObservation({ ...given, config: unknown }).inputs, {})!.declared).toBeUndefined();
});
