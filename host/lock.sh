# One deployment at a time.

# Identifies a process beyond its number, which may be reused: its start time, and the boot of the machine.
# Reads: -. Sets: -. Prints: the start of the process and of the machine.
identity_of() {
    if [ -r "/proc/$1/stat" ]; then
        # The name in brackets may contain anything.
        sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | awk -v boot="$(cut -c 1-8 /proc/sys/kernel/random/boot_id 2>/dev/null)" '$1 != "Z" { print $20 "-" boot }'
    else
        ps -o lstart= -p "$1" 2>/dev/null | tr -cs 'A-Za-z0-9' '-'
    fi
}

# A claim is a file whose name says everything: until.process.identity.host. Each process has its own, so anyone can
# remove the claim of a dead process at any time without removing that of a living one. Each process makes its claim
# first and looks for others afterwards, so two never both go on.
# Reads: SSH_CONNECTION claim host identity lock_patience other ready_timeout state time_limit. Sets: claim host
# identity. Prints: -. Scratch: tries waited_since.
acquire_lock() {
    identity=$(identity_of "$$")
    host=$(uname -n | tr -cs 'A-Za-z0-9' '-')
    waited_since=$(now)
    tries=0
    while :; do
        claim=$state/claims/$(($(now) + time_limit + time_limit + ready_timeout + 60)).$$.$identity.$host
        # Another deployment may be removing the empty folders now.
        make_claim 2>/dev/null || require "The deployment cannot begin, since nothing can be written in $state; make sure that the folder of zot.configFile exists, has room, and lets $(id -un) write. [ZH-LOCK-NOT-WRITTEN]" make_claim
        # For the message of the process that waits. If this cannot be written, the file's name has to do.
        printf 'process %s of %s%s since %s\n' "$$" "$(id -un)" "${SSH_CONNECTION:+ from ${SSH_CONNECTION%% *}}" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" 2>/dev/null >"$claim"
        find_other_claim || return 0
        rm -f "$claim"
        claim=
        fail_if_stopped
        [ $(($(now) - waited_since)) -lt "$lock_patience" ] ||
            fail "Another deployment is running on this host ($other); wait for it to end. If it is not there, remove $state/claims. [ZH-LOCK-HELD]"
        # Different pauses keep two waiting processes from staying in step.
        tries=$((tries + 1))
        pause "0.$((($$ * 7 + tries * 3) % 9 + 1))"
    done
}

# Reads: claim state. Sets: -. Prints: -. Scratch: needed.
make_claim() {
    for needed in "$state" "$state/claims" "$state/pushes"; do
        [ -d "$needed" ] || mkdir "$needed" || [ -d "$needed" ] || return 1
    done
    # A default access control list overrides the umask. (A shell exits if one of its special commands, such as the
    # colon, cannot write.)
    chmod 0755 "$state" "$state/pushes" && chmod 0700 "$state/claims" && printf '' >"$claim"
}

# Looks for another running deployment, names it in $other, and removes the claims of dead ones.
# Reads: claim host other state. Sets: other. Prints: -. Scratch: held holder process until.
find_other_claim() {
    for held in "$state"/claims/*; do
        if [ "$held" = "$claim" ] || [ ! -e "$held" ]; then continue; fi
        holder=${held##*/}
        until=${holder%%.*}
        holder=${holder#*.}
        process=${holder%%.*}
        holder=${holder#*.}
        if [ "${holder#*.}" = "$host" ]; then
            [ "$(identity_of "$process")" = "${holder%%.*}" ] && is_alive "$process"
        else
            # A process on another host that shares the folder cannot be looked up: only its time limit is known.
            [ "$until" -gt "$(now)" ] 2>/dev/null
        fi && {
            other=$(cat "$held" 2>/dev/null)
            other=${other:-process $process on ${holder#*.}}
            return 0
        }
        other=$(grep . "$held" 2>/dev/null || echo "of process $process")
        warn "zot-hardening: A deployment that is no longer running left its lock ($other); this one removes it and goes on. [ZH-LOCK-STALE]"
        rm -f "$held"
    done
    return 1
}

# A user may not be allowed to signal another user's process.
# Reads: -. Sets: -. Prints: -.
is_alive() { kill -0 "$1" 2>/dev/null || [ -d "/proc/$1" ] || ps -p "$1" >/dev/null 2>&1; }

# Whether a process is a deployment. If its command line cannot be read, it may be one.
# Reads: -. Sets: -. Prints: -.
is_deployment() (
    [ -n "$(identity_of "$1")" ] || return 1
    runs=$({ tr '\0' ' ' <"/proc/$1/cmdline" || ps -ww -o args= -p "$1"; } 2>/dev/null)
    case ${runs:-zot-hardening} in *zot-hardening*) return 0 ;; esac
    return 1
)

# Removes payloads that killed deployments have left, because they hold secrets. By now another process may have the
# same process id.
# Reads: folder. Sets: -. Prints: -.
clear_payloads() (
    # Checks only folders of this user, one by one: any user could create thousands.
    find "${folder%/*}/." ! -name . -prune -type d -name 'zot-hardening.*.*' -user "$(owner_of "$folder")" 2>/dev/null | while IFS= read -r left; do
        [ "${left##*/}" != "${folder##*/}" ] || continue
        process=${left##*/zot-hardening.}
        process=${process%%.*}
        case $process in '' | *[!0-9]*) continue ;; esac
        is_deployment "$process" || rm -rf "$left"
    done
)
