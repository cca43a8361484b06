/** Supervisors other than systemd, behind a command that restarts zot: they start zot again when it ends. */

export interface Supervisor {
    /** `host.restartCommand`. */
    restart: string;
    /** Lines for a root shell. `remove` removes whatever is there, and also succeeds if nothing is. */
    install: string[];
    start: string;
    remove: string;
    status: string;
    /** How long it waits after a failed start before the next one, in milliseconds. */
    waits: number;
}

const SERVE = "serve /etc/zot/config.json";

/** The supervisor's own process stays when zot ends: supervise-daemon has zot's command line in its own. */
const openrc: Supervisor = {
    restart: "rc-service zot restart",
    install: [
        // As openrc-init leaves them.
        ...["starting", "started", "stopping", "inactive", "wasinactive", "failed", "hotplugged", "daemons"].map(
            (folder) => `mkdir -p /run/openrc/${folder}`,
        ),
        "mkdir -p /run/openrc/options /run/openrc/exclusive /run/openrc/scheduled /run/openrc/tmp",
        "touch /run/openrc/softlevel",
        "cat >/etc/init.d/zot <<'END'",
        "#!/sbin/openrc-run",
        "supervisor=supervise-daemon",
        "command=/usr/local/bin/zot",
        `command_args="${SERVE}"`,
        "command_user=zot",
        "respawn_delay=1",
        "respawn_max=0",
        "END",
        "chmod 0755 /etc/init.d/zot",
    ],
    start: "rc-service zot start 2>&1",
    remove: "rc-service zot stop; rc-service zot zap; rm -f /etc/init.d/zot",
    status: "rc-service zot status",
    waits: 0,
};

const runit: Supervisor = {
    restart: "sv restart /etc/sv/zot",
    install: [
        "mkdir -p /etc/sv/zot /run/services",
        "cat >/etc/sv/zot/run <<'END'",
        "#!/bin/sh",
        "exec 2>&1",
        `exec chpst -u zot /usr/local/bin/zot ${SERVE}`,
        "END",
        "chmod 0755 /etc/sv/zot/run",
    ],
    start: `ln -s /etc/sv/zot /run/services/zot
systemd-run --quiet --unit zot-runit runsvdir -P /run/services
until sv start /etc/sv/zot; do sleep 0.1; done`,
    remove: "systemctl stop zot-runit; rm -rf /run/services /etc/sv/zot",
    status: "sv status /etc/sv/zot",
    // sv does not return until runsv has started a program again that died at once, a second later; and so the next.
    waits: 2000,
};

export const supervisors = { openrc, runit };
