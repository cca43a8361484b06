#!/bin/sh
# Puts a config of zot and its secret files into force on the registry's host, or takes them out of force.
#
#   push.sh FOLDER deploy     the config of the payload serves, proven, or what served before still does
#   push.sh FOLDER withdraw   the read-only config serves; it needs no identity provider to start
#
# FOLDER holds the payload, read whole from standard input before anything else happens; it is removed at the end.
# POSIX sh with the tools of any such host, and curl. Nothing secret is in this text, on a command line or in the output.
set -u
LC_ALL=C
export LC_ALL
umask 077
# The connection may be lost at any time; what was begun is carried to its end.
trap '' HUP PIPE

folder=$1
verb=$2
payload=$folder/payload

say() { printf '%s\n' "$*" 2>/dev/null; }
warn() { printf '%s\n' "$*" >&2 2>/dev/null; }

# The value of a setting; values are one line each, as the program has checked.
setting() { sed -n "s/^$1=//p" "$folder/settings"; }

# Cuts a section of the payload out into a file: "== NAME LINES" and then so many lines.
section() {
    found=$(grep -n "^== $1 [0-9]*\$" "$payload" | head -n 1)
    [ -n "$found" ] || { : >"$2"; return; }
    first=$((${found%%:*} + 1))
    lines=${found##* }
    sed -n "${first},$((first + lines - 1))p" "$payload" >"$2"
}

section settings "$folder/settings"

binary=$(setting binary)
config=$(setting configFile)
data=$(setting rootDirectory)
credentials=$(setting credentialsFile)
session_keys=$(setting sessionKeysFile)
url=$(setting localUrl)
connect_to=$(setting connectTo)
metrics_path=$(setting metricsPath)
metrics_anonymous=$(setting metricsAnonymous)
manager=$(setting serviceManager)
service=$(setting serviceName)
restart_command=$(setting restartCommand)
ready_timeout=$(setting readyTimeout)

config_folder=${config%/*}
lock=$config_folder/.zot-hardening.lock
staged=$config_folder/.zot-hardening.staged.json
previous=$config_folder/.zot-hardening.previous.json
locked=
previous_exists=

finish() {
    [ -n "$locked" ] && rm -rf "$lock"
    rm -f "$staged"
    rm -rf "$folder"
}
trap finish EXIT
# A signal ends the script by way of fail(), so that a config half put into force is taken back.
trap 'fail "the push was stopped by a signal"' INT TERM

fail() {
    trap '' INT TERM
    warn "zot-hardening: $*"
    if [ -n "${committed:-}" ]; then
        take_back
    else
        warn "Nothing was changed: the registry goes on with the config it had."
    fi
    exit 1
}

# --- the lock: one push at a time -----------------------------------------------------------------------------

take_lock() {
    waited=0
    until mkdir "$lock" 2>/dev/null; do
        [ -d "$config_folder" ] || fail "the folder $config_folder of zot's config does not exist; create it, owned by the user that pushes ($(id -un))."
        [ -w "$config_folder" ] || fail "the user $(id -un) may not write in $config_folder; set host.user to one that may."
        holder=$(cat "$lock/holder" 2>/dev/null)
        if [ -n "$holder" ] && ! kill -0 "${holder%% *}" 2>/dev/null; then
            warn "zot-hardening: taking over the lock of a push that is no longer running ($holder)."
            rm -rf "$lock"
            continue
        fi
        [ "$waited" -lt 120 ] || fail "another push holds the lock $lock (process ${holder:-unknown}); wait for it, or remove the lock if it is not running."
        sleep 1
        waited=$((waited + 1))
    done
    printf '%s %s\n' "$$" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >"$lock/holder"
    locked=yes
}

# --- the service ----------------------------------------------------------------------------------------------

restart() {
    case $manager in
        systemd) systemctl restart "$service" ;;
        systemd-user) XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemctl --user restart "$service" ;;
        launchd-agent)
            launchctl kickstart -k "gui/$(id -u)/$service" || launchctl kickstart -k "user/$(id -u)/$service"
            ;;
        launchd-daemon) launchctl kickstart -k "system/$service" ;;
        command) /bin/sh -c "$restart_command" ;;
    esac </dev/null >"$folder/restart.log" 2>&1
}

# Asks zot itself, past any proxy in front. Answers the status code, 000 where there is no answer.
status_of() {
    method=$1
    path=$2
    shift 2
    if [ -n "$connect_to" ]; then set -- --connect-to "$connect_to" "$@"; fi
    curl --silent --noproxy '*' --max-time 5 --output /dev/null --write-out '%{http_code}' --request "$method" "$@" "$url$path" 2>/dev/null
}

wait_until_ready() {
    deadline=$(($(date +%s) + ready_timeout))
    until [ "$(status_of GET /readyz)" = 200 ]; do
        [ "$(date +%s)" -lt "$deadline" ] || return 1
        sleep 0.1 2>/dev/null || sleep 1
    done
}

# Whether what serves is what was pushed: anyone reads, nobody writes without a login. The write stores nothing:
# zot looks at the rights before it looks at the content type, and refuses text/plain.
prove() {
    reads=$(status_of GET /v2/_catalog)
    [ "$reads" = 200 ] || { problem="an anonymous read of /v2/_catalog was answered $reads instead of 200"; return 1; }
    writes=$(status_of PUT /v2/zot-hardening/probe/manifests/probe --header 'Content-Type: text/plain' --data-binary x)
    [ "$writes" = 401 ] || { problem="an anonymous write was answered $writes instead of 401"; return 1; }
    if [ "$metrics_anonymous" = yes ]; then
        reads=$(status_of GET "$metrics_path")
        [ "$reads" = 200 ] || { problem="an anonymous read of $metrics_path was answered $reads instead of 200"; return 1; }
    fi
}

# --- the transaction ------------------------------------------------------------------------------------------

# Writes a section beside its place with its final mode and renames it.
place() {
    section "$1" "$3.new" && chmod "$2" "$3.new" && mv -f "$3.new" "$3"
}

in_force() {
    [ -f "$config" ] && cmp -s "$1" "$config" && [ -n "$(find "$config" -prune -perm 0644)" ]
}

secrets_in_place() {
    section credentials "$folder/credentials"
    section sessionKeys "$folder/session-keys"
    cmp -s "$folder/credentials" "$credentials" && [ -n "$(find "$credentials" -prune -perm 0600)" ] &&
        cmp -s "$folder/session-keys" "$session_keys" && [ -n "$(find "$session_keys" -prune -perm 0600)" ]
}

verify_staged() {
    [ -x "$binary" ] || fail "zot's binary $binary is not there or cannot be run; correct zot.binary."
    [ -d "$data" ] || fail "zot's storage $data does not exist; correct zot.rootDirectory, or create it, owned by the user that zot runs as."
    if ! "$binary" verify "$staged" >"$folder/verify.log" 2>&1; then
        warn "$(grep -i '^Error' "$folder/verify.log" || tail -n 3 "$folder/verify.log")"
        fail "zot does not accept the config (zot verify, above)."
    fi
}

commit() {
    if [ -f "$config" ]; then
        cp -p "$config" "$previous.new" && mv -f "$previous.new" "$previous" || fail "the config in force could not be kept as $previous."
        previous_exists=yes
    fi
    committed=yes
    mv -f "$staged" "$config" || { committed=; fail "the config could not be renamed to $config."; }
}

take_back() {
    if [ -n "$previous_exists" ]; then
        cp -p "$previous" "$staged" && mv -f "$staged" "$config"
    else
        rm -f "$config"
        warn "There was no config before this push, so none is in force now."
        return
    fi
    if restart && wait_until_ready; then
        warn "The config that was in force before is back, and zot is ready with it."
    else
        warn "The config that was in force before is back in $config, but zot did not become ready with it: $(tail -n 3 "$folder/restart.log")"
    fi
}

# Removes secret files that no kept config names.
forget_old_secrets() {
    for file in "$config_folder"/oidc-credentials.*.json "$config_folder"/session-keys.*.json; do
        [ -f "$file" ] || continue
        grep -qF "\"$file\"" "$config" "$previous" 2>/dev/null || rm -f "$file"
    done
}

put_into_force() {
    section "$1" "$staged" || fail "the config could not be written to $staged; is the disk full?"
    chmod 0644 "$staged"
    verify_staged
    commit
    restart || fail "zot could not be restarted ($manager $service): $(tail -n 3 "$folder/restart.log")"
    wait_until_ready || fail "zot was not ready within $ready_timeout seconds of its restart: $(tail -n 3 "$folder/restart.log")"
    prove || fail "zot runs, but not with the policy that was pushed: $problem."
    committed=
    forget_old_secrets
}

deploy() {
    section config "$folder/config"
    if in_force "$folder/config" && secrets_in_place && [ "$(status_of GET /readyz)" = 200 ] && prove; then
        say "unchanged"
        return
    fi
    place credentials 0600 "$credentials" && place sessionKeys 0600 "$session_keys" ||
        fail "the secret files could not be written in $config_folder; is the disk full?"
    put_into_force config
    say "deployed"
}

withdraw() {
    section readOnlyConfig "$folder/config"
    if in_force "$folder/config" && [ "$(status_of GET /readyz)" = 200 ]; then
        say "unchanged"
        return
    fi
    put_into_force readOnlyConfig
    say "read-only"
}

command -v curl >/dev/null 2>&1 || fail "curl is not installed on the host; install it."
take_lock
"$verb"
