/** What the user who deploys needs on the host beyond its own rights, as files and commands that grant it. Pure. */
import { isDeepStrictEqual } from "node:util";
import { type Member, membersOf, type Settings } from "./settings";

/** What root is to write, or to run, on the host. */
export type HostRight =
    | { kind: "sudoers" | "polkit"; why: string; path: string; mode: string; text: string }
    | { kind: "command"; why: string; command: string };

/**
 * What a deployment asks of `journalctl` (host/service.sh); in sudoers the arguments have to be the same to the letter.
 */
const JOURNAL_ARGUMENTS = "--no-pager --quiet --output short-unix --lines 400 --unit";

/**
 * The rights for a stack's settings; none where the user who deploys is root.
 *
 * Of `host.sudo: off` with a unit of the system it is a rule of polkit, which needs no sudo.
 */
export function hostRights({ host }: Pick<Settings, "host">): HostRight[] {
    const { user, serviceManager, serviceName, sudo, restartCommand } = host;
    const restartsUnitOfUser = serviceManager === "command" && /\bsystemctl --user\b/.test(restartCommand ?? "");
    if (serviceManager === "systemd-user" || (restartsUnitOfUser && sudo === "off")) {
        return [
            {
                kind: "command",
                why: `zot goes on after the last logout of ${user}, and is started with the host`,
                command: `loginctl enable-linger ${user}`,
            },
        ];
    }
    if (user === "root" || serviceManager === "launchd-agent") return [];
    if (sudo === "all")
        return [
            sudoers(user, "the whole deployment runs as root, by a shell, which is as much as to be root", ["ALL"]),
        ];
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

/** Rights, and the machines that need them: the same on all, unless their settings differ. */
export interface RightsOfMachines {
    machines: [Member, ...Member[]];
    rights: HostRight[];
}

/** The rights on each machine of a registry; machines with the same ones together. */
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

/** The full name of a unit. */
export const unitOf = (serviceName: string): string => `${serviceName.replace(/\.service$/, "")}.service`;

function sudoers(user: string, why: string, commands: string[]): HostRight {
    // A name of capital letters alone would be an alias.
    const who = /[a-z]/.test(user) ? user : JSON.stringify(user);
    const lines = [
        "# Where sudoers has requiretty, which no login without a screen passes, take the # away:",
        `# Defaults:${who} !requiretty`,
        ...commands.map((command) => `${who} ALL=(root) NOPASSWD: ${command}`),
    ];
    // sudo passes over files with a dot in their names.
    return { kind: "sudoers", why, path: "/etc/sudoers.d/zot-hardening", mode: "0440", text: `${lines.join("\n")}\n` };
}

/** Arguments as sudoers wants them: its own special characters escaped, and those of its patterns. */
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
