/**
 * Browser sessions: the cookie holds a signed id, `_sessions` below the root directory the rest. They last two hours,
 * and over a restart only when `http.auth.sessionKeysFile` keeps the keys the same.
 */
import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { type CookieOptions, cookie, type Exchange, setCookie } from "./http";

export type Values = Record<string, string>;

/** Seconds. */
const lifetime = 7200;

/** Signs, dates and, given a key of 16, 24 or 32 bytes, encrypts what goes into a cookie. */
export class SecureCookies {
    constructor(
        private readonly hashKey: Buffer,
        private readonly encryptKey: Buffer | undefined,
        /** Seconds. */
        private readonly maxAge: number,
    ) {}

    /** Throws when the key for encryption has none of the allowed lengths, as zot fails then. */
    seal(name: string, value: string): string {
        const content = this.encrypt(Buffer.from(value)).toString("base64url");
        const signed = `${Math.floor(Date.now() / 1000)}.${content}`;
        return Buffer.from(`${signed}.${this.signature(name, signed)}`).toString("base64url");
    }

    /** Undefined when the value was not sealed with these keys under this name, or too long ago. */
    open(name: string, sealed: string): string | undefined {
        const [time = "", content = "", signature = ""] = Buffer.from(sealed, "base64url")
            .toString("latin1")
            .split(".");
        const expected = this.signature(name, `${time}.${content}`);
        if (signature.length !== expected.length || !timingSafeEqual(Buffer.from(signature), Buffer.from(expected)))
            return undefined;
        if (Number(time) + this.maxAge < Date.now() / 1000) return undefined;
        try {
            return this.decrypt(Buffer.from(content, "base64url")).toString();
        } catch {
            return undefined;
        }
    }

    private signature(name: string, text: string): string {
        return createHmac("sha256", this.hashKey).update(`${name}|${text}`).digest("base64url");
    }

    private encrypt(plain: Buffer): Buffer {
        if (!this.encryptKey) return plain;
        const start = randomBytes(16);
        const cipher = createCipheriv(`aes-${this.encryptKey.length * 8}-ctr`, this.encryptKey, start);
        return Buffer.concat([start, cipher.update(plain), cipher.final()]);
    }

    private decrypt(sealed: Buffer): Buffer {
        if (!this.encryptKey) return sealed;
        const decipher = createDecipheriv(
            `aes-${this.encryptKey.length * 8}-ctr`,
            this.encryptKey,
            sealed.subarray(0, 16),
        );
        return Buffer.concat([decipher.update(sealed.subarray(16)), decipher.final()]);
    }
}

export class Sessions {
    private readonly folder: string;

    constructor(
        rootDirectory: string,
        private readonly cookies: SecureCookies,
        private readonly secure: () => boolean,
    ) {
        this.folder = path.join(rootDirectory, "_sessions");
        fs.mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    }

    static cookies(hashKey: Buffer, encryptKey: Buffer | undefined): SecureCookies {
        return new SecureCookies(hashKey, encryptKey, lifetime);
    }

    /** Undefined when there is none, or it is no longer valid. */
    read(exchange: Exchange, name: string): Values | undefined {
        const id = this.idOf(exchange, name);
        if (id === undefined) return undefined;
        try {
            const content = this.cookies.open(name, fs.readFileSync(this.fileOf(id), "utf8"));
            return content === undefined ? undefined : (JSON.parse(content) as Values);
        } catch {
            return undefined;
        }
    }

    save(exchange: Exchange, name: string, values: Values, options: Partial<CookieOptions> = {}): void {
        const id = this.idOf(exchange, name) ?? randomBytes(32).toString("hex");
        fs.writeFileSync(this.fileOf(id), this.cookies.seal(name, JSON.stringify(values)), { mode: 0o600 });
        setCookie(exchange, name, this.cookies.seal(name, id), {
            maxAge: lifetime,
            expires: true,
            httpOnly: true,
            secure: this.secure(),
            ...options,
        });
    }

    end(exchange: Exchange, name: string): void {
        const id = this.idOf(exchange, name);
        if (id !== undefined) fs.rmSync(this.fileOf(id), { force: true });
        exchange.response.appendHeader(
            "Set-Cookie",
            `${name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:01 GMT; Max-Age=0`,
        );
    }

    /** Tells the client that its cookie is worth nothing. */
    forget(exchange: Exchange, name: string): void {
        exchange.response.appendHeader(
            "Set-Cookie",
            `${name}=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly`,
        );
    }

    /** The name of the user, for the web page to show; the page may read this cookie. */
    showUser(exchange: Exchange, userName: string): void {
        // Go's net/http drops what a cookie cannot hold, and so do we.
        setCookie(exchange, "user", userName.replace(/[^ -~]|["\\;]/g, ""), {
            maxAge: lifetime,
            expires: true,
            secure: this.secure(),
        });
    }

    private idOf(exchange: Exchange, name: string): string | undefined {
        const sealed = cookie(exchange, name);
        return sealed === undefined ? undefined : this.cookies.open(name, sealed);
    }

    private fileOf(id: string): string {
        return path.join(this.folder, `session_${path.basename(id)}`);
    }
}
