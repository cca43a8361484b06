# The service manager: queries about the service, and orders to it.

# Runs a command of the service manager with the rights that it needs.
# Reads: sudo. Sets: -. Prints: -.
privileged() {
    if [ "$sudo" = service ]; then sudo -n "$@"; else "$@"; fi
}

# Queries systemd, which needs no rights.
# Reads: manager. Sets: -. Prints: what systemctl prints.
ask_systemd() { if [ "$manager" = systemd ]; then systemctl "$@"; else systemd "$@"; fi; }

# The socket of the user's service manager: a login may not know it, or may have the wrong one in its environment.
# Reads: XDG_RUNTIME_DIR user_id. Sets: -. Prints: a path.
runtime_folder() {
    if [ -n "${XDG_RUNTIME_DIR-}" ] && [ -d "$XDG_RUNTIME_DIR" ]; then printf '%s' "$XDG_RUNTIME_DIR"; else printf '/run/user/%s' "$user_id"; fi
}

# Reads: manager. Sets: -. Prints: -.
systemd() {
    if [ "$manager" = systemd-user ]; then
        XDG_RUNTIME_DIR=$(runtime_folder) systemctl --user "$@"
    else
        privileged systemctl "$@"
    fi
}

# An agent's domain is that of the graphical login if there is one, otherwise that of the user.
# Reads: launchd_domain manager service user_id. Sets: launchd_domain launchd_target. Prints: -.
find_launchd_target() {
    if [ "$manager" = launchd-daemon ]; then
        launchd_domain=system
    elif launchctl print "gui/$user_id" >/dev/null 2>&1; then
        launchd_domain=gui/$user_id
    else
        launchd_domain=user/$user_id
    fi
    launchd_target=$launchd_domain/$service
}

# Reads: -. Sets: -. Prints: -.
launchd() { privileged launchctl "$@"; }

# Asks the service manager about the service. Sets $service_state to running, stopped, absent or unknown, and
# $service_facts to its output.
# Reads: launchd_target manager service. Sets: service_facts service_state. Prints: -.
ask_service() {
    service_facts=
    service_state=unknown
    case $manager in
    systemd | systemd-user)
        service_facts=$(ask_systemd --property=LoadState --property=ActiveState --property=SubState --property=MainPID --property=Result \
            --property=ExecMainStatus --property=Type --property=Restart --property=RestartPreventExitStatus \
            --property=StartLimitIntervalUSec --property=StartLimitInterval --property=StartLimitBurst --property=FragmentPath \
            --property=UnitFileState --property=WantedBy --property=RequiredBy --property=BoundBy --property=UpheldBy --property=TriggeredBy --property=LoadError \
            --property=ExecStart --property=Id --property=RefuseManualStart --property=RefuseManualStop --property=ConditionResult show "$service" 2>&1 </dev/null)
        case "$(service_fact LoadState):$(service_fact ActiveState)" in
        loaded:active | loaded:reloading | loaded:activating) service_state=running ;;
        loaded:*) service_state=stopped ;;
        not-found:* | masked:*) service_state=absent ;;
        esac
        ;;
    launchd-*)
        find_launchd_target
        if service_facts=$(launchctl print "$launchd_target" 2>&1 </dev/null); then
            case $(service_fact state) in running) service_state=running ;; *) service_state=stopped ;; esac
        else
            service_state=absent
        fi
        ;;
    esac
}

# One value of $service_facts: "NAME=value" from systemd, "NAME = value" from launchd, of which the first counts.
# Reads: newline service_facts tab. Sets: -. Prints: the value.
service_fact() (
    separator=' = '
    case "$newline$service_facts" in *"$newline$1="*) separator='=' ;; esac
    rest=$newline$service_facts$newline
    while :; do
        case $rest in *"$1$separator"*) ;; *) return 0 ;; esac
        before=${rest%%"$1$separator"*}
        rest=${rest#*"$1$separator"}
        # Nothing but blanks may precede it in its line.
        case ${before##*"$newline"} in *[!"$tab "]*) ;; *) break ;; esac
    done
    printf '%s\n' "${rest%%"$newline"*}"
)

# The process that the manager has started, from $service_facts; nothing if there is none.
# Reads: manager. Sets: -. Prints: a process id.
service_process() {
    case $manager in
    systemd | systemd-user) case $(service_fact MainPID) in '' | 0) ;; *) service_fact MainPID ;; esac ;;
    launchd-*) service_fact pid ;;
    esac
}
