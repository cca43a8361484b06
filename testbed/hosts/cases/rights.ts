/** Who deploys, and what sudo and polkit allow. */
import { OPEN } from "../../faults/watch";
import { deployed, expect, failed, firstPreviewSays, isInOrder, serves } from "../expectations";
import { bySudo, type Case } from "./case";

export const rights: Case[] = [
    {
        name: "without the rights it is refused before anything changes",
        on: ({ rights, manager }) =>
            rights === "polkit" || rights === "sudo service" || (rights === "sudo all" && manager === "systemd"),
        prepared: { given: false },
        async run(site) {
            const a = site.declare("a");
            const before = await site.host.sh("find /etc/zot -type f -exec sha256sum {} +");
            const pid = await site.pid();
            await firstPreviewSays(site, a, "npm run host-rights");
            failed(await site.deploy(a), "npm run host-rights");
            expect((await site.host.sh("find /etc/zot -type f -exec sha256sum {} +")) === before, "files were changed");
            expect(pid === (await site.pid()), "zot was restarted");
        },
    },
    {
        name: "sudo that wants a password for the restart alone is refused before anything changes",
        on: ({ rights, manager }) => rights === "sudo service" && manager === "systemd",
        prepared: { given: false, sudoers: ["zot ALL=(ALL) ALL", "zot ALL=(root) NOPASSWD: /usr/bin/true"] },
        async run(site) {
            const a = site.declare("a");
            await firstPreviewSays(site, a, "npm run host-rights");
            failed(await site.deploy(a), "systemctl restart zot", "npm run host-rights");
            await serves(site, OPEN, a);
        },
    },
    {
        name: "sudo with requiretty is refused, and told as such",
        on: bySudo,
        prepared: { sudoers: ["Defaults requiretty"] },
        async run(site) {
            const a = site.declare("a");
            const words = ["requiretty", `Defaults:${site.user} !requiretty`];
            await firstPreviewSays(site, a, ...words);
            failed(await site.deploy(a), ...words);
            if (!site.setUp.managed) await serves(site, OPEN, a);
        },
    },
    {
        name: "sudo that lets nothing run another program (noexec) is refused, and told as such",
        on: ({ rights }) => rights === "sudo all",
        prepared: { sudoers: ["Defaults noexec"] },
        async run(site) {
            const a = site.declare("a");
            const words = ["noexec", `Defaults:${site.user} !noexec`];
            await firstPreviewSays(site, a, ...words);
            failed(await site.deploy(a), ...words);
            if (!site.setUp.managed) await serves(site, OPEN, a);
        },
    },
    {
        name: "sudo, and a login, whose PATH is without the tools",
        on: ({ rights, managed }) => rights === "sudo all" && !managed,
        prepared: { sudoers: ['Defaults secure_path="/opt/none"'] },
        async run(site) {
            try {
                await site.host.sh("printf 'PATH=/opt/none\\nTMPDIR=/no/such/folder\\n' >/etc/environment");
                const a = await deployed(site);
                await serves(site, "a", a);
                await isInOrder(site, a);
            } finally {
                await site.host.sh("PATH=/usr/bin:/bin; : >/etc/environment");
            }
        },
    },
    {
        name: "sudo with use_pty, log_input and log_output",
        on: bySudo,
        prepared: { sudoers: ["Defaults use_pty, log_input, log_output"] },
        async run(site) {
            const a = await deployed(site);
            await serves(site, "a", a);
            await isInOrder(site, a);
        },
    },
];
