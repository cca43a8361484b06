# How a deployment ends: with success, a failure, a signal, or a timeout.

claim=
clock=
child=
restarting=
stopped=
committed=
restarted=
target=
repaired=
was_running=yes
recovered_before=

stopped_by_signal='The deployment was stopped by a signal. [ZH-DEPLOY-SIGNAL]'

# From here on signals and the timeout count, at points where the script can still decide: a signal interrupts the
# current wait, and the next `fail_if_stopped` fails.
# Reads: time_limit. Sets: stopped. Prints: -.
arm() {
    stopped=
    trap 'stop_for "$stopped_by_signal"' INT TERM
    trap 'stop_for "The deployment took longer than $time_limit seconds (host.pushTimeout). [ZH-DEPLOY-TIMEOUT]"' ALRM
    start_clock "$time_limit"
}

# If the script ends without a message, its shell has ended it.
# Reads: ended. Sets: -. Prints: a line, on standard error.
report_end() { [ -n "$ended" ] || warn "zot-hardening: The shell ended the deployment early, and did not say why; run pulumi up again, which completes or rolls back what was begun. [ZH-DEPLOY-SHELL-ENDED]"; }

# Reads: claim folder state. Sets: -. Prints: -.
finish() {
    stop_clock
    if [ -n "$claim" ]; then
        remove_unused
        rm -f "$claim"
        # A host on which no deployment ever succeeded keeps nothing of it.
        [ -n "$(deployments)" ] || rm -f "$state/tried"
        [ -n "$(deployments)" ] || rmdir "$state/pushes" "$state/claims" "$state"
    fi
    rm -rf "$folder"
} 2>/dev/null

# Reads: child restarting. Sets: stopped. Prints: a line, on standard error, where it ends a restart command.
stop_for() {
    stopped=$1
    [ -n "$child" ] || return 0
    if [ -n "$restarting" ]; then end_restart; else kill "$child" 2>/dev/null; fi
}

# Ends the restart command with what it has started, because it could restart zot at any time later. zot itself goes on:
# a command may run it in the foreground, and the way back could start none.
# Reads: child. Sets: -. Prints: a line, on standard error.
end_restart() (
    spared=" $(zot_processes | tr '\n' ' ') "
    running=
    left=
    for one in "$child" $(processes_below "$child" ""); do
        case $spared in *" $one "*) running=$one ;; *) left="$left${left:+ }$one" ;; esac
    done
    for signal in TERM TERM KILL; do
        [ -n "$left" ] || break
        for one in $left; do kill -s "$signal" "$one" 2>/dev/null; done
        pause 0.3
        ending=$left
        left=
        for one in $ending; do [ -z "$(identity_of "$one")" ] || left="$left${left:+ }$one"; done
    done
    if [ -n "$left" ]; then
        warn "The deployment waited for host.restartCommand, which still runs on the host and could not be ended (process $left). [ZH-RESTART-RUNS]"
    elif [ -n "$running" ]; then
        warn "The deployment waited for host.restartCommand, which does not end because it runs zot itself (process $running); let the command start zot in the background, or by a service manager. [ZH-RESTART-FOREGROUND]"
    else
        warn "The deployment waited for host.restartCommand, which was ended, with what it had started. [ZH-RESTART-ENDED]"
    fi
)

# What a process has started, and what that has, and so on; but for all below another process.
# Reads: -. Sets: -. Prints: a process id on each line.
processes_below() {
    { ps -A -o pid= -o ppid= || ps -o pid,ppid; } 2>/dev/null | awk -v top="$1" -v apart="$2" '
        { parent[$1] = $2 }
        END {
            for (process in parent) {
                above = process
                for (depth = 0; depth < 50 && above in parent && above != top && above != apart; depth++) above = parent[above]
                if (above == top && process != top) print process
            }
        }'
}

# Reads: stopped. Sets: -. Prints: -.
fail_if_stopped() { [ -z "$stopped" ] || fail "$stopped"; }

# Reads: committed identity ready_timeout stopped target. Sets: ended stopped. Prints: the message, on standard error,
# and ends the script.
fail() {
    # A command that was stopped has not reported an error of its own.
    [ -z "$stopped" ] || set -- "$stopped"
    ended=yes
    warn "zot-hardening: $*"
    # The remaining steps have their own time limit, and are carried out.
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

# Describes a host on which nothing was changed: only what a probe has just found.
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

# Runs a command in the background and waits for it, because a shell handles no signal while a command runs in the
# foreground. Its output goes to $folder/output, which exists already: a full disk could not take a new file.
# Reads: child code folder. Sets: child code restarting. Prints: -.
run() {
    "$@" </dev/null >"$folder/output" 2>&1 &
    child=$!
    wait "$child"
    code=$?
    child=
    restarting=
    return "$code"
}

# Runs a command that has to succeed. On failure, prints the given sentence, which ends with a full stop and a code,
# with the output of the command before them.
# Reads: folder. Sets: -. Prints: -. Scratch: why.
require() {
    why=$1
    shift
    "$@" 2>"$folder/error" || fail "$(because "$why" "$(last_of "$folder/error")")"
}

# The end of a command's output; never empty, because it follows a colon.
# Reads: -. Sets: -. Prints: what the command has said.
last_of() { tail -n 3 "$1" 2>/dev/null | cut -c 1-300 | grep . || printf 'it said nothing'; }

# Sleeps for a fraction of a second, if this host can.
# Reads: -. Sets: -. Prints: -.
pause() { sleep "$1" 2>/dev/null || sleep 1; }

# Reads: -. Sets: -. Prints: seconds since 1970.
now() { date +%s; }

# The script's own timeout: the other end of the connection sets none, and may be gone.
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
        # A shell handles a signal after the command in the foreground has ended, so a tool that would wait for ever
        # (for the other end of a pipe) is ended here. The handler of the signal stops this clock.
        itself=$(exec sh -c 'echo "$PPID"')
        while [ "$(identity_of "$$")" = "$identity" ]; do
            sleep 3 &
            nap=$!
            wait "$nap"
            for waiting in $(processes_below "$$" "$itself"); do kill "$waiting"; done
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
