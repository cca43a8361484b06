# Files on the host: their owners, their content, and the deployments that are kept.
#
# A look at a host calls these functions many times, and each process takes a millisecond. So the shell does what it
# can.

# A login without a terminal may have a short PATH, and sudo too (secure_path).
PATH=${PATH:+$PATH:}/usr/bin:/bin:/usr/local/bin:/usr/sbin:/sbin:/opt/homebrew/bin
export PATH

# The user that this script runs as.
user_id=$(id -u)

# The user id of a file's owner. (BusyBox truncates names.)
# Reads: -. Sets: -. Prints: a user id.
# shellcheck disable=SC2012,SC2046 # find has no portable way to say it; the words of ls, of which the name is the last
owner_of() {
    set -- $(ls -ldn "$1" 2>/dev/null)
    [ $# -lt 3 ] || printf '%s\n' "$3"
}

# The inode number of a file, which distinguishes it from another file.
# Reads: -. Sets: -. Prints: a number, or nothing.
# shellcheck disable=SC2012,SC2046 # as above
inode_of() {
    set -- $(ls -di "$1" 2>/dev/null)
    printf '%s' "${1-}"
}

# Whether a file has this mode and this owner.
# Reads: -. Sets: -. Prints: -.
has_mode() { [ -n "$(find "$1" -prune -type f -perm "$2" -user "$3" 2>/dev/null)" ]; }

# Reads: -. Sets: -. Prints: a hash, `unreadable` or `unknown`.
sha256_of() (
    if [ ! -r "$1" ] || [ ! -f "$1" ] || [ -L "$1" ]; then
        echo unreadable
        return
    fi
    for tool in 'sha256sum' 'shasum -a 256' 'openssl dgst -sha256 -r'; do
        command -v "${tool%% *}" >/dev/null 2>&1 || continue
        # shellcheck disable=SC2086 # a name and its arguments
        hash=$($tool <"$1" 2>/dev/null)
        [ -z "$hash" ] || printf '%.64s\n' "$hash"
        return
    done
    echo unknown
)

# The numbers of the kept deployments, oldest first.
# Reads: newline state. Sets: -. Prints: a number on each line.
deployments() (
    numbers=
    last=
    is_sorted=yes
    for kept in "$state"/pushes/*/; do
        kept=${kept%/}
        kept=${kept##*/}
        case $kept in *[!0-9]*) continue ;; esac
        # The shell has sorted them as names: 10 before 9.
        [ "$kept" -gt "${last:--1}" ] || is_sorted=no
        last=$kept
        numbers="$numbers${numbers:+$newline}$kept"
    done
    [ -n "$numbers" ] || return 0
    if [ "$is_sorted" = yes ]; then printf '%s\n' "$numbers"; else printf '%s\n' "$numbers" | sort -n; fi
)
