/** Checks the settings of the host against each other and against other settings. Pure. */
import { declarations, type Settings } from "../declarations";
import { SCAN_FOUND_NOTHING, scanCommand } from "../hostKeys";
import { type SecretText, type SettingMistake, setCommand, shown } from "../setting";
import { type CrossCheck, mistake } from "./crossCheck";

export const hostChecks: CrossCheck[] = [
    {
        needs: ["host.jumpAddress", "host.jumpHostKey", "host.jumpPort"],
        check: ({ host }) => {
            if (host.jumpAddress && !host.jumpHostKey) {
                const command = setCommand("host.jumpHostKey", {
                    example: scanCommand({ address: host.jumpAddress, port: host.jumpPort }),
                });
                const why = "it is not set, but the jump host's key must be known";
                return [
                    mistake(
                        "host.jumpHostKey",
                        `${why}; set it with: ${command}. If it was set by that command, ${SCAN_FOUND_NOTHING}.`,
                    ),
                ];
            }
            return [];
        },
    },
    {
        needs: ["host.serviceManager", "host.restartCommand"],
        check: ({ host }) => {
            if (host.serviceManager === "command" && !host.restartCommand) {
                return [
                    mistake(
                        "host.restartCommand",
                        "it is not set while host.serviceManager is command; set it with: " +
                            `${setCommand("host.restartCommand", { example: '"rc-service zot restart"' })}`,
                    ),
                ];
            }
            if (host.serviceManager !== "command" && host.restartCommand) {
                return [
                    mistake(
                        "host.restartCommand",
                        `it is set, but host.serviceManager is ${host.serviceManager}, ` +
                            "so it would have no effect; set host.serviceManager to command, or remove it.",
                    ),
                ];
            }
            return [];
        },
    },
    {
        needs: [
            "host.serviceManager",
            "host.sudo",
            "host.user",
            "host.manageService",
            "host.startWithoutIssuer",
            "zot.user",
        ],
        check: rightsMistakes,
    },
    {
        needs: ["host.privateKey", "host.password", "host.privateKeyPassphrase"],
        check: ({ host }, site) => {
            const mistakes: SettingMistake[] = [];
            if (host.privateKeyPassphrase && !host.privateKey) {
                mistakes.push(
                    mistake(
                        "host.privateKeyPassphrase",
                        "it is set without host.privateKey; set the key as well, or remove the passphrase.",
                    ),
                );
            }
            if (host.privateKey?.isReadable) {
                const key = privateKeyForm(host.privateKey);
                if (key === undefined) {
                    mistakes.push(
                        mistake(
                            "host.privateKey",
                            "the value given is not a private key in PEM or OpenSSH form; set it with: " +
                                `${setCommand("host.privateKey", declarations.host.privateKey)}`,
                        ),
                    );
                }
                if (key === "encrypted" && !host.privateKeyPassphrase) {
                    mistakes.push(
                        mistake(
                            "host.privateKeyPassphrase",
                            "it is not set, but host.privateKey is protected by one; set it with: " +
                                `${setCommand("host.privateKeyPassphrase", declarations.host.privateKeyPassphrase)}`,
                        ),
                    );
                }
            }
            if (site && !host.privateKey && !host.password && !site.sshAgentSocket) {
                mistakes.push(
                    mistake(
                        "host.privateKey",
                        "it is not set, host.password is not set either, and no SSH agent is running; set it with: " +
                            `${setCommand("host.privateKey", declarations.host.privateKey)}`,
                    ),
                );
            }
            return mistakes;
        },
    },
];

/** Rights on the host that can never suffice, or never be used. */
function rightsMistakes({ host, zot }: Settings): SettingMistake[] {
    const found = [sudoOfUser(host), serviceOfCommand(host)];
    // Only a site knows which user logs in.
    if (host.user !== undefined)
        found.push(filesOfOther(host, zot), rootByUserManager(host, zot), serviceWithoutRoot(host));
    return found.filter((each) => each !== undefined);
}

/** Whether the services belong to host.user, so rights of root are of no use. */
const isOfUser = ({ serviceManager }: Settings["host"]) =>
    serviceManager === "systemd-user" || serviceManager === "launchd-agent";

function sudoOfUser(host: Settings["host"]): SettingMistake | undefined {
    if (!isOfUser(host) || host.sudo === "off") return undefined;
    return mistake(
        "host.sudo",
        `it is ${host.sudo} while host.serviceManager is ${host.serviceManager}, ` +
            "whose services belong to host.user; set host.sudo to off.",
    );
}

function serviceOfCommand({ serviceManager, manageService }: Settings["host"]): SettingMistake | undefined {
    if (!manageService || serviceManager !== "command") return undefined;
    return mistake(
        "host.manageService",
        "it is true while host.serviceManager is command, for which there is no service file to write; " +
            "set it to false, or host.serviceManager to what starts zot.",
    );
}

function filesOfOther({ user, sudo }: Settings["host"], zot: Settings["zot"]): SettingMistake | undefined {
    if (zot.user === undefined || zot.user === user || user === "root" || sudo === "all") return undefined;
    return mistake(
        "zot.user",
        `it is ${shown(zot.user)} while ${shown(user)} deploys with host.sudo ${sudo}, ` +
            "who cannot give the secret files to another user; " +
            `set host.user to ${zot.user} or root, or host.sudo to all.`,
    );
}

function rootByUserManager(host: Settings["host"], zot: Settings["zot"]): SettingMistake | undefined {
    if (!isOfUser(host) || !host.manageService || host.user !== "root" || zot.user !== undefined) return undefined;
    return mistake(
        "host.user",
        `it is root, so zot would run as root by ${host.serviceManager}; ` +
            "give a user for zot alone, or set zot.user to root if that is what you want.",
    );
}

function serviceWithoutRoot(host: Settings["host"]): SettingMistake | undefined {
    const { serviceManager, sudo, user } = host;
    if (isOfUser(host) || user === "root" || sudo === "all") return undefined;
    const writes = host.manageService
        ? "host.manageService"
        : host.startWithoutIssuer && serviceManager === "systemd"
          ? "host.startWithoutIssuer"
          : undefined;
    if (writes && serviceManager !== "command") {
        const folder = serviceManager === "systemd" ? "/etc/systemd/system" : "/Library/LaunchDaemons";
        return mistake(
            writes,
            `it is true, so the deployment writes in ${folder} as root, ` +
                `but host.sudo is ${sudo} and host.user ${shown(user)}; ` +
                `set host.sudo to all, or host.user to root, or ${writes} to false.`,
        );
    }
    if (serviceManager === "launchd-daemon" && sudo === "off")
        return mistake(
            "host.sudo",
            "it is off, but host.serviceManager is launchd-daemon, which accepts commands from root only, " +
                `and host.user is ${shown(user)}; set host.sudo to service or all, or host.user to root.`,
        );
    return undefined;
}

/** The form of a private key; undefined if the text is none. */
function privateKeyForm(key: SecretText): "plain" | "encrypted" | undefined {
    const [, kind, body] =
        /^-----BEGIN ([A-Z ]*)PRIVATE KEY-----\r?\n([\s\S]+)-----END \1PRIVATE KEY-----\s*$/.exec(key.reveal()) ?? [];
    if (kind === undefined || body === undefined) return undefined;
    if (kind === "ENCRYPTED " || /^Proc-Type: 4,ENCRYPTED/m.test(body)) return "encrypted";
    if (kind !== "OPENSSH ") return "plain";
    // The magic, then four bytes with the length of the cipher's name, then the name.
    const magic = "openssh-key-v1\0";
    const decoded = Buffer.from(body, "base64").toString("latin1");
    if (!decoded.startsWith(magic)) return undefined;
    return decoded.startsWith("none", magic.length + 4) ? "plain" : "encrypted";
}
