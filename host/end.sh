# How a push ends: well, by a failure, by a signal, or at the end of its time.

claim=
clock=
child=
stopped=
committed=
restarted=
target=
mended=
was_running=yes
outlook="Nothing was changed: the registry goes on as it was."

# Signals and the limit of time count from here on. They are heeded where the script can still decide: a signal ends what is being
# waited for, and the next `heed` fails.
arm() {
    stopped=
    trap 'stop_for "the push was stopped by a signal"' INT TERM
    trap 'stop_for "the push took longer than $time_limit seconds (host.pushTimeout)"' ALRM
    start_clock "$time_limit"
}

finish() {
    stop_clock
    if [ -n "$claim" ]; then
        sweep
        rm -f "$claim"
        # Where no push has ever succeeded, nothing is left.
        [ -n "$(pushes)" ] || rmdir "$state/pushes" "$state/claims" "$state"
    fi
    rm -rf "$folder"
} 2>/dev/null

stop_for() {
    stopped=$1
    [ -z "$child" ] || kill "$child" 2>/dev/null
}

heed() { [ -z "$stopped" ] || fail "$stopped."; }

fail() {
    warn "zot-hardening: $*"
    if [ -n "$committed" ]; then
        take_back
    else
        [ -z "$target" ] || forget_push "$target"
        warn "$outlook"
    fi
    exit 1
}

# Waits for a command in the background, since a shell heeds no signal while it waits for one in the foreground. What it says
# goes to $folder/output, a file that exists: on a full disk it could not be made.
run() {
    "$@" </dev/null >"$folder/output" 2>&1 &
    child=$!
    wait "$child"
    code=$?
    child=
    return "$code"
}

# Runs a command that has to succeed.
must() {
    why=$1
    shift
    "$@" 2>"$folder/error" || fail "$why: $(last_of "$folder/error")"
}

last_of() { tail -n 3 "$1" 2>/dev/null | cut -c 1-300; }

# Sleeps for a part of a second, where that can be had.
pause() { sleep "$1" 2>/dev/null || sleep 1; }

now() { date +%s; }

# The limit of time that the script sets itself: the connection's other end has none, and may be gone.
start_clock() {
    stop_clock
    (
        nap=
        trap '[ -z "$nap" ] || kill "$nap"; exit' TERM
        sleep "$1" &
        nap=$!
        wait "$nap"
        [ "$(identity_of "$$")" = "$identity" ] && kill -ALRM "$$"
    ) </dev/null >/dev/null 2>&1 &
    clock=$!
}

stop_clock() {
    [ -n "$clock" ] || return 0
    kill "$clock" 2>/dev/null
    wait "$clock" 2>/dev/null
    clock=
}
