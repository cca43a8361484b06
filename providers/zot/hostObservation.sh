# Observes the registry's host for the resource HostObservation, and changes nothing. For the checks of a deployment it
# works in its own folder below TMPDIR, which it removes.
#
# The functions of the host scripts that change nothing come before this (host/scripts.ts), and are used here. Their
# variables come after it, and with them: $secret_files, one path a line; $declared, the config that was deployed last,
# or nothing; $declared_is_whole, whether it has no names in the places of secrets; $declared_sha256, the hash of what
# is on the host for it; $known_version, the version of the zot for which ls printed $known_binary. If the checks of a
# deployment are to run: $planned_config, the config to deploy; $verified_config and $verified_read_only, which zot can
# verify with the secret files in $folder; $drop_settings, one a line; $deployment_is_due, if a deployment is certain.
# Standard output is lines of "name=value", then a line "--" and the exact config on the host.
set -u
umask 077
LC_ALL=C
export LC_ALL

largest_config=1048576

# A process for each line would take half the time of the observation. A value that is too long is cut, except for its
# code.
# Reads: newline. Sets: -. Prints: NAME=VALUE. Scratch: told told_code.
fact() {
    told=$2
    case $told in *"$newline"*) told=$(printf '%s' "$told" | tr '\n' ' ') ;; esac
    if [ "${#told}" -gt 4000 ]; then
        told_code=$(printf '%s' "$told" | sed -n 's/^.*\(\[ZH-[A-Z0-9-]*\]\).*$/ … \1/p')
        told=$(printf '%s' "$told" | cut -c 1-3900)$told_code
    fi
    printf '%s=%s\n' "$1" "$told"
}

# Reads: -. Sets: -. Prints: the refusal, and ends the script.
refuse() {
    fact refused "$*"
    exit 0
}

# Type and mode of a file and its owner's id, as ls prints them; nothing if it is missing.
# Reads: -. Sets: -. Prints: kind, mode and user id.
# shellcheck disable=SC2012,SC2046 # find has no portable way to say it; the words of ls, of which the name is the last
rights_of() {
    set -- $(ls -ldn "$1" 2>/dev/null)
    [ $# -lt 3 ] || printf '%.10s %s\n' "$1" "$3"
}

# Reads: manager planned_config problem sudo. Sets: -. Prints: -.
check_sudo() {
    # The checks of a deployment include this one.
    [ "$sudo" = service ] && [ -z "$planned_config" ] || return 0
    case $manager in systemd | launchd-daemon) ;; *) return 0 ;; esac
    rights_are_there || refuse "$problem"
}

# Who is deploying at this moment, if anybody.
# Reads: state. Sets: -. Prints: who deploys, or nothing.
running_deployment() (
    for held in "$state"/claims/*; do
        [ -e "$held" ] || continue
        process=${held##*/}
        process=${process#*.}
        process=${process%%.*}
        if kill -0 "$process" 2>/dev/null || [ -d "/proc/$process" ] || ps -p "$process" >/dev/null 2>&1; then
            cat "$held" 2>/dev/null
            return
        fi
    done
)

# An interrupted deployment, neither proven nor rolled back.
# Reads: kept_deployments state. Sets: -. Prints: a number, or nothing.
unfinished_deployment() (
    for number in $kept_deployments; do
        if [ -e "$state/pushes/$number/unproven" ]; then echo "$number"; fi
    done | tail -n 1
)

# Whether the running zot names its release, if the commit of the binary cannot be read.
# Reads: config declared version_kind. Sets: -. Prints: -.
is_release_by_itself() {
    [ "$version_kind" = unreadable ] || return 1
    if [ -n "$declared" ]; then
        print_declared | { expect_of /dev/stdin && runs_release "$1"; }
    else
        [ -f "$config" ] && expect_of "$config" && runs_release "$1"
    fi
}

# Where the host itself has the config that was deployed last: its secrets are in no variable of a shell, which may show
# them in the arguments of what it starts.
declared_from=

# Reads: declared declared_from. Sets: -. Prints: the config that was deployed last.
print_declared() { if [ -n "$declared_from" ]; then cat "$declared_from"; else printf '%s\n' "$declared"; fi; }

# Whether a file is the config that was deployed last.
# Reads: declared declared_from declared_is_whole declared_sha256. Sets: -. Prints: -.
is_declared() {
    if [ -n "$declared_from" ]; then
        cmp -s "$declared_from" "$1"
    elif [ "$declared_is_whole" = yes ]; then
        [ "$(cat "$1" 2>/dev/null)" = "$declared" ]
    else
        [ "$(sha256_of "$1")" = "$declared_sha256" ]
    fi
}

# The config that was deployed last, as the host has kept it, in $deployed; and whether the config that was declared
# last was ever deployed here: a failed or refused deployment leaves none.
# Reads: declared declared_sha256 deployed kept_deployments last_was_deployed newline secret_files state. Sets:
# declared_from deployed last_was_deployed secret_files. Prints: facts. Scratch: number.
find_deployed() {
    deployed=
    last_was_deployed=no
    for number in $kept_deployments; do
        if [ -e "$state/pushes/$number/unproven" ] || [ ! -f "$state/pushes/$number/config.json" ]; then continue; fi
        deployed=$state/pushes/$number/config.json
        if is_declared "$deployed"; then last_was_deployed=yes; fi
    done
    if [ -n "$declared_sha256" ] && grep -qsF "$declared_sha256" "$state/deployed"; then last_was_deployed=yes; fi
    if [ -z "$declared" ] || [ -z "$deployed" ]; then return 0; fi
    fact deployed "$(sha256_of "$deployed")"
    fact lastDeployed "$last_was_deployed"
    [ "$last_was_deployed" = no ] || return 0
    fact lastTried "$(if grep -qs -e "$declared_sha256" -e unknown "$state/tried"; then echo yes; else echo no; fi)"
    declared_from=$deployed
    # Its secret files are checked.
    secret_files=$secret_files$newline$(sed -n -e 's/^.*"\(\/[^"]*\/oidc-credentials\.[0-9a-f]*\.json\)".*$/\1/p' -e 's/^.*"\(\/[^"]*\/session-keys\.[0-9a-f]*\.json\)".*$/\1/p' "$deployed")
}

# The version of the installed zot, which is asked again only if the binary has changed.
# Reads: binary commit known_binary known_version problem. Sets: commit. Prints: facts. Scratch: installed.
report_version() {
    installed=$(ls -Ldin "$binary" 2>/dev/null)
    fact zotBinary "$installed"
    if [ -n "$known_version" ] && [ "$installed" = "$known_binary" ]; then commit=$known_version; else commit=$(zot_commit "$binary"); fi
    fact zotVersion "$commit"
    if [ -x "$binary" ]; then
        keeps_tags "$commit" || is_accepted "$commit" || is_release_by_itself "$commit" || fact versionProblem "$problem"
    else
        fact versionProblem "$binary is not there or cannot be run. [ZH-OBSERVE-BINARY]"
    fi
}

# What answers at zot's address, by a config.
# Reads: problem url. Sets: -. Prints: facts. Scratch: attempts login read write.
report_serving() {
    if ! expect_of "$1"; then
        fact serving unknown
        return
    fi
    fact url "$url"
    # Waits for a zot that is just restarting.
    attempts=0
    until is_ready; do
        attempts=$((attempts + 1))
        if [ "$attempts" -ge 5 ]; then
            fact silence "$(why_not_ready)"
            fact serving 'not reachable'
            return
        fi
        sleep 0.5 2>/dev/null || sleep 1
    done
    fact runningCommit "$(running_commit)"
    [ "$1" = /dev/stdin ] || find_listener_once "$1"
    if probe; then
        fact serving hardened
        return
    fi
    fact servingProblem "$problem"
    read=$(status_of GET '/v2/')
    write=$(status_of PUT /v2/zot-hardening/probe/manifests/probe --header 'Content-Type: text/plain' --data-binary x)
    login=$(status_of GET '/zot/auth/login?provider=oidc&callback_ui=%2F')
    case $read:$write:$login in 200:401:404) fact serving read-only ;; *) fact serving other ;; esac
}

# The variables that the checks of a deployment read.
# Reads: folder. Sets: -. Prints: -.
run() { ("$@" </dev/null >"$folder/output" 2>&1); }

# Reads: -. Sets: -. Prints: what the command has said.
last_of() { tail -n 3 "$1" 2>/dev/null | cut -c 1-300 | grep . || printf 'it said nothing'; }

# Reads: -. Sets: -. Prints: its input.
without_secrets() { cat; }

# Reads: -. Sets: -. Prints: the message, and ends the subshell.
fail() {
    printf '%s\n' "$*"
    exit 1
}

# Runs the checks of a deployment, and reports all that would refuse it.
# Reads: TMPDIR checks_of_deployment checks_of_host commit config config_is_declared drop_settings folder
# kept_deployments planned_config. Sets: TMPDIR folder installed_commit issuer_is_new verb. Prints: facts. Scratch:
# check checks deployment_is_due said.
report_preflight() {
    if [ -z "$kept_deployments" ]; then
        deployment_is_due=yes
        issuer_is_new=yes
    elif [ "$config_is_declared" = no ]; then
        deployment_is_due=yes
    fi
    fact deploymentIsDue "$deployment_is_due"
    { [ -d "${TMPDIR-}" ] && [ -w "$TMPDIR" ]; } || TMPDIR=/tmp
    folder=$(mktemp -d "$TMPDIR/zot-hardening-observation.XXXXXXXX" 2>/dev/null) || {
        fact mistake "$(id -un) cannot make a folder in $TMPDIR on the host, where a deployment needs one; make room there. [ZH-OBSERVE-NO-FOLDER]"
        return
    }
    trap 'rm -rf "$folder"' EXIT
    trap 'exit 1' HUP INT PIPE TERM
    {
        printf '%s\n' "$planned_config" >"$folder/config" && printf '' >"$folder/output" && printf '' >"$folder/error" &&
            if [ -n "$drop_settings" ]; then printf '%s\n' "$drop_settings" | sed 's/^/dropSetting=/'; fi >"$folder/settings"
    } 2>/dev/null || {
        fact mistake "$(id -un) cannot write in $folder on the host, where a deployment needs a folder; make room in $TMPDIR. [ZH-OBSERVE-NO-ROOM]"
        rm -rf "$folder"
        return
    }
    installed_commit=$commit
    verb=deploy
    find_listener_once "$config"
    checks='check_config_place check_storage check_owner check_room check_running check_rights check_service check_restarts check_lingering check_not_root check_service_file'
    if [ "$deployment_is_due" = yes ]; then checks="$checks_of_host $checks_of_deployment check_first_deployment check_config"; fi
    for check in $checks; do
        said=$("$check" 2>/dev/null) || fact mistake "${said:-The check $check of a deployment did not come to its end on the host. [ZH-OBSERVE-CHECK-ENDED]}"
    done
    rm -rf "$folder"
    trap - EXIT
}

# Whether zot accepts the configs, with other secret files in place of the real ones. Its user has to be able to read
# them.
# Reads: TMPDIR binary folder verified_config verified_read_only. Sets: -. Prints: -.
check_config() {
    [ -x "$binary" ] || return 0
    chmod 0711 "$folder"
    umask 022
    {
        printf '{"clientid":"zot","clientsecret":"a secret for zot verify"}\n' >"$folder/credentials.json" &&
            printf '{"hashKey":"%064d","encryptKey":"%032d"}\n' 0 0 >"$folder/session-keys.json" &&
            printf '%s\n' "$verified_config" | sed "s|@folder@|$folder|g" >"$folder/config.json" &&
            printf '%s\n' "$verified_read_only" >"$folder/read-only.json"
    } 2>/dev/null || fail "zot verify could not be asked, since its files could not be written in $folder; make room in $TMPDIR on the host. [ZH-OBSERVE-NOT-WRITTEN]"
    verify "$folder/config.json"
    verify "$folder/read-only.json"
}

# Reads: PATH config config_is_declared declared deployed kept_deployments largest_config last_was_deployed log_file
# newline own_service owner planned_config problem script secret_files service_file service_state start_without_issuer
# state sudo tool user_id. Sets: config_folder config_is_declared expected_of kept_deployments known_owner owner state
# tool. Prints: the report. Scratch: also file size.
observe() {
    echo 'zot-hardening-observation'
    # Nothing changes between two looks at a file.
    expected_of=-
    config_folder=${config%/*}
    state=$config.zot-hardening
    if [ "$sudo" = all ] && [ "$user_id" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || refuse "host.sudo is all, but there is no sudo on the host; install it, or set host.sudo to off. [ZH-SUDO-MISSING-ALL]"
        sudo_allows || refuse "$problem"
        # Not an argument, which every user of the host could see.
        printf '%s\n' "$script" | sudo -n /bin/sh -c 'PATH=${PATH:+$PATH:}/usr/bin:/bin; script=$(cat) && eval "$script"'
        exit
    fi
    for tool in curl awk sed grep find cmp cut tail sort ps; do
        command -v "$tool" >/dev/null 2>&1 || refuse "$tool is not installed on the host, or not in $PATH; install it. [ZH-OBSERVE-TOOL-MISSING]"
    done
    # Root reads nothing that others could have put there.
    check_trust || refuse "$problem"
    check_sudo
    owner=$(zot_owner)
    known_owner=$owner
    fact user "$user_id"
    fact zotUser "$owner"
    fact config "$(rights_of "$config")"
    kept_deployments=$(deployments)
    find_deployed
    config_is_declared=no
    if [ ! -L "$config" ] && [ -f "$config" ] && is_declared "$config"; then config_is_declared=yes; fi
    printf '%s\n' "$secret_files" | while IFS= read -r file; do
        if [ -n "$file" ]; then fact secret "$(rights_of "$file") $(sha256_of "$file") $file"; fi
    done
    # Runs in parallel, because it is a large program.
    if [ -n "$planned_config" ]; then report_version; else report_version & fi
    ask_service
    fact service "$service_state"
    if [ -n "$log_file" ] && ! { [ -f "$log_file" ] && [ -r "$log_file" ]; }; then
        fact logProblem "$log_file is not a file that $(id -un) may read, so that a failed deployment could not show what zot has said; correct host.logFile, or give the right to read it. [ZH-OBSERVE-LOG]"
    fi
    starts_with_host || fact "$(if [ "$own_service" = yes ]; then echo disabled; else echo notStartedWithHost; fi)" "$problem"
    fact deploying "$(running_deployment)"
    fact unended "$(unfinished_deployment)"
    fact lastDeployment "${kept_deployments##*"$newline"}"
    if [ "$start_without_issuer" = yes ]; then
        fact start "$([ -f "$state/start" ] && echo yes || echo no)"
        expect_of "$config" 2>/dev/null && fact startSays "$(start_says)"
        start_in_use ""
        case $? in 0) fact startUsed yes ;; 1) fact startUsed no ;; esac
    fi
    find_service_file
    if [ -n "$service_file" ]; then
        fact serviceFile "$service_file"
        fact serviceFileState "$(if [ ! -f "$service_file" ]; then echo missing; elif print_declared | service_file_text /dev/stdin | cmp -s - "$service_file"; then echo same; else echo other; fi)"
    fi
    # What is asked of the config in its place holds for the checks of a deployment, too.
    if [ "$config_is_declared" = yes ] || { [ -z "$declared" ] && [ -f "$config" ]; }; then
        report_serving "$config"
    elif [ -n "$declared" ]; then
        print_declared | report_serving /dev/stdin
    else
        fact serving 'not reachable'
    fi
    if [ -n "$planned_config" ]; then report_preflight; fi
    wait
    # The target of a link may be readable for root only.
    if [ -f "$config" ] && [ ! -L "$config" ] && [ -r "$config" ]; then
        # Some put blanks before it.
        size=$(($(wc -c <"$config")))
        fact configSize "$size"
        [ "$size" -le "$largest_config" ] || return 0
        also=
        if [ "$last_was_deployed" = no ] && [ -n "$deployed" ] && ! cmp -s "$deployed" "$config"; then also=$deployed; fi
        [ -z "$also" ] || fact deployedSize "$(($(wc -c <"$also")))"
        echo '--'
        cat "$config"
        [ -z "$also" ] || cat "$also"
    fi
}
