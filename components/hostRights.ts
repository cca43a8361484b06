/** The rights that the deploying user needs on the host, as files and commands that grant them. Pure. */
import { isDeepStrictEqual } from "node:util";
import { type Member, membersOf, type Settings } from "./settings";

/** A file that root writes, or a command that root runs, on the host. */
export type HostRight =
    | { kind: "sudoers" | "polkit"; why: string; path: string; mode: string; text: string }
    | { kind: "command"; why: string; command: string };

/**
 * The arguments of `journalctl` that a deployment uses (host/service.sh); sudoers compares them letter by letter.
 */
const JOURNAL_ARGUMENTS = "--no-pager --quiet --output short-unix --lines 400 --unit";

/**
 * The rights that a stack's settings need; none if the deploying user is root.
 *
 * With `host.sudo: off` and a system unit the right is a polkit rule, which needs no sudo.
 */
export function hostRights({ host }: Pick<Settings, "host">): HostRight[] {
    const { user, serviceManager, serviceName, sudo, restartCommand } = host;
    const restartsUnitOfUser = serviceManager === "command" && /\bsystemctl --user\b/.test(restartCommand ?? "");
    if (serviceManager === "systemd-user" || (restartsUnitOfUser && sudo === "off")) {
        return [
            {
                kind: "command",
                why: `zot keeps running after the last logout of ${user}, and starts with the host`,
                command: `loginctl enable-linger ${user}`,
            },
        ];
    }
    if (user === "root" || serviceManager === "launchd-agent") return [];
    if (sudo === "all")
        return [sudoers(user, "the whole deployment runs as root in a shell, which amounts to being root", ["ALL"])];
    if (sudo === "service" && serviceManager === "command")
        return [sudoers(user, "zot can be restarted", [`/bin/sh -c ${inSudoers(restartCommand ?? "")}`])];
    if (sudo === "service" && serviceManager === "launchd-daemon") {
        return [
            sudoers(user, "zot's daemon can be restarted and stopped", [
                `/bin/launchctl kickstart -k system/${serviceName}`,
                `/bin/launchctl kill SIGTERM system/${serviceName}`,
            ]),
        ];
    }
    if (serviceManager !== "systemd") return [];
    if (sudo === "service") {
        const orders = ["restart", "stop", "reset-failed"].map((verb) => `/usr/bin/systemctl ${verb} ${serviceName}`);
        return [
            sudoers(user, "zot's unit can be restarted and stopped, and a failed deployment shows what zot has said", [
                ...orders,
                `/usr/bin/journalctl ${JOURNAL_ARGUMENTS} ${serviceName}`,
            ]),
        ];
    }
    const journal: HostRight[] = host.logFile
        ? []
        : [
              {
                  kind: "command",
                  why: "a failed deployment shows what zot has said",
                  command: `usermod --append --groups systemd-journal ${user}`,
              },
          ];
    return [polkit(user, unitOf(serviceName)), ...journal];
}

/** Rights, and the machines that need them. Machines need the same rights unless their settings differ. */
export interface RightsOfMachines {
    machines: [Member, ...Member[]];
    rights: HostRight[];
}

/** The rights on each machine of a registry; machines with equal rights are listed together. */
export function rightsOfMachines(settings: Settings): RightsOfMachines[] {
    const groups: RightsOfMachines[] = [];
    for (const machine of membersOf(settings)) {
        const rights = hostRights(machine.settings);
        const alike = groups.find((group) => isDeepStrictEqual(group.rights, rights));
        if (alike) alike.machines.push(machine);
        else groups.push({ machines: [machine], rights });
    }
    return groups;
}

/** The full name of a unit: with `.service`. */
export const unitOf = (serviceName: string): string => `${serviceName.replace(/\.service$/, "")}.service`;

function sudoers(user: string, why: string, commands: string[]): HostRight {
    // sudoers reads a name of capital letters as an alias unless it is quoted.
    const who = /[a-z]/.test(user) ? user : JSON.stringify(user);
    const lines = [
        "# Where sudoers has requiretty, which no login without a screen passes, take the # away:",
        `# Defaults:${who} !requiretty`,
        ...commands.map((command) => `${who} ALL=(root) NOPASSWD: ${command}`),
    ];
    // sudo ignores files with a dot in their names.
    return { kind: "sudoers", why, path: "/etc/sudoers.d/zot-hardening", mode: "0440", text: `${lines.join("\n")}\n` };
}

/** Escapes sudoers' special characters and those of its patterns. */
function inSudoers(text: string): string {
    return text.replace(/\\/g, "\\\\\\\\").replace(/[,:=#*?[\]!]/g, "\\$&");
}

function polkit(user: string, unit: string): HostRight {
    const text = `// zot's unit is restarted and stopped by the user who deploys.
polkit.addRule(function (action, subject) {
    if (action.id === "org.freedesktop.systemd1.manage-units" && subject.user === ${JSON.stringify(user)} && action.lookup("unit") === ${JSON.stringify(unit)} &&
        ["start", "stop", "restart", "reset-failed"].indexOf(action.lookup("verb")) >= 0) {
        return polkit.Result.YES;
    }
});
`;
    return {
        kind: "polkit",
        why: "zot's unit can be restarted and stopped, without sudo",
        path: "/etc/polkit-1/rules.d/50-zot-hardening.rules",
        mode: "0644",
        text,
    };
}
