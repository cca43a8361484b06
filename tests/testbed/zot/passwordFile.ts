/** A zot whose users log in by a password file, which stands for an identity provider. */
import * as fs from "node:fs";
import * as path from "node:path";
import { RunningZot, scratch, type Zot } from "./zots";

/** Of every user. */
export const PASSWORD = "x";
const PASSWORD_HASH = "$2b$04$Yd3EftPu.RhqWoulvH4j6e0dxkr3qY7fPLCMUf/nZhHJy75PU04qu";

export interface PasswordFileOptions {
    /** Of `http.accessControl`, without the groups. */
    accessControl: object;
    /** Parts of `http.auth` beside the file. Default: none. */
    auth?: object;
    /** Default: zot's own. */
    storage?: object;
    folder?: string;
}

/** @param members groups of each user, who has none in them where the list is empty */
export function startWithPasswords(
    zot: Zot,
    members: Readonly<Record<string, readonly string[]>>,
    { accessControl, auth, storage, folder = scratch() }: PasswordFileOptions,
): Promise<RunningZot> {
    const htpasswd = path.join(folder, "htpasswd");
    const names = Object.keys(members);
    fs.writeFileSync(htpasswd, names.map((name) => `${name}:${PASSWORD_HASH}\n`).join(""));
    const groups = Object.fromEntries(
        [...new Set(Object.values(members).flat())].map((group) => [
            group,
            { users: names.filter((name) => members[name]!.includes(group)) },
        ]),
    );
    return RunningZot.start(
        zot,
        () => ({
            http: { auth: { htpasswd: { path: htpasswd }, ...auth }, accessControl: { ...accessControl, groups } },
            ...(storage && { storage }),
        }),
        folder,
    );
}
