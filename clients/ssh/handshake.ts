/**
 * Logs in over a connection: checks the host's key, tries each way to log in once, and puts a refusal into words.
 */
import type * as net from "node:net";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { AnyAuthMethod, Client } from "ssh2";
import { outsideText } from "../outsideText";
import { fingerprint } from "./keys";
import type { Login } from "./login";
import { type Place, SshError, type SshLimits, upper } from "./place";
import { ssh2 } from "./ssh2";

/** Pause before the second connection, in milliseconds, if the host hung up on the first before a login attempt. */
const SECOND_TRY = 700;

/** A client that is logged in. If the host hangs up before a login attempt, it is tried once more. */
export async function loggedIn(
    place: Place,
    login: Login,
    connect: () => Promise<Duplex>,
    limits: SshLimits,
    clients: Client[],
): Promise<Client> {
    try {
        return await new Handshake(place, login, limits, clients).over(await connect());
    } catch (error) {
        if (!(error instanceof SshError) || !error.hungUp) throw error;
    }
    await sleep(SECOND_TRY);
    return new Handshake(place, login, limits, clients).over(await connect());
}

type LoginProblem = Error & { level?: string };

class Handshake {
    private readonly client: Client = new (ssh2().Client)();
    /** The key that the host has shown. */
    private shownKey: Buffer | undefined;
    /** The types of the host's keys. */
    private keyTypes = "";
    /** The ways to log in that the host accepts. */
    private accepted: string[] = [];
    /** The host's banner before the login. */
    private greeting = "";
    /** The first line from the host; undefined while it is silent. */
    private firstLine: string | undefined;
    private isLoginBegun = false;
    private untried: Login["methods"];
    /** The ways that were tried, in words. */
    private readonly tried = new Set<string>();
    private readonly timers: NodeJS.Timeout[] = [];
    private readonly correct: string;

    constructor(
        private readonly place: Place,
        private readonly login: Login,
        private readonly limits: SshLimits,
        clients: Client[],
    ) {
        this.untried = [...login.methods];
        this.correct = `Correct ${place.setting("address")} or ${place.setting("port")}.`;
        clients.push(this.client);
    }

    /** @throws SshError */
    over(stream: Duplex): Promise<Client> {
        return new Promise((resolve, reject) => {
            const fail = (message: string, hungUp = false) => {
                this.stopWaiting();
                this.client.destroy();
                reject(new SshError(message, hungUp));
            };
            this.limitTime(fail);
            stream.once("data", (chunk: Buffer) => {
                this.firstLine = firstLineOf(chunk);
            });
            this.client.once("ready", () => {
                this.stopWaiting();
                resolve(this.client);
            });
            this.client.on("greeting", (text) => {
                this.greeting = outsideText(text, 200);
            });
            this.client.on("error", (error: LoginProblem) => this.onError(error, fail));
            this.client.once("close", () =>
                this.isLoginBegun
                    ? fail(`${this.refusal()} It closed the connection.`)
                    : fail(this.hangsUp("the connection was closed"), true),
            );
            this.connect(stream);
        });
    }

    private connect(stream: Duplex): void {
        const { type, blob } = this.login.hostKey;
        this.client.connect({
            sock: stream as net.Socket,
            username: this.place.user,
            readyTimeout: 0,
            // The plugin command too asks only for the type of the pinned key.
            algorithms: { serverHostKey: [type as "ssh-ed25519"] },
            hostVerifier: (key: Buffer) => {
                this.shownKey = key;
                return key.equals(blob);
            },
            debug: (message) => {
                const [, types] = /^Handshake: \(remote\) Host key format: (.*)$/.exec(message) ?? [];
                if (types !== undefined) this.keyTypes = types.replaceAll(",", ", ");
            },
            authHandler: (methods, _partial, next) =>
                next(this.nextMethod(methods as string[] | null) ?? (false as unknown as AnyAuthMethod)),
        });
    }

    /** The next way to log in; undefined if none is left that the host accepts. */
    private nextMethod(accepted: string[] | null): AnyAuthMethod | undefined {
        if (!this.isLoginBegun) {
            this.isLoginBegun = true;
            // Shows what the host accepts, without counting as a failed login.
            return { type: "none", username: this.place.user };
        }
        this.accepted = accepted ?? this.accepted;
        const next = this.untried.find(({ method: { type } }) =>
            this.accepted.includes(type === "agent" ? "publickey" : type),
        );
        if (!next) return undefined;
        // A key or password that was refused once is not tried by another method. The host counts each refusal, and may
        // block this address.
        this.untried = this.untried.filter(({ described }) => described !== next.described);
        this.tried.add(next.described);
        return next.method;
    }

    private limitTime(fail: (message: string) => void): void {
        const { place, limits } = this;
        const onSilence = () => {
            if (this.firstLine !== undefined) return;
            fail(
                `${upper(place.role)}, ${place.at}, takes the connection and then says nothing for ` +
                    `${limits.answer / 1000} seconds: its SSH server hangs, or it is not an SSH server. ` +
                    `Look at the host, or correct ${place.setting("port")}.`,
            );
        };
        const onLateness = () =>
            fail(
                `The login to ${place.role}, ${place.at}, ` +
                    `did not finish within ${limits.login / 1000} seconds. ` +
                    "Look at the load of the host and at its SSH server.",
            );
        this.timers.push(setTimeout(onSilence, limits.answer), setTimeout(onLateness, limits.login));
    }

    private stopWaiting(): void {
        for (const timer of this.timers) clearTimeout(timer);
        this.client.removeAllListeners("error").on("error", () => {});
    }

    private onError(error: LoginProblem, fail: (message: string, hungUp?: boolean) => void): void {
        if (error.level === "agent") {
            // A failure of the agent is reported at the end, if no other way is left.
            this.tried.add(`${[...this.tried].pop() ?? "the SSH agent"}: ${error.message}`);
            return;
        }
        const message = this.explained(error);
        if (message !== undefined) fail(message);
        else fail(this.hangsUp(error.message), true);
    }

    /** The meaning of an error; undefined if the host hung up before a login attempt. */
    private explained({ level, message }: LoginProblem): string | undefined {
        const { role, at, setting } = this.place;
        if (this.shownKey && !this.shownKey.equals(this.login.hostKey.blob)) return this.otherHostKey(this.shownKey);
        if (/no matching host key format/.test(message))
            return (
                `${upper(role)}, ${at}, has no host key of the type ${this.login.hostKey.type}, ` +
                `which ${setting("hostKey")} pins; it has ${this.keyTypes || "others"}. ` +
                `Set ${setting("hostKey")} to a key that it has, of type ed25519 or ecdsa.`
            );
        if (level === "client-authentication" || this.isLoginBegun)
            return /configured authentication methods/.test(message)
                ? this.refusal()
                : `${this.refusal()} It said: ${message}`;
        if (this.isNoSshServer(message))
            return `What listens on ${at} is not a usable SSH server (${message}). ${this.correct}`;
        return undefined;
    }

    private isNoSshServer(message: string): boolean {
        if (/identification|Invalid.*version|greeting|Protocol version/i.test(message)) return true;
        return this.firstLine !== undefined && !this.keyTypes && /packet|Bad/i.test(message);
    }

    // Words

    private otherHostKey(shown: Buffer): string {
        const { role, at, setting } = this.place;
        const { type, blob } = this.login.hostKey;
        const file = `/etc/ssh/ssh_host_${type === "ssh-ed25519" ? "ed25519" : "ecdsa"}_key.pub`;
        return (
            `${upper(role)}, ${at}, shows another host key than the one of ${setting("hostKey")}: ` +
            `${fingerprint(shown)} instead of ${fingerprint(blob)} (${type}). ` +
            "Nothing was sent to it. If the host was set up anew, compare with what the host itself prints, " +
            `ssh-keygen -lf ${file}, and set ${setting("hostKey")}. Otherwise somebody else answers in its place.`
        );
    }

    private refusal(): string {
        const { role, at, user, setting } = this.place;
        const accepted = this.accepted.length > 0 ? ` It accepts: ${this.accepted.join(", ")}.` : "";
        const usable = this.login.methods.map(({ described }) => described).join(" or ");
        const what =
            this.tried.size > 0
                ? `refuses the login of ${user} with ${[...this.tried].join(" and ")}`
                : `offers no way to log in that ${user} could use here, which is ${usable}`;
        return (
            `${upper(role)}, ${at}, ${what}.${accepted} Correct ${setting("user")}, ` +
            `or add the public key to ~${user}/.ssh/authorized_keys on the host; ` +
            "its SSH server's log says why it refuses."
        );
    }

    private hangsUp(why: string): string {
        const { role, at, setting } = this.place;
        const isSsh = this.firstLine?.startsWith("SSH-") ?? true;
        const said = this.greeting.trim() || (!isSsh && this.firstLine) || why;
        return (
            `${upper(role)}, ${at}, hangs up before anybody could log in (${said}). ` +
            `What listens there may be no SSH server (${setting("port")}). ` +
            "Or it may have too many connections at once (MaxStartups), " +
            "block this address (PerSourcePenalties, fail2ban), or be misconfigured; its log says which."
        );
    }
}

/** The first line of what arrived, as far as it is printable, for a message. */
function firstLineOf(chunk: Buffer): string {
    const [line = ""] = chunk.toString("latin1").split(/[\r\n]/);
    return line.replace(/[^ -~]/g, "").slice(0, 100);
}
