/** The set-ups of service manager and rights for the cases, if a distribution has what they need. */
import type { supervisors } from "./supervisors";

export const managers = ["systemd", "systemd-user", "command"] as const;
export type Manager = (typeof managers)[number];

/**
 * Who deploys, and by which rights: root; an operator who may do all by sudo; zot's own user with the lines of sudoers,
 * or the rule of polkit, that `npm run host-rights` prints; or zot's own user with none, who needs none for a service
 * of its own.
 */
export const rights = ["root", "sudo all", "sudo service", "polkit", "own"] as const;
export type Rights = (typeof rights)[number];

export interface SetUp {
    manager: Manager;
    rights: Rights;
    /** Whether the deployment writes the unit (`host.manageService`). */
    managed: boolean;
    /** What the command speaks to, for the manager `command`. Default: systemd. */
    behind?: keyof typeof supervisors | "systemd-user";
}

export const ofUser = ({ manager, behind }: SetUp): boolean => manager === "systemd-user" || behind === "systemd-user";

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
