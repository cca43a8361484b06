/** Who owns the storage, as which user zot runs, and what its unit forbids. */
import { READ_ONLY } from "../../faults/watch";
import { deployed, expect, failed, firstPreviewSays, isInOrder, serves, succeeded } from "../expectations";
import { asRoot, type Case, ofSystem, sites } from "./case";

/** The lines of hardening that people put into a unit for zot. */
const HARDENED = [
    "Restart=always",
    "ProtectSystem=strict",
    "ReadWritePaths=/var/lib/zot",
    "ProtectHome=yes",
    "PrivateTmp=yes",
    "PrivateDevices=yes",
    "NoNewPrivileges=yes",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectControlGroups=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "CapabilityBoundingSet=",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
    "UMask=0077",
];

export const storage: Case[] = [
    {
        name: "storage that is a symbolic link",
        on: asRoot,
        prepared: { storage: "link" },
        async run(site) {
            const a = await deployed(site);
            await serves(site, "a", a);
            await isInOrder(site, a);
            if (site.setUp.managed)
                expect(
                    (await site.host.sh("ps -o user= -p $(systemctl show --property=MainPID --value zot)")).trim() ===
                        "zot",
                    "zot does not run as its user",
                );
        },
    },
    {
        name: "a user that systemd makes (DynamicUser), with StateDirectory",
        on: (setUp) => asRoot(setUp) && sites(setUp) && ofSystem(setUp),
        prepared: { storage: "dynamic user" },
        async run(site) {
            const a = await deployed(site);
            await serves(site, "a", a);
            await isInOrder(site, a);
            const b = site.declare("b");
            succeeded(await site.deploy(b), "deployed");
            await serves(site, "b", b);
        },
    },
    {
        name: "storage of root's does not make zot run as root",
        on: ({ managed, manager }) => managed && manager === "systemd",
        prepared: { storage: "root's" },
        async run(site) {
            const a = site.declare("a");
            const words = ["/var/lib/zot", "chown", "zot.user"];
            await firstPreviewSays(site, a, ...words);
            failed(await site.deploy(a), ...words);
            expect((await site.pid()) === "0", "zot runs");
            await site.host.sh("chown zot: /var/lib/zot");
            succeeded(await site.deploy(a), "deployed");
        },
    },
    {
        name: "a hardened unit serves, and nothing false is said of it",
        on: (setUp) => sites(setUp) && ofSystem(setUp) && asRoot(setUp),
        prepared: { service: HARDENED },
        async run(site) {
            const a = await deployed(site, "a", { host: { startWithoutIssuer: true } });
            await serves(site, "a", a);
            await isInOrder(site, a);
            // And so that it is true: the start is in use.
            await site.issuer.become("down");
            await site.host.sh("systemctl restart zot");
            await site.ready();
            await serves(site, READ_ONLY, a);
            const { warnings } = await site.preview(a, a);
            expect(
                warnings.join().includes("read-only"),
                `preview does not say that zot is read-only: ${warnings.join() || "nothing"}`,
            );
        },
    },
    {
        name: "a hardened unit with DynamicUser",
        on: (setUp) => sites(setUp) && ofSystem(setUp) && asRoot(setUp),
        prepared: { service: HARDENED.filter((line) => !line.startsWith("ReadWritePaths")), storage: "dynamic user" },
        async run(site) {
            const a = await deployed(site, "a", { host: { startWithoutIssuer: true } });
            await serves(site, "a", a);
            await isInOrder(site, a);
        },
    },
];
