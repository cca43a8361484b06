/**
 * The least that a site can do: a shell script over one SSH connection, which writes the config and the files of
 * secrets where they differ, has zot verify the config, restarts zot and waits until it is ready. It keeps nothing of
 * what was there, takes nothing back, and knows nothing of Authentik: what it takes is what anything over SSH takes.
 */
import type { Site } from "../site";
import { otherZot } from "./otherZot";
import { finish } from "./preview";

export interface PlainScript {
    /** In seconds. */
    apply(options: { changesRight: boolean }): Promise<number>;
    /** Leaves nothing of its config, so that the next run is the first one. */
    reset(): void;
    stop(): void;
}

/** No text of the files has this line. */
const END = "END OF THIS FILE";

/** @param binary of zot */
export async function startPlainScript(site: Site, binary: string): Promise<PlainScript> {
    const zot = await otherZot(site, "plain-script", binary);
    const { host, port, user } = site.ssh;
    const destination = ["-i", zot.login.key, "-o", `UserKnownHostsFile=${zot.login.knownHosts}`, "-p", String(port)];
    const args = ["-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", ...destination];
    return {
        async apply(options) {
            const { config, credentials, sessionKeys } = zot.files(options);
            const kept = (name: string, mode: string, text: string, check = ":") =>
                `keep '${zot.configFolder}/${name}' ${mode} ${check} <<'${END}'\n${text}${END}\n`;
            const script = `set -eu
umask 077
mkdir -p -m 755 '${zot.configFolder}'
changed=
keep() {
    cat >"$1.new"
    if cmp -s "$1.new" "$1"; then rm "$1.new"; return; fi
    $3 "$1.new"
    chmod "$2" "$1.new"
    mv "$1.new" "$1"
    changed=yes
}
check_config() { '${binary}' verify "$1" >/dev/null 2>&1; }
${kept("oidc.json", "600", credentials)}${kept("keys.json", "600", sessionKeys)}${kept("config.json", "644", config, "check_config")}
[ -z "$changed" ] || '${zot.restartCommand}'
tries=0
until curl -sf '${zot.url}/readyz' >/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 400 ] || exit 1
    sleep 0.02
done
`;
            const environment = { PATH: process.env.PATH, HOME: zot.folder };
            const ended = await finish("ssh", [...args, `${user}@${host}`, "sh -s"], {
                cwd: zot.folder,
                env: environment,
                input: script,
            });
            return ended.seconds;
        },
        reset: () => zot.reset(),
        stop: () => zot.stop(),
    };
}
