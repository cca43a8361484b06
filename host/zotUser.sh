# The user that zot runs as, and how root becomes that user.

# What zot_owner has found, as long as nothing changes between two calls; empty if something may.
known_owner=

# The user id that zot runs as, which must be able to read the secret files. If root deploys, it is the user that the
# service manager names, or else the owner of the storage; root can read all files.
# Reads: known_owner unit_user user_id zot_user. Sets: -. Prints: a user id, or nothing.
zot_owner() {
    if [ -n "$known_owner" ]; then
        printf '%s\n' "$known_owner"
    elif [ -n "$zot_user" ]; then
        id -u "$zot_user" 2>/dev/null
    elif [ "$user_id" -eq 0 ]; then
        ask_unit
        if [ "${unit_user:-0}" != 0 ]; then printf '%s\n' "$unit_user"; else owner_of_storage; fi
    else
        id -u
    fi
}

# The storage may be a symbolic link, whose own owner does not count. Prints nothing if others than its owner may write
# on its path: they could redirect it to a folder of root, and then their zot would run as root.
# Reads: data. Sets: -. Prints: a user id, or nothing.
owner_of_storage() (
    above=${data%/*}
    found=$(owner_of "$data/.")
    untrusted=$(untrusted_folders "${above:-/}")
    [ -z "$untrusted" ] || printf '%s\n' "$untrusted" | awk -v owner="$found" '
        { user = $0; sub(/^.*, user /, "", user); sub(/,.*$/, "", user) }
        owner == 0 || (user != owner && user != 0) { others = 1 }
        END { exit others }' && printf '%s\n' "$found"
)

# The name of a user id, or nothing. (BusyBox's id takes no number.)
# Reads: -. Sets: -. Prints: a name, or nothing.
name_of_user() { id -un "$1" 2>/dev/null || awk -F : -v wanted="$1" '$3 == wanted { print $1; exit }' /etc/passwd 2>/dev/null; }

user_switch=

# `exec` if the command has to replace this subshell, so that ending the subshell ends the command.
in_place=

# Finds a tool with which root becomes zot's user; sets $user_switch.
# Reads: owner zot_group zot_name. Sets: user_switch zot_group zot_name. Prints: -.
find_user_switch() {
    zot_name=$(name_of_user "$owner")
    zot_group=$(id -g "${zot_name:-$owner}" 2>/dev/null)
    zot_group=${zot_group:-$owner}
    for user_switch in setpriv-init setpriv-clear chroot sudo su; do
        become_zot /bin/sh -c : 2>/dev/null </dev/null && return 0
    done
    user_switch=none
}

# Reads: in_place owner user_switch zot_group zot_name. Sets: -. Prints: -. Scratch: word words.
become_zot() {
    case $user_switch in
    setpriv-init) $in_place setpriv --reuid "$owner" --regid "$zot_group" --init-groups "$@" ;;
    setpriv-clear) $in_place setpriv --reuid "$owner" --regid "$zot_group" --clear-groups "$@" ;;
    chroot) $in_place chroot --userspec="$owner:$zot_group" / "$@" ;;
    sudo) $in_place sudo -n -u "#$owner" "$@" ;;
    su)
        words=
        for word; do words="$words '$(printf '%s' "$word" | sed "s/'/'\\\\''/g")'"; done
        $in_place su -s /bin/sh "$zot_name" -c "exec$words"
        ;;
    # A program that others may write is never run.
    *) if is_of_root "$1"; then $in_place "$@"; else echo "There is no setpriv, chroot, sudo or su on this host by which root could run $1 as the user $owner. [ZH-RUN-AS-ZOT]" >&2 && return 126; fi ;;
    esac
}

# Whether nobody but root may write a program, or replace it by another.
# Reads: -. Sets: -. Prints: -.
is_of_root() { [ -z "$(untrusted_folders "${1%/*}")$(folders_of_others "$1")" ]; }

# Reads: user_switch. Sets: -. Prints: -.
can_become_zot() {
    [ -n "$user_switch" ] || find_user_switch
    [ "$user_switch" != none ]
}

# Runs a command with the rights of zot only: root then neither reads nor runs what zot's user may have put there.
# Reads: in_place owner user_id user_switch. Sets: -. Prints: -.
as_zot() {
    if [ "$user_id" -ne 0 ] || [ "${owner-}" = 0 ]; then
        $in_place "$@"
        return
    fi
    # If the owner is unknown, the deployment is refused for that reason.
    if [ -z "${owner-}" ]; then
        is_of_root "$1" && $in_place "$@"
        return
    fi
    [ -n "$user_switch" ] || find_user_switch
    if [ -n "$in_place" ]; then cd / && become_zot "$@"; else (cd / && become_zot "$@"); fi
}

# The same for `run`, in a subshell.
# Reads: owner user_id. Sets: in_place. Prints: -.
in_place_as_zot() {
    [ "$user_id" -ne 0 ] || [ "${owner:-0}" = 0 ] || can_become_zot
    in_place="exec"
    as_zot "$@"
}
