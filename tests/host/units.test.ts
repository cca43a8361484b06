/** What is told of a unit of systemd's by what systemd says of it. The states were seen on Debian 12 and 13. */

import { inspectionScript } from "../../host/scripts";
import service from "../../host/service.sh";
import { runIn, shells } from "./shells";

const dash = shells.find((shell) => shell.reason === undefined)!;

/** What a function says of the unit `registry`, whose manager says these facts. */
function said(
    call: string,
    facts: Record<string, string>,
    { manager = "systemd", systemctl = ":" }: { manager?: string; systemctl?: string } = {},
): string {
    const text = Object.entries(facts).map(([name, value]) => `${name}=${value}`);
    const script = [
        inspectionScript,
        `fail() { printf '%s\\n' "$*"; exit 1; }`,
        `systemctl() { ${systemctl}; }`,
        `manager=${manager} service=registry service_file= own_service=no service_state=running problem=`,
        `service_facts='${text.join("\n")}'`,
        call,
    ];
    const { output, errors } = runIn(dash, script.join("\n"));
    expect(errors).toBe("");
    return output.trim();
}

describe("whether a unit is started with the host", () => {
    const told = (facts: Record<string, string>, manager?: string) =>
        said(`starts_with_host || printf '%s' "$problem"`, facts, { manager });

    it("says how one is enabled that is generated, which systemctl enable cannot", () => {
        expect(told({ UnitFileState: "generated" })).toBe(
            "Nothing starts registry.service with the host. It is generated, so it cannot be enabled: write " +
                "WantedBy=multi-user.target below [Install] into the file that it is generated from, such as the .container " +
                "file of Podman, and run on the host: systemctl daemon-reload [ZH-START-GENERATED]",
        );
        expect(told({ UnitFileState: "generated" }, "systemd-user")).toMatch(
            /WantedBy=default\.target .* systemctl --user daemon-reload \[/,
        );
    });

    it.each(["generated", "static", "disabled", "linked", "indirect"])(
        "says nothing of a unit that is %s and that another one wants",
        (state) => {
            expect(told({ UnitFileState: state, WantedBy: "multi-user.target" })).toBe("");
            expect(told({ UnitFileState: state })).toMatch(/\[ZH-START-[A-Z-]+\]$/);
        },
    );

    it.each(["enabled", "alias", ""])("says nothing of a unit whose state is %p", (state) => {
        expect(told({ UnitFileState: state })).toBe("");
    });

    describe("that is enabled", () => {
        /** What systemctl says of default.target, and then of each unit that was named to it. */
        const states = (active: string, ...started: string[]) =>
            `for unit_asked; do case $unit_asked in default.target) printf 'ActiveState=${active}\\n\\n' ;; ` +
            `${started.map((unit) => `${unit}) printf 'ActiveState=active\\n\\n' ;; `).join("")}` +
            `*.target | *.timer | nginx*) printf 'ActiveState=inactive\\n\\n' ;; esac; done`;
        const enabled = (
            facts: Record<string, string>,
            systemctl: string,
            { manager = "systemd", ours = false } = {},
        ) =>
            said(
                `own_service=${ours ? "yes" : "no"}; starts_with_host || printf '%s' "$problem"`,
                { UnitFileState: "enabled", ...facts },
                { manager, systemctl },
            );

        it("for a target that the manager does not know is told: multi-user.target of a user's", () => {
            expect(enabled({}, states("active"), { manager: "systemd-user" })).toBe(
                "Nothing starts registry.service with the host: it is enabled, and wanted by no target that systemd " +
                    "knows here; write WantedBy=default.target below [Install], and run on the host: " +
                    "systemctl --user reenable registry.service [ZH-START-NOT-REACHED]",
            );
        });

        it("for a target that the host does not reach is told by its name", () => {
            expect(enabled({ WantedBy: "rescue.target" }, states("active"))).toBe(
                "Nothing starts registry.service with the host: it is enabled, and wanted by what is not started " +
                    "either (rescue.target); write WantedBy=multi-user.target below [Install], and run on the host: " +
                    "systemctl reenable registry.service [ZH-START-NOT-REACHED]",
            );
            expect(enabled({ WantedBy: "rescue.target", TriggeredBy: "x.timer" }, states("active"))).toContain(
                "(rescue.target x.timer)",
            );
        });

        it("and that something has started is in order, whatever else would", () => {
            const wanted: Record<string, string>[] = [
                { WantedBy: "multi-user.target" },
                { WantedBy: "rescue.target multi-user.target" },
                { RequiredBy: "multi-user.target" },
                { UpheldBy: "multi-user.target" },
                { TriggeredBy: "multi-user.target" },
            ];
            for (const facts of wanted) expect(enabled(facts, states("active", "multi-user.target"))).toBe("");
        });

        it("is in order while the host is still starting, or where systemd does not answer", () => {
            expect(enabled({ WantedBy: "multi-user.target" }, states("inactive"))).toBe("");
            expect(enabled({}, "return 1")).toBe("");
        });

        it("is not looked at where the deployment writes the unit", () => {
            expect(enabled({}, states("active"), { ours: true })).toBe("");
        });
    });
});

describe("whether zot goes on after the last logout", () => {
    const USER = "0::/user.slice/user-0.slice/user@0.service";
    const told = (settings: string, groups: string) =>
        said(
            [
                `control_groups_of() { echo '${groups}'; }`,
                "zot_processes() { echo 1; }",
                "lingers() { return 1; }",
                `config=/none; ${settings}; check_lingering`,
            ].join("\n"),
            {},
        );
    const command = (text: string, sudo = "off") => `manager=command; restart_command='${text}'; sudo=${sudo}`;
    const REFUSED = /^systemd ends the services of root ten .* loginctl enable-linger root \[ZH-SYSTEMD-LINGER\]$/;

    it.each([
        ["a unit of a user's, by a script", "./restart.sh", `${USER}/app.slice/zot.service`],
        ["a container of a user's", "podman restart zot", `${USER}/user.slice/libpod-1a.scope/container`],
        ["a unit of the user's that does not run yet", "systemctl --user restart zot", "0::/"],
    ])("asks it of a command too that restarts %s", (_title, restart, groups) => {
        expect(told(command(restart), groups)).toMatch(REFUSED);
    });

    it.each([
        ["a unit of the system's", "systemctl restart zot", "0::/system.slice/zot.service"],
        ["a container of root's", "docker restart zot", "0::/system.slice/docker-1a.scope"],
        ["what a login has left behind", "./restart.sh", "0::/user.slice/user-0.slice/session-1.scope"],
        ["what is on a host without systemd", "rc-service zot restart", ""],
    ])("asks nothing for %s", (_title, restart, groups) => expect(told(command(restart), groups)).toBe(""));
});

describe("whether a unit is always started again", () => {
    it("does not advise Restart=always for a unit that systemd would not load with it", () => {
        const oneshot = { Type: "oneshot", Restart: "no", StartLimitIntervalUSec: "10s" };
        expect(said("check_restarts", oneshot)).toBe(
            "The unit registry.service only gives the order to start zot (Type=oneshot), so that systemd does not see " +
                "it end. Have the unit run zot itself; or set host.serviceManager to command, and host.restartCommand " +
                'to what restarts zot, such as "systemctl restart registry.service". [ZH-SYSTEMD-ONESHOT]',
        );
        // What is added to such a unit would make it one that cannot be loaded.
        expect(said("service_file=/etc/systemd/system/x.conf; check_restarts", oneshot)).toMatch(/ONESHOT/);
        expect(said("own_service=yes service_file=/etc/x; check_restarts", oneshot)).toBe("");
    });

    it.each(["simple", "exec", "forking", "notify"])("says how it is done with Type=%s", (type) => {
        expect(said("check_restarts", { Type: type, Restart: "on-failure", StartLimitIntervalUSec: "0" })).toMatch(
            /restart\.conf .*Restart=always.* \[ZH-SYSTEMD-RESTART\]/,
        );
        const active = { ActiveState: "active", Type: type, Restart: "always", StartLimitIntervalUSec: "0" };
        expect(said("check_restarts", active)).toBe("");
    });

    it("refuses exit codes after which it would stay down", () => {
        const facts = { ActiveState: "active", Type: "exec", Restart: "always", StartLimitIntervalUSec: "0" };
        expect(said("check_restarts", { ...facts, RestartPreventExitStatus: "1 2" })).toBe(
            "systemd would not start registry again when it ends with 1 2 (RestartPreventExitStatus=), and zot ends with 2 " +
                "while its issuer is away. Take that line out of the unit, and run on the host: systemctl daemon-reload " +
                "[ZH-SYSTEMD-PREVENTED]",
        );
        expect(said("check_restarts", { ...facts, RestartPreventExitStatus: "" })).toBe("");
    });

    describe.each(["notify", "notify-reload", "forking", "dbus"])("with Type=%s", (type) => {
        const facts = (more: Record<string, string>) => ({
            ...{ Type: type, Restart: "always", StartLimitIntervalUSec: "0", ActiveState: "inactive" },
            ...more,
        });
        const zot = "{ path=/usr/bin/zot ; argv[]=/usr/bin/zot serve /etc/zot/config.json ; ignore_errors=no ; }";
        const refused =
            `systemd would wait in vain for registry.service to say that it has started (Type=${type}), which zot does not, ` +
            "and then end it. Write Type=exec into the unit, and run on the host: systemctl daemon-reload [ZH-SYSTEMD-NEVER-STARTED]";
        const check = "binary=/usr/bin/zot; check_restarts";

        it("refuses a unit whose start is not over, whatever it runs, and one that runs zot itself", () => {
            expect(said(check, facts({ ActiveState: "activating", SubState: "start" }))).toBe(refused);
            expect(said(check, facts({ ExecStart: zot }))).toBe(refused);
        });

        it("takes a unit that is active, one of something else that does not run, and one that gets our start", () => {
            expect(said(check, facts({ ActiveState: "active", ExecStart: zot }))).toBe("");
            expect(said(check, facts({ ExecStart: zot.replaceAll("/usr/bin/zot", "/usr/bin/podman") }))).toBe("");
            expect(said(`service_file=/etc/x; ${check}`, facts({ ActiveState: "activating" }))).toBe("");
        });
    });
});

describe("a unit that systemd would not start", () => {
    it.each(["RefuseManualStart", "RefuseManualStop"])("by hand is told before anything changes: %s", (line) => {
        expect(said("unit_is_usable || printf '%s' \"$problem\"", { LoadState: "loaded", [line]: "yes" })).toBe(
            "systemd would not restart registry.service by hand (RefuseManualStart=, RefuseManualStop=); take these " +
                "lines out of the unit, and run on the host: systemctl daemon-reload [ZH-SYSTEMD-BY-HAND]",
        );
        expect(said("unit_is_usable && echo usable", { LoadState: "loaded", [line]: "no" })).toBe("usable");
    });

    it("for a condition of its own is told as such, and not as one that has ended", () => {
        const died = (ConditionResult: string) =>
            said(`${service}\nask_service() { :; }; has_died && printf '%s' "$cause"`, {
                ActiveState: "inactive",
                SubState: "dead",
                Result: "success",
                ConditionResult,
            });
        expect(died("no")).toBe(
            "systemd did not start it, because a condition of its unit is not met; run on the host: " +
                "systemctl status registry.service [ZH-ENDED-CONDITION]",
        );
        expect(died("yes")).toBe("");
    });
});

describe("what polkit refuses", () => {
    const refuses = 'echo "Failed to restart registry.service: Interactive authentication required." >&2; return 1';
    const told = (id: string) =>
        said(`polkit_allows restart || printf '%s' "$problem"`, { Id: id }, { systemctl: refuses });

    it("names the unit by its own name where the settings have another, since polkit is asked about that one", () => {
        expect(told("zot.service")).toMatch(
            /which is another name of zot\.service; set host\.serviceName to zot, .*host-rights.* \[ZH-POLKIT-ALIAS\]$/,
        );
    });

    it.each(["registry.service", ""])("points to host-rights where the unit is called %p", (id) => {
        expect(told(id)).toMatch(/; npm run host-rights prints .* \[ZH-POLKIT-REFUSED\]$/);
    });
});

describe("whom a unit of ours runs zot as", () => {
    /** As root sees it, where the storage is a folder of this user's. */
    const told = (owner: number, { manager = "systemd", zotUser = "" } = {}) =>
        said(
            `id() { case "$1:\${2-}" in -u:root | -u:) echo 0 ;; *) command id "$@" ;; esac; }; owner_of() { echo ${owner}; }; ` +
                `data=/var own_service=yes zot_user=${zotUser}; check_not_root`,
            {},
            { manager },
        );

    it("is not root because its storage is root's, and the commands that correct it are told", () => {
        for (const manager of ["systemd", "launchd-daemon"]) {
            expect(told(0, { manager })).toBe(
                "zot would run as root, because its storage /var belongs to root. Create a user for it, and give it the " +
                    "storage: useradd --system --shell /usr/sbin/nologin zot; chown -R zot: /var/. (Or set zot.user to " +
                    "the user that it has to run as, which may be root.) [ZH-ROOT-STORAGE]",
            );
        }
    });

    it("may be root by zot.user alone, and anybody else by the storage", () => {
        expect(told(0, { zotUser: "root" })).toBe("");
        expect(told(4711)).toBe("");
    });

    it("is not root as a service of root's", () => {
        expect(told(4711, { manager: "systemd-user" })).toBe("");
        expect(told(0, { manager: "systemd-user" })).toMatch(/\[ZH-ROOT-SERVICE\]$/);
    });
});

describe("the unit that a deployment writes", () => {
    const unit = (port: string, { owner = 4711, manager = "systemd", first = "1024" } = {}) =>
        said(
            [
                `cat() { case "$*" in /proc/sys/*) echo ${first} ;; *) command cat "$@" ;; esac; }`,
                `binary=/usr/bin/zot config=/etc/zot/config.json start_without_issuer=no own_service=yes owner=${owner}`,
                `echo '{"http":{"port":"${port}"}}' | service_file_text /dev/stdin`,
            ].join("\n"),
            {},
            { manager },
        );

    it("is as it was for a port that anybody may listen on", () => {
        expect(unit("5000")).toMatch(/RestartSec=2\nUser=4711\n\n\[Install\]\nWantedBy=multi-user\.target$/);
    });

    it("gives zot the right to listen below 1024, and that alone", () => {
        expect(unit("443")).toMatch(/\nUser=4711\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n\n\[Install\]/);
    });

    it("gives it to nobody who has it", () => {
        for (const text of [
            unit("443", { owner: 0 }),
            unit("443", { first: "443" }),
            unit("443", { manager: "systemd-user" }),
        ])
            expect(text).not.toContain("Ambient");
    });
});
