/** The way back of a deployment that fails. */

import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import type { Deployed } from "../../testbed/faults/host";
import { DOWN, READ_ONLY } from "../../testbed/faults/watch";
import { type Certificate, noCertificates, selfSigned, signed } from "../support/certificates";
import { a, b, hardened, host, open, read, secretFiles, served, versioned } from "./deployedHost";

jest.setTimeout(120_000);

function otherVersion(): string {
    return versioned(host, "v2.1.99-0-gabcdef0");
}

describe("the rollback", () => {
    it("leads to the very file that was there, and tells what zot has said", async () => {
        await hardened();
        const inode = fs.statSync(host.configFile).ino;
        host.service.serveFault({ how: "dies", where: { holds: b.files[0]!.path } });
        const ran = await host.deploy(b);
        host.service.serveFault(undefined);
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toMatch(
            /zot ended after its restart .*\. \[ZH-DEPLOY-ZOT-ENDED\]\nThe last words of zot:\nError: zot has died of a fault\nThe config that was in force before is back, and zot is ready with it\. \[ZH-ROLLBACK-DONE\]\n/,
        );
        expect(fs.statSync(host.configFile).ino).toBe(inode);
        expect(await served()).toBe("a");
        expect(secretFiles().sort()).toEqual(a.files.map(({ path }) => path.split("/").pop()).sort());
    });

    it("is taken from a zot that serves, but not as declared", async () => {
        // The config says nothing of metrics, and something answers there.
        await hardened();
        const claims = host.declare("a", { zot: { garbageCollectionDelay: "9h" } });
        const lying = { ...claims, payload: claims.payload.replace(/^(binary=).*$/m, `$1${otherVersion()}`) };
        const ran = await host.deploy(lying);
        expect(ran.errors).toMatch(
            /zot v2\.1\.20-0-g.* set zot\.binary to what the service runs\. \[ZH-DEPLOY-OTHER-BINARY\]/,
        );
        expect(await served()).toBe("a");
        expect(read(host.configFile)).toBe(a.config);
    });

    it("ends a deployment that takes too long", async () => {
        await hardened();
        await host.service.restartFault("hangs");
        const ran = await host.deploy(
            host.declare("b", { zot: { garbageCollectionDelay: "2h" } }, { host: { pushTimeout: 15 } }),
        );
        await host.service.restartFault(undefined);
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toContain("took longer than 15 seconds (host.pushTimeout). [ZH-DEPLOY-TIMEOUT]");
        expect(ran.errors).toMatch(/The config that was in force before is back.* \[ZH-ROLLBACK-/);
        expect(await served()).toBe("a");
    });

    it("ends a restart command that hangs, with what it has started, and names it", async () => {
        await hardened();
        const restart = join(host.folder, "restart-that-hangs");
        const [hung, started] = [join(host.folder, "hung"), join(host.folder, "started")];
        fs.writeFileSync(
            restart,
            `#!/bin/sh\n[ ! -e '${hung}' ] || exec '${host.service.restartCommand}'\n: >'${hung}'\n` +
                `/bin/sh -c 'trap "" TERM; echo "$$" >"${started}"; while :; do sleep 1; done' &\nwait\n`,
            { mode: 0o755 },
        );
        const settings = { host: { pushTimeout: 5, restartCommand: restart } };
        const ran = await host.deploy(host.declare("b", { zot: { garbageCollectionDelay: "2h" } }, settings));
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toContain(
            "The deployment waited for host.restartCommand, which was ended, with what it had started. " +
                "[ZH-RESTART-ENDED]",
        );
        expect(ran.errors).toContain("took longer than 5 seconds (host.pushTimeout). [ZH-DEPLOY-TIMEOUT]");
        // Ended, it may yet wait for somebody to ask how.
        expect(spawnSync("ps", ["-o", "stat=", "-p", read(started).trim()]).stdout.toString()).toMatch(/^(Z.*\n)?$/);
        expect(await served()).toBe("a");
    });

    it("says what serves, also where the restart command restarts zot and fails", async () => {
        await hardened();
        const restart = join(host.folder, "restart-that-fails");
        fs.writeFileSync(restart, `#!/bin/sh\n'${host.service.restartCommand}'\nexit 1\n`, { mode: 0o755 });
        const settings = { host: { readyTimeout: 5, restartCommand: restart } };
        const ran = await host.deploy(host.declare("b", { zot: { garbageCollectionDelay: "2h" } }, settings));
        expect(ran).toMatchObject({ exitCode: 1, output: "" });
        expect(ran.errors).toContain("[ZH-RESTART-FAILED]");
        expect(ran.errors).toContain("is back, and zot is ready with it");
        expect(ran.errors).not.toContain("zot is not ready");
        expect(await served()).toBe("a");
    });

    it("of a first deployment leaves nothing", async () => {
        host.reset();
        host.service.serveFault({ how: "dies", where: { holds: a.files[0]!.path } });
        const ran = await host.deploy(a);
        host.service.serveFault(undefined);
        expect(ran.errors).toContain("[ZH-ROLLBACK-NONE]");
        expect(fs.readdirSync(host.configFolder)).toEqual([]);
        expect(await served()).toBe(DOWN);
    });

    it("leads to the read-only config where neither can start, since the issuer is away", async () => {
        await hardened();
        // It goes away after it was asked.
        const restart = join(host.folder, "restart-without-issuer");
        fs.writeFileSync(
            restart,
            `#!/bin/sh\ntouch '${host.folder}/restarting'\nsleep 0.5\nexec '${host.service.restartCommand}'\n`,
            { mode: 0o755 },
        );
        const watching = (async () => {
            while (!fs.existsSync(join(host.folder, "restarting")))
                await new Promise((resolve) => setTimeout(resolve, 10));
            await host.issuer.become("down");
        })();
        const ran = await host.deploy(
            host.declare("b", { zot: { garbageCollectionDelay: "2h" }, host: { restartCommand: restart } }),
        );
        await watching;
        expect(ran.exitCode).toBe(1);
        expect(ran.errors).toContain(
            "zot serves read-only: anyone may pull, and nobody may log in. " +
                "Run pulumi up again when the issuer answers. [ZH-ROLLBACK-READ-ONLY]",
        );
        expect(await served()).toBe(READ_ONLY);
        expect(read(host.configFile)).toBe(a.readOnly.replace('"1h"', '"2h"'));
        expect(read(join(host.state, "pushes", "2", "replaced.json"))).toBe(a.config);
        expect(read(join(host.state, "original", "config.json"))).toBe(host.openConfig());
        await host.issuer.become("ours");
        expect(await host.deploy(b)).toMatchObject({ exitCode: 0, output: "deployed\n" });
        expect(await served()).toBe("b");
    });
});

describe("a zot with a certificate of a private authority", () => {
    const reason = noCertificates;
    let authority: string;
    let tls: Certificate;
    let withTls: (zot?: Record<string, unknown>) => Deployed;
    beforeAll(() => {
        if (reason) return;
        const signer = selfSigned(host.folder, "authority", "DNS:authority.test");
        authority = signer.cert;
        tls = signed(host.folder, signer, "zot", "IP:127.0.0.1");
        withTls = (zot = {}) => host.declare("a", { zot: { tlsCertFile: tls.cert, tlsKeyFile: tls.key, ...zot } });
    });
    const check = reason ? it.skip : it;

    check(skippable("is rolled back in curl's words, without waiting for the end of the time", reason), async () => {
        await open();
        const before = read(host.configFile);
        // Were the whole time waited, this test would not end.
        const untrusted = host.declare(
            "a",
            { zot: { extraConfig: { http: { tls } } }, host: { readyTimeout: 3000 } },
            { host: { pushTimeout: 300 } },
        );
        const ran = await host.deploy(untrusted);
        expect(ran.exitCode).not.toBe(0);
        expect(ran.errors).toMatch(
            /\[ZH-DEPLOY-NOT-ASKED\] .*curl: \(60\) SSL certificate problem: .*set zot\.caFile to its PEM file on this host/,
        );
        expect(ran.errors).toContain("[ZH-ROLLBACK-DONE]");
        expect(read(host.configFile)).toBe(before);
    });

    check(
        skippable(
            "is trusted by zot.caFile, which is not the issuer's; and is asked for before the next deployment",
            reason,
        ),
        async () => {
            await open();
            expect(await host.deploy(withTls({ caFile: authority }))).toMatchObject({
                exitCode: 0,
                output: "deployed\n",
            });
            expect(await host.deploy(withTls({ caFile: authority }))).toMatchObject({
                exitCode: 0,
                output: "unchanged\n",
            });
            const before = read(host.configFile);
            const ran = await host.deploy(withTls({ logLevel: "debug" }));
            expect(ran.errors).toMatch(
                /zot at https:\/\/127\.0\.0\.1:\d+ cannot be asked .*\[ZH-ZOT-NOT-ASKED\] .*curl: \(60\).*set zot\.caFile/,
            );
            expect(ran.errors).toContain("[ZH-HOST-UNCHANGED]");
            expect(read(host.configFile)).toBe(before);
            expect(
                (await host.deploy(withTls({ caFile: "/no/such/authority.pem", logLevel: "debug" }))).errors,
            ).toContain("The CA file /no/such/authority.pem cannot be read on the host; correct zot.caFile.");
        },
    );
});
