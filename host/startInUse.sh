# What the start script that waits for the issuer (host/start.sh) has started.

# When a deployment has restarted zot, in the format of the start script's note; empty if none has.
restarted_second=

# The note of the start script, written by zot's user: one line of any length.
# Reads: state. Sets: -. Prints: a line, or nothing.
said_by_start() { dd if="$state/serving" bs=400 count=1 2>/dev/null | head -n 1; }

# Why the registry is read-only, if the start script has made it so.
# Reads: -. Sets: -. Prints: a note in brackets, or nothing.
serving_note() (
    noted=$(start_says)
    case $noted in read-only*) printf ' (%s)' "$noted" ;; esac
)

# What the start script has started, as far as it can be determined: from what answers for the config that expect_of has
# read, and from the script's note, which its unit may not be allowed to write.
# Reads: authorities config listener problem start_without_issuer state. Sets: -. Prints: a line, or nothing.
start_says() (
    noted=$(said_by_start)
    served=
    [ "$start_without_issuer" = no ] || find_listener
    [ -z "$listener" ] || served=$(config_of_process "$listener")
    case $served:$noted in
    "$state"/pushes/*/read-only.json:read-only*) ;;
    "$state"/pushes/*/read-only.json:*)
        noted='read-only'
        issuer_answers "$(issuer_of "$config")" "$authorities" 5 || noted="read-only: $problem"
        ;;
    "$config:read-only"*) noted= ;;
    esac
    printf '%s' "$noted"
)

# Whether the service is started by the start script: by the command of its manager or, if that does not say, by what
# the script has noted since $1. Returns 2 if it cannot be told.
# Reads: config manager restarted_second service_facts state. Sets: -. Prints: -. Scratch: noted started_by.
start_in_use() {
    ask_service
    case $manager in systemd | systemd-user) started_by=$(service_fact ExecStart) ;; launchd-*) started_by=$service_facts ;; *) started_by= ;; esac
    case $started_by in
    *"$state/start"*) return 0 ;;
    *serve*"$config"*) return 1 ;;
    esac
    noted=$(said_by_start)
    if [ -n "$noted" ] && [ "$noted" != "$1" ]; then return 0; fi
    [ -z "$started_by" ] || return 2
    # The note has whole seconds: if the script has started zot twice within a second, both notes are the same.
    if [ -n "$restarted_second" ] && [ "${noted%" $restarted_second"*}" != "$noted" ]; then return 2; fi
    return 1
}
