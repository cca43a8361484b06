# What the start that waits for the issuer (host/start.sh) has started.

# What the start has written, as zot's user: a line, however long it is.
# Reads: state. Sets: -. Prints: a line, or nothing.
said_by_start() { dd if="$state/serving" bs=400 count=1 2>/dev/null | head -n 1; }

# Why what serves is read-only, where the start that waits for the issuer has made it so.
# Reads: -. Sets: -. Prints: a note in brackets, or nothing.
serving_note() (
    noted=$(start_says)
    case $noted in read-only*) printf ' (%s)' "$noted" ;; esac
)

# What the start has started, as far as one can tell: by what answers for the config that expect_of has read, and by
# what the start has noted, which it cannot where its unit may not write here.
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

# Whether the service is started by the start that waits for the issuer: by what its manager runs, and where that says
# nothing, by what the start has noted since $1. 2: it cannot be told.
# Reads: config manager service_facts state. Sets: -. Prints: -. Scratch: noted started_by.
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
    return 1
}
