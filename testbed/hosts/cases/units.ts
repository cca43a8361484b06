/** Units of systemd's in the states that sites have them in. */
import { createServer } from "node:net";
import { OPEN, READ_ONLY } from "../../faults/watch";
import { deployed, expect, failed, firstPreviewSays, isInOrder, serves, succeeded } from "../expectations";
import { pause, type Site } from "../site";
import { byUnit, type Case, ofUser, sites } from "./case";

/** A port that only root may listen on, and nobody does. */
async function lowPort(): Promise<number> {
    for (let port = 1023; port > 0; port--) {
        const server = createServer();
        const isFree = await new Promise<boolean>((resolve) => {
            server.once("error", () => resolve(false)).listen(port, "127.0.0.1", () => resolve(true));
        });
        await new Promise((resolve) => server.close(resolve));
        if (isFree) return port;
    }
    throw new Error("No port below 1024 is free on this machine.");
}

/** A deployment that succeeds, and says before and after it which command to systemd is missing. */
async function deployedAndTold(site: Site, verb: "enable" | "reenable") {
    const command = `systemctl ${site.setUp.manager === "systemd-user" ? "--user " : ""}${verb} zot`;
    const a = site.declare("a");
    await firstPreviewSays(site, a, command);
    const ran = await site.deploy(a);
    succeeded(ran, "deployed");
    expect(ran.errors.includes(command), `the deployment does not say it: ${ran.errors || "nothing"}`);
    return { a, command };
}

export const units: Case[] = [
    {
        name: "the unit was in start-limit-hit",
        on: (setUp) => setUp.managed && byUnit(setUp),
        async run(site) {
            const a = await deployed(site);
            const { systemctl, unitFile } = site;
            await site.host.sh(
                "sed -i 's/^StartLimitIntervalSec=0/StartLimitIntervalSec=60/; " +
                    `s/^Restart=always/Restart=no/' ${unitFile} && ${systemctl} daemon-reload && for i in 1 2 3 ` +
                    `4 5 6 7 8; do ${systemctl} restart zot; done; ${systemctl} stop zot; true`,
            );
            succeeded(await site.deploy(a), "deployed");
            await serves(site, "a", a);
            await isInOrder(site, a);
        },
    },
    {
        name: "the host is restarted while the issuer is away",
        on: (setUp) => setUp.managed || (setUp.manager === "systemd" && setUp.rights === "root"),
        async run(site) {
            const a = await deployed(site, "a", { host: { startWithoutIssuer: true } });
            await isInOrder(site, a);
            await site.issuer.become("down");
            await site.host.reboot();
            await site.ready(60_000);
            await serves(site, READ_ONLY, a);
            const { warnings } = await site.preview(a, a);
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
            await firstPreviewSays(site, a, ...words);
            failed(await site.deploy(a), ...words);
            await serves(site, OPEN, a);
        },
    },
    {
        name: "a unit whose start is never over is refused, in preview too",
        on: sites,
        prepared: { service: ["Restart=always", "Type=notify", "TimeoutStartSec=300"], runs: false },
        async run(site) {
            if (site.setUp.rights === "root") {
                await site.host.sh(`${site.systemctl} start --no-block zot`);
                await site.ready();
            }
            const a = site.declare("a");
            const before = await site.serves(a);
            const words = ["Type=notify", "Write Type=exec into the unit"];
            await firstPreviewSays(site, a, ...words);
            failed(await site.deploy(a), ...words);
            await serves(site, before, a);
        },
    },
    {
        name: "a unit whose mounts hide the folder of the config is refused, in preview too",
        on: (setUp) => sites(setUp) && setUp.rights === "root",
        prepared: {
            service: ["Restart=always", "TemporaryFileSystem=/etc/zot:ro", "BindReadOnlyPaths=/etc/zot/config.json"],
        },
        async run(site) {
            const a = site.declare("a");
            const words = ["its unit has mounts of its own", "BindReadOnlyPaths=/etc/zot"];
            await firstPreviewSays(site, a, ...words);
            failed(await site.deploy(a), ...words);
            await serves(site, OPEN, a);
        },
    },
    {
        name: "a disabled unit is told",
        on: sites,
        prepared: { enabled: false },
        async run(site) {
            const { a, command } = await deployedAndTold(site, "enable");
            const { warnings } = await site.preview(a, a);
            expect(warnings.join().includes(command), `preview does not say it: ${warnings.join() || "nothing"}`);
        },
    },
    {
        name: "a unit that is enabled for a target that is not reached is told",
        on: sites,
        // A user's manager has no such target; and a host that is up does not run this one.
        prepared: { wantedBy: "rescue.target" },
        async run(site) {
            const { a } = await deployedAndTold(site, "reenable");
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
            const a = await deployed(site);
            await site.host.sh(`${site.systemctl} disable zot 2>&1`);
            const { differs, warnings } = await site.preview(a, a);
            expect(
                differs && warnings.join().includes("disabled"),
                `preview does not see it: ${warnings.join() || "nothing"}`,
            );
            const pid = await site.pid();
            succeeded(await site.deploy(a), "repaired");
            expect((await site.host.sh(`${site.systemctl} is-enabled zot`)).trim() === "enabled", "it is not enabled");
            expect(pid === (await site.pid()), "zot was restarted for it");
            await isInOrder(site, a);
        },
    },
    {
        name: "a unit of ours listens below 1024",
        on: ({ managed, manager }) => managed && manager === "systemd",
        async run(site) {
            await deployed(site);
            const port = await lowPort();
            const a = await deployed(site, "b", {
                zot: { port },
                registry: { url: `http://127.0.0.1:${port}` },
                host: { startWithoutIssuer: true },
            });
            await isInOrder(site, a);
            succeeded(await site.deploy(a), "unchanged");
            const user = (await site.host.sh("ps -o user= -p $(systemctl show --property=MainPID --value zot)")).trim();
            expect(user === "zot", `zot runs as ${user}`);
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
            await firstPreviewSays(site, a, ...words);
            failed(await site.deploy(a), ...words);
        },
    },
    {
        name: "a user who does not linger is refused, in preview too",
        on: ofUser,
        prepared: { lingers: false, runs: false },
        async run(site) {
            const a = site.declare("a");
            await firstPreviewSays(site, a, "loginctl enable-linger zot");
            failed(await site.deploy(a), "loginctl enable-linger zot");
        },
    },
    {
        name: "lingering that was taken away is told",
        on: ofUser,
        async run(site) {
            const a = await deployed(site);
            await site.host.sh("loginctl disable-linger zot");
            const { refused = "", warnings } = await site.preview(a, a);
            expect(
                [refused, ...warnings].join().includes("loginctl enable-linger zot"),
                `preview does not say it: ${warnings.join() || "nothing"}`,
            );
        },
    },
];
