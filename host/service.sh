# The service that zot runs as: its restart, and what comes of it.

processes_before=
processes_since=
changes=0
needed_changes=2
process_before=
process_since=
starts_before=0
absences=0
restarted_at=0
log_lengths=
serving_before=
installed_commit=
must_name_release=

# Reads: launchd_target manager restart_command service service_file_changed. Sets: -. Prints: -.
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
# Reads: launchd_domain launchd_target service_file. Sets: process_before service_file_changed starts_before. Prints: -.
# Scratch: tries.
load_agent() {
    run launchd bootout "$launchd_target"
    [ -e "$service_file" ] || return 0
    # Of the job that is loaded now nothing has run yet.
    process_before=
    starts_before=0
    # A job that somebody has disabled cannot be loaded.
    if is_disabled_in_launchd; then run launchd enable "$launchd_target"; fi
    tries=0
    while [ "$tries" -lt 50 ]; do
        tries=$((tries + 1))
        if run launchd bootstrap "$launchd_domain" "$service_file"; then
            service_file_changed=
            return 0
        fi
        pause 0.1
    done
    return 1
}

# Reads: launchd_domain service. Sets: -. Prints: -.
is_disabled_in_launchd() { launchctl print-disabled "$launchd_domain" 2>/dev/null </dev/null | grep -Eq "\"$service\" => (disabled|true)"; }

# Reads: sudo. Sets: -. Prints: -.
run_command() {
    trap - HUP PIPE INT TERM ALRM
    if [ "$sudo" = service ]; then exec sudo -n /bin/sh -c "$1"; fi
    exec /bin/sh -c "$1"
}

# Reads: config launchd_target manager restart_command service. Sets: -. Prints: -.
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

# Notes how things are before a restart, so that what comes of it can be told: who serves, what the manager says of the
# service, and how far zot's logs have come.
# Reads: log_lengths processes_before starts_before. Sets: absences changes log_lengths needed_changes process_before
#    process_since processes_before processes_since restarted_at serving_before starts_before. Prints: -. Scratch: log process.
before_restart() {
    processes_before=
    for process in $(zot_processes); do processes_before="$processes_before $process:$(identity_of "$process")"; done
    ask_service
    process_before=$(service_process)
    process_since=
    processes_since=
    changes=0
    needed_changes=2
    starts_before=$(service_fact runs)
    starts_before=${starts_before:-0}
    absences=0
    restarted_at=$(now)
    serving_before=$(said_by_start)
    log_lengths=
    for log in $(zot_logs); do log_lengths="$log_lengths $log:$(log_length "$log")"; done
}

# Whether what was started by a restart has died, even if the manager starts it again: one start that fails is enough.
# Sets
# $cause to how it ended, where that tells more than zot does.
# Reads: manager. Sets: cause. Prints: -.
has_died() {
    cause=
    case $manager in
    systemd | systemd-user) has_died_under_systemd ;;
    launchd-*) has_died_under_launchd ;;
    command) has_died_by_itself ;;
    esac
}

# Reads: code. Sets: cause code. Prints: -.
has_died_under_systemd() {
    ask_service
    case "$(service_fact ActiveState):$(service_fact SubState)" in
    # In auto-restart it has ended, and waits for RestartSec to be over.
    *:auto-restart* | failed:* | inactive:* | deactivating:*) ;;
    *) is_started_again || return 1 ;;
    esac
    code=$(service_fact ExecMainStatus)
    case $(service_fact Result):${code:-0} in
    exit-code:2??) cause="systemd could not run it: exit status $code, see man systemd.exec. [ZH-ENDED-NOT-RUN-SYSTEMD]" ;;
    exit-code:* | success:* | :*) ;;
    *) cause="systemd says why: $(service_fact Result). [ZH-ENDED-RESULT]" ;;
    esac
}

# Reads: process_since service_state starts_before. Sets: cause. Prints: -. Scratch: starts.
has_died_under_launchd() {
    ask_service
    case $service_state in
    running)
        is_started_again
        return
        ;;
    absent) return 0 ;;
    esac
    starts=$(service_fact runs)
    if [ -n "$process_since" ] || [ "${starts:-0}" -gt "$starts_before" ]; then
        # What launchd itself ends with where it cannot execute something.
        case $(service_fact 'last exit code') in 78*) cause="launchd could not run it: last exit code 78; check zot.binary, and the paths that its property list names. [ZH-ENDED-NOT-RUN-LAUNCHD]" ;; esac
        return 0
    fi
    # It may be about to start.
    case $(service_fact state) in spawn*) return 1 ;; esac
    is_absent_for 8
}

# A manager that was told to restart it may have left its process as it was until now.
# Reads: process_before process_since. Sets: process_since. Prints: -. Scratch: process.
is_started_again() {
    process=$(service_process)
    if [ -z "$process" ] || [ "$process" = "$process_before" ]; then return 1; fi
    process_since=${process_since:-$process}
    [ "$process" != "$process_since" ]
}

# What a command has started has to be found among the processes, if those of zot can be seen here. What watches over it
# may start it again and again: others each time, where a shell on its way to zot is another only once.
# Reads: changes needed_changes process_since processes_before processes_since. Sets: absences changes needed_changes
#    process_since processes_since. Prints: -. Scratch: found process seen stays.
has_died_by_itself() {
    found=
    seen=
    stays=
    for process in $(zot_processes); do
        process=$process:$(identity_of "$process")
        case "$processes_before " in
        *" $process "*) found=before ;;
        *)
            process_since=$process found=since seen="$seen $process"
            case "$processes_since " in
            *" $process "*) stays=yes ;;
            *) ! is_zot_itself "${process%%:*}" || needed_changes=1 ;;
            esac
            ;;
        esac
    done
    if [ -n "$found" ]; then
        absences=0
        [ -n "$seen" ] || return 1
        # What was there before zot itself may have been a shell on its way to it.
        [ -z "$processes_since" ] || [ -n "$stays" ] || changes=$((changes + 1))
        processes_since=$seen
        [ "$changes" -ge "$needed_changes" ]
        return
    fi
    if [ -n "$process_since" ]; then
        is_absent_for 2
    elif new_log_lines | grep -v 'http: Server closed' | grep -Eq '"level":"(fatal|panic)"|^panic:|^Error'; then
        return 0
    elif [ -n "$processes_before" ]; then
        # A command may only ask for the restart, and end before it.
        is_absent_for 12
    else
        return 1
    fi
}

# Whether a process is the installed zot that serves, and nothing on its way to it.
# Reads: binary. Sets: -. Prints: -.
is_zot_itself() { case $({ tr '\0' ' ' <"/proc/$1/cmdline" || ps -ww -o args= -p "$1"; } 2>/dev/null) in "$binary serve "*) return 0 ;; *) return 1 ;; esac }

# Whether so many looks in a row have found nothing that runs.
# Reads: absences. Sets: absences. Prints: -.
is_absent_for() {
    absences=$((absences + 1))
    [ "$absences" -ge "$1" ]
}

# Waits until the zot of a config, which expect_of has read, is ready; not for one that has died.
# Reads: cause problem ready_timeout stopped. Sets: problem. Prints: -. Scratch: deadline untrusted why.
wait_until_ready() {
    deadline=$(($(now) + ready_timeout))
    untrusted=0
    until is_ready; do
        problem="zot was not ready within $ready_timeout seconds of its restart. [ZH-DEPLOY-NOT-READY]"
        [ -z "$stopped" ] || return 1
        # What served before may answer for a moment still.
        if why=$(why_not_ready); then untrusted=0; else untrusted=$((untrusted + 1)); fi
        [ "$untrusted" -lt 10 ] || {
            problem="zot was restarted, and cannot be asked whether it is ready. [ZH-DEPLOY-NOT-ASKED] $why"
            return 1
        }
        [ "$(now)" -lt "$deadline" ] || {
            problem="$problem${why:+ $why}"
            return 1
        }
        if has_died; then
            problem="zot ended after its restart instead of becoming ready. [ZH-DEPLOY-ZOT-ENDED]${cause:+ $cause}"
            return 1
        fi
        pause 0.1
    done
}

# Whether what served before a restart has ended; where its process is not to be seen, one has to believe the service
# manager.
# Reads: processes_before. Sets: problem. Prints: -. Scratch: process.
has_changed() {
    for process in $processes_before; do
        if [ "$(identity_of "${process%%:*}")" = "${process#*:}" ]; then
            problem="zot was not restarted: process ${process%%:*} serves as before. [ZH-DEPLOY-NOT-RESTARTED]"
            return 1
        fi
    done
}

# Whether the zot that answers is the one that is installed.
# Reads: binary commit installed_commit must_name_release. Sets: commit problem. Prints: -.
is_installed_zot() {
    commit=$(running_commit)
    if [ -n "$commit" ] && [ -n "$installed_commit" ] && [ "$commit" != "$installed_commit" ]; then
        problem="zot $commit answers, but $binary is version $installed_commit; set zot.binary to what the service runs. [ZH-DEPLOY-OTHER-BINARY]"
        return 1
    fi
    [ -n "$must_name_release" ] || return 0
    runs_release "$installed_commit" && return 0
    problem="zot no longer tells of which release it is, and $binary says ${installed_commit:-nothing} of its version; leave zot.search on, or set zot.acceptVersion to \"sha256:$(sha256_of "$binary")\" if it has the corrections of 2.1.19. [ZH-DEPLOY-NO-RELEASE]"
    return 1
}

# The files that zot logs to, as ask_service has found them.
# Reads: log_file manager. Sets: -. Prints: a path on each line.
zot_logs() {
    if [ -n "$log_file" ]; then
        printf '%s\n' "$log_file"
    else
        case $manager in launchd-*)
            service_fact 'stdout path'
            service_fact 'stderr path'
            ;;
        esac
    fi | sort -u | grep -v '[[:space:]:]'
}

# Reads: log_lengths. Sets: -. Prints: what the logs have since the restart.
new_log_lines() (
    for log in $log_lengths; do
        # shellcheck disable=SC2016 # for the shell that reads
        read_log "${log%:*}" 'tail -c "+$2" "$1"' "$((${log##*:} + 1))" | tail -c 65536
    done
)

# Reads: -. Sets: -. Prints: a number of bytes.
log_length() {
    # shellcheck disable=SC2016 # for the shell that reads
    printf '%d' "$(read_log "$1" 'wc -c <"$1"')" 2>/dev/null
}

# Reads a log with a command for a shell. Where others than root may put something in its place, such as a link or a
# pipe, that is read with the rights of zot alone, and nothing but a plain file.
# Reads: -. Sets: -. Prints: what the command prints.
read_log() (
    log_file_read=$1
    read_by=$2
    shift 2
    set -- /bin/sh -c "[ -f \"\$1\" ] && $read_by" sh "$log_file_read" "$@"
    if [ "$(id -u)" -ne 0 ] || { [ ! -L "$log_file_read" ] && [ -z "$(untrusted_folders "${log_file_read%/*}")" ]; }; then "$@"; elif can_become_zot; then as_zot "$@"; fi 2>/dev/null
)

# What the unit has said since the restart. Whoever is in the group systemd-journal may read it; else sudo may let him,
# with these very arguments (components/hostRights.ts).
# Reads: manager restarted_at service sudo. Sets: -. Prints: what the unit has said.
unit_journal() (
    unit=--unit
    [ "$manager" != systemd-user ] || unit=--user-unit
    set -- journalctl --no-pager --quiet --output short-unix --lines 400 "$unit" "$service"
    noted=$("$@" 2>/dev/null </dev/null)
    if [ -z "$noted" ] && [ "$manager:$sudo" = systemd:service ]; then noted=$(sudo -n "$@" 2>/dev/null </dev/null); fi
    # Time, host and program stand before the text.
    printf '%s\n' "$noted" | awk -v since="$restarted_at" '$1 >= since + 0 { sub(/^[^ ]+ [^ ]+ [^ ]+: /, ""); print }'
)

# What is said in place of zot's last words, where there are none to be read.
# Reads: log_file manager. Sets: -. Prints: a sentence, or nothing.
why_no_words() {
    case $manager:$log_file in
    command:) printf '\n%s' "To see here what zot has said, set host.logFile to its log. [ZH-LOG-NOT-SET]" ;;
    systemd:) [ "$(id -u)" -eq 0 ] || printf '\n%s' "What zot has said is in the journal of the host (journalctl --unit $(unit_name)), which $(id -un) may not read; npm run host-rights prints what root is to allow. [ZH-LOG-JOURNAL]" ;;
    esac
}

# What zot has said since the restart: the lines that tell of errors, else the last ones, without secrets.
# Reads: folder log_file manager restarted. Sets: -. Prints: at most five lines.
last_words() {
    {
        new_log_lines
        case $manager in
        systemd | systemd-user) [ -n "$log_file" ] || unit_journal ;;
        esac
        # What the restart said; where it failed, that was told already.
        [ -z "$restarted" ] || cat "$folder/output"
    } | sed 's/^{"time":"[^"]*",//; s/,"caller":.*//; s/,"goroutine":.*//' |
        awk '
            # How zot says that it has ended as it should.
            /http: Server closed/ || /"message":"HTTP API"/ || /^[[:space:]]*$/ { next }
            /"level":"(error|fatal|panic)"|^panic:|^Error/ { errors = errors $0 "\n" }
            { last[++count] = $0 }
            END {
                if (errors != "") printf "%s", errors
                else for (line = count - 4; line <= count; line++) if (line > 0) print last[line]
            }' | tail -n 5 | cut -c 1-400 | without_secrets
}

# Takes out what the secret files hold, in case somebody logs it. (Secrets reach awk by its input, not by its
# arguments.)
# Reads: folder. Sets: -. Prints: its input.
without_secrets() {
    {
        cat "$folder/credentials" "$folder/sessionKeys" 2>/dev/null
        printf '\n==\n'
        cat
    } | awk '
        !text && $0 == "==" { text = 1; next }
        !text { count = split($0, parts, "\""); for (part = 4; part <= count; part += 4) if (length(parts[part]) >= 8) secrets[parts[part]] = 1; next }
        {
            for (secret in secrets) while ((at = index($0, secret)) > 0) $0 = substr($0, 1, at - 1) "[secret]" substr($0, at + length(secret))
            print
        }'
}
