# Files on the host: their owners, their content, and the deployments that are kept.

# The user id of a file's owner. (BusyBox truncates names.)
# Reads: -. Sets: -. Prints: a user id.
# shellcheck disable=SC2012 # find has no portable way to say it
owner_of() { ls -ldn "$1" 2>/dev/null | awk '{ print $3 }'; }

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
        $tool <"$1" 2>/dev/null | cut -c 1-64
        return
    done
    echo unknown
)

# The numbers of the kept deployments, oldest first.
# Reads: state. Sets: -. Prints: a number on each line.
deployments() (
    for kept in "$state"/pushes/*/; do
        kept=${kept%/}
        case ${kept##*/} in *[!0-9]*) ;; *) printf '%s\n' "${kept##*/}" ;; esac
    done | sort -n
)
