# How a deployment ends: well, by a failure, by a signal, or at the end of its time.

claim=
clock=
child=
stopped=
committed=
restarted=
target=
repaired=
was_running=yes
recovered_before=

stopped_by_signal='The deployment was stopped by a signal. [ZH-DEPLOY-SIGNAL]'

# Signals and the limit of time count from here on. They are obeyed where the script can still decide: a signal ends
# what is being waited for, and the next `fail_if_stopped` fails.
# Reads: time_limit. Sets: stopped. Prints: -.
arm() {
    stopped=
    trap 'stop_for "$stopped_by_signal"' INT TERM
    trap 'stop_for "The deployment took longer than $time_limit seconds (host.pushTimeout). [ZH-DEPLOY-TIMEOUT]"' ALRM
    start_clock "$time_limit"
}

# Reads: claim folder state. Sets: -. Prints: -.
finish() {
    stop_clock
    if [ -n "$claim" ]; then
        remove_unused
        rm -f "$claim"
        # Where no deployment has ever succeeded, nothing is left.
        [ -n "$(deployments)" ] || rm -f "$state/tried"
        [ -n "$(deployments)" ] || rmdir "$state/pushes" "$state/claims" "$state"
    fi
    rm -rf "$folder"
} 2>/dev/null

# Reads: child. Sets: stopped. Prints: -.
stop_for() {
    stopped=$1
    [ -z "$child" ] || kill "$child" 2>/dev/null
}

# Reads: stopped. Sets: -. Prints: -.
fail_if_stopped() { [ -z "$stopped" ] || fail "$stopped"; }

# Reads: committed identity ready_timeout stopped target. Sets: stopped. Prints: the message, on standard error, and
# ends the script.
fail() {
    # What was stopped says nothing of itself.
    [ -z "$stopped" ] || set -- "$stopped"
    warn "zot-hardening: $*"
    # What is left to do has a time of its own, and is done.
    trap '' INT TERM
    stopped=
    trap 'stop_for "late"' ALRM
    [ -z "${identity-}" ] || start_clock $((2 * ready_timeout + 60))
    if [ -n "$committed" ]; then
        rollback
    else
        [ -z "$target" ] || forget_deployment "$target"
        report_unchanged
    fi
    exit 1
}

# What is so where nothing was put into force: only what a probe has just found.
# Reads: config recovered_before url. Sets: -. Prints: lines, on standard error.
report_unchanged() {
    if [ -n "$recovered_before" ]; then
        warn "An interrupted deployment was ended; nothing else on the host was changed. [ZH-HOST-ONLY-RECOVERED]"
    else
        warn "Nothing on the host was changed. [ZH-HOST-UNCHANGED]"
    fi
    if [ -z "${config-}" ] || ! [ -f "$config" ] || ! expect_of "$config"; then return; fi
    if ! is_ready; then
        warn "zot does not answer at $url. [ZH-ZOT-SILENT]"
    elif [ -n "$recovered_before" ]; then
        warn "zot is ready. [ZH-ZOT-READY]"
    else
        warn "The registry serves as before. [ZH-ZOT-AS-BEFORE]"
    fi
}

# Waits for a command in the background, since a shell acts on no signal while it waits for one in the foreground. What
# it says goes to $folder/output, a file that exists: on a full disk it could not be made.
# Reads: child code folder. Sets: child code. Prints: -.
run() {
    "$@" </dev/null >"$folder/output" 2>&1 &
    child=$!
    wait "$child"
    code=$?
    child=
    return "$code"
}

# Runs a command that has to succeed. The sentence for its failure ends with a full stop and its code, and what the
# command has said goes before them.
# Reads: folder. Sets: -. Prints: -. Scratch: why.
require() {
    why=$1
    shift
    "$@" 2>"$folder/error" || fail "$(because "$why" "$(last_of "$folder/error")")"
}

# The end of what a command has said; never empty, since it stands behind a colon.
# Reads: -. Sets: -. Prints: what the command has said.
last_of() { tail -n 3 "$1" 2>/dev/null | cut -c 1-300 | grep . || printf 'it said nothing'; }

# Sleeps for a part of a second, where that can be had.
# Reads: -. Sets: -. Prints: -.
pause() { sleep "$1" 2>/dev/null || sleep 1; }

# Reads: -. Sets: -. Prints: seconds since 1970.
now() { date +%s; }

# The limit of time that the script sets itself: the connection's other end has none, and may be gone.
# Reads: identity. Sets: clock. Prints: -.
start_clock() {
    stop_clock
    (
        nap=
        trap '[ -z "$nap" ] || kill "$nap"; exit' TERM
        sleep "$1" &
        nap=$!
        wait "$nap"
        [ "$(identity_of "$$")" = "$identity" ] || exit
        kill -ALRM "$$"
        # A shell acts on a signal when what it waits for in the foreground has ended: a tool that waits for ever, such
        # as for the other end of a pipe, is ended. Whoever acts on it stops this clock.
        itself=$(exec sh -c 'echo "$PPID"')
        while [ "$(identity_of "$$")" = "$identity" ]; do
            sleep 3 &
            nap=$!
            wait "$nap"
            for waiting in $({ ps -A -o pid= -o ppid= || ps -o pid,ppid; } 2>/dev/null | awk -v script="$$" -v clock="$itself" '
                { parent[$1] = $2 }
                END {
                    for (process in parent) {
                        above = process
                        for (depth = 0; depth < 50 && above in parent && above != script && above != clock; depth++) above = parent[above]
                        if (above == script && process != script) print process
                    }
                }'); do kill "$waiting"; done
        done
    ) </dev/null >/dev/null 2>&1 &
    clock=$!
}

# Reads: clock. Sets: clock. Prints: -.
stop_clock() {
    [ -n "$clock" ] || return 0
    kill "$clock" 2>/dev/null
    wait "$clock" 2>/dev/null
    clock=
}
