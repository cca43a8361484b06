# The start script that waits for the issuer, and the service file, if managed.

# Writes the start script that waits for the issuer. It is replaced by rename, because a running shell has it open.
# Reads: authorities binary config folder start_without_issuer state target. Sets: -. Prints: -. Scratch: start_failed.
place_start() {
    [ "$start_without_issuer" = yes ] || return 0
    {
        printf "#!/bin/sh\nbinary='%s'\nconfig='%s'\nstate='%s'\nauthorities='%s'\n" "$binary" "$config" "$state" "$authorities"
        cat "$folder/start"
    } >"$folder/start-here"
    if ! cmp -s "$folder/start-here" "$state/start"; then
        # A deployment that fails removes it too.
        if [ -z "$target" ]; then
            :
        elif [ -f "$state/start" ]; then
            require "The start of zot could not be kept in $target. [ZH-START-NOT-KEPT]" link_or_copy "$state/start" "$target/replaced-start"
        else
            require "The start of zot could not be recorded in $target. [ZH-START-NOT-RECORDED]" touch "$target/no-start"
        fi
        start_failed="The start of zot could not be written to $state/start. [ZH-START-NOT-WRITTEN]"
        require "$start_failed" copy "$folder/start-here" "$state/start.new" 0755
        require "$start_failed" mv -f "$state/start.new" "$state/start"
    fi
    # The start script runs as zot's user, who may not write in this folder; its unit may also forbid writing here at
    # all.
    if [ ! -e "$state/serving" ]; then
        [ -z "$target" ] || touch "$target/no-serving" 2>/dev/null
        { touch "$state/serving" && chmod 0644 "$state/serving" && give_to_zot "$state/serving"; } 2>/dev/null
    fi
}

# The path of our service file, or of our drop-in for the site's unit; empty if there is none.
# Reads: HOME manager own_service service start_without_issuer. Sets: service_file. Prints: -. Scratch: units.
find_service_file() {
    service_file=
    units=$(units_folder)
    case $own_service:$start_without_issuer:$manager in
    yes:*:systemd*) service_file=$units/${service%.service}.service ;;
    no:yes:systemd*) service_file=$units/${service%.service}.service.d/zot-hardening.conf ;;
    yes:*:launchd-agent) service_file=$HOME/Library/LaunchAgents/$service.plist ;;
    yes:*:launchd-daemon) service_file=/Library/LaunchDaemons/$service.plist ;;
    esac
}

# Where systemd looks for units of the deploying user. Asks their manager: it may have another HOME or XDG_CONFIG_HOME
# than this login.
# Reads: HOME XDG_CONFIG_HOME manager. Sets: -. Prints: a path.
units_folder() {
    if [ "$manager" = systemd-user ]; then
        ask_systemd --property=UnitPath show 2>/dev/null </dev/null | sed 's/^UnitPath=//' | tr ' ' '\n' | grep '^/.*/systemd/user$' | grep -Ev '^/(etc|run|usr)/' | head -n 1 |
            grep . || printf '%s' "${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"
    else
        printf '/etc/systemd/system'
    fi
}

service_file_mark="Written by zot-hardening; changes are overwritten."

# Reads: folder service_file target. Sets: new_folder. Prints: -. Scratch: existing file_failed.
place_service_file() {
    [ -n "$service_file" ] || return 0
    service_file_text "$folder/config" >"$folder/service-file"
    cmp -s "$folder/service-file" "$service_file" && return 0
    file_failed="The service file could not be written to $service_file. [ZH-SERVICE-FILE-NOT-WRITTEN]"
    if [ -e "$service_file" ]; then
        check_service_file
        require "$file_failed" cp -p "$service_file" "$target/replaced-service-file"
    else
        new_folder=
        existing=${service_file%/*}
        while [ ! -d "$existing" ] && [ -n "$existing" ]; do
            new_folder=$existing
            existing=${existing%/*}
        done
        require "$file_failed" note_new_folder
        require "$file_failed" mkdir -p "${service_file%/*}"
        require "$file_failed" touch "$target/no-service-file"
    fi
    require "$file_failed" copy "$folder/service-file" "$service_file.new" 0644
    require "$file_failed" mv -f "$service_file.new" "$service_file"
    load_service_file
}

# Makes the manager read a new or restored service file; launchd reads it at the restart.
# Reads: manager own_service service service_file. Sets: service_file_changed. Prints: -.
load_service_file() {
    case $manager in
    systemd*)
        run systemd daemon-reload
        if [ "$own_service" = yes ] && [ -e "$service_file" ]; then run systemd enable "$service"; fi
        ;;
    launchd-*) service_file_changed=yes ;;
    esac
}

# Reads: new_folder service_file. Sets: new_folder. Prints: -. Scratch: existing.
put_back_service_file() {
    if [ -e "$1/replaced-service-file" ]; then
        mv -f "$1/replaced-service-file" "$service_file"
    elif [ -e "$1/no-service-file" ]; then
        unload_service_file
        new_folder=$(cat "$1/new-folder" 2>/dev/null)
        existing=${service_file%/*}
        while [ -n "$new_folder" ]; do
            case $existing/ in "$new_folder"/*) rmdir "$existing" 2>/dev/null || break ;; *) break ;; esac
            existing=${existing%/*}
        done
        rm -f "$1/no-service-file"
    else
        return 0
    fi
    load_service_file
}

# For the rollback: records the topmost folder that is created for the service file.
# Reads: new_folder target. Sets: -. Prints: -.
note_new_folder() { [ -z "$new_folder" ] || printf '%s\n' "$new_folder" >"$target/new-folder"; }

# Reads: state. Sets: -. Prints: -.
put_back_start() {
    if [ -e "$1/no-start" ]; then rm -f "$state/start"; fi
    if [ -e "$1/replaced-start" ]; then mv -f "$1/replaced-start" "$state/start"; fi
    if [ -e "$1/no-serving" ]; then rm -f "$state/serving"; fi
}

# Reads: launchd_target manager own_service service service_file. Sets: -. Prints: -.
unload_service_file() {
    if [ "$own_service" = yes ]; then
        case $manager in
        systemd*)
            run systemd stop "$service"
            run systemd disable "$service"
            ;;
        launchd-*)
            find_launchd_target
            run launchd bootout "$launchd_target"
            ;;
        esac
    fi
    rm -f "$service_file"
}

# Whether a config makes zot listen on a port that only root may use, or a process with that capability.
# Reads: owner port. Sets: -. Prints: -.
is_port_of_root() (
    [ "${owner:-0}" != 0 ] && expect_of "$1" || return 1
    first_of_all=$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null)
    [ "$port" -lt "${first_of_all:-1024}" ]
)

# For a config that will be served.
# Reads: binary config manager own_service owner service service_file_mark start_without_issuer state. Sets: -. Prints:
# the service file.
service_file_text() (
    case $manager in
    systemd*)
        # In a unit, percent and dollar signs are escaped by doubling.
        if [ "$start_without_issuer" = yes ]; then run_by="/bin/sh \"$state/start\""; else run_by="\"$binary\" serve \"$config\""; fi
        run_by=$(printf '%s' "$run_by" | sed 's/%/%%/g; s/\$/$$/g')
        printf '# %s\n[Unit]\n' "$service_file_mark"
        [ "$own_service" = no ] || printf 'Description=zot registry\nWants=network-online.target\nAfter=network-online.target\n'
        printf 'StartLimitIntervalSec=0\n[Service]\n'
        # The site's unit may report its start; the start script does not.
        [ "$own_service" = yes ] || printf 'Type=simple\nRestartPreventExitStatus=\nExecStart=\n'
        printf 'ExecStart=%s\nRestart=always\nRestartSec=2\n' "$run_by"
        if [ "$own_service" = yes ]; then
            if [ "$manager" = systemd ]; then
                printf 'User=%s\n' "$owner"
                ! is_port_of_root "$1" || printf 'AmbientCapabilities=CAP_NET_BIND_SERVICE\n'
                printf '\n[Install]\nWantedBy=multi-user.target\n'
            else
                printf '\n[Install]\nWantedBy=default.target\n'
            fi
        fi
        ;;
    launchd-*)
        if [ "$start_without_issuer" = yes ]; then set -- /bin/sh "$state/start"; else set -- "$binary" serve "$config"; fi
        printf '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
        printf '<!-- %s -->\n<plist version="1.0">\n<dict>\n' "$service_file_mark"
        property Label "$service"
        printf '    <key>ProgramArguments</key>\n    <array>\n'
        for argument; do printf '        <string>%s</string>\n' "$(xml "$argument")"; done
        printf '    </array>\n    <key>RunAtLoad</key>\n    <true/>\n    <key>KeepAlive</key>\n    <true/>\n'
        if [ "$manager" = launchd-daemon ]; then property UserName "$(id -un "$owner")"; fi
        property StandardOutPath "$(launchd_log)"
        property StandardErrorPath "$(launchd_log)"
        printf '</dict>\n</plist>\n'
        ;;
    esac
)

# Reads: HOME data log_file manager service. Sets: -. Prints: a path.
launchd_log() {
    if [ -n "$log_file" ]; then
        printf '%s' "$log_file"
    elif [ "$manager" = launchd-agent ]; then
        printf '%s' "$HOME/Library/Logs/$service.log"
    else
        printf '%s' "$data/$service.log"
    fi
}

# Reads: -. Sets: -. Prints: a key and its value.
property() { printf '    <key>%s</key>\n    <string>%s</string>\n' "$1" "$(xml "$2")"; }

# Reads: -. Sets: -. Prints: the text.
xml() { printf '%s' "$1" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }

# Enables a managed unit again if somebody has disabled it; zot needs no restart for that.
# Reads: manager own_service service. Sets: repaired. Prints: -.
repair_enabling() {
    [ "$own_service" = yes ] || return 0
    case $manager in systemd*) ;; *) return 0 ;; esac
    ask_service
    starts_with_host || { run systemd enable "$service" && repaired=repaired; }
    return 0
}

# Warns that the site's own service is not started at boot.
# Reads: own_service problem. Sets: -. Prints: a line, on standard error.
report_start_with_host() {
    [ "$own_service" = no ] || return 0
    ask_service
    starts_with_host || warn "zot-hardening: $problem"
}

# Warns if zot is not started as declared: only the site can change its own service.
# Reads: serving_before start_without_issuer state. Sets: -. Prints: a line, on standard error.
check_start_in_use() {
    [ "$start_without_issuer" = yes ] || return 0
    start_in_use "$serving_before"
    [ $? -eq 1 ] || return 0
    warn "zot-hardening: The service does not start zot with $state/start yet, so zot could not start while its issuer is away. Let the service run: /bin/sh $state/start [ZH-START-NOT-USED]"
}
