# The service that zot runs as: its restart, and what comes of it.

processes_before=
processes_are_seen=
starts_before=
restarted_at=0
log_lengths=
serving_before=
installed_commit=

restart_service() {
    case $manager in
        systemd | systemd-user)
            # What was started too often lately would be refused.
            run systemd reset-failed "$service"
            run systemd restart "$service"
            ;;
        launchd-*)
            find_launchd_target
            if [ -n "$service_file_changed" ]; then load_agent; else run launchd kickstart -k "$launchd_target"; fi
            ;;
        command)
            # Not with our ignored signals, which zot would inherit.
            run run_command "$restart_command"
            ;;
    esac
}

# Has launchd read a property list again. While the old job is still ending, it refuses.
load_agent() {
    run launchd bootout "$launchd_target"
    [ -e "$service_file" ] || return 0
    attempts=0
    while [ "$attempts" -lt 10 ]; do
        attempts=$((attempts + 1))
        if run launchd bootstrap "$launchd_domain" "$service_file"; then service_file_changed=; return 0; fi
        pause 0.5
    done
    return 1
}

run_command() {
    trap - HUP PIPE INT TERM ALRM
    if [ "$sudo" = service ]; then exec sudo -n /bin/sh -c "$1"; fi
    exec /bin/sh -c "$1"
}

stop_service() {
    case $manager in
        systemd | systemd-user) run systemd stop "$service" ;;
        launchd-*)
            find_launchd_target
            run launchd kill SIGTERM "$launchd_target"
            ;;
        command) [ -e "$config" ] || run run_command "$restart_command" ;;
    esac
}

# Notes how things are before a restart, so that what comes of it can be told: who serves, how often the manager has started
# the service, and how far zot's logs have come.
before_restart() {
    processes_before=
    for process in $(zot_processes); do processes_before="$processes_before $process:$(identity_of "$process")"; done
    [ -z "$processes_before" ] || processes_are_seen=yes
    starts_before=$(service_restarts)
    restarted_at=$(now)
    serving_before=$(cat "$state/serving" 2>/dev/null)
    log_lengths=
    for log in $(zot_logs); do log_lengths="$log_lengths $log:$(($(wc -c 2>/dev/null <"$log") + 0))"; done
}

# Whether the service has died of what it was started with, as far as one can tell.
has_died() {
    case $manager in
        systemd | systemd-user)
            starts=$(service_restarts)
            [ "$service_state" = stopped ] || [ "${starts:-0}" -gt 1 ]
            ;;
        launchd-*)
            starts=$(service_restarts)
            [ "$service_state" != running ] || [ "${starts:-0}" -gt $((${starts_before:-0} + 2)) ]
            ;;
        command) [ -n "$processes_are_seen" ] && [ -z "$(zot_processes)" ] ;;
        *) return 1 ;;
    esac
}

# Waits until the zot of a config, which expect_of has read, is ready; not for one that has died and stays dead.
wait_until_ready() {
    deadline=$(($(now) + ready_timeout))
    dead=0
    rounds=0
    until is_ready; do
        problem="was not ready within $ready_timeout seconds of its restart"
        [ -z "$stopped" ] && [ "$(now)" -lt "$deadline" ] || return 1
        # A look at the service takes longer than one at zot, and one that is only just starting may not be there yet.
        rounds=$((rounds + 1))
        if [ $((rounds % 5)) -eq 0 ]; then
            if has_died; then dead=$((dead + 1)); else dead=0; fi
            problem="ended after its restart instead of getting ready"
            [ "$dead" -lt 4 ] || return 1
        fi
        pause 0.05
    done
}

# Whether what served before a restart has ended; where its process is not to be seen, one has to believe the service manager.
has_changed() {
    for process in $processes_before; do
        if [ "$(identity_of "${process%%:*}")" = "${process#*:}" ]; then
            problem="was not restarted: process ${process%%:*} serves as before"
            return 1
        fi
    done
}

# Whether the zot that answers is the one that is installed.
is_installed_zot() {
    commit=$(running_commit)
    [ -n "$commit" ] && [ -n "$installed_commit" ] && [ "$commit" != "$installed_commit" ] || return 0
    problem="version $commit answers, but $binary is $installed_commit; correct zot.binary to what the service runs"
    return 1
}

zot_logs() {
    if [ -n "$log_file" ]; then
        printf '%s\n' "$log_file"
    else
        case $manager in launchd-*)
            ask_service
            service_fact 'stdout path'
            service_fact 'stderr path'
            ;;
        esac
    fi | sort -u | grep -v '[[:space:]:]'
}

# What zot has said since the restart: the lines that tell of errors, else the last ones, without secrets.
last_words() {
    {
        for log in $log_lengths; do tail -c "+$((${log##*:} + 1))" "${log%:*}" 2>/dev/null; done
        case $manager in
            systemd) [ -n "$log_file" ] || privileged journalctl --unit "$service" --since "@$restarted_at" --no-pager --output cat --lines 200 2>/dev/null ;;
            systemd-user) [ -n "$log_file" ] || journalctl --user-unit "$service" --since "@$restarted_at" --no-pager --output cat --lines 200 2>/dev/null ;;
        esac
        # What the restart said; where it failed, that was told already.
        [ -z "$restarted" ] || cat "$folder/output"
    } | sed 's/^{"time":"[^"]*",//; s/,"caller":.*//; s/,"goroutine":.*//' |
        awk '
            # How zot says that it has ended as it should.
            /http: Server closed/ { next }
            /"level":"(error|fatal|panic)"|^panic:|^Error/ { errors = errors $0 "\n" }
            { last[NR] = $0 }
            END {
                if (errors != "") printf "%s", errors
                else for (line = NR - 4; line <= NR; line++) if (line > 0) print last[line]
            }' | tail -n 5 | cut -c 1-400 | without_secrets
}

# Takes out what the secret files hold, in case somebody logs it. (Secrets reach awk by its input, not by its arguments.)
without_secrets() {
    { cat "$folder/credentials" "$folder/sessionKeys" 2>/dev/null; printf '\n==\n'; cat; } | awk '
        !text && $0 == "==" { text = 1; next }
        !text { count = split($0, parts, "\""); for (part = 4; part <= count; part += 4) if (length(parts[part]) >= 8) secrets[parts[part]] = 1; next }
        {
            for (secret in secrets) while ((at = index($0, secret)) > 0) $0 = substr($0, 1, at - 1) "[secret]" substr($0, at + length(secret))
            print
        }'
}
