/** What a destroy asks before and after: whether the host runs what it is told, and whether the config is withdrawn. */
import * as fs from "node:fs";
import * as path from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { CallContext, PropertyMap } from "../../../providers/protocol";
import { hostObservation } from "../../../providers/zot/hostObservation";
import { hostWithdrawal } from "../../../providers/zot/hostWithdrawal";
import { hostWithdrawalToken } from "../../../providers/zot/package";
import { packageSchema } from "../../../providers/zot/schema";
import * as zot from "../../../sdks/zot";
import { findSshd, generateKeyPair } from "../../../testbed/sshHost";
import { type ObservedHost, startObservedHost } from "./hostObservation.host";

jest.setTimeout(120_000);

const kinds: ("embedded" | "openssh")[] = findSshd() ? ["embedded", "openssh"] : ["embedded"];
if (!findSshd()) test.skip("openssh: this machine has no sshd (Debian's package openssh-server)", () => {});

describe.each(kinds)("a destroy over %s", (kind) => {
    const scratch = fs.mkdtempSync("/tmp/withdrawal-");
    /** What the host does with a command while this file is there. */
    const instead = path.join(scratch, "instead");
    const said: string[] = [];
    const context: CallContext = {
        urn: "urn:pulumi:test::project::zot:index/hostWithdrawal:HostWithdrawal::registry",
        log: async (severity, message) => void said.push(`${severity}: ${message}`),
        cancelled: new AbortController().signal,
    };
    let host: ObservedHost;

    beforeAll(async () => {
        const shell = path.join(scratch, "shell");
        fs.writeFileSync(
            shell,
            `#!/bin/sh\n[ ! -e '${instead}' ] || exec /bin/sh '${instead}' "$@"\nexec /bin/sh "$@"\n`,
            {
                mode: 0o755,
            },
        );
        host = await startObservedHost({ kind, shell });
    });
    afterAll(async () => {
        await host?.stop();
        fs.rmSync(scratch, { recursive: true });
    });
    beforeEach(async () => {
        fs.rmSync(instead, { force: true });
        await host.repair();
        said.length = 0;
    });

    const withdraw = async (connection: PropertyMap = {}, more: PropertyMap = {}) => {
        const inputs = { connection: { ...(host.inputs.connection as PropertyMap), ...connection }, ...more };
        await hostWithdrawal({ environment: {}, limits: { answer: 4_000, login: 10_000 } }).delete(
            { id: "registry", properties: {}, inputs },
            context,
        );
    };
    const leave = (inputs: PropertyMap = host.inputs) =>
        hostObservation({ environment: {}, limits: { answer: 4_000, login: 10_000 } }).delete(
            { id: "registry", properties: {}, inputs },
            context,
        );
    const deployed = () =>
        fs.mkdirSync(path.join(`${host.configFile}.zot-hardening`, "pushes", "1"), { recursive: true });

    test("begins where the host does what it is told, over one connection", async () => {
        const before = host.ssh.connections();
        await withdraw();
        expect(host.ssh.connections() - before).toBe(1);
    });

    test("begins where a start-up file prints something without an end of line", async () => {
        fs.writeFileSync(instead, `printf 'registry-host: '; rm '${instead}'; exec /bin/sh "$@"\n`);
        await withdraw();
    });

    test.each([
        ["nothing", "exit 0", "printed nothing and ended with 0"],
        ["something else", "cat >/dev/null; echo deployed", 'printed "deployed" and ended with 0'],
        ["less than it is told", "cat; exit 3", /printed "[0-9a-f]{16}" and ended with 3/],
    ])("ends before anything is changed where the host does %s", async (_what, script, tells) => {
        fs.writeFileSync(instead, `${script}\n`);
        const failing = withdraw();
        await expect(failing).rejects.toThrow(tells);
        await expect(failing).rejects.toThrow(
            /does not run the commands that it is sent[\s\S]*ForceCommand[\s\S]*Nothing was changed, neither on the host nor in Authentik/,
        );
    });

    describe("that is to bring back what was there before the first deployment", () => {
        const state = () => `${host.configFile}.zot-hardening`;
        const original = () => path.join(state(), "original");
        const restore = () => withdraw({}, { restoredFrom: original() });
        afterEach(() => {
            if (fs.existsSync(state())) fs.chmodSync(state(), 0o755);
        });

        test("begins where that is kept", async () => {
            fs.mkdirSync(original(), { recursive: true });
            await restore();
        });

        test.each(["it is lost", "all that the host kept of deployments is lost"])(
            "ends before anything is changed where %s",
            async (what) => {
                deployed();
                fs.rmSync(what === "it is lost" ? original() : state(), { recursive: true, force: true });
                const failing = restore();
                await expect(failing).rejects.toThrow(
                    `does not know what was there before the first deployment: ${original()} is missing. ` +
                        "Set host.onDestroy to read-only, run pulumi up, and then destroy.",
                );
                await expect(failing).rejects.toThrow(/Nothing was changed, neither on the host nor in Authentik/);
            },
        );

        const asRoot = process.getuid?.() === 0;
        (asRoot ? test.skip : test)(
            "begins where the login may not look: the withdrawal itself will tell",
            async () => {
                deployed();
                fs.chmodSync(state(), 0o600);
                await restore();
            },
        );

        test("asks nothing of it otherwise", async () => {
            deployed();
            await withdraw();
        });
    });

    test("tries a login that is refused once", async () => {
        const before = host.ssh.connections();
        await expect(withdraw({ privateKey: generateKeyPair("ed25519", "stranger").privateKeyPem })).rejects.toThrow(
            /refuses the login[\s\S]*Nothing was changed/,
        );
        expect(host.ssh.connections() - before).toBe(1);
    });

    test("says how it goes on where the host is gone", async () => {
        await expect(withdraw({ port: 1 })).rejects.toThrow(
            /refuses connections[\s\S]*If the host is gone for good: pulumi state delete 'urn:pulumi:test::project::zot:index\/hostWithdrawal:HostWithdrawal::registry'/,
        );
    });

    test("ends with a failure where what was declared is still in force", async () => {
        deployed();
        await expect(leave()).rejects.toThrow(
            /is still in force on the registry's host[\s\S]*something else ran in its place/,
        );
        // As after any withdrawal.
        fs.writeFileSync(host.configFile, host.config.replace('"info"', '"warn"'));
        await leave();
        // What was there before the first deployment was the same.
        await host.repair();
        await leave();
        expect(said).toEqual([]);
    });

    test("ends well, and says what is not known, where the host cannot be asked", async () => {
        await leave({ ...host.inputs, connection: { ...(host.inputs.connection as PropertyMap), port: 1 } });
        expect(said).toEqual([
            expect.stringMatching(/^warning: It is not known whether the config was withdrawn\. .*refuses connections/),
        ]);
    });
});

test(
    "the SDK, the schema and the check know the connection, which is secret as a whole, where to restore from, " +
        "and nothing else",
    async () => {
        const connection = { host: "host", user: "zot", hostKey: "text" };
        const found: object[] = [];
        await pulumi.runtime.setMocks({
            newResource: ({ type, inputs }) => {
                found.push({ type, inputs: inputs as object });
                return { id: "id", state: {} };
            },
            call: () => ({}),
        });
        new zot.HostWithdrawal("host", { connection });
        new zot.HostWithdrawal("restored", { connection, restoredFrom: "/etc/zot/original" });
        await pulumi.runtime.disconnect();
        const secret = { "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", value: connection };
        expect(found).toEqual([
            { type: hostWithdrawalToken, inputs: { connection: secret } },
            { type: hostWithdrawalToken, inputs: { connection: secret, restoredFrom: "/etc/zot/original" } },
        ]);
        expect(() => new zot.HostWithdrawal("host", {} as zot.HostWithdrawalArgs)).toThrow(
            "Missing required property 'connection'",
        );
        const schema = JSON.parse(packageSchema()) as { resources: Record<string, { inputProperties: object }> };
        expect(Object.keys(schema.resources[hostWithdrawalToken]!.inputProperties)).toEqual([
            "connection",
            "restoredFrom",
        ]);
        const check = (inputs: PropertyMap) =>
            hostWithdrawal({ environment: {} }).check!(
                { inputs, oldInputs: undefined, randomSeed: new Uint8Array() },
                undefined as never,
            );
        expect((await check({})).failures).toEqual([{ property: "connection", reason: "connection is missing." }]);
        expect((await check({ connection, look: true })).failures).toEqual(
            expect.arrayContaining([
                {
                    property: "look",
                    reason: "look is not a property of a host withdrawal, which only has connection and restoredFrom.",
                },
            ]),
        );
        expect((await check({ connection, restoredFrom: "original" })).failures).toContainEqual({
            property: "restoredFrom",
            reason: "restoredFrom must be an absolute path.",
        });
        expect((await check({ connection, restoredFrom: "/etc/zot/original" })).inputs).toMatchObject({
            restoredFrom: "/etc/zot/original",
        });
    },
);
