/**
 * Which config the running zot serves: what is refused before anything is written, and what the proof does not take for
 * its own.
 */
import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { inspectionScript } from "../../host/scripts";
import { skippable } from "../../testbed/bootstrap/toolchain.cjs";
import { type Deployed, FaultHost } from "../../testbed/faults/host";
import { DOWN, OPEN, servedBy } from "../../testbed/faults/watch";
import { runIn, scratchFolder, shells } from "./shells";

jest.setTimeout(120_000);

describe("a zot that serves another file", () => {
    let host: FaultHost;
    let a: Deployed;
    let elsewhere: string;

    beforeAll(async () => {
        host = await FaultHost.start();
        a = host.declare("a");
        elsewhere = join(host.folder, "elsewhere");
        fs.mkdirSync(elsewhere);
    });
    afterAll(() => host?.stop());

    const served = () => servedBy(host.url, [a, { name: OPEN, config: "" }]);
    /** The same deployment to a host whose zot.configFile is another. */
    const at = (deployed: Deployed, file: string) => ({
        ...deployed,
        payload: deployed.payload
            .replaceAll(host.configFile, file)
            .replaceAll(`${host.configFolder}/`, `${file.slice(0, file.lastIndexOf("/"))}/`),
    });
    const open = async () => {
        host.reset(host.openConfig());
        await host.ready();
    };

    it("is refused before anything is written, naming the file that it was started with", async () => {
        await open();
        const other = join(elsewhere, "config.json");
        for (const there of [undefined, host.openConfig(), a.config]) {
            if (there !== undefined) fs.writeFileSync(other, there);
            const ran = await host.deploy(at(a, other));
            expect(ran).toMatchObject({ exitCode: 1, output: "" });
            expect(ran.errors).toMatch(
                new RegExp(
                    `^zot-hardening: zot, process \\d+, was started with ${host.configFile}, ` +
                        `but zot\\.configFile is ${other}, which it does not serve; ` +
                        `set zot\\.configFile to ${host.configFile}, or start zot with ${other}\\. ` +
                        `\\[ZH-RUNNING-OTHER-CONFIG\\]\nNothing on the host was changed\\.`,
                ),
            );
            expect(fs.readdirSync(elsewhere)).toEqual(there === undefined ? [] : ["config.json"]);
            if (there !== undefined) expect(fs.readFileSync(other, "utf8")).toBe(there);
        }
        fs.rmSync(other);
        expect(await served()).toBe(OPEN);
    });

    it("is found where a letter of the path is wrong, and zot is said to run", async () => {
        await open();
        const ran = await host.deploy(at(a, join(host.configFolder, "confg.json")));
        expect(ran.errors).toContain(`was started with ${host.configFile}`);
        expect(ran.errors).not.toContain("does not run");
        expect(fs.readdirSync(host.configFolder)).toEqual(["config.json"]);
        expect(await served()).toBe(OPEN);
    });

    it("is nobody's where nothing listens, and then no sentence says that zot runs", async () => {
        host.reset();
        host.service.serveFault({ how: "dies", where: { holds: a.files[0]!.path } });
        const ran = await host.deploy(a);
        host.service.serveFault(undefined);
        expect(ran.errors).toContain("[ZH-ROLLBACK-NONE]");
        expect(await served()).toBe(DOWN);
    });

    const mounts =
        process.getuid?.() === 0 && spawnSync("unshare", ["-m", "true"]).status === 0
            ? undefined
            : "no mount namespace of one's own here (only root has them)";
    (mounts ? it.skip : it)(
        skippable(
            "is found by the proof where it sees a file of before, as a single file that is mounted into a container",
            mounts,
        ),
        async () => {
            await open();
            expect(await host.deploy(a)).toMatchObject({ exitCode: 0 });
            const stale = join(host.folder, "stale.json");
            fs.writeFileSync(stale, a.config);
            const restart = join(host.folder, "restart-in-container");
            fs.writeFileSync(
                restart,
                `#!/bin/sh\nexec unshare -m /bin/sh -c "mount --bind '${stale}' '${host.configFile}' && exec ` +
                    `'${host.service.restartCommand}'"\n`,
                { mode: 0o755 },
            );
            const narrower = host.declare("a", {
                zot: { garbageCollectionDelay: "9h" },
                host: { restartCommand: restart },
            });
            const ran = await host.deploy(narrower);
            expect(ran).toMatchObject({ exitCode: 1, output: "" });
            expect(ran.errors).toMatch(
                /\[ZH-DEPLOY-NOT-PROVEN\] Process \d+, which answers at \S+, sees another \S+config\.json than the host has; if that file alone is mounted into a container, mount its folder instead\./,
            );
            expect(fs.readFileSync(host.configFile, "utf8")).toBe(a.config);
            expect(await served()).toBe("a");
        },
    );
});

describe("the config that a service's command line names", () => {
    const shell = shells.find(({ reason }) => reason === undefined)!;
    const named = (line: string) =>
        runIn(shell, `${inspectionScript}\nconfig=/etc/zot/config.json; config_of_command "$LINE"`, {
            env: { LINE: line },
        }).output;

    it.each([
        ["/usr/bin/zot serve /etc/zot/config.json", "/etc/zot/config.json"],
        ["/usr/bin/zot serve /etc/zot/other.json", "/etc/zot/other.json"],
        ["/usr/bin/zot serve /etc/my zot/config.json", "/etc/my zot/config.json"],
        ["/bin/sh /etc/zot/config.json.zot-hardening/start", "/etc/zot/config.json"],
        ["/bin/sh /srv/my zot/c.json.zot-hardening/start", "/srv/my zot/c.json"],
        ["/bin/sh -c exec zot serve /etc/zot/config.json >>/var/log/zot.log", "/etc/zot/config.json"],
        ["/bin/sh -c exec zot serve /etc/zot/other.json >>/var/log/zot.log", ""],
        ["/usr/bin/zot serve $CONFIG", ""],
        ["/usr/bin/zot serve config.json", ""],
        ["/usr/bin/zot --help", ""],
        ["/usr/bin/docker run zot", ""],
        ["", ""],
    ])("%s", (line, file) => expect(named(line)).toBe(file));
});

describe("whether a path is that of the config", () => {
    const shell = shells.find(({ reason }) => reason === undefined)!;

    it("is told by the file, whatever it is called", () => {
        const folder = scratchFolder();
        fs.mkdirSync(join(folder, "real"));
        fs.symlinkSync(join(folder, "real"), join(folder, "link"));
        fs.writeFileSync(join(folder, "real", "config.json"), "{}");
        fs.writeFileSync(join(folder, "real", "other.json"), "[]");
        fs.symlinkSync(join(folder, "real", "config.json"), join(folder, "current.json"));
        const script =
            `${inspectionScript}\nconfig_folder=${folder}/link; config=$config_folder/config.json; ` +
            `state=$config.zot-hardening\nfor file in real/config.json link/config.json current.json ` +
            "link/config.json.zot-hardening/pushes/3/read-only.json real/other.json missing/config.json; " +
            `do is_our_config "${folder}/$file" && echo ours || echo other; done`;
        expect(runIn(shell, script).output.trim().split("\n")).toEqual([
            "ours",
            "ours",
            "ours",
            "ours",
            "other",
            "other",
        ]);
    });
});
