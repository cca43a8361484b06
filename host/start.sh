# Starts zot: with its config where the identity provider answers, and read-only until it does.
#
# The service manager runs this in place of zot. zot 2.1.20 cannot start while its issuer does not answer, and the
# identity provider's own images may come from this very registry: after a power cut each would wait for the other. The
# change from read-only to the config in force costs one restart of zot, and needs nobody.
#
# Above this stand the paths of this host: binary, config, state, authorities.
set -u

# Seconds between two looks at the issuer, and for one answer.
interval=5
patience=3

sleeper=

# Reads: -. Sets: -. Prints: the line.
say() { printf 'zot-hardening: %s\n' "$*"; }

# What is being served, and why, for whoever looks at the host. Where it cannot be written, zot starts all the same.
# Reads: state. Sets: -. Prints: the line.
record() {
    say "zot starts $*"
    { printf '%s\n' "$1 since $(date -u +%Y-%m-%dT%H:%M:%SZ)${2:+: $2}" >"$state/serving"; } 2>/dev/null
}

# The read-only config that was deployed together with the config in force, else the newest one there is.
# Reads: config state. Sets: -. Prints: a path, or nothing.
read_only_config() (
    newest=
    number=0
    for candidate in "$state"/pushes/*/read-only.json; do
        [ -f "$candidate" ] || continue
        deployment=${candidate%/*}
        if cmp -s "$deployment/config.json" "$config"; then
            newest=$candidate
            break
        fi
        if [ "${deployment##*/}" -gt "$number" ]; then number=${deployment##*/} newest=$candidate; fi
    done
    printf '%s' "$newest"
)

# Sleeps, and ends at once when it is told to.
# Reads: sleeper. Sets: sleeper. Prints: -.
nap() {
    sleep "$1" &
    sleeper=$!
    wait "$sleeper"
}

# Ends when the issuer has answered twice: one that is only just starting may be gone again.
# Reads: authorities interval issuer patience. Sets: -. Prints: -.
wait_for_issuer() {
    trap - INT HUP
    trap 'kill "$sleeper" 2>/dev/null; exit 1' TERM
    until issuer_answers "$issuer" "$authorities" "$patience" && nap 1 && issuer_answers "$issuer" "$authorities" "$patience"; do
        nap "$interval"
    done
}

# Reads: watcher zot. Sets: -. Prints: -.
stop() {
    trap '' TERM INT HUP
    kill "$watcher" "$zot" 2>/dev/null
    wait
    exit 0
}

# Reads: binary config. Sets: -. Prints: -.
serve_config() {
    record "with its config"
    exec "$binary" serve "$config"
}

if [ -n "$authorities" ]; then SSL_CERT_FILE=$authorities export SSL_CERT_FILE; fi

declared=$(issuer_of "$config" 2>/dev/null)
read_only=$(read_only_config)
if [ -z "$declared" ] || [ -z "$read_only" ] || issuer_answers "$declared" "$authorities" "$patience"; then serve_config; fi

record "read-only" "$problem"
issuer=$declared
zot=
watcher=
trap stop TERM INT HUP
"$binary" serve "$read_only" &
zot=$!
(wait_for_issuer && kill "$zot") &
watcher=$!
wait "$zot"
code=$?
kill "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
issuer_answers "$declared" "$authorities" "$patience" && serve_config
say "zot, which served read-only, ended with $code"
exit "$code"
