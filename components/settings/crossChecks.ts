/** What settings say together, and must not. Pure. */
import { declarations, goDurationSeconds, type Settings } from "./declarations";
import { extraConfigMistakes } from "./extraConfig";
import { SCAN_FOUND_NOTHING, scanCommand } from "./hostKeys";
import type { RawSettings } from "./parse";
import { mayOverlap, mayPrevail } from "./patterns";
import { isMap, type SecretText, type SettingMistake, setCommand, shown } from "./setting";

interface CrossCheck {
    /** Settings that have to be readable for the check to make sense. */
    needs: string[];
    check(settings: Settings, site: RawSettings["site"]): SettingMistake[];
}

const mistake = (setting: string, message: string): SettingMistake => ({ setting, message: `${setting}: ${message}` });

/** Every check, in the order of the messages. */
export const crossChecks: CrossCheck[] = [
    {
        needs: ["identity.issuer", "identity.applicationSlug"],
        check: ({ identity }) => {
            const ending = `/application/o/${identity.applicationSlug}/`;
            if (identity.issuer.endsWith(ending)) return [];
            return [
                mistake(
                    "identity.issuer",
                    `${shown(identity.issuer)} is not the issuer of the application ${shown(identity.applicationSlug)}; give the URL of Authentik followed by ${ending}, slash included, or change identity.applicationSlug.`,
                ),
            ];
        },
    },
    {
        needs: ["identity.workloadsGroup", "identity.adminsGroup"],
        check: ({ identity }) =>
            identity.workloadsGroup === identity.adminsGroup
                ? [
                      mistake(
                          "identity.workloadsGroup",
                          `${shown(identity.workloadsGroup)} is the group of the admins too, so that CI could delete; give two different groups.`,
                      ),
                  ]
                : [],
    },
    {
        needs: ["access.rules", "access.adminsMayUpdate", "identity.adminsGroup", "identity.workloadsGroup"],
        check: ruleMistakes,
    },
    {
        needs: ["access.rules", "access.ciMayPushToMirrors", "access.ciRepositories", "zot.mirrors"],
        check: mirrorMistakes,
    },
    {
        needs: ["zot.mirrors"],
        check: ({ zot }) =>
            zot.mirrors.flatMap((mirror, index) =>
                zot.mirrors
                    .slice(0, index)
                    .filter((other) => mayOverlap(`${mirror.prefix}/**`, `${other.prefix}/**`))
                    .map((other) =>
                        mistake(
                            "zot.mirrors",
                            `the prefixes ${shown(other.prefix)} and ${shown(mirror.prefix)} overlap; give every cache a prefix of its own.`,
                        ),
                    ),
            ),
    },
    {
        needs: ["zot.metrics", "zot.metricsUsers"],
        check: ({ zot }) => {
            if (zot.metrics === "users" && zot.metricsUsers.length === 0) {
                return [
                    mistake(
                        "zot.metricsUsers",
                        "it is empty while zot.metrics is users, so that nobody could read the metrics; name the users, or set zot.metrics to anonymous or off.",
                    ),
                ];
            }
            if (zot.metrics !== "users" && zot.metricsUsers.length > 0) {
                return [
                    mistake(
                        "zot.metricsUsers",
                        `it names users while zot.metrics is ${zot.metrics}, and would have no effect; set zot.metrics to users, or leave the list empty.`,
                    ),
                ];
            }
            return [];
        },
    },
    {
        needs: ["zot.search", "zot.userInterface"],
        check: ({ zot }) =>
            zot.userInterface && !zot.search
                ? [
                      mistake(
                          "zot.userInterface",
                          "it is on while zot.search is off, which zot refuses; set zot.userInterface to false or zot.search to true.",
                      ),
                  ]
                : [],
    },
    {
        needs: ["zot.readTimeout", "zot.writeTimeout"],
        check: ({ zot }) => {
            const [read, write] = [zot.readTimeout, zot.writeTimeout].map(
                (value) => goDurationSeconds(value) || Infinity,
            );
            if (write! >= read!) return [];
            const why = `${shown(zot.writeTimeout)} is shorter than zot.readTimeout, ${shown(zot.readTimeout)}`;
            const what = "a push that takes longer would arrive, and get no answer";
            return [mistake("zot.writeTimeout", `${why}: ${what}; give the same, or more.`)];
        },
    },
    {
        needs: ["zot.readTimeout", "zot.writeTimeout", "zot.extraConfig"],
        check: ({ zot }) =>
            (["readTimeout", "writeTimeout"] as const).flatMap((name) => {
                const http = Object.entries(zot.extraConfig).find(([key]) => key.toLowerCase() === "http")?.[1];
                const own = isMap(http) && Object.keys(http).some((key) => key.toLowerCase() === name.toLowerCase());
                if (!own || zot[name] === declarations.zot[name].default) return [];
                return [
                    mistake(
                        `zot.${name}`,
                        `zot.extraConfig has http.${name} as well; set it here, and leave it out there.`,
                    ),
                ];
            }),
    },
    {
        needs: ["zot.extraConfig"],
        check: ({ zot }) =>
            extraConfigMistakes(zot.extraConfig).map((message) => mistake("zot.extraConfig", `${message}.`)),
    },
    {
        needs: ["host.jumpAddress", "host.jumpHostKey", "host.jumpPort"],
        check: ({ host }) => {
            if (host.jumpAddress && !host.jumpHostKey) {
                const command = setCommand("host.jumpHostKey", {
                    example: scanCommand({ address: host.jumpAddress, port: host.jumpPort }),
                });
                const why = "it is not set, and the jump host's key has to be known";
                return [
                    mistake(
                        "host.jumpHostKey",
                        `${why}; set it with: ${command}. If it was set by that command, ${SCAN_FOUND_NOTHING}.`,
                    ),
                ];
            }
            if (host.jumpHostKey && !host.jumpAddress)
                return [
                    mistake(
                        "host.jumpHostKey",
                        "it is set without host.jumpAddress, and would have no effect; set the address too, or remove it.",
                    ),
                ];
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
                        `it is not set while host.serviceManager is command; set it with: ${setCommand("host.restartCommand", { example: '"rc-service zot restart"' })}`,
                    ),
                ];
            }
            if (host.serviceManager !== "command" && host.restartCommand) {
                return [
                    mistake(
                        "host.restartCommand",
                        `it is set while host.serviceManager is ${host.serviceManager}, and would have no effect; set host.serviceManager to command, or remove it.`,
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
                        "it is set without host.privateKey; set the key too, or remove the passphrase.",
                    ),
                );
            }
            if (host.privateKey?.isReadable) {
                const key = privateKeyForm(host.privateKey);
                if (key === undefined) {
                    mistakes.push(
                        mistake(
                            "host.privateKey",
                            `the value given is not a private key in PEM or OpenSSH form; set it with: ${setCommand("host.privateKey", declarations.host.privateKey)}`,
                        ),
                    );
                }
                if (key === "encrypted" && !host.privateKeyPassphrase) {
                    mistakes.push(
                        mistake(
                            "host.privateKeyPassphrase",
                            `it is not set, and host.privateKey is protected by one; set it with: ${setCommand("host.privateKeyPassphrase", declarations.host.privateKeyPassphrase)}`,
                        ),
                    );
                }
            }
            if (site && !host.privateKey && !host.password && !site.sshAgentSocket) {
                mistakes.push(
                    mistake(
                        "host.privateKey",
                        `it is not set, and neither is host.password, and no SSH agent is running; set it with: ${setCommand("host.privateKey", declarations.host.privateKey)}`,
                    ),
                );
            }
            return mistakes;
        },
    },
    {
        needs: [],
        check: (_settings, site) => {
            if (!site) return [];
            const mistakes: SettingMistake[] = [];
            if (!site.hasAuthentikUrl) {
                mistakes.push({
                    setting: "authentik:url",
                    message:
                        "authentik:url is not set: the URL of Authentik's API. Set it with: pulumi config set authentik:url https://authentik.example.org (or AUTHENTIK_URL in the environment)",
                });
            }
            if (!site.hasAuthentikToken) {
                mistakes.push({
                    setting: "authentik:token",
                    message:
                        "authentik:token is not set: an API token of Authentik. Set it with: pulumi config set --secret authentik:token (or AUTHENTIK_TOKEN in the environment)",
                });
            }
            return mistakes;
        },
    },
];

/** Rights on the host that can never be enough, or never be used. */
function rightsMistakes({ host, zot }: Settings): SettingMistake[] {
    const { serviceManager, sudo, user, manageService } = host;
    const ofUser = serviceManager === "systemd-user" || serviceManager === "launchd-agent";
    const mistakes: SettingMistake[] = [];
    if (ofUser && sudo !== "off") {
        mistakes.push(
            mistake(
                "host.sudo",
                `it is ${sudo} while host.serviceManager is ${serviceManager}, whose services belong to host.user; set host.sudo to off.`,
            ),
        );
    }
    if (manageService && serviceManager === "command") {
        mistakes.push(
            mistake(
                "host.manageService",
                "it is true while host.serviceManager is command, for which there is no service file to write; set it to false, or host.serviceManager to what starts zot.",
            ),
        );
    }
    // Only the site knows who logs in.
    if (user === undefined) return mistakes;
    if (zot.user !== undefined && zot.user !== user && user !== "root" && sudo !== "all") {
        mistakes.push(
            mistake(
                "zot.user",
                `it is ${shown(zot.user)} while ${shown(user)} pushes with host.sudo ${sudo}, who cannot give the secret files to another user; set host.user to ${zot.user} or root, or host.sudo to all.`,
            ),
        );
    }
    if (ofUser && manageService && user === "root" && zot.user === undefined) {
        mistakes.push(
            mistake(
                "host.user",
                `it is root, so that zot would run as root by ${serviceManager}; give a user of zot's own, or, if it is to run as root, set zot.user to root.`,
            ),
        );
    }
    if (ofUser || user === "root" || sudo === "all") return mistakes;
    const becomeRoot = "set host.sudo to all, or host.user to root";
    const writes = manageService
        ? "host.manageService"
        : host.startWithoutIssuer && serviceManager === "systemd"
          ? "host.startWithoutIssuer"
          : undefined;
    if (writes && serviceManager !== "command") {
        const folder = serviceManager === "systemd" ? "/etc/systemd/system" : "/Library/LaunchDaemons";
        mistakes.push(
            mistake(
                writes,
                `it is true, for which the push writes in ${folder} as root, while host.sudo is ${sudo} and host.user ${shown(user)}; ${becomeRoot}, or ${writes} to false.`,
            ),
        );
    } else if (serviceManager === "launchd-daemon" && sudo === "off") {
        mistakes.push(
            mistake(
                "host.sudo",
                `it is off while host.serviceManager is launchd-daemon, which takes orders of root alone, and host.user is ${shown(user)}; set host.sudo to service or all, or host.user to root.`,
            ),
        );
    }
    return mistakes;
}

/** What kind of private key a text is; undefined where it is none. */
function privateKeyForm(key: SecretText): "plain" | "encrypted" | undefined {
    const [, kind, body] =
        /^-----BEGIN ([A-Z ]*)PRIVATE KEY-----\r?\n([\s\S]+)-----END \1PRIVATE KEY-----\s*$/.exec(key.reveal()) ?? [];
    if (kind === undefined || body === undefined) return undefined;
    if (kind === "ENCRYPTED " || /^Proc-Type: 4,ENCRYPTED/m.test(body)) return "encrypted";
    if (kind !== "OPENSSH ") return "plain";
    // Magic, then the cipher's name behind its length in four bytes.
    const magic = "openssh-key-v1\0";
    const decoded = Buffer.from(body, "base64").toString("latin1");
    if (!decoded.startsWith(magic)) return undefined;
    return decoded.startsWith("none", magic.length + 4) ? "plain" : "encrypted";
}

/** Patterns that would let CI, whoever pushes for it, put its own images in place of upstream's. */
function mirrorMistakes({ access, zot }: Settings): SettingMistake[] {
    if (access.ciMayPushToMirrors) return [];
    const openings = [
        ...access.ciRepositories.map((pattern, index) => ({ setting: `access.ciRepositories[${index}]`, pattern })),
        ...Object.entries(access.rules)
            .filter(([, rule]) =>
                [rule.ci, ...Object.values(rule.groups ?? {})].some((actions) => actions?.includes("create")),
            )
            .map(([pattern]) => ({ setting: `access.rules[${JSON.stringify(pattern)}]`, pattern })),
    ];
    return openings.flatMap(({ setting, pattern }) =>
        zot.mirrors
            // A cache has a rule of its own.
            .filter(({ prefix }) => mayPrevail(pattern, `${prefix}/**`))
            .map(({ prefix }) =>
                mistake(
                    setting,
                    `${shown(pattern)} reaches into the pull-through cache under ${shown(prefix)}, where CI could put its own images in place of upstream's; give a pattern outside it, or set access.ciMayPushToMirrors to true.`,
                ),
            ),
    );
}

/** Rules that would take from a tier what it has, or give what only admins have. */
function ruleMistakes({ access, identity }: Settings): SettingMistake[] {
    return Object.entries(access.rules).flatMap(([pattern, rule]) => {
        const found: SettingMistake[] = [];
        const refuse = (message: string) => found.push(mistake(`access.rules[${JSON.stringify(pattern)}]`, message));
        if (pattern === "**")
            refuse(
                "this is every repository, which access.ciRepositories and the three tiers describe already; give a narrower pattern.",
            );
        if (rule.anonymous && !rule.anonymous.includes("read"))
            refuse("anonymous readers would be locked out; give anonymous: [read], or leave it out.");
        if (rule.anonymous?.some((action) => action !== "read"))
            refuse(
                `anonymous would get ${shown(rule.anonymous)}; anyone may read and nothing else, so give anonymous: [read], or leave it out.`,
            );
        if (rule.ci?.some((action) => action === "update" || action === "delete"))
            refuse(`ci would get ${shown(rule.ci)}; CI may only read and create, or its tags would not be immutable.`);
        if (rule.ci && !rule.ci.includes("read"))
            refuse(`ci would get ${shown(rule.ci)} and lose what anonymous has; add read.`);
        if (rule.admins) {
            const missing = (["read", "create", "delete"] as const).filter((action) => !rule.admins!.includes(action));
            if (missing.length > 0)
                refuse(
                    `admins would be locked out of ${missing.join(", ")}, since only the longest matching rule applies; leave admins out, or give read, create and delete.`,
                );
            if (rule.admins.includes("update") && !access.adminsMayUpdate)
                refuse("admins would get update; set access.adminsMayUpdate to true, or leave update out.");
        }
        for (const [group, actions] of Object.entries(rule.groups ?? {})) {
            if (group === identity.adminsGroup) refuse(`the group ${shown(group)} is the admins'; use admins.`);
            else if (group === identity.workloadsGroup) refuse(`the group ${shown(group)} is CI's; use ci.`);
            else if (actions.some((action) => action === "update" || action === "delete"))
                refuse(
                    `the group ${shown(group)} would get ${shown(actions)}; only admins change or delete, so give read and create at most.`,
                );
            else if (!actions.includes("read"))
                refuse(`the group ${shown(group)} would get ${shown(actions)} and lose what anonymous has; add read.`);
        }
        return found;
    });
}
