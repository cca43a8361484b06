/** What is tried on every host: each case on the set-ups that it concerns. */
import { findToolchain } from "../bootstrap/toolchain.cjs";
import type { Pushed } from "../faults/host";
import type { Ran } from "../faults/overSsh";
import { OPEN, READ_ONLY } from "../faults/watch";
import { withPulumi } from "./byPulumi";
import { type Preparation, pause, type SetUp, type Site } from "./site";

export interface Case {
    name: string;
    /** The set-ups that it is for. */
    on(setUp: SetUp): boolean;
    prepared?: Preparation;
    /** What this machine lacks for it, where it lacks something. */
    lacks?(): string | undefined;
    /**
     * @returns what was measured, if anything was
     * @throws Unexpected where the host is not as docs/deployment.md says
     */
    run(site: Site): Promise<string> | Promise<void>;
}

/** What was seen is not what is documented. */
export class Unexpected extends Error {}

function expect(condition: boolean, what: string): void {
    if (!condition) throw new Unexpected(what);
}

const shown = ({ exitCode, output, errors }: Ran) =>
    `exit ${exitCode}, ${JSON.stringify(output)}, ${JSON.stringify(errors)}`;

function succeeded(ran: Ran, ...answers: string[]): void {
    expect(
        ran.exitCode === 0 && answers.some((answer) => new RegExp(`^${answer}\\b`, "m").test(ran.output)),
        `${answers.join(" or ")} was expected: ${shown(ran)}`,
    );
}

/** A push that was refused or failed, in words that hold each of these. */
function failed(ran: Ran, ...words: (string | RegExp)[]): void {
    expect(ran.exitCode !== 0, `a failure was expected: ${shown(ran)}`);
    for (const word of words)
        expect(
            typeof word === "string" ? ran.errors.includes(word) : word.test(ran.errors),
            `it does not say ${String(word)}: ${ran.errors}`,
        );
}

/** A look that finds nothing to say. */
async function isInOrder(site: Site, pushed: Pushed): Promise<void> {
    const { refused, warnings, differs } = await site.look(pushed, pushed);
    expect(
        refused === undefined && warnings.length === 0 && !differs,
        `preview was to say nothing: ${JSON.stringify({ refused, warnings, differs })}`,
    );
}

/** What a look of a host that was never pushed says, be it a refusal or a warning. */
async function firstLookSays(site: Site, pushed: Pushed, ...words: string[]): Promise<void> {
    const { refused = "", warnings } = await site.look(pushed);
    const said = [refused, ...warnings].join("\n");
    for (const word of words) expect(said.includes(word), `preview does not say ${word}: ${said || "nothing"}`);
}

async function serves(site: Site, wanted: string, ...known: Pushed[]): Promise<void> {
    const found = await site.serves(...known);
    expect(found === wanted, `${wanted} was to be served, and is not: ${found}`);
}

async function pushed(site: Site, name = "a", changes: Parameters<Site["declare"]>[1] = {}): Promise<Pushed> {
    const declared = site.declare(name, changes);
    succeeded(await site.push(declared), "deployed");
    return declared;
}

const all = () => true;
const byUnit = ({ manager }: SetUp) => manager !== "command";
const ofSystem = ({ manager }: SetUp) => manager === "systemd";
const ofUser = ({ manager }: SetUp) => manager === "systemd-user";
const sites = (setUp: SetUp) => byUnit(setUp) && !setUp.managed;
const asRoot = ({ rights }: SetUp) => rights === "root" || rights === "sudo all";
const bySudo = ({ rights }: SetUp) => rights.startsWith("sudo");

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

export const cases: Case[] = [
    {
        name: "first push, and a second one that changes nothing",
        on: all,
        async run(site) {
            const a = site.declare("a");
            const first = await site.look(a);
            expect(first.refused === undefined, `preview refuses: ${first.refused}`);
            const pushedA = await pushed(site);
            await serves(site, "a", a);
            await isInOrder(site, pushedA);
            const pid = site.setUp.manager === "command" ? "" : await site.pid();
            succeeded(await site.push(a), "unchanged");
            expect(
                site.setUp.manager === "command" || pid === (await site.pid()),
                "zot was restarted by a push that changes nothing",
            );
        },
    },
    {
        name: "change of policy",
        on: all,
        async run(site) {
            await pushed(site);
            const b = site.declare("b");
            const gap = await site.gapDuring(async () => succeeded(await site.push(b), "deployed"));
            await serves(site, "b", b);
            return `longest gap in reads ${gap} ms`;
        },
    },
    {
        name: "drift by hand is seen, and mended",
        on: all,
        async run(site) {
            const a = await pushed(site);
            const secret = a.files[0]!.path;
            await site.host.sh(
                `sed -i 's/"gcDelay": "1h"/"gcDelay": "77h"/' /etc/zot/config.json && chmod 0640 ` +
                    `${secret}${site.setUp.managed ? ` && echo '# by hand' >>${site.unitFile}` : ""}`,
            );
            const { differs, warnings } = await site.look(a, a);
            expect(differs, "preview does not see it");
            for (const what of ["config.json", secret, ...(site.setUp.managed ? [site.unitFile] : [])])
                expect(warnings.join().includes(what), `preview does not name ${what}: ${warnings.join()}`);
            succeeded(await site.push(a), "deployed", "repaired");
            await isInOrder(site, a);
        },
    },
    {
        name: "zot verifies, and does not start",
        on: all,
        async run(site) {
            const a = await pushed(site);
            // How long a restart takes here and now.
            const good = await site.gapDuring(async () => succeeded(await site.push(site.declare("b")), "deployed"));
            succeeded(await site.push(a), "deployed");
            const other = site.declare("c", { zot: { port: await site.takePort() } });
            let ran: Ran | undefined;
            const gap = await site.gapDuring(async () => (ran = await site.push(other)));
            failed(
                ran!,
                "[ZH-ROLLBACK-DONE]",
                ...(site.setUp.manager === "command" ? ["host.logFile"] : ["address already in use"]),
            );
            await serves(site, "a", a);
            await isInOrder(site, a);
            // Two restarts, and a second and a half to notice, on a machine that may have other things to do.
            expect(gap < 3 * good + 1500, `reads were away for ${gap} ms, and for ${good} ms in a good push`);
            return `longest gap in reads ${gap} ms, in a good push ${good} ms`;
        },
    },
    {
        name: "the unit was in start-limit-hit",
        on: (setUp) => setUp.managed && byUnit(setUp),
        async run(site) {
            const a = await pushed(site);
            const { systemctl, unitFile } = site;
            await site.host.sh(
                "sed -i 's/^StartLimitIntervalSec=0/StartLimitIntervalSec=60/; " +
                    `s/^Restart=always/Restart=no/' ${unitFile} && ${systemctl} daemon-reload && for i in 1 2 3 ` +
                    `4 5 6 7 8; do ${systemctl} restart zot; done; ${systemctl} stop zot; true`,
            );
            succeeded(await site.push(a), "deployed");
            await serves(site, "a", a);
            await isInOrder(site, a);
        },
    },
    {
        name: "the host is restarted while the issuer is away",
        on: (setUp) => setUp.managed || (setUp.manager === "systemd" && setUp.rights === "root"),
        async run(site) {
            const a = await pushed(site, "a", { host: { startWithoutIssuer: true } });
            await isInOrder(site, a);
            await site.issuer.become("down");
            await site.host.reboot();
            await site.ready(60_000);
            await serves(site, READ_ONLY, a);
            const { warnings } = await site.look(a, a);
            expect(
                warnings.join().includes("read-only"),
                `preview does not say that zot is read-only: ${warnings.join() || "nothing"}`,
            );
            await site.issuer.become("ours");
            const since = Date.now();
            while ((await site.serves(a)) !== "a") {
                expect(Date.now() - since < 30_000, "zot stays read-only although its issuer answers");
                await pause(100);
            }
            const seconds = ((Date.now() - since) / 1000).toFixed(1);
            await isInOrder(site, a);
            return `changed over ${seconds} s after the issuer came`;
        },
    },
    {
        name: "destroy leaves a read-only registry",
        on: all,
        async run(site) {
            const a = await pushed(site);
            succeeded(await site.push(a, "withdraw"), "read-only");
            await serves(site, READ_ONLY, a);
            const left = await site.host.sh("ls /etc/zot");
            expect(!/oidc-credentials|session-keys/.test(left), `secret files are left: ${left}`);
        },
    },
    {
        name: "destroy restores what was there",
        on: (setUp) => !(setUp.managed && ofUser(setUp)),
        async run(site) {
            const restoring = await pushed(site, "a", { host: { onDestroy: "restore" } });
            succeeded(await site.push(restoring, "withdraw"), "restored");
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
        name: "a unit that is not always started again is refused, in preview too",
        on: sites,
        prepared: { service: ["Restart=on-failure"], unit: [] },
        async run(site) {
            const a = site.declare("a");
            const words = [
                "would not always start zot again",
                "/zot.service.d/",
                site.setUp.manager === "systemd-user" ? "systemctl --user daemon-reload" : "systemctl daemon-reload",
            ];
            await firstLookSays(site, a, ...words);
            failed(await site.push(a), ...words);
            await serves(site, OPEN, a);
        },
    },
    {
        name: "a disabled unit is told",
        on: sites,
        prepared: { enabled: false },
        async run(site) {
            const command = `systemctl ${site.setUp.manager === "systemd-user" ? "--user " : ""}enable zot`;
            const a = site.declare("a");
            await firstLookSays(site, a, command);
            const ran = await site.push(a);
            succeeded(ran, "deployed");
            expect(ran.errors.includes(command), `the push does not say it: ${ran.errors || "nothing"}`);
            const { warnings } = await site.look(a, a);
            expect(warnings.join().includes(command), `preview does not say it: ${warnings.join() || "nothing"}`);
        },
    },
    {
        name: "a unit that is enabled for a target that is not reached is told",
        on: sites,
        // A user's manager has no such target; and a host that is up does not run this one.
        prepared: { wantedBy: "rescue.target" },
        async run(site) {
            const command = `systemctl ${site.setUp.manager === "systemd-user" ? "--user " : ""}reenable zot`;
            const a = site.declare("a");
            await firstLookSays(site, a, command);
            const ran = await site.push(a);
            succeeded(ran, "deployed");
            expect(ran.errors.includes(command), `the push does not say it: ${ran.errors || "nothing"}`);
            await site.host.sh(
                `sed -i 's/^WantedBy=.*/WantedBy=${site.setUp.manager === "systemd-user" ? "default" : "multi-user"}` +
                    `.target/' ${site.unitFile} && ${site.systemctl} reenable zot 2>&1`,
            );
            await isInOrder(site, a);
        },
    },
    {
        name: "a unit of ours that was disabled by hand is enabled again",
        on: ({ managed }) => managed,
        async run(site) {
            const a = await pushed(site);
            await site.host.sh(`${site.systemctl} disable zot 2>&1`);
            const { differs, warnings } = await site.look(a, a);
            expect(
                differs && warnings.join().includes("disabled"),
                `preview does not see it: ${warnings.join() || "nothing"}`,
            );
            const pid = await site.pid();
            succeeded(await site.push(a), "repaired");
            expect((await site.host.sh(`${site.systemctl} is-enabled zot`)).trim() === "enabled", "it is not enabled");
            expect(pid === (await site.pid()), "zot was restarted for it");
            await isInOrder(site, a);
        },
    },
    {
        name: "a masked unit is told as such",
        on: byUnit,
        prepared: { runs: false },
        async run(site) {
            const { systemctl } = site;
            await site.host.sh(
                `mv ${site.unitFile} /root/unit 2>/dev/null; ${systemctl} daemon-reload; ${systemctl} mask zot 2>&1`,
            );
            const a = site.declare("a");
            const words = ["masked", `systemctl ${site.setUp.manager === "systemd-user" ? "--user " : ""}unmask zot`];
            await firstLookSays(site, a, ...words);
            failed(await site.push(a), ...words);
        },
    },
    {
        name: "a user who does not linger is refused, in preview too",
        on: ofUser,
        prepared: { lingers: false, runs: false },
        async run(site) {
            const a = site.declare("a");
            await firstLookSays(site, a, "loginctl enable-linger zot");
            failed(await site.push(a), "loginctl enable-linger zot");
        },
    },
    {
        name: "lingering that was taken away is told",
        on: ofUser,
        async run(site) {
            const a = await pushed(site);
            await site.host.sh("loginctl disable-linger zot");
            const { refused = "", warnings } = await site.look(a, a);
            expect(
                [refused, ...warnings].join().includes("loginctl enable-linger zot"),
                `preview does not say it: ${warnings.join() || "nothing"}`,
            );
        },
    },
    {
        name: "storage that is a symbolic link",
        on: asRoot,
        prepared: { storage: "link" },
        async run(site) {
            const a = await pushed(site);
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
            const a = await pushed(site);
            await serves(site, "a", a);
            await isInOrder(site, a);
            const b = site.declare("b");
            succeeded(await site.push(b), "deployed");
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
            await firstLookSays(site, a, ...words);
            failed(await site.push(a), ...words);
            expect((await site.pid()) === "0", "zot runs");
            await site.host.sh("chown zot: /var/lib/zot");
            succeeded(await site.push(a), "deployed");
        },
    },
    {
        name: "a hardened unit serves, and nothing false is said of it",
        on: (setUp) => sites(setUp) && ofSystem(setUp) && asRoot(setUp),
        prepared: { service: HARDENED },
        async run(site) {
            const a = await pushed(site, "a", { host: { startWithoutIssuer: true } });
            await serves(site, "a", a);
            await isInOrder(site, a);
            // And so that it is true: the start is in use.
            await site.issuer.become("down");
            await site.host.sh("systemctl restart zot");
            await site.ready();
            await serves(site, READ_ONLY, a);
            const { warnings } = await site.look(a, a);
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
            const a = await pushed(site, "a", { host: { startWithoutIssuer: true } });
            await serves(site, "a", a);
            await isInOrder(site, a);
        },
    },
    {
        name: "without the rights it is refused before anything changes",
        on: ({ rights, manager }) =>
            rights === "polkit" || rights === "sudo service" || (rights === "sudo all" && manager === "systemd"),
        prepared: { given: false },
        async run(site) {
            const a = site.declare("a");
            const before = await site.host.sh("find /etc/zot -type f -exec sha256sum {} +");
            const pid = await site.pid();
            await firstLookSays(site, a, "npm run host-rights");
            failed(await site.push(a), "npm run host-rights");
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
            await firstLookSays(site, a, "npm run host-rights");
            failed(await site.push(a), "systemctl restart zot", "npm run host-rights");
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
            await firstLookSays(site, a, ...words);
            failed(await site.push(a), ...words);
            if (!site.setUp.managed) await serves(site, OPEN, a);
        },
    },
    {
        name: "sudo with use_pty, log_input and log_output",
        on: bySudo,
        prepared: { sudoers: ["Defaults use_pty, log_input, log_output"] },
        async run(site) {
            const a = await pushed(site);
            await serves(site, "a", a);
            await isInOrder(site, a);
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
                expect(Object.keys(await up()).length > 0, "pulumi up does not mend it");
                expect(Object.keys(await up()).length === 0, "the pulumi up after it was to change nothing");
                await destroy();
                await serves(site, READ_ONLY);
            });
        },
    },
    {
        name: "/etc is read-only",
        on: ({ rights, manager }) => rights === "root" && manager === "systemd",
        async run(site) {
            const a = await pushed(site);
            await site.host.sh("mount --bind /etc/zot /etc/zot && mount -o remount,ro,bind /etc/zot");
            try {
                failed(await site.push(site.declare("b")), "nothing can be written");
                failed(await site.push(a, "withdraw"), "nothing can be written");
                await serves(site, "a", a);
            } finally {
                await site.host.sh("umount /etc/zot");
            }
        },
    },
];

export const setUps: SetUp[] = [
    { manager: "systemd", rights: "root", managed: false },
    { manager: "systemd", rights: "sudo all", managed: false },
    { manager: "systemd", rights: "sudo service", managed: false },
    { manager: "systemd", rights: "polkit", managed: false },
    { manager: "systemd", rights: "sudo all", managed: true },
    { manager: "systemd-user", rights: "own", managed: false },
    { manager: "systemd-user", rights: "own", managed: true },
    { manager: "command", rights: "root", managed: false },
    { manager: "command", rights: "sudo service", managed: false },
];
