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
# Reads: XDG_RUNTIME_DIR. Sets: -. Prints: a path.
runtime_folder() {
    if [ -n "${XDG_RUNTIME_DIR-}" ] && [ -d "$XDG_RUNTIME_DIR" ]; then printf '%s' "$XDG_RUNTIME_DIR"; else printf '/run/user/%s' "$(id -u)"; fi
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
# Reads: launchd_domain manager service. Sets: launchd_domain launchd_target. Prints: -.
find_launchd_target() {
    if [ "$manager" = launchd-daemon ]; then
        launchd_domain=system
    elif launchctl print "gui/$(id -u)" >/dev/null 2>&1; then
        launchd_domain=gui/$(id -u)
    else
        launchd_domain=user/$(id -u)
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

# One value of $service_facts: "NAME=value" from systemd, "NAME = value" from launchd.
# Reads: service_facts. Sets: -. Prints: the value.
service_fact() { printf '%s\n' "$service_facts" | sed -n "s/^[[:space:]]*$1 \{0,1\}= \{0,1\}//p" | head -n 1; }

# The process that the manager has started, from $service_facts; nothing if there is none.
# Reads: manager. Sets: -. Prints: a process id.
service_process() {
    case $manager in
    systemd | systemd-user) service_fact MainPID | grep -v '^0$' ;;
    launchd-*) service_fact pid ;;
    esac
}
