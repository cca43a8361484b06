# shellcheck shell=sh
# Looks for zot on a host and reports what it finds, for `npm run setup`. It changes nothing.
#
# The functions of host/scripts.ts come before this. Standard output is lines of "name=value": facts about the host,
# and for each zot a line "zot" and its facts. If one zot is requested by its config ($wanted), a line "--" and that
# config, byte for byte, follow.
set -u
LC_ALL=C
export LC_ALL
PATH=${PATH:-/usr/bin:/bin}:/usr/local/bin:/usr/sbin:/sbin:/opt/homebrew/bin
export PATH

largest_config=1048576

# Reads: -. Sets: -. Prints: NAME=VALUE on one line.
fact() { printf '%s=%s\n' "$1" "$(printf '%s' "$2" | tr '\n' ' ' | cut -c 1-1000)"; }

# Every process that was started like a zot: PROGRAM serve CONFIG.
# Reads: -. Sets: -. Prints: process ids.
zot_processes() {
    if [ -r /proc/self/cmdline ]; then
        # One grep for all of them first: a busy host has a thousand processes.
        # shellcheck disable=SC2013 # these names have no spaces
        for entry in $(grep -l serve /proc/[0-9]*/cmdline 2>/dev/null); do
            entry=${entry%/cmdline}
            # A program that runs zot for somebody has the same arguments; only zot itself counts.
            { tr '\0' '\n' <"$entry/cmdline"; } 2>/dev/null | awk '
                NR == 1 { count = split($0, part, "/"); program = part[count] }
                NR > 1 && $0 == "serve" && !served { served = NR }
                END { exit !(served && program ~ /^zot/ && program !~ /^zot(xporter|-exporter|li)/) }' && echo "${entry#/proc/}"
        done
    else
        ps -axww -o pid= -o args= 2>/dev/null | awk '{
            count = split($2, part, "/")
            if (part[count] ~ /^zot/ && $0 ~ / serve( |$)/) print $1
        }'
    fi
}

# Reads: -. Sets: -. Prints: the program of a process, if it is known.
program_of() {
    linked=$(readlink "/proc/$1/exe" 2>/dev/null)
    started=$(tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | head -n 1)
    [ -n "$started" ] || started=$(ps -ww -o args= -p "$1" 2>/dev/null | awk '{ print $1 }')
    # A new version replaces the file by the name that the program was started with; a script's interpreter is no zot.
    case $started in
    /*) printf '%s' "$started" ;;
    */*) printf '%s/%s' "$(readlink "/proc/$1/cwd" 2>/dev/null)" "${started#./}" ;;
    *) if [ -n "$linked" ]; then printf '%s' "${linked% (deleted)}"; else command -v "$started"; fi ;;
    esac
}

# The unit that a process belongs to, by its control group; nothing if it belongs to none.
# Reads: -. Sets: -. Prints: "systemd NAME", "systemd-user NAME" or "container ID".
group_of() {
    # A process in the same group as this script is in no container of its own.
    [ "$(cat "/proc/$1/cgroup" 2>/dev/null)" != "$(cat /proc/self/cgroup 2>/dev/null)" ] || return 0
    sed -n -e 's/^[0-9]*:[^:]*://p' "/proc/$1/cgroup" 2>/dev/null | awk '{
        count = split($0, part, "/")
        id = part[count]
        if ($0 ~ /docker|libpod|crio|containerd|kubepods/ && id ~ /[0-9a-f]{12}/) {
            sub(/\.scope$/, "", id); sub(/^[a-z-]*-/, "", id); print "container " id; exit
        }
        if (id !~ /\.service$/) next
        sub(/\.service$/, "", id)
        print ($0 ~ /\/user@[0-9]+\.service\//) ? "systemd-user " id : "systemd " id; exit
    }'
}

# The unit whose main process is the given one, and its manager.
# Reads: -. Sets: -. Prints: MANAGER NAME
unit_of() {
    for manager_asked in systemd systemd-user; do
        for unit_asked in $(unit_names "$manager_asked") "$2" zot; do
            [ -n "$unit_asked" ] || continue
            main=$(unit_says "$manager_asked" "$unit_asked" MainPID)
            if [ -n "$1" ] && [ "$main" = "$1" ]; then
                echo "$manager_asked $unit_asked"
                return
            fi
        done
    done
}

# Reads: XDG_RUNTIME_DIR. Sets: -. Prints: what systemctl prints.
ask_manager() {
    command -v systemctl >/dev/null 2>&1 || return 1
    asked_manager=$1
    shift
    if [ "$asked_manager" = systemd-user ]; then
        XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemctl --user "$@" 2>/dev/null </dev/null
    else
        systemctl "$@" 2>/dev/null </dev/null
    fi
}

# Reads: -. Sets: -. Prints: names of units that contain "zot".
unit_names() {
    ask_manager "$1" list-units --type=service --all --plain --no-legend '*zot*' | awk '{ sub(/\.service$/, "", $1); print $1 }'
}

# Reads: -. Sets: -. Prints: a property of a unit.
unit_says() { ask_manager "$1" show --property="$3" "$2" | sed -n "s/^$3=//p" | head -n 1; }

# The launchd job whose process is the given one.
# Reads: -. Sets: -. Prints: MANAGER LABEL
job_of() {
    command -v launchctl >/dev/null 2>&1 || return 0
    label=$(launchctl list 2>/dev/null | awk -v process="$1" '$1 == process { print $3; exit }')
    if [ -n "$label" ]; then
        echo "launchd-agent $label"
        return
    fi
    label=$(launchctl print system 2>/dev/null | awk -v process="$1" '$1 == process { print $NF; exit }')
    [ -z "$label" ] || echo "launchd-daemon $label"
}

# The command that restarts a zot which no manager of units has started, if the host knows one.
# Reads: -. Sets: -. Prints: a command.
restart_of() {
    case $2 in
    'container '*)
        for engine in docker podman; do
            name=$("$engine" inspect --format '{{.Name}}' "${2#container }" 2>/dev/null </dev/null) || continue
            printf '%s restart %s' "$engine" "${name#/}"
            return
        done
        ;;
    esac
    if [ -x /etc/init.d/zot ] && command -v rc-service >/dev/null 2>&1; then
        printf 'rc-service zot restart'
    elif command -v supervisorctl >/dev/null 2>&1 && supervisorctl status zot 2>/dev/null </dev/null | grep -q "pid $1,"; then
        printf 'supervisorctl restart zot'
    fi
}

# Whether a process sees other files than those of this host; no if it cannot be known.
# Reads: -. Sets: -. Prints: -.
has_files_of_its_own() {
    theirs=$(readlink "/proc/$1/ns/mnt" 2>/dev/null) && [ -n "$theirs" ] && [ "$theirs" != "$(readlink /proc/self/ns/mnt)" ] &&
        [ "$(stat -c %d:%i "/proc/$1/root/" 2>/dev/null)" != "$(stat -c %d:%i / 2>/dev/null)" ]
}

# Whether only root can have put a file where it is.
# Reads: -. Sets: -. Prints: -.
is_of_root() {
    [ -z "$(
        folders_of_others "$1"
        untrusted_folders "${1%/*}"
        real=$(readlink -f "$1" 2>/dev/null) && untrusted_folders "${real%/*}"
    )" ]
}

# What a program says about its version. Any user may name his own program zot, so it is run with his rights, or not at
# all if that is impossible. Nor does the command line of root's process prove anything: anybody can start setuid
# programs. The user's id is empty if none is known.
# Reads: -. Sets: owner user_switch. Prints: a line of JSON, or nothing.
version_of() {
    owner=$2
    # shellcheck disable=SC2034 # as_zot looks again
    user_switch=
    if [ "$(id -u)" -eq 0 ]; then [ "${owner:-0}" != 0 ] && can_become_zot; else [ "$owner" = "$(id -u)" ]; fi ||
        is_of_root "$1" || return 0
    as_zot "$1" --version 2>&1 </dev/null | grep '"commit"' | head -n 1
}

# The process id $1 is empty if the zot is stopped.
# Reads: -. Sets: -. Prints: the facts about a zot.
report_zot() {
    echo zot
    fact process "$1"
    found_config=$2 found_binary=$3 found_unit=$4
    found_group=
    found_user=
    if [ -n "$1" ]; then
        found_group=$(group_of "$1")
        found_user=$(user_of "$1")
        fact user "$(name_of_user "$found_user")"
        fact folder "$(readlink "/proc/$1/cwd" 2>/dev/null)"
        [ -n "$found_unit" ] || found_unit=$(unit_of "$1" "${found_group#* }")
        [ -n "$found_unit" ] || found_unit=$(job_of "$1")
        if [ -z "$found_unit" ]; then case $found_group in 'systemd '*zot* | 'systemd-user '*zot*) found_unit=$found_group ;; esac fi
        if has_files_of_its_own "$1"; then fact ownFiles yes; fi
    fi
    case $found_group in 'container '*) fact container "${found_group#container }" ;; esac
    fact config "$found_config"
    fact binary "$found_binary"
    if [ -f "$found_binary" ] && [ -x "$found_binary" ]; then
        fact binaryThere yes
        [ "$in_detail" = no ] || fact version "$(version_of "$found_binary" "$found_user")"
    fi
    if [ -n "$found_unit" ]; then
        fact manager "${found_unit%% *}"
        fact service "${found_unit#* }"
    elif [ "$in_detail" = yes ]; then
        fact restart "$(restart_of "$1" "$found_group")"
    fi
    if [ -f "$found_config" ]; then
        fact configThere yes
        [ -r "$found_config" ] && fact configReadable yes
        # shellcheck disable=SC2012 # find has no portable way to print it
        fact configOwner "$(ls -ldnL "$found_config" 2>/dev/null | awk '{ print $3 }' | while read -r id; do name_of_user "$id"; done)"
    fi
}

# Reads: wanted. Sets: -. Prints: the report.
find_zot() {
    echo 'zot-hardening-setup'
    fact system "$(uname -s) $(uname -m)"
    fact login "$(id -un)"
    fact uid "$(id -u)"
    if command -v curl >/dev/null 2>&1; then fact curl yes; fi
    if [ "$(id -u)" -ne 0 ] && command -v sudo >/dev/null 2>&1; then
        if sudo -n true >/dev/null 2>&1 </dev/null; then fact sudo all; fi
    fi
    only=
    running=$(zot_processes)
    # If there are several, details are reported only for the requested one.
    in_detail=no
    if [ -n "$wanted" ] || [ "$(printf '%s\n' "$running" | wc -l)" -eq 1 ]; then in_detail=yes; fi
    for process in $running; do
        # A process that has ended meanwhile does not count.
        [ -n "$(user_of "$process")" ] || continue
        started_with=$(config_of_process "$process")
        [ -z "$wanted" ] || [ "$started_with" = "$wanted" ] || continue
        [ -n "$wanted" ] || [ "$in_detail" = no ] || only=$started_with
        report_zot "$process" "$started_with" "$(program_of "$process")" ""
    done
    # Units that would start a zot but do not run.
    for manager_asked in systemd systemd-user; do
        for name in $(unit_names "$manager_asked") zot; do
            [ "$(unit_says "$manager_asked" "$name" LoadState)" = loaded ] || continue
            case $(unit_says "$manager_asked" "$name" MainPID) in '' | 0) ;; *) continue ;; esac
            line=$(unit_says "$manager_asked" "$name" ExecStart)
            case $line in *' serve '*) ;; *) continue ;; esac
            path=${line#*path=} path=${path%% *}
            file=${line#* serve } file=${file%% *}
            [ -z "$wanted" ] || [ "$file" = "$wanted" ] || continue
            in_detail=yes
            report_zot "" "$file" "$path" "$manager_asked $name"
        done
    done
    # If there is only one zot, its config will be requested.
    [ -n "$wanted" ] || wanted=$only
    if [ -n "$wanted" ] && [ -f "$wanted" ] && [ "$(wc -c <"$wanted" | tr -d ' ')" -le "$largest_config" ]; then
        echo '--'
        if [ -r "$wanted" ]; then cat "$wanted"; else sudo -n cat "$wanted" </dev/null; fi
    fi
}
