# Processes on the host: their users and command lines. And paths that root must not trust.

listener=
listener_user=

# What find_listener has found at an address, for checks among which nothing changes: each search looks at every
# process.
known_place=
known_listener=
known_user=

# The user id of a process, from the kernel: a process can make root the owner of its /proc/PID.
# Reads: -. Sets: -. Prints: a user id.
user_of() {
    if [ -r "/proc/$1/status" ]; then
        awk '/^Uid:/ { print $3; exit }' "/proc/$1/status" 2>/dev/null
    else
        ps -o uid= -p "$1" 2>/dev/null | tr -d ' '
    fi
}

# The name of a user, or the number if there is no name.
# Reads: -. Sets: -. Prints: a name.
user_called() { name_of_user "$1" | grep . || printf 'number %s' "${1:-unknown}"; }

# Finds the process that listens on the address of a config, which expect_of has read. Sets $listener to its id and
# $listener_user to its user's id; each is empty if it cannot be seen.
# Reads: address known_listener known_place known_user port. Sets: listener listener_user. Prints: -. Scratch: found.
find_listener() {
    if [ "$known_place" = "$address $port" ]; then
        listener=$known_listener
        listener_user=$known_user
        return 0
    fi
    listener=
    listener_user=
    if [ -r /proc/net/tcp ]; then
        found=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port="$port" -v address="$address" '
            BEGIN {
                count = split(address, part, ".")
                exact = count == 4 ? sprintf("%02X%02X%02X%02X", part[4], part[3], part[2], part[1]) : ""
                wanted = sprintf("%04X", port)
            }
            $4 == "0A" && split($2, place, ":") == 2 && place[2] == wanted {
                if (place[1] == exact) best = $8 " " $10
                else if (place[1] ~ /^0+$/) any = $8 " " $10
                else if (exact == "" && length(place[1]) == 32) other = $8 " " $10
            }
            END { print (best != "" ? best : (any != "" ? any : other)) }')
        [ -n "$found" ] || return 0
        listener_user=${found%% *}
        # Only root can see which process of another user it is.
        # shellcheck disable=SC2012 # find has no portable way to say it
        listener=$(ls -l /proc/[0-9]*/fd 2>/dev/null | awk -v socket="socket:[${found##* }]" '
            index($0, "/proc/") == 1 { split($0, path, "/"); process = path[3] }
            $NF == socket { print process; exit }')
    elif command -v lsof >/dev/null 2>&1; then
        found=$(lsof -nP -iTCP:"$port" -sTCP:LISTEN -Fpu 2>/dev/null)
        listener=$(printf '%s\n' "$found" | sed -n 's/^p//p' | head -n 1)
        listener_user=$(printf '%s\n' "$found" | sed -n 's/^u//p' | head -n 1)
    fi
}

# Finds the listener at the address of a config once for all checks that follow.
# Reads: address listener listener_user port. Sets: known_listener known_place known_user. Prints: -.
find_listener_once() {
    expect_of "$1" 2>/dev/null && find_listener || return 0
    [ -n "$listener_user" ] || return 0
    known_place="$address $port"
    known_listener=$listener
    known_user=$listener_user
}

# For checks among which nothing on the host changes: results are reused until something_changes is called.
# Reads: config owner. Sets: expected_of known_owner. Prints: -.
nothing_changes() {
    expected_of=-
    known_owner=$owner
    find_listener_once "$config"
}

# Reads: -. Sets: expected_of known_owner known_place. Prints: -.
something_changes() {
    expected_of=
    known_owner=
    known_place=
}

# The config in the arguments of a zot process; nothing if they name none.
# Reads: -. Sets: -. Prints: a path, or nothing.
config_of_process() (
    if [ -r "/proc/$1/cmdline" ]; then
        started_with=$(tr '\0' '\n' <"/proc/$1/cmdline" 2>/dev/null | awk 'after && !/^-/ { print; exit } $0 == "serve" { after = 1 }')
    else
        started_with=$(ps -ww -o args= -p "$1" 2>/dev/null | sed -n 's/^.* serve \(.*[^ ]\) *$/\1/p')
    fi
    case $started_with in
    '' | /*) ;;
    *) started_with=$(readlink "/proc/$1/cwd" 2>/dev/null)/${started_with#./} ;;
    esac
    printf '%s' "$started_with"
)

# The config in a service's command line, which its manager shows as one line; nothing if it cannot be determined.
# Reads: config. Sets: -. Prints: a path, or nothing.
config_of_command() (
    case $1 in
    *.zot-hardening/start) named=${1%.zot-hardening/start} && named=/${named#*/} && case $named in "/bin/sh "*) named=${named#* } ;; esac ;;
    *" serve $config" | *" serve $config "*) named=$config ;;
    *" serve "*) named=${1#* serve } ;;
    *) return 0 ;;
    esac
    # The command line of a shell is not parsed further.
    case $named in /*[\;\|\&\<\>\'\"\$\`]*) ;; /*) printf '%s' "$named" ;; esac
)

# Whether a path is another name of zot.configFile, or one of the configs that the start script serves.
# Reads: config config_folder state. Sets: -. Prints: -.
is_our_config() (
    case $1 in "$config" | "$state"/*) return 0 ;; esac
    theirs=$(cd -P "${1%/*}/" 2>/dev/null && pwd -P) && ours=$(cd -P "$config_folder" 2>/dev/null && pwd -P) || return 1
    [ "$theirs/${1##*/}" = "$ours/${config##*/}" ] && return 0
    case $theirs/ in "$ours/${state##*/}"/*) return 0 ;; esac
    [ -L "$1" ] && [ -e "$config" ] && [ "$(identity_of_file "$1")" = "$(identity_of_file "$config")" ]
)

# Reads: -. Sets: -. Prints: what ls says of it.
# shellcheck disable=SC2012 # find has no portable way to say it
identity_of_file() { ls -Lldin "$1" 2>/dev/null | awk '{ print $1, $2, $3, $4, $5, $6, $7, $8, $9 }'; }

# Whether the listening process was started with the config in its place, and sees its present content. (A file that is
# mounted into a container by itself keeps its old content.) Sets $problem if not. What cannot be seen is no problem.
# Reads: config listener url. Sets: problem. Prints: -. Scratch: seen served.
serves_our_config() {
    find_listener
    [ -n "$listener" ] || return 0
    served=$(config_of_process "$listener")
    [ -n "$served" ] || return 0
    if ! is_our_config "$served"; then
        problem="Process $listener, which answers at $url, was started with $served, and not with $config. [ZH-SERVED-OTHER-CONFIG]"
        return 1
    fi
    case $served in */pushes/*) return 0 ;; esac
    seen=/proc/$listener/root$served
    { [ -f "$seen" ] && [ -r "$seen" ] && [ -f "$config" ]; } || return 0
    cmp -s "$seen" "$config" && return 0
    problem="Process $listener, which answers at $url, sees another $served than the host has; if that file alone is mounted into a container, mount its folder instead. [ZH-SERVED-OTHER-FILE]"
    return 1
}

# --- what root must not trust ---------------------------------------------------------------------------------

# Prints each folder on the path that others than root may write, one a line, the last of the path first.
# Reads: -. Sets: -. Prints: a folder on each line.
folders_of_others() (
    # A tool from the PATH.
    case $1 in /*) ;; '') ;; *) return 0 ;; esac
    at=$1
    set --
    while :; do
        set -- "$@" "${at:-/}"
        [ -n "$at" ] || break
        at=${at%/*}
    done
    open_folders path "$@"
)

# Prints those of the folders that others than root may write, one a line. Of a path, which begins with its last folder,
# a folder with the sticky bit above that is accepted if the next one belongs to root: only its owner may rename it. The
# plus sign of an access control list stands for users and groups that its mode does not name.
# Reads: -. Sets: -. Prints: a folder on each line.
# shellcheck disable=SC2012 # find has no portable way to say it
open_folders() {
    {
        printf '%s\n' "$@" --
        shift
        ls -Lldn "$@" 2>/dev/null
    } | awk '
        $0 == "--" && !listed { listed = NR; next }
        NR == 1 { is_path = $0 == "path"; next }
        !listed { folder[NR] = $0; next }
        {
            name = ""
            for (line = 2; line < listed; line++) {
                rest = length($0) - length(folder[line])
                if (rest > 0 && substr($0, rest) == " " folder[line] && length(folder[line]) > length(name)) {
                    name = folder[line]
                    at = line
                }
            }
            # A name with several lines: its owner cannot be determined.
            if (name == "") { told[++listed] = $0; next }
            open = substr($1, 9, 1) == "w" || (substr($1, 6, 1) == "w" && ($4 != 0 || substr($1, 11, 1) == "+"))
            if (open && is_path && at > 2 && substr($1, 10, 1) ~ /[tT]/) open = 0
            if ($3 != 0 || open) told[at] = name " (" substr($1, 1, 11) ", user " $3 ", group " $4 ")"
        }
        END { for (line = 2; line <= listed; line++) if (line in told) print told[line] }'
}

# The same for a folder as it is named, and after links are resolved.
# Reads: newline. Sets: -. Prints: a folder on each line.
untrusted_folders() (
    found=$(folders_of_others "$1")
    real=$(cd -P "$1" 2>/dev/null && pwd -P) && [ "$real" != "$1" ] && found="$found$newline$(folders_of_others "${real%/}")"
    without_repetition "$found"
)

# The lines of a text, each once, without empty ones.
# Reads: newline. Sets: -. Prints: lines, or nothing.
without_repetition() {
    case $1 in *[!"$newline"]*) printf '%s\n' "$1" | awk 'NF && !told[$0]++' ;; esac
}

# If the deployment runs as root, no other user may be able to replace a folder on its path, or to put a link there.
# Reads: config_folder newline state user_id. Sets: problem. Prints: -. Scratch: needed others.
check_trust() {
    [ "$user_id" -eq 0 ] || return 0
    others=$(untrusted_folders "$config_folder")
    if [ -e "$state" ] || [ -L "$state" ]; then
        if [ -L "$state" ] || [ ! -d "$state" ]; then others="$others$newline$state (no folder)"; fi
        set --
        for needed in "$state" "$state/claims" "$state/pushes" "$state/original"; do
            [ ! -L "$needed" ] || others="$others$newline$needed (a symbolic link)"
            [ ! -d "$needed" ] || set -- "$@" "$needed"
        done
        [ $# -eq 0 ] || others="$others$newline$(open_folders "" "$@")"
    fi
    others=$(without_repetition "$others")
    [ -n "$others" ] || return 0
    others=$(joined "$others")
    problem="The deployment runs as root, but others than root may write in $others: they could put a link in its way. Give these folders to root alone (chown root FOLDER, chmod go-w FOLDER; for a plus sign setfacl --remove-all FOLDER), or set host.user to the user that zot runs as, and host.sudo to off or service. [ZH-TRUST-FOLDERS]"
    return 1
}

# The config and the user with which the site's own service starts zot: sets $unit_config and $unit_user, empty if the
# manager does not say.
# Reads: launchd_target manager own_service service unit_user. Sets: unit_config unit_user. Prints: -. Scratch:
# command_line named told.
ask_unit() {
    unit_config=
    unit_user=
    [ "$own_service" = no ] || return 0
    case $manager in
    systemd | systemd-user)
        # This needs no root.
        told=$(ask_systemd --property=User --property=UID --property=ExecStart show "$service" 2>/dev/null </dev/null)
        unit_user=$(printf '%s\n' "$told" | sed -n 's/^UID=\([0-9][0-9]*\)$/\1/p' | head -n 1)
        named=$(printf '%s\n' "$told" | sed -n 's/^User=//p' | head -n 1)
        case $named in '') unit_user= ;; *[!0-9]*) unit_user=${unit_user:-$(id -u "$named" 2>/dev/null)} ;; *) unit_user=$named ;; esac
        command_line=$(printf '%s\n' "$told" | sed -n 's/^ExecStart={.*argv\[\]=\(.*\) ; ignore_errors=.*$/\1/p' | tail -n 1)
        ;;
    launchd-*)
        find_launchd_target
        told=$(launchctl print "$launchd_target" 2>/dev/null </dev/null)
        named=$(printf '%s\n' "$told" | sed -n 's/^[[:space:]]*username = //p' | head -n 1)
        [ -z "$named" ] || unit_user=$(id -u "$named" 2>/dev/null)
        command_line=$(printf '%s\n' "$told" | awk '/^[ \t]*arguments = \{/ { inside = 1; next } inside && /^[ \t]*\}/ { exit } inside { sub(/^[ \t]+/, ""); printf "%s%s", (count++ ? " " : ""), $0 }')
        ;;
    *) return 0 ;;
    esac
    unit_config=$(config_of_command "$command_line")
}

# Sets $contained to the process of this registry's zot if it has a root of its own, as in a container: the process that
# serves the config, or that listens for it. If another program answers on a container's port, the only zot in any
# container. Only root sees processes of other users.
# Reads: listener. Sets: contained. Prints: -. Scratch: others process.
find_contained() {
    contained=
    for process in $(zot_processes) $listener; do
        if has_own_root "$process"; then
            contained=$process
            return 0
        fi
        case $(tr '\0' ' ' <"/proc/$process/cmdline" 2>/dev/null) in *' serve '*) return 0 ;; esac
    done
    [ -n "$listener" ] || return 0
    others=0
    for process in $(processes_with ' serve /' | awk '/zot[^ \/]* serve \// { print $1 }'); do
        if has_own_root "$process"; then others=$((others + 1)) contained=$process; fi
    done
    [ "$others" -eq 1 ] || contained=
}

# Whether a process has a root folder of its own. A hardened unit of systemd has its own mounts, and the same root.
# Reads: -. Sets: -. Prints: -.
has_own_root() (
    root_there=$(inode_of "/proc/$1/root/")
    [ -n "$root_there" ] && [ "$root_there" != "$(inode_of /)" ]
)

# Whether a process with its own root sees the same folder under this name.
# Reads: -. Sets: -. Prints: -.
is_mounted() (
    there=$(inode_of "/proc/$1/root$2/.")
    [ -n "$there" ] && [ "$there" = "$(inode_of "$2/.")" ]
)
