# The service that zot runs as: its restart, and the outcome.

processes_before=
processes_since=
zots_before=
zots_since=
changes=0
needed_changes=2
process_before=
process_since=
starts_before=0
absences=0
restarted_at=0
serving_before=
installed_commit=
must_name_release=

# Reads: launchd_target manager service service_file_changed. Sets: -. Prints: -.
restart_service() {
    case $manager in
    systemd | systemd-user)
        # systemd refuses a unit that was started too often lately.
        run systemd reset-failed "$service"
        run systemd restart "$service"
        ;;
    launchd-*)
        find_launchd_target
        if [ -n "$service_file_changed" ]; then load_agent; else run launchd kickstart -k "$launchd_target"; fi
        ;;
    command) run_restart_command ;;
    esac
}

# Makes launchd read a property list again. It refuses while the old job is ending.
# Reads: launchd_domain launchd_target service_file. Sets: process_before service_file_changed starts_before. Prints: -.
# Scratch: tries.
load_agent() {
    run launchd bootout "$launchd_target"
    [ -e "$service_file" ] || return 0
    # The newly loaded job has not run yet.
    process_before=
    starts_before=0
    # A disabled job cannot be loaded.
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

# Runs host.restartCommand, which a deployment that is stopped meanwhile ends with all that it has started.
# Reads: restart_command. Sets: restarting. Prints: -.
run_restart_command() {
    restarting=yes
    run run_command "$restart_command"
}

# Runs a command without the signals that this script ignores: zot would inherit that.
# Reads: sudo. Sets: -. Prints: -.
run_command() {
    trap - HUP PIPE INT TERM ALRM
    if [ "$sudo" = service ]; then exec sudo -n /bin/sh -c "$1"; fi
    exec /bin/sh -c "$1"
}

# Reads: config launchd_target manager service. Sets: -. Prints: -.
stop_service() {
    case $manager in
    systemd | systemd-user) run systemd stop "$service" ;;
    launchd-*)
        find_launchd_target
        run launchd kill SIGTERM "$launchd_target"
        ;;
    command) [ -e "$config" ] || run_restart_command ;;
    esac
}

# Records the state before a restart, to judge its outcome: the processes that serve, the manager's view of the service,
# and the length of zot's logs.
# Reads: log_lengths processes_before starts_before zots_before. Sets: absences changes log_lengths needed_changes
# process_before process_since processes_before processes_since restarted_at restarted_second serving_before
# starts_before zots_before zots_since. Prints: -. Scratch: log process.
before_restart() {
    processes_before=
    zots_before=
    for process in $(zot_processes); do processes_before="$processes_before $process:$(identity_of "$process")"; done
    for process in $processes_before; do ! is_zot_itself "${process%%:*}" || zots_before="$zots_before $process"; done
    zots_before=${zots_before:-$(without_parents "$processes_before")}
    ask_service
    process_before=$(service_process)
    process_since=
    processes_since=
    zots_since=
    changes=0
    needed_changes=2
    starts_before=$(service_fact runs)
    starts_before=${starts_before:-0}
    absences=0
    restarted_at=$(now)
    restarted_second=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    serving_before=$(said_by_start)
    log_lengths=
    for log in $(zot_logs); do log_lengths="$log_lengths $log:$(log_length "$log")"; done
}

# Whether the process of a restart has died, even if the manager starts it again: one failed start is enough. Sets
# $cause to how it ended, if that says more than zot does.
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
    # In auto-restart it has ended, and waits for RestartSec.
    *:auto-restart* | failed:* | inactive:* | deactivating:*) ;;
    *) is_started_again || return 1 ;;
    esac
    if [ "$(service_fact ConditionResult)" = no ]; then
        cause="systemd did not start it, because a condition of its unit is not met; run on the host: $(systemctl_of status "$(unit_name)") [ZH-ENDED-CONDITION]"
        return 0
    fi
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
        # The exit code of launchd when it cannot execute a program.
        case $(service_fact 'last exit code') in 78*) cause="launchd could not run it: last exit code 78; check zot.binary, and the paths that its property list names. [ZH-ENDED-NOT-RUN-LAUNCHD]" ;; esac
        return 0
    fi
    # It may be about to start.
    case $(service_fact state) in spawn*) return 1 ;; esac
    is_absent_for 8
}

# The manager may only now have replaced its process.
# Reads: process_before process_since. Sets: process_since. Prints: -. Scratch: process.
is_started_again() {
    process=$(service_process)
    if [ -z "$process" ] || [ "$process" = "$process_before" ]; then return 1; fi
    process_since=${process_since:-$process}
    [ "$process" != "$process_since" ]
}

# Finds the process that a restart command has started, if zot's processes are visible. A supervisor may start it again
# and again, as a new process each time, while a shell that becomes zot is replaced once. A supervisor such as
# supervise-daemon or sudo may have zot's command line in its own, and stays when zot has ended.
# Reads: changes needed_changes process_since processes_before processes_since zots_since. Sets: absences changes
# needed_changes process_since processes_since zots_since. Prints: -. Scratch: found process seen stays zots.
has_died_by_itself() {
    found=
    seen=
    stays=
    zots=
    for process in $(zot_processes); do
        process=$process:$(identity_of "$process")
        case "$processes_before " in
        *" $process "*) found=before ;;
        *)
            process_since=$process found=since seen="$seen $process"
            if is_zot_itself "${process%%:*}"; then zots="$zots $process" needed_changes=1; fi
            case "$processes_since " in *" $process "*) stays=yes ;; esac
            ;;
        esac
    done
    has_lost "$zots_since" "$zots" && return 0
    zots_since=$zots
    if [ -n "$found" ]; then
        absences=0
        if [ -z "$zots" ] && log_tells_of_end; then return 0; fi
        [ -n "$seen" ] || return 1
        # The process before zot may have been a shell that became it.
        [ -z "$processes_since" ] || [ -n "$stays" ] || changes=$((changes + 1))
        processes_since=$seen
        [ "$changes" -ge "$needed_changes" ]
        return
    fi
    if [ -n "$process_since" ]; then
        is_absent_for 2
    elif log_tells_of_end; then
        return 0
    elif [ -n "$processes_before" ]; then
        # The command may only request the restart, and end before it.
        is_absent_for 12
    else
        return 1
    fi
}

# Those of the given processes that are not the parent of another one.
# Reads: -. Sets: -. Prints: processes, in one line.
without_parents() (
    parents=" $(for one in $1; do awk '/^PPid:/ { print $2 }' "/proc/${one%%:*}/status" || ps -o ppid= -p "${one%%:*}"; done 2>/dev/null | tr -s '\n ' ' ')"
    for one in $1; do case $parents in *" ${one%%:*} "*) ;; *) printf ' %s' "$one" ;; esac done
)

# Whether the two lists of processes have none in common.
# Reads: -. Sets: -. Prints: -.
has_lost() (
    [ -n "$1" ] || return 1
    for one in $1; do case "$2 " in *" $one "*) return 1 ;; esac done
)

# Reads: -. Sets: -. Prints: -.
log_tells_of_end() { new_log_lines | grep -v 'http: Server closed' | grep -Eq '"level":"(fatal|panic)"|^panic:|^Error'; }

# Whether a process is the serving zot, and not a wrapper: a wrapper has more words before it.
# Reads: binary. Sets: -. Prints: -.
is_zot_itself() (
    runs=$({ tr '\0' ' ' <"/proc/$1/cmdline" || ps -ww -o args= -p "$1"; } 2>/dev/null)
    case $runs in "$binary serve "*) return 0 ;; *' serve '*) ;; *) return 1 ;; esac
    case ${runs%% serve *} in *' '*) return 1 ;; esac
)

# Whether this many looks in sequence have found no process.
# Reads: absences. Sets: absences. Prints: -.
is_absent_for() {
    absences=$((absences + 1))
    [ "$absences" -ge "$1" ]
}

# Waits until the zot of a config, which expect_of has read, is ready, or has died.
# Reads: cause problem ready_timeout stopped. Sets: problem. Prints: -. Scratch: deadline untrusted why.
wait_until_ready() {
    deadline=$(($(now) + ready_timeout))
    untrusted=0
    until is_ready; do
        problem="zot was not ready within $ready_timeout seconds of its restart. [ZH-DEPLOY-NOT-READY]"
        [ -z "$stopped" ] || return 1
        # The former process may still answer for a moment.
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

# Waits until the former process has ended, and its successor is ready: a command may only ask for the restart, and zot
# answers until it is gone.
# Reads: stopped. Sets: -. Prints: -. Scratch: patience_for_end.
wait_until_changed() {
    has_changed && return 0
    patience_for_end=$(($(now) + 5))
    until has_changed; do
        [ -z "$stopped" ] && [ "$(now)" -lt "$patience_for_end" ] || return 1
        pause 0.1
    done
    wait_until_ready
}

# Whether the former process has ended. If it cannot be seen, the service manager has to be trusted.
# Reads: processes_before zots_before. Sets: problem. Prints: -. Scratch: process.
has_changed() {
    for process in ${zots_before:-$processes_before}; do
        if [ "$(identity_of "${process%%:*}")" = "${process#*:}" ]; then
            problem="zot was not restarted: process ${process%%:*} serves as before. [ZH-DEPLOY-NOT-RESTARTED]"
            return 1
        fi
    done
}

# Whether the answering zot is the installed one.
# Reads: binary commit installed_commit must_name_release. Sets: commit problem. Prints: -.
is_installed_zot() {
    commit=$(running_commit)
    if [ -n "$commit" ] && [ -n "$installed_commit" ] && [ "$commit" != "$installed_commit" ]; then
        problem="zot $commit answers, but $binary is version $installed_commit; set zot.binary to what the service runs. [ZH-DEPLOY-OTHER-BINARY]"
        return 1
    fi
    [ -n "$must_name_release" ] || return 0
    runs_release "$installed_commit" && return 0
    problem="zot no longer reports its release, and $binary reports ${installed_commit:-no version}; leave zot.search on, or set zot.acceptVersion to \"sha256:$(sha256_of "$binary")\" if it has the corrections of 2.1.19. [ZH-DEPLOY-NO-RELEASE]"
    return 1
}
