/**
 * A config that holds secrets, which zot takes from nowhere else: it is zot's alone, with all that is kept of it,
 * before and after each step; one without is for everyone to read, as ever.
 */
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostPayload } from "../../components/hostPayload";
import { configText, withConfigSecrets } from "../../components/zotConfig";
import type { JsonMap } from "../../components/zotJson";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Deployed, FaultHost } from "../../testbed/faults/host";
import { READ_ONLY, servedBy } from "../../testbed/faults/watch";
import { notAsOthers, ZOT } from "./otherUser";

jest.setTimeout(120_000);

/** Where any text stands that zot takes as it is. */
const SECRETS = { "http.realm": "canary-of-a-config" };

/** The same with a secret in its configs. */
function withSecret(deployed: Deployed): Deployed {
    const [config, readOnly] = [deployed.config, deployed.readOnly].map((text) => JSON.parse(text) as JsonMap);
    const [credentials, sessionKeys] = deployed.files;
    return {
        ...deployed,
        config: configText(withConfigSecrets(config!, SECRETS)),
        readOnly: configText(withConfigSecrets(readOnly!, SECRETS)),
        payload: hostPayload({
            settings: deployed.settings,
            files: { credentials: credentials!.path, sessionKeys: sessionKeys!.path },
            config: config!,
            readOnlyConfig: readOnly!,
            credentials: credentials!.content,
            sessionKeys: sessionKeys!.content,
            configSecrets: SECRETS,
            quotedForms: Object.values(SECRETS),
        }),
    };
}

describe.each([
    { who: "zot's own user", user: process.getuid!(), options: {}, reason: undefined },
    { who: "root, to a zot of another user", user: ZOT, options: { zotUser: ZOT }, reason: notAsOthers },
])("a deployment by $who", ({ user, options, reason }) => {
    if (reason) {
        test.skip(skippable("a config with secrets", reason), () => undefined);
        return;
    }
    let host: FaultHost;
    let plain: Deployed;
    let secret: Deployed;
    let other: Deployed;

    beforeAll(async () => {
        host = await FaultHost.start(options);
        plain = host.declare("a");
        secret = withSecret(host.declare("b", { zot: { garbageCollectionDelay: "2h" } }));
        other = withSecret(host.declare("b", { zot: { garbageCollectionDelay: "3h" } }));
    });
    afterAll(() => host?.stop());
    beforeEach(async () => {
        await host.issuer.become("ours");
        host.reset(host.openConfig());
        await host.ready();
        await deploy(plain);
    });

    const deploy = async (deployed: Deployed, said = "deployed\n") =>
        expect(await host.deploy(deployed)).toEqual({ exitCode: 0, output: said, errors: "" });
    const served = () => servedBy(host.url, [plain, secret, other]);
    const read = (file: string) => fs.readFileSync(file, "utf8");
    const rightsOf = (file: string) => {
        const { uid, mode } = fs.statSync(file);
        return `${uid} ${(mode & 0o7777).toString(8)}`;
    };
    const [CLOSED, OPEN] = [`${user} 600`, `${process.getuid!()} 644`];
    /** Rights of every file on the host that holds the secret, below and beside the config. */
    const holders = () =>
        fs
            .readdirSync(host.configFolder, { recursive: true, withFileTypes: true })
            .filter((entry) => entry.isFile())
            .map((entry) => join(entry.parentPath, entry.name))
            .filter((file) => read(file).includes(SECRETS["http.realm"]))
            .map(rightsOf);

    it("leaves it to zot alone, and the read-only one; what was there before stays as it was", async () => {
        expect(rightsOf(host.configFile)).toBe(OPEN);
        await deploy(secret);
        expect(read(host.configFile)).toBe(secret.config);
        expect(rightsOf(host.configFile)).toBe(CLOSED);
        expect(rightsOf(join(host.state, "deployed"))).toMatch(/ 600$/);
        expect(new Set(holders())).toEqual(new Set([CLOSED]));
        expect(holders().length).toBeGreaterThanOrEqual(3);
        expect(rightsOf(join(host.state, "pushes", "1", "config.json"))).toBe(OPEN);
        await deploy(secret, "unchanged\n");
        await deploy(other);
        expect(new Set(holders())).toEqual(new Set([CLOSED]));
        await deploy(plain);
        expect(rightsOf(host.configFile)).toBe(OPEN);
        expect(new Set(holders())).toEqual(new Set([CLOSED]));
    });

    it("corrects a mode that was changed by hand, without a restart", async () => {
        await deploy(secret);
        fs.chmodSync(host.configFile, 0o644);
        await deploy(secret, "repaired\n");
        expect(rightsOf(host.configFile)).toBe(CLOSED);
        await deploy(secret, "unchanged\n");
    });

    it("goes back to one, and to one without, with its mode and its owner", async () => {
        for (const [before, after, rights] of [
            [plain, secret, OPEN],
            [secret, other, CLOSED],
            [secret, plain, CLOSED],
        ] as const) {
            if (read(host.configFile) !== before.config) await deploy(before);
            await host.service.restartFault("stops and fails");
            const ran = await host.deploy(after);
            await host.service.restartFault(undefined);
            expect(ran.exitCode).toBe(1);
            expect(ran.errors).not.toContain("canary");
            expect(read(host.configFile)).toBe(before.config);
            expect(rightsOf(host.configFile)).toBe(rights);
            expect(holders().filter((one) => one !== CLOSED)).toEqual([]);
            host.service.start();
            await host.ready();
        }
        expect(await served()).toBe("b");
    });

    it("withdraws it for a read-only one that is closed too", async () => {
        await deploy(secret);
        expect(await host.deploy(secret, "withdraw")).toEqual({ exitCode: 0, output: "read-only\n", errors: "" });
        expect(await served()).toBe(READ_ONLY);
        expect(read(host.configFile)).toBe(secret.readOnly);
        expect(holders().filter((one) => one !== CLOSED)).toEqual([]);
        expect(await host.deploy(secret, "withdraw")).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
    });
});

test("a payload with such secrets is unpacked in a folder whose name has a blank", () => {
    const folder = fs.mkdtempSync(join(tmpdir(), "a blank-"));
    try {
        const sections = {
            settings: "secretConfig=yes",
            config: "{}",
            readOnlyConfig: "{}",
            credentials: "{}",
            sessionKeys: "{}",
            configSecrets: "canary-of-a-config",
            start: "#",
        };
        const text = Object.entries(sections).map(([name, line]) => `== ${name} 1\n${line}\n`);
        fs.writeFileSync(join(folder, "payload"), text.join(""));
        const script = `${fs.readFileSync(join(__dirname, "../../host/payload.sh"), "utf8")}
            folder='${folder}' config=; unpack && printf '%s %s' "$secret_config" "$(cat "$folder/configSecrets")"`;
        expect(execFileSync("sh", ["-c", script], { encoding: "utf8" })).toBe("yes canary-of-a-config");
    } finally {
        fs.rmSync(folder, { recursive: true });
    }
});
