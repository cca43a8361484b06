/** The account that this process runs as. */
import * as fs from "node:fs";
import * as os from "node:os";

export interface Account {
    username: string;
    home: string;
    shell: string;
}

/** In a container the user may have no entry in the system's list, or one that does not allow a login. */
export function account(): Account {
    let entry: { username: string; homedir: string; shell: string | null };
    try {
        entry = os.userInfo();
    } catch {
        entry = { username: process.env.USER || `uid${process.getuid?.() ?? ""}`, homedir: os.homedir(), shell: null };
    }
    const usable = entry.shell && !/(nologin|false)$/.test(entry.shell);
    return {
        username: entry.username,
        // Like sshd, uses the root folder if the home is missing.
        home: fs.existsSync(entry.homedir) ? entry.homedir : "/",
        shell: usable ? (entry.shell as string) : "/bin/sh",
    };
}
