/** The questions of setup, each by its name, which is also its option and its key in a file of answers. Pure. */

import { addressMistake } from "../../clients/http/address";
import { allSettings, type Setting, shown, withoutSecrets } from "../../components/settings";
import { EXAMPLE } from "../../components/settings/fromStackFile";
import { hostKeyMistake, hostKeyOfScan } from "../../components/settings/hostKeys";

export type QuestionName = keyof typeof questions;

/** Answers by name. */
export type Answers = Partial<Record<QuestionName, string>>;

export interface Question {
    /** On the screen. */
    message: string;
    /** For `--help`, and below the message. Default: the description of the setting. */
    help?: string;
    /** The setting behind it, which says what is allowed. */
    setting?: string;
    /** The environment variable for a secret, which is never shown and never an option. */
    secret?: string;
    /** Why an answer is refused; undefined if it is not. Default: what the setting allows. */
    check?(answer: string): string | undefined;
    /** The name of the value in `--help`. Default: text. */
    value?: string;
}

const define = <const T extends Record<string, Question>>(table: T): Record<keyof T, Question> => table;

/** In the order in which they are asked. */
export const questions = define({
    stack: {
        message: "What should the stack be called?",
        help: "Name of the stack, and of its file Pulumi.NAME.yaml.",
        value: "name",
        check: (answer) =>
            answer === EXAMPLE
                ? "Pulumi.example.yaml is a file to copy, not a stack"
                : /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(answer)
                  ? undefined
                  : "a name has letters, digits, '.', '-' and '_'",
    },
    backend: {
        message: "Where should Pulumi keep the stack's state?",
        help: "Where Pulumi keeps states, for pulumi login; asked only if it is not logged in.",
        value: "url",
        check: (answer) =>
            /^[a-z0-9+]+:\/\/./.test(answer) ? undefined : "give an address such as file://~/.pulumi-state",
    },
    passphrase: {
        message: "A passphrase that encrypts the stack's secrets",
        secret: "PULUMI_CONFIG_PASSPHRASE",
        check: (answer) =>
            answer === "" ? "without one, whoever reads the stack's file reads its secrets" : undefined,
    },
    host: {
        message: "Which host is the registry on?",
        help: "The registry's host for SSH: name or address, as [user@]host[:port].",
        value: "host",
        check: (answer) => {
            const target = targetIn(answer);
            return typeof target === "string" ? target : undefined;
        },
    },
    sshPort: { message: "SSH port of the host", setting: "host.port", value: "port" },
    sshUser: { message: "Who logs in there?", setting: "host.user", value: "user" },
    jumpHost: {
        message: "Which host is the jump host?",
        help: "A jump host, as [user@]host[:port]; none for a direct connection. Default: from SSH's configuration.",
        value: "host",
        check: (answer) => {
            const target = answer === "none" ? {} : targetIn(answer);
            return typeof target === "string" ? target : undefined;
        },
    },
    jumpHostKey: {
        message: "Is this the jump host's key?",
        help: "The jump host's key, or its fingerprint SHA256:…, to compare with the one that it shows.",
        value: "key",
        check: notAKey,
    },
    hostKey: {
        message: "Is this the host's key?",
        help: "The host's key, or its fingerprint SHA256:…, to compare with the one that the host shows.",
        value: "key",
        check: notAKey,
    },
    sshKey: {
        message: "Which private key opens the host?",
        help: "File of the private SSH key, which is stored in the stack, encrypted; agent for the SSH agent.",
        value: "file",
    },
    sshPassphrase: { message: "Passphrase of that key", secret: "SETUP_SSH_PASSPHRASE" },
    zot: {
        message: "Which of these is the registry?",
        help: "Path of zot's config on the host, if several run there.",
        value: "config",
    },
    binary: { message: "Where is zot's binary on the host?", setting: "zot.binary", value: "path" },
    configFile: { message: "Where is zot's config on the host?", setting: "zot.configFile", value: "path" },
    rootDirectory: { message: "Where does zot keep its images?", setting: "zot.rootDirectory", value: "path" },
    restartCommand: { message: "Which command restarts zot there?", setting: "host.restartCommand", value: "command" },
    registryUrl: { message: "The registry's public address", setting: "registry.url", value: "url" },
    authentikUrl: {
        message: "Authentik's address",
        help: "Address of Authentik.",
        value: "url",
        check: (answer) => {
            const because = addressMistake(answer, { carries: "the token", isComparedAsWritten: true });
            return because === undefined
                ? undefined
                : `${because}; give an https:// address (http:// only for loopback)`;
        },
    },
    authentikToken: {
        message: "An API token of Authentik",
        help: "npm run authentik-token makes one with the permissions that are needed and no others.",
        secret: "AUTHENTIK_TOKEN",
        check: (answer) => (/^[\x21-\x7e]+$/.test(answer) ? undefined : "no token has a space or is empty"),
    },
    adminsGroup: { message: "Which group are the admins?", setting: "identity.adminsGroup", value: "group" },
    authorizationFlow: {
        message: "Which flow authorizes a login?",
        setting: "identity.authorizationFlow",
        value: "slug",
    },
    invalidationFlow: { message: "Which flow ends a login?", setting: "identity.invalidationFlow", value: "slug" },
    signingKey: { message: "Which certificate signs tokens?", setting: "identity.signingKey", value: "name" },
    ciLoginFlow: {
        message: "The site's login demands what CI does not have. How should CI log in?",
        setting: "identity.ciLoginFlow",
        value: "flow",
    },
    metrics: { message: "Who may read the metrics?", setting: "zot.metrics", value: "who" },
    metricsUsers: { message: "Which users read the metrics?", setting: "zot.metricsUsers", value: "users" },
    cacheFolders: {
        message: "Should each cache get its own folder?",
        help: "Whether caches that may fill any repository get a folder by their host's name, such as docker.io: yes, or no.",
        value: "yes|no",
        check: yesOrNo,
    },
    caches: {
        message: "May CI push where a cache puts its images?",
        help: "Whether CI may push into the pull-through caches, in place of upstream's images: no, or yes.",
        value: "no|yes",
        check: yesOrNo,
    },
    drop: {
        message: "Continue without these?",
        help: "Whether the first deployment may remove what only the host's config has: yes, or no.",
        value: "yes|no",
        check: yesOrNo,
    },
});

function yesOrNo(answer: string): string | undefined {
    return /^(no|yes)$/.test(answer) ? undefined : "give yes or no";
}

function notAKey(answer: string): string | undefined {
    return /^SHA256:[A-Za-z0-9+/]{43}$/.test(answer) || hostKeyMistake(hostKeyOfScan(answer)) === undefined
        ? undefined
        : "give SHA256: and the fingerprint, or the key as ssh-keyscan prints it";
}

const settings = new Map(allSettings().map(({ name, setting }) => [name, setting]));

/** A setting by its name; undefined if there is none. */
export const findSetting = (name: string): Setting<unknown> | undefined => settings.get(name);

/** The same for a setting that certainly exists. */
export const declaredSetting = (name: string): Setting<unknown> => settings.get(name)!;

/** The help of a question. */
export function helpOf(name: QuestionName): string {
    const { help, setting } = questions[name];
    return help ?? (setting === undefined ? questions[name].message : declaredSetting(setting).description);
}

/** Why an answer is not valid, as the end of a sentence; undefined if it is valid. */
export function answerMistake(name: QuestionName, answer: string): string | undefined {
    const { check, setting } = questions[name];
    if (check) return check(answer);
    if (setting === undefined) return answer === "" ? "it is empty" : undefined;
    const declared = declaredSetting(setting);
    return declared.schema.safeParse(settingValue(name, answer)).success ? undefined : `give ${declared.allowed}`;
}

/** The setting's value for an answer. */
export function settingValue(name: QuestionName, answer: string): unknown {
    const { setting } = questions[name];
    const kind = setting === undefined ? "text" : declaredSetting(setting).kind;
    if (kind === "integer") return /^\d+$/.test(answer) ? Number(answer) : answer;
    if (kind === "list")
        return answer
            .split(",")
            .map((item) => item.trim())
            .filter((item) => item !== "");
    return answer;
}

export interface Target {
    host: string;
    user?: string;
    port?: number;
}

/** A host in the form that ssh's users write; or why it is not valid. */
export function targetIn(answer: string): Target | string {
    const [, user, rest] = /^(?:([^@]+)@)?(.*)$/.exec(answer.trim())!;
    const [, bracketed, plain, port] =
        /^(?:\[([^\]]+)\]|([^:]*|[0-9a-fA-F:]+:[0-9a-fA-F:]*))(?::(\d+))?$/.exec(rest!) ?? [];
    const host = bracketed ?? plain;
    const isAllowed = (setting: string, value: unknown) => declaredSetting(setting).schema.safeParse(value).success;
    if (host === undefined || !isAllowed("host.address", host))
        return `${shown(answer)} is not a host; give a name or an address, as in zot@registry-host.example.org:2222`;
    if (user !== undefined && !isAllowed("host.user", user)) return `${shown(user)} is no user`;
    if (port !== undefined && !isAllowed("host.port", Number(port))) return `${port} is no port`;
    return { host, ...(user ? { user } : {}), ...(port ? { port: Number(port) } : {}) };
}

/** Whether it must not be in files of answers or options. */
export const isSecret = (name: QuestionName): boolean => questions[name].secret !== undefined;

/** Every answer in a file, checked; or what is wrong with it, one sentence each. */
export function answersIn(content: unknown): { answers: Answers; mistakes: string[] } {
    const answers: Answers = {};
    const mistakes: string[] = [];
    if (content === null || typeof content !== "object" || Array.isArray(content))
        return { answers, mistakes: ["it is no map of answers by their names"] };
    for (const [key, value] of Object.entries(content)) {
        const because = mistakeInFile(key, value);
        if (because === undefined) answers[key as QuestionName] = textInFile(value);
        else mistakes.push(because);
    }
    return { answers, mistakes };
}

function mistakeInFile(key: string, value: unknown): string | undefined {
    if (!Object.hasOwn(questions, key)) {
        const names = (Object.keys(questions) as QuestionName[]).filter((name) => !isSecret(name));
        return `${shown(key)} is no question; these are: ${names.join(", ")}`;
    }
    const name = key as QuestionName;
    const { secret } = questions[name];
    if (secret !== undefined)
        return `${key} is a secret and does not belong into a file; give it as ${secret} in the environment`;
    const because = answerMistake(name, textInFile(value));
    return because === undefined ? undefined : `${key} is ${withoutSecrets(shown(value))}: ${because}`;
}

/** An answer in a file, as it would be typed. */
function textInFile(value: unknown): string {
    if (typeof value === "boolean") return value ? "yes" : "no";
    return Array.isArray(value) ? value.join(",") : String(value);
}
