/** The set-ups of service manager and rights that cases are tried on, where a distribution has what they take. */
import type { SetUp } from "./site";

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
    { manager: "command", rights: "root", managed: false, behind: "openrc" },
    { manager: "command", rights: "root", managed: false, behind: "runit" },
    { manager: "command", rights: "own", managed: false, behind: "systemd-user" },
];
