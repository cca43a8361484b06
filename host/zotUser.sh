# The user that zot runs as, and how root becomes that user.

# The user id that zot runs as, who has to be able to read the secret files. If root deploys: the user that the service
# manager names, or else the owner of the storage; root can read all files.
# Reads: data unit_user zot_user. Sets: -. Prints: a user id, or nothing.
zot_owner() {
    if [ -n "$zot_user" ]; then
        id -u "$zot_user" 2>/dev/null
    elif [ "$(id -u)" -eq 0 ]; then
        ask_unit
        # The storage may be a symbolic link, whose own owner does not count.
        if [ "${unit_user:-0}" != 0 ]; then printf '%s\n' "$unit_user"; else owner_of "$data/."; fi
    else
        id -u
    fi
}

# The name of a user id, or nothing. (BusyBox's id takes no number.)
# Reads: -. Sets: -. Prints: a name, or nothing.
name_of_user() { id -un "$1" 2>/dev/null || awk -F : -v wanted="$1" '$3 == wanted { print $1; exit }' /etc/passwd 2>/dev/null; }

user_switch=

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

# Reads: owner user_switch zot_group zot_name. Sets: -. Prints: -. Scratch: word words.
become_zot() {
    case $user_switch in
    setpriv-init) setpriv --reuid "$owner" --regid "$zot_group" --init-groups "$@" ;;
    setpriv-clear) setpriv --reuid "$owner" --regid "$zot_group" --clear-groups "$@" ;;
    chroot) chroot --userspec="$owner:$zot_group" / "$@" ;;
    sudo) sudo -n -u "#$owner" "$@" ;;
    su)
        words=
        for word; do words="$words '$(printf '%s' "$word" | sed "s/'/'\\\\''/g")'"; done
        su -s /bin/sh "$zot_name" -c "exec$words"
        ;;
    # A program that others may write is not run at all.
    *) if [ -z "$(untrusted_folders "${1%/*}")" ]; then "$@"; else echo "There is no setpriv, chroot, sudo or su on this host by which root could run $1 as the user $owner. [ZH-RUN-AS-ZOT]" >&2 && return 126; fi ;;
    esac
}

# Reads: user_switch. Sets: -. Prints: -.
can_become_zot() {
    [ -n "$user_switch" ] || find_user_switch
    [ "$user_switch" != none ]
}

# Runs a command with the rights of zot only: root then neither reads nor runs what zot's user may have put there.
# Reads: owner user_switch. Sets: -. Prints: -.
as_zot() {
    if [ "$(id -u)" -ne 0 ] || [ "${owner:-0}" = 0 ]; then
        "$@"
        return
    fi
    [ -n "$user_switch" ] || find_user_switch
    (cd / && become_zot "$@")
}
