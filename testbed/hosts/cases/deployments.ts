/** A deployment, and its end: what is the same under every service manager. */
import { findToolchain } from "../../bootstrap/toolchain.cjs";
import type { Ran } from "../../faults/overSsh";
import { OPEN, READ_ONLY } from "../../faults/watch";
import { withPulumi } from "../byPulumi";
import { deployed, expect, failed, isInOrder, serves, succeeded } from "../expectations";
import { all, type Case, ofUser } from "./case";

export const deployments: Case[] = [
    {
        name: "first deployment, and a second one that changes nothing",
        on: all,
        async run(site) {
            const a = site.declare("a");
            const first = await site.preview(a);
            expect(first.refused === undefined, `preview refuses: ${first.refused}`);
            const deployedA = await deployed(site);
            await serves(site, "a", a);
            await isInOrder(site, deployedA);
            const pid = site.setUp.manager === "command" ? "" : await site.pid();
            succeeded(await site.deploy(a), "unchanged");
            expect(
                site.setUp.manager === "command" || pid === (await site.pid()),
                "zot was restarted by a deployment that changes nothing",
            );
        },
    },
    {
        name: "change of policy",
        on: all,
        async run(site) {
            await deployed(site);
            const b = site.declare("b");
            const gap = await site.gapDuring(async () => succeeded(await site.deploy(b), "deployed"));
            await serves(site, "b", b);
            return `longest gap in reads ${gap} ms`;
        },
    },
    {
        name: "drift by hand is seen, and corrected",
        on: all,
        async run(site) {
            const a = await deployed(site);
            const secret = a.files[0]!.path;
            await site.host.sh(
                `sed -i 's/"gcDelay": "1h"/"gcDelay": "77h"/' /etc/zot/config.json && chmod 0640 ` +
                    `${secret}${site.setUp.managed ? ` && echo '# by hand' >>${site.unitFile}` : ""}`,
            );
            const { differs, warnings } = await site.preview(a, a);
            expect(differs, "preview does not see it");
            for (const what of ["config.json", secret, ...(site.setUp.managed ? [site.unitFile] : [])])
                expect(warnings.join().includes(what), `preview does not name ${what}: ${warnings.join()}`);
            succeeded(await site.deploy(a), "deployed", "repaired");
            await isInOrder(site, a);
        },
    },
    {
        name: "zot verifies, and does not start",
        on: all,
        async run(site) {
            const a = await deployed(site);
            // How long a restart takes here and now.
            const good = await site.gapDuring(async () => succeeded(await site.deploy(site.declare("b")), "deployed"));
            succeeded(await site.deploy(a), "deployed");
            const other = site.declare("c", { zot: { port: await site.takePort() } });
            let ran: Ran | undefined;
            const gap = await site.gapDuring(async () => (ran = await site.deploy(other)));
            failed(
                ran!,
                "[ZH-ROLLBACK-DONE]",
                ...(site.setUp.manager === "command" ? ["host.logFile"] : ["address already in use"]),
            );
            await serves(site, "a", a);
            await isInOrder(site, a);
            // Two restarts, and a second and a half to notice, on a machine that may have other things to do.
            expect(
                gap < 3 * good + 1500 + (site.supervisor?.waits ?? 0),
                `reads were away for ${gap} ms, and for ${good} ms in a good push`,
            );
            return `longest gap in reads ${gap} ms, in a good deployment ${good} ms`;
        },
    },
    {
        name: "destroy leaves a read-only registry",
        on: all,
        async run(site) {
            const a = await deployed(site);
            succeeded(await site.deploy(a, "withdraw"), "read-only");
            await serves(site, READ_ONLY, a);
            const left = await site.host.sh("ls /etc/zot");
            expect(!/oidc-credentials|session-keys/.test(left), `secret files are left: ${left}`);
        },
    },
    {
        name: "destroy restores what was there",
        on: (setUp) => !(setUp.managed && ofUser(setUp)),
        async run(site) {
            const restoring = await deployed(site, "a", { host: { onDestroy: "restore" } });
            succeeded(await site.deploy(restoring, "withdraw"), "restored");
            if (site.setUp.managed) {
                expect(
                    (await site.host.sh(`ls ${site.unitFile} 2>&1; true`)).includes("No such file"),
                    "the unit is left",
                );
            } else {
                await site.ready();
                await serves(site, OPEN, restoring);
            }
        },
    },
    {
        name: "pulumi up, a second one, and destroy",
        on: ({ manager, rights, managed }) =>
            (manager === "systemd" && !managed && rights !== "sudo all") || (manager === "systemd-user" && managed),
        lacks: () => findToolchain().reason,
        async run(site) {
            await withPulumi(site, async ({ up, preview, destroy }) => {
                const first = await up();
                expect((first.create ?? 0) > 10, `pulumi up was to create: ${JSON.stringify(first)}`);
                const second = await up();
                expect(
                    Object.keys(second).length === 0,
                    `a second pulumi up was to change nothing: ${JSON.stringify(second)}`,
                );
                await site.host.sh('sed -i \'s/"gcDelay": "1h"/"gcDelay": "77h"/\' /etc/zot/config.json');
                const shown = await preview();
                expect(shown.includes("has other settings"), `preview does not see what was changed by hand: ${shown}`);
                expect(Object.keys(await up()).length > 0, "pulumi up does not correct it");
                expect(Object.keys(await up()).length === 0, "the pulumi up after it was to change nothing");
                await destroy();
                await serves(site, READ_ONLY);
            });
        },
    },
    {
        name: "where there is no room it is refused, and told what for",
        on: ({ rights, manager }) => rights === "root" && manager === "systemd",
        async run(site) {
            const a = await deployed(site);
            const b = site.declare("b");
            const fill = (folder: string) => `dd if=/dev/zero of=${folder}/fill bs=1k 2>/dev/null; true`;
            const files = "i=0; while touch /etc/zot/file$i 2>/dev/null; do i=$((i + 1)); done";
            for (const [folder, options, filled, words] of [
                ["/etc/zot", "size=400k", fill("/etc/zot"), ["[ZH-DISK-FULL]"]],
                ["/etc/zot", "nr_inodes=100", files, ["[ZH-LOCK-NOT-WRITTEN]", "[ZH-DISK-NO-INODES]"]],
                ["/tmp", "size=16k", fill("/tmp"), ["no room in /tmp", "make room in /tmp"]],
                ["/tmp", "nr_inodes=1", "true", ["no room in /tmp", "make room there"]],
            ] as const) {
                await site.host.sh(
                    `cp -a /etc/zot /root/kept && mount -t tmpfs -o ${options} tmpfs ${folder} && ` +
                        `${folder === "/tmp" ? "" : "cp -a /root/kept/. /etc/zot && "}{ ${filled}; }`,
                );
                try {
                    const { refused = "" } = await site.preview(b, a);
                    expect(refused.includes(words.at(-1)!), `preview does not say ${words.at(-1)}: ${refused}`);
                    failed(await site.deploy(b), words[0], /Nothing on the host was changed/);
                    await serves(site, "a", a);
                } finally {
                    await site.host.sh(`umount ${folder}; rm -rf /root/kept`);
                }
            }
        },
    },
    {
        name: "a config that is mounted by itself is refused, in preview too",
        on: ({ rights, manager }) => rights === "root" && manager === "systemd",
        async run(site) {
            const a = await deployed(site);
            const b = site.declare("b");
            for (const [options, words] of [
                ["", "[ZH-CONFIG-MOUNT]"],
                [" && mount -o remount,ro,bind /etc/zot/config.json", "[ZH-CONFIG-IMMUTABLE]"],
            ] as const) {
                await site.host.sh(`mount --bind /etc/zot/config.json /etc/zot/config.json${options}`);
                try {
                    const { refused = "" } = await site.preview(b, a);
                    expect(refused.includes(words), `preview does not say ${words}: ${refused || "nothing"}`);
                    failed(await site.deploy(b), words, "[ZH-HOST-UNCHANGED]");
                    await serves(site, "a", a);
                } finally {
                    await site.host.sh("umount /etc/zot/config.json");
                }
            }
        },
    },
    {
        name: "/etc is read-only",
        on: ({ rights, manager }) => rights === "root" && manager === "systemd",
        async run(site) {
            const a = await deployed(site);
            await site.host.sh("mount --bind /etc/zot /etc/zot && mount -o remount,ro,bind /etc/zot");
            try {
                failed(await site.deploy(site.declare("b")), "nothing can be written");
                failed(await site.deploy(a, "withdraw"), "nothing can be written");
                await serves(site, "a", a);
            } finally {
                await site.host.sh("umount /etc/zot");
            }
        },
    },
];
