/** Settings of the host: how to reach it, and what a deployment does there. Pure. */
import { isIP } from "node:net";
import * as z from "zod/mini";
import { hostKeyMistake, hostKeyOfScan, SCAN_FOUND_NOTHING, scanCommand } from "../hostKeys";
import {
    absolutePath,
    allowedOf,
    boolean,
    CONTROL_CHARACTER,
    checked,
    define,
    integer,
    oneOf,
    optional,
    optionalOf,
    port,
    secret,
    text,
} from "../kinds";
import { another, NO_RIGHTS, onOff, ordered, other, unclear } from "../meanings";
import { memberNameMistake, membersChange } from "../memberNames";
import { zot } from "./zot";

/** Whether a text is the address of a host; a returned text says why not. */
function hostAddressMistake(value: string): boolean | string {
    if (isIP(value)) return true;
    if (value.includes("@")) return "it holds a user; set host.user instead";
    if (/:\d+$/.test(value)) return "it holds a port; set host.port instead";
    return /^[A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?\.?$/.test(value);
}

/** Settings that may apply to one machine, or to all. */
const machine = {
    address: define({
        description: "Name or address of the registry's host, for SSH.",
        ...text("a host name or IP address", hostAddressMistake),
        siteOnly: true,
        example: "registry-host.example.org",
        unless: "members",
        review: other("the config and its secrets are sent to the host"),
    }),
    port: define({
        description: "SSH port of the host.",
        ...port(),
        default: 22,
        review: other("the config and its secrets are sent to the port"),
    }),
    user: define({
        description: "User on the host: the one that zot runs as, or one that may write its config.",
        ...text("a user name", (value) => /^[A-Za-z_][A-Za-z0-9._-]*$/.test(value)),
        siteOnly: true,
        example: "zot",
        review: other("the deployment acts as the user"),
    }),
    hostKey: define({
        description: "The host's public SSH key, a line of known_hosts; a host with another key is refused.",
        ...text("an ed25519 or ecdsa key, as `ssh-keyscan -p PORT -t ed25519 HOST` prints it", hostKeyMistake),
        siteOnly: true,
        unless: "members",
        read: hostKeyOfScan,
        example: scanCommand,
        hint: `If it was set by that command, ${SCAN_FOUND_NOTHING}.`,
        review: other("the host is trusted by the key"),
    }),
    privateKey: optional(
        define({
            description: "Private SSH key for the host. Without it and a password, the SSH agent is used.",
            ...secret("a private key in PEM or OpenSSH form"),
            siteOnly: true,
            example: "< ~/.ssh/id_ed25519",
            review: another("the deployment logs in with another private key"),
        }),
    ),
    privateKeyPassphrase: optional(
        define({
            description: "Passphrase of the private SSH key.",
            ...secret("a passphrase"),
            siteOnly: true,
            review: another("the private key has another passphrase"),
        }),
    ),
    password: optional(
        define({
            description: "Password of the user on the host, if there is no key.",
            ...secret("a password"),
            siteOnly: true,
            review: another("the deployment logs in with another password"),
        }),
    ),
    observe: define({
        description:
            "Whether preview and update look at the host, with one connection each, " +
            "and deploy again what was changed there by hand.",
        ...boolean(),
        default: true,
        review: ordered(
            [true, false],
            onOff(
                "preview and update look at the host",
                "preview and update do not look at the host: changes made there by hand stay unseen",
            ),
        ),
        host: { look: "look" },
    }),
    jumpAddress: optional(
        define({
            description:
                "Name or address of a jump host, if the host can only be reached through one; the login is the same.",
            ...text("a host name or IP address", (value) => /^[A-Za-z0-9._:-]+$/.test(value)),
            review: other("the host is reached through"),
        }),
    ),
    jumpPort: define({
        description: "SSH port of the jump host.",
        ...port(),
        default: 22,
        review: other("the jump host is reached at the port"),
    }),
    jumpUser: optional(
        define({
            description: "User on the jump host. Without it: host.user.",
            ...text("a user name", (value) => /^[A-Za-z_][A-Za-z0-9._-]*$/.test(value)),
            review: other("on the jump host, the deployment is the user"),
        }),
    ),
    jumpHostKey: optional(
        define({
            description: "The jump host's public SSH key, a line of known_hosts.",
            ...text("an ed25519 or ecdsa key, as `ssh-keyscan -p PORT -t ed25519 HOST` prints it", hostKeyMistake),
            read: hostKeyOfScan,
            needs: "host.jumpAddress",
            review: other("the jump host is trusted by the key"),
        }),
    ),
    serviceManager: define({
        description:
            "What starts zot on the host: systemd, systemd-user, launchd-agent, launchd-daemon, " +
            "or command with host.restartCommand.",
        ...oneOf(["systemd", "systemd-user", "launchd-agent", "launchd-daemon", "command"]),
        default: "systemd",
        review: other("on the host, zot is started by"),
        host: { script: "serviceManager", look: "serviceManager" },
    }),
    serviceName: define({
        description: "Name of zot's systemd unit, or label of its launchd job.",
        ...text("a unit or label: letters, digits, '.', '-', '_', '@'", (value) =>
            /^[A-Za-z0-9_][A-Za-z0-9._@-]*$/.test(value),
        ),
        default: "zot",
        review: other("on the host, the deployment restarts"),
        host: { script: "serviceName", look: "serviceName" },
    }),
    restartCommand: optional(
        define({
            description: "Shell command that restarts zot, if host.serviceManager is command.",
            ...text("a command on one line", (value) => value.trim() !== "" && !CONTROL_CHARACTER.test(value)),
            review: other("on the host, the deployment runs"),
            host: { script: "restartCommand", look: "restartCommand" },
        }),
    ),
    manageService: define({
        description:
            "Whether the deployment writes zot's systemd unit or launchd job; otherwise it restarts the site's own.",
        ...boolean(),
        default: false,
        review: (_before, after) =>
            unclear(
                after === true
                    ? "the deployment writes zot's service file on the host"
                    : "the deployment leaves zot's service file to the site",
            ),
        host: { script: "manageService", look: "manageService" },
    }),
    startWithoutIssuer: optional(
        define({
            description:
                "Whether zot starts read-only if its issuer does not answer, " +
                "and switches over when the issuer is back. Without it: as host.manageService.",
            ...boolean(),
            review: NO_RIGHTS,
            host: { script: "startWithoutIssuer", look: "startWithoutIssuer", without: "host.manageService" },
        }),
    ),
    sudo: define({
        description:
            "What sudo is used for on the host, without a password: " +
            "nothing (off), the service manager (service), or the whole deployment (all); " +
            "npm run host-rights prints what root has to allow.",
        ...oneOf(["off", "service", "all"]),
        default: "off",
        review: ordered(["off", "service", "all"], (value) =>
            value === "off"
                ? "the deployment uses no sudo"
                : `the deployment uses sudo for ${value === "all" ? "everything it does" : "the service manager"}`,
        ),
        host: { script: "sudo", look: "sudo" },
    }),
    onDestroy: define({
        description:
            "What a destroy leaves on the host: a registry that anyone reads and nobody changes, " +
            "or what was there before the first deployment.",
        ...oneOf(["read-only", "restore"]),
        default: "read-only",
        review: ordered(["read-only", "restore"], (value) =>
            value === "restore"
                ? "a destroy brings back what was on the host before the first deployment: an open registry, if it was one"
                : "a destroy leaves a registry that nobody changes",
        ),
        host: { script: "onDestroy" },
    }),
    logFile: optional(
        define({
            description:
                "Path of zot's log on the host; a failed deployment shows its last lines. " +
                "Without it: the service manager's log.",
            ...absolutePath("zot's log on the host"),
            review: NO_RIGHTS,
            host: { script: "logFile", look: "logFile" },
        }),
    ),
    pushTimeout: define({
        description: "How long a deployment may take before it gives up and restores the former config, in seconds.",
        ...integer("seconds from 30 to 3600", 30, 3600),
        default: 300,
        review: NO_RIGHTS,
        host: { script: "timeLimit" },
    }),
    readyTimeout: define({
        description: "How long zot may take to be ready after a restart, in seconds.",
        ...integer("seconds from 1 to 3600", 1, 3600),
        default: 60,
        review: NO_RIGHTS,
        host: { script: "readyTimeout" },
    }),
};

/** Settings that a machine may have for itself; what it leaves out is as in `host` and `zot`. */
const OWN = {
    port: machine.port,
    user: machine.user,
    jumpAddress: machine.jumpAddress,
    jumpPort: machine.jumpPort,
    jumpUser: machine.jumpUser,
    jumpHostKey: machine.jumpHostKey,
    serviceManager: machine.serviceManager,
    serviceName: machine.serviceName,
    restartCommand: machine.restartCommand,
    sudo: machine.sudo,
    logFile: machine.logFile,
};
const OWN_ZOT = {
    binary: zot.binary,
    configFile: zot.configFile,
    rootDirectory: zot.rootDirectory,
    address: zot.address,
    port: zot.port,
    user: zot.user,
    tlsCertFile: zot.tlsCertFile,
    tlsKeyFile: zot.tlsKeyFile,
    caFile: zot.caFile,
};

const member = z.strictObject({
    name: z.optional(checked(memberNameMistake)),
    address: machine.address.schema,
    // A key is accepted in the form in which ssh-keyscan prints it, with comments.
    hostKey: checked((value) => hostKeyMistake(hostKeyOfScan(value))),
    ...optionalOf(OWN),
    zot: z.optional(z.strictObject(optionalOf(OWN_ZOT))),
    away: z.optional(z.boolean()),
});

/** What each member of an entry of `host.members` may be. */
const ALLOWED: Record<string, string> = {
    address: machine.address.allowed,
    hostKey: machine.hostKey.allowed,
    name: 'a name of letters, digits, ".", "_", ":" and "-"',
    ...allowedOf(OWN),
    zot: `a map of some of ${Object.keys(OWN_ZOT).join(", ")}, as in zot`,
    away: "true or false: whether updates skip it",
};

/** @param path the number of an entry, and a place in the entry */
function allowedInMember([entry, key, part]: readonly PropertyKey[]): string | undefined {
    if (entry === undefined) return undefined;
    if (key === undefined)
        return `{address, hostKey}, and optionally some of ${Object.keys(ALLOWED).slice(2).join(", ")}`;
    const ofZot = key === "zot" && part !== undefined ? allowedOf(OWN_ZOT)[String(part)] : undefined;
    return ofZot ?? ALLOWED[String(key)];
}

/** One entry of `host.members`, as a site writes it. */
export type MemberSetting = z.infer<typeof member>;

export const host = {
    ...machine,
    members: define<MemberSetting[]>({
        description:
            "The machines of a registry that runs on several, in the order of deployment, " +
            "in place of host.address and host.hostKey: each with its address and host key, " +
            "and with whatever differs from host and zot.",
        kind: "list",
        schema: z.array(member),
        allowed:
            "a list of {address, hostKey}, and optionally {name (default: the address), " +
            `${Object.keys(OWN).join(", ")}, zot: {${Object.keys(OWN_ZOT).join(", ")}}, ` +
            "away: whether updates skip it}",
        allowedAt: allowedInMember,
        default: [],
        review: membersChange,
    }),
};
