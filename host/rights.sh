# The rights that a deployment needs on the host, and whether zot starts at boot; with messages if not. Nothing here
# changes anything.

# Whether sudo runs a command (or, without an argument, any command) without a password and a terminal. Sets $problem if
# not.
# Reads: -. Sets: problem. Prints: -. Scratch: said wanted.
sudo_allows() {
    command -v sudo >/dev/null 2>&1 || {
        problem="There is no sudo on the host; install it, or set host.sudo to off. [ZH-SUDO-MISSING]"
        return 1
    }
    if [ $# -eq 0 ]; then
        wanted="anything as root"
        # The started shell has to be able to run something too.
        said=$(sudo -n /bin/sh -c '/bin/sh -c :' 2>&1 </dev/null) && return 0
    else
        wanted="\"$*\""
        # If sudo allows the command, it prints how it would run it; if not, it prints nothing.
        if ! said=$(sudo -n -l "$@" 2>&1 </dev/null); then
            said=${said:-it lists no such command}
        elif wants_password "$said"; then
            said="a password is required for it"
        else
            return 0
        fi
    fi
    said=$(printf '%s\n' "$said" | tail -n 1 | cut -c 1-300)
    said=${said:-it said nothing}
    case $said in
    *"must have a tty"*) problem="sudo wants a terminal of $(id -un) (requiretty), which no deployment has; put this line into sudoers: Defaults:$(id -un) !requiretty [ZH-SUDO-TERMINAL]" ;;
    *"command not found"*) problem="sudo finds no ${1:-/bin/sh} of its own ($said); put its folder into secure_path in sudoers. [ZH-SUDO-PATH]" ;;
    */bin/sh*"ermission denied"*) problem="What sudo runs cannot start a program ($said); put this line into sudoers: Defaults:$(id -un) !noexec [ZH-SUDO-NOEXEC]" ;;
    *"no new privileges"*) problem="sudo cannot become root in this login ($said); remove what prevents it, such as NoNewPrivileges in the SSH server's unit. [ZH-SUDO-NO-ROOT]" ;;
    *) problem="sudo does not let $(id -un) run $wanted without a password ($said); npm run host-rights prints what root has to allow. [ZH-SUDO-PASSWORD]" ;;
    esac
    return 1
}

# Whether sudo would ask for a password: the rule that applies may lack NOPASSWD although another one has it.
# Reads: tab. Sets: -. Prints: -.
wants_password() (
    case $(sudo -n -v 2>&1 </dev/null) in *password*) ;; *) return 1 ;; esac
    sudo -n -l -l 2>/dev/null </dev/null | {
        free=
        asks=
        while IFS= read -r line; do
            case $line in
            'Sudoers entry:'*) free= ;;
            *Options:*'!authenticate'*) free=yes ;;
            "$tab"*)
                rule=${line#"$tab"}
                # shellcheck disable=SC2254 # the rule is a pattern
                case $1 in $rule | "$rule "*) counts=yes ;; *) counts= ;; esac
                [ "$rule" != ALL ] || counts=yes
                [ -z "$counts" ] || { if [ -n "$free" ]; then asks=; else asks=yes; fi; }
                ;;
            esac
        done
        [ -n "$asks" ]
    }
)

# Whether polkit lets this user give systemd orders about the service. Sends an order that systemd checks with polkit
# and then refuses in any case.
# Reads: service. Sets: problem. Prints: -. Scratch: named said.
polkit_allows() {
    said=$(systemctl --no-ask-password --job-mode=isolate "$1" "$service" 2>&1 </dev/null)
    case $said in *"uthentication required"* | *"ccess denied"* | *"ermission denied"*) ;; *) return 0 ;; esac
    said=$(printf '%s\n' "$said" | head -n 1 | cut -c 1-300)
    # systemd asks polkit about the real name of a unit, not an alias.
    named=$(service_fact Id)
    case $named in
    '' | "$(unit_name)") problem="$(id -un) may not $1 $service ($said); npm run host-rights prints what root has to allow; or set host.sudo. [ZH-POLKIT-REFUSED]" ;;
    *) problem="$(id -un) may not $1 $service ($said), which is another name of $named; set host.serviceName to ${named%.service}, and grant what npm run host-rights then prints. [ZH-POLKIT-ALIAS]" ;;
    esac
    return 1
}

# Reads: problem. Sets: -. Prints: -.
check_rights() { rights_are_there || fail "$problem"; }

# Tries every right that a deployment needs. Sets $problem if one is missing.
# Reads: config manager problem restart_command service service_state sudo user_id. Sets: problem. Prints: -. Scratch:
# missing order orders.
rights_are_there() {
    if [ "$sudo" = service ] && ! command -v sudo >/dev/null 2>&1; then
        problem="host.sudo is service, but there is no sudo on the host; install it, or set host.sudo to off. [ZH-SUDO-MISSING-SERVICE]"
        return 1
    fi
    orders=restart
    ask_service
    # A service that was not running is stopped again if the deployment fails.
    if [ "$service_state" != running ] || [ ! -f "$config" ]; then orders="restart stop"; fi
    missing=
    case $manager:$sudo in
    systemd:service) for order in $orders; do sudo_allows systemctl "$order" "$service" || missing="$missing${missing:+ }$problem"; done ;;
    launchd-daemon:service)
        sudo_allows launchctl kickstart -k "system/$service" || missing=$problem
        [ "$orders" = restart ] || sudo_allows launchctl kill SIGTERM "system/$service" || missing="$missing${missing:+ }$problem"
        ;;
    command:service) sudo_allows /bin/sh -c "$restart_command" || missing=$problem ;;
    systemd:*) [ "$user_id" -eq 0 ] || for order in $orders; do polkit_allows "$order" || missing="$missing${missing:+ }$problem"; done ;;
    esac
    problem=$missing
    [ -z "$missing" ]
}

# Without lingering, systemd ends a user's services some seconds after the last logout, and does not start them at boot.
# This login itself keeps them running, so it cannot show that.
# Reads: manager restart_command sudo. Sets: -. Prints: -. Scratch: session_user.
check_lingering() {
    session_user=
    case $manager in
    systemd-user) session_user=$(id -un) ;;
    # A restart command may also control a user's service, or a user's container.
    command)
        session_user=$(user_of_session)
        case $session_user:$sudo:$restart_command in :off:*"systemctl --user "*) session_user=$(id -un) ;; esac
        ;;
    esac
    [ -n "$session_user" ] && ! lingers "$session_user" || return 0
    fail "systemd ends the services of $session_user ten seconds after the last logout, and does not start them with the host, because $session_user does not linger; run on the host, as root: loginctl enable-linger $session_user [ZH-SYSTEMD-LINGER]"
}

# The user whose service manager runs zot, if zot's process is visible.
# Reads: config listener. Sets: listener. Prints: a name, or nothing. Scratch: process session.
user_of_session() {
    listener=
    expect_of "$config" 2>/dev/null && find_listener
    for process in ${listener:-$(zot_processes)}; do
        session=$(control_groups_of "$process" | sed -n 's,^.*/user@\([0-9][0-9]*\)\.service/.*$,\1,p' | head -n 1)
        [ -z "$session" ] || { name_of_user "$session" && return; }
    done
}

# Reads: -. Sets: -. Prints: the control groups of a process.
control_groups_of() { cat "/proc/$1/cgroup" 2>/dev/null; }

# Reads: -. Sets: -. Prints: -.
lingers() {
    [ -e "/var/lib/systemd/linger/$1" ] || [ "$(loginctl --property=Linger show-user "$1" 2>/dev/null </dev/null)" = Linger=yes ]
}

# A managed service runs as root only if a setting says so.
# Reads: data manager own_service user_id zot_user. Sets: -. Prints: -.
check_not_root() {
    [ "$own_service" = yes ] && [ "$(zot_owner)" = 0 ] && [ -z "$zot_user" ] || return 0
    if [ "$user_id" -eq 0 ] && [ -d "$data" ]; then
        case $manager in
        *-user | *-agent) ;;
        *) fail "zot would run as root, because its storage $data belongs to root. Create a user for it, and give it the storage: useradd --system --shell /usr/sbin/nologin zot; chown -R zot: $data/. (Or set zot.user to the user that it has to run as, which may be root.) [ZH-ROOT-STORAGE]" ;;
        esac
        fail "zot would run as root, because the service belongs to root. Set host.user to a user for zot alone; or set zot.user to root if that is what you want. [ZH-ROOT-SERVICE]"
    fi
}

# The command line of an order to systemd about this service.
# Reads: manager. Sets: -. Prints: a command.
systemctl_of() { if [ "$manager" = systemd-user ]; then printf 'systemctl --user %s' "$*"; else printf 'systemctl %s' "$*"; fi; }

# Reads: service. Sets: -. Prints: the name of the unit.
unit_name() { printf '%s.service' "${service%.service}"; }

# The units that start this unit, from $service_facts.
# Reads: -. Sets: -. Prints: names of units, in one line, or nothing.
starters() (
    for relation in WantedBy RequiredBy BoundBy UpheldBy TriggeredBy; do service_fact "$relation"; done | grep . | tr '\n' ' ' | sed 's/ $//'
)

# Whether a unit that starts this one is active. While the host is still booting, that cannot be told. A unit may be
# enabled for a target that its manager never reaches, or does not have, such as multi-user.target under a user's
# manager.
# Reads: -. Sets: -. Prints: -.
has_starter() (
    # shellcheck disable=SC2046 # names
    states=$(ask_systemd --property=ActiveState show default.target $(starters) 2>/dev/null </dev/null | sed -n 's/^ActiveState=//p')
    [ "$(printf '%s\n' "$states" | head -n 1)" = active ] || return 0
    printf '%s\n' "$states" | sed 1d | grep -Eq '^(active|reloading|activating)$'
)

# Whether the service is started at boot, from the answer to ask_service. Sets $problem if not.
# Reads: launchd_domain launchd_target manager own_service problem service service_state. Sets: problem. Prints: -.
# Scratch: enable starter unit wanted.
starts_with_host() {
    problem=
    unit=$(unit_name)
    case $manager in
    systemd | systemd-user)
        [ "$service_state" = running ] || [ "$service_state" = stopped ] || return 0
        enable=$(systemctl_of enable "$unit")
        wanted=multi-user
        [ "$manager" = systemd ] || wanted=default
        case $(service_fact UnitFileState) in
        enabled-runtime) problem="$unit is enabled only until the host restarts; run on the host: $enable [ZH-START-RUNTIME-ONLY]" ;;
        transient) problem="$unit was made by systemd-run, and is gone when the host restarts; write a unit. [ZH-START-TRANSIENT]" ;;
        # A unit that another one wants or triggers is started by it.
        disabled | static | indirect | generated | linked | linked-runtime)
            [ -z "$(starters)" ] || return 0
            case $(service_fact UnitFileState) in
            generated)
                problem="Nothing starts $unit with the host. It is generated, so it cannot be enabled: write WantedBy=$wanted.target below [Install] into the file that it is generated from, such as the .container file of Podman, and run on the host: $(systemctl_of daemon-reload) [ZH-START-GENERATED]"
                ;;
            static)
                problem="Nothing starts $unit with the host: it has no [Install] section; add one with WantedBy=$wanted.target, and run on the host: $enable [ZH-START-NOT-WANTED]"
                ;;
            *) problem="$unit is disabled, so zot does not start when the host restarts; run on the host: $enable [ZH-START-DISABLED]" ;;
            esac
            ;;
        # A managed unit is wanted by a target that is always reached.
        enabled)
            [ "$own_service" = no ] && ! has_starter || return 0
            starter=$(starters)
            starter=${starter:+what is not started either ($starter)}
            problem="Nothing starts $unit with the host: it is enabled, and wanted by ${starter:-no target that systemd knows here}; write WantedBy=$wanted.target below [Install], and run on the host: $(systemctl_of reenable "$unit") [ZH-START-NOT-REACHED]"
            ;;
        esac
        ;;
    launchd-*)
        if launchctl print-disabled "$launchd_domain" 2>/dev/null </dev/null | grep -Eq "\"$service\" => (disabled|true)"; then
            problem="launchd does not start $launchd_target with the host, because it is disabled; run on the host: launchctl enable $launchd_target [ZH-START-LAUNCHD-DISABLED]"
        fi
        ;;
    esac
    [ -z "$problem" ]
}

# Why a unit cannot be used at all. Sets $problem.
# Reads: problem. Sets: problem. Prints: -. Scratch: load_error reload unit unmask.
unit_is_usable() {
    problem=
    unit=$(unit_name)
    unmask=$(systemctl_of unmask "$unit")
    reload=$(systemctl_of daemon-reload)
    case $(service_fact LoadState) in
    masked) problem="$unit is masked, so systemd does not start it; run on the host: $unmask [ZH-SYSTEMD-MASKED]" ;;
    bad-setting | error)
        load_error=$(service_fact LoadError | sed 's/^[^ "]* *//')
        problem="systemd cannot load $unit: ${load_error:-it does not say why}; correct the unit, and run on the host: $reload [ZH-SYSTEMD-BAD-UNIT]"
        ;;
    esac
    case $(service_fact RefuseManualStart):$(service_fact RefuseManualStop) in *yes*) problem="systemd would not restart $unit by hand (RefuseManualStart=, RefuseManualStop=); take these lines out of the unit, and run on the host: $reload [ZH-SYSTEMD-BY-HAND]" ;; esac
    [ -z "$problem" ]
}
