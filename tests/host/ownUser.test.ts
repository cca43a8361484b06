/**
 * A deployment as root, where zot runs as a user of its own and its storage is a symbolic link: whose the secret files
 * are, before and after.
 */
import * as fs from "node:fs";
import { join } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Deployed, FaultHost } from "../../testbed/faults/host";
import { OPEN, servedBy } from "../../testbed/faults/watch";
import { notAsOthers, OTHER, ZOT } from "./otherUser";

jest.setTimeout(120_000);

const reason = notAsOthers;

(reason ? describe.skip : describe)(skippable("a deployment as root to a zot of another user", reason), () => {
    let host: FaultHost;
    let a: Deployed;
    let b: Deployed;

    beforeAll(async () => {
        host = await FaultHost.start({ zotUser: ZOT });
        a = host.declare("a");
        b = host.declare("b", { zot: { garbageCollectionDelay: "2h" } });
    });
    afterAll(() => host?.stop());

    const served = () => servedBy(host.url, [a, b, { name: OPEN, config: "" }]);
    /** Owner, mode and bytes of the config and of every secret file beside it. */
    const files = () =>
        Object.fromEntries(
            fs
                .readdirSync(host.configFolder)
                .filter((name) => name.endsWith(".json"))
                .map((name) => {
                    const file = join(host.configFolder, name);
                    const { uid, mode } = fs.lstatSync(file);
                    return [name, `${uid} ${(mode & 0o7777).toString(8)} ${fs.readFileSync(file, "utf8")}`];
                }),
        );
    const hardened = async () => {
        await host.issuer.become("ours");
        host.reset(host.openConfig());
        await host.ready();
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "deployed\n", errors: "" });
        expect(await served()).toBe("a");
    };
    /** The same payload with another line of its settings. */
    const with_ = (deployed: Deployed, settings: Record<string, string>): Deployed => ({
        ...deployed,
        payload: Object.entries(settings).reduce(
            (payload, [name, value]) => payload.replace(new RegExp(`^${name}=.*$`, "m"), `${name}=${value}`),
            deployed.payload,
        ),
    });
    /** A policy of its own, with the secrets of `a`: the new config names the very files that the former one does. */
    const change = () => host.declare("a", { zot: { garbageCollectionDelay: "7h" } });

    it("follows the link to the storage, and gives the secret files to the user that it belongs to", async () => {
        await hardened();
        for (const { path } of a.files) expect(fs.statSync(path).uid).toBe(ZOT);
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "unchanged\n", errors: "" });
    });

    it("refuses to give them to another than zot runs as, and names the setting", async () => {
        await hardened();
        const before = files();
        const ran = await host.deploy(with_(change(), { zotUser: "daemon" }));
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toMatch(
            /^zot-hardening: zot runs as the user nobody \(process \d+\), and the secret files would belong to the user daemon, so that zot could not read them\. \[ZH-USER-OF-SECRETS\] Correct zot\.user\.\n/,
        );
        expect(files()).toEqual(before);
        host.service.start();
        await host.ready();
        expect(await served()).toBe("a");
    });

    it("refuses a storage of another than zot runs as", async () => {
        await hardened();
        const before = files();
        fs.chownSync(join(host.folder, "disk"), OTHER, OTHER);
        try {
            for (const deployed of [change(), a]) {
                const ran = await host.deploy(deployed);
                expect(ran.errors).toMatch(
                    /zot runs as the user nobody \(process \d+\), and the secret files would belong to the user number 4711, so that zot could not read them\. \[ZH-USER-OF-SECRETS\] Set zot\.user to nobody\./,
                );
            }
            expect(files()).toEqual(before);
        } finally {
            fs.chownSync(join(host.folder, "disk"), ZOT, ZOT);
        }
    });

    it.each([
        ["another owner", (file: string) => fs.chownSync(file, OTHER, OTHER)],
        ["another mode", (file: string) => fs.chmodSync(file, 0o640)],
    ])(
        "leaves every file of the former config as it was, to owner, mode and bytes, where it fails: %s",
        async (_name, disturb) => {
            const ways: [string, () => void | Promise<void>, Deployed][] = [
                ["refused", () => host.issuer.become("down"), change()],
                [
                    "not accepted",
                    () => undefined,
                    host.declare("a", { zot: { extraConfig: { storage: { noSuchSetting: "x" } } } }),
                ],
                ["the restart fails", () => host.service.restartFault("fails"), change()],
                ["zot dies", () => host.service.serveFault({ how: "dies", where: { holds: '"7h"' } }), change()],
            ];
            for (const [name, fault, deployed] of ways) {
                await hardened();
                disturb(a.files[0]!.path);
                const before = files();
                // A zot that had to start again needs the file: what it could not read stays mended.
                const mended = name === "zot dies" && fs.statSync(a.files[0]!.path).uid !== ZOT;
                await fault();
                const ran = await host.deploy(deployed);
                await host.issuer.become("ours");
                await host.service.restartFault(undefined);
                host.service.serveFault(undefined);
                expect({ name, exitCode: ran.exitCode }).toEqual({ name, exitCode: 1 });
                if (mended) expect(fs.statSync(a.files[0]!.path).uid).toBe(ZOT);
                else expect({ name, files: files() }).toEqual({ name, files: before });
                expect({ name, served: await served() }).toEqual({ name, served: "a" });
            }
        },
    );

    it("corrects owner and mode without a restart, where all else is as declared", async () => {
        await hardened();
        fs.chownSync(a.files[0]!.path, OTHER, OTHER);
        fs.chmodSync(a.files[1]!.path, 0o644);
        expect(await host.deploy(a)).toEqual({ exitCode: 0, output: "repaired\n", errors: "" });
        for (const { path } of a.files)
            expect([fs.statSync(path).uid, fs.statSync(path).mode & 0o777]).toEqual([ZOT, 0o600]);
        expect(await host.deploy(a)).toMatchObject({ output: "unchanged\n" });
    });

    it("asks nothing of zot's binary as root", async () => {
        await hardened();
        const record = join(host.folder, "asked-as");
        fs.writeFileSync(record, "", { mode: 0o666 });
        fs.chmodSync(record, 0o666);
        const binary = join(host.folder, "asked-zot");
        fs.writeFileSync(
            binary,
            `#!/bin/sh\necho "$1 $(id -u)" >>'${record}'\nexec '${host.machine.zot.path}' "$@"\n`,
            { mode: 0o755 },
        );
        expect(await host.deploy(with_(b, { binary }))).toMatchObject({ exitCode: 0 });
        expect(new Set(fs.readFileSync(record, "utf8").trim().split("\n"))).toEqual(
            new Set([`--version ${ZOT}`, `verify ${ZOT}`]),
        );
    });
});
