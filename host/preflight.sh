# Finds what would fail, before anything in service is touched.
#
# A check succeeds silently or ends with `fail`. The deployment runs the checks in sequence. The observation of a host
# runs each one separately and reports all failures together, so a check ignores what another check reports.
checks_of_host='check_config_place check_binary check_storage check_container check_owner check_room check_running check_rights check_service'
checks_of_deployment='check_version check_tls_files check_certificate check_restarts check_lingering check_not_root check_service_file check_issuer'

needed_kilobytes=2048
needed_data_kilobytes=10240
needed_files=40

# Whether the identity provider may be set up only just before the deployment. The observation sets it to yes.
issuer_is_new=no

# A log that `zot verify` has created, which is removed afterwards.
log_of_zot=

# Reads: PATH tool. Sets: tool. Prints: -.
check_tools() {
    for tool in curl awk sed grep find cmp cut tail sort df ps; do
        command -v "$tool" >/dev/null 2>&1 || fail "$tool is not installed on the host, or not in $PATH; install it. [ZH-TOOL-MISSING]"
    done
}

# Reads: config config_folder user_id. Sets: -. Prints: -. Scratch: linked.
check_config_place() {
    if [ -L "$config" ]; then
        linked=$(readlink "$config")
        case $linked in /*) ;; *) linked=$config_folder/$linked ;; esac
        linked=$(cd -P "${linked%/*}/" 2>/dev/null && pwd -P)/${linked##*/}
        fail "$config is a symbolic link, which the deployment would replace; set zot.configFile to the file itself ($linked). [ZH-CONFIG-LINK]"
    fi
    [ ! -e "$config" ] || [ -f "$config" ] || fail "$config is not a file; correct zot.configFile. [ZH-CONFIG-NOT-FILE]"
    [ -w "$config_folder" ] || fail "$(id -un) may not write in $config_folder; set host.user to a user who may, or host.sudo to all, or check its disk. [ZH-CONFIG-FOLDER-CLOSED]"
    [ -e "$config" ] || return 0
    # Only immutability and a read-only mount keep root from replacing a file in a folder that root may write.
    [ "$user_id" -ne 0 ] || [ -w "$config" ] || fail "$config cannot be replaced, though root deploys: it is immutable, or mounted read-only; run on the host: chattr -i $config, or umount it. [ZH-CONFIG-IMMUTABLE]"
    ! is_mount "$config" || fail "$config is a mount point, so it cannot be replaced; mount its folder instead. [ZH-CONFIG-MOUNT]"
}

# Whether something is mounted there. Does not find a path with a space, which the kernel writes as a number.
# Reads: -. Sets: -. Prints: -.
is_mount() { awk -v path="$1" '$5 == path { found = 1 } END { exit !found }' /proc/self/mountinfo 2>/dev/null; }

# Reads: binary config contained. Sets: -. Prints: -.
check_binary() {
    { [ -f "$binary" ] && [ -x "$binary" ]; } && return 0
    expect_of "$config" 2>/dev/null && find_listener
    find_contained
    [ -z "$contained" ] || [ ! -e "/proc/$contained/root$binary" ] ||
        fail "zot's binary $binary is in the container that zot runs in (process $contained), but not on this host, where it has to check a config before the config goes live; copy it out of the image, and set zot.binary to the copy (docs/containers.md). [ZH-BINARY-IN-CONTAINER]"
    fail "zot's binary $binary is not there or cannot be run; correct zot.binary. If zot runs in a container, this host needs a copy of its binary (docs/containers.md). [ZH-BINARY-MISSING]"
}

# Reads: data. Sets: -. Prints: -.
check_storage() {
    [ -d "$data" ] || fail "zot's storage $data does not exist; correct zot.rootDirectory, or create the folder, owned by the user that zot runs as. [ZH-STORAGE-MISSING]"
}

# A zot in a container must see these folders under the same names, because its config names the secret files. The same
# applies to a zot whose unit has its own mounts.
# Reads: config config_folder contained data listener. Sets: -. Prints: -. Scratch: place running.
check_container() {
    expect_of "$config" 2>/dev/null && find_listener
    find_contained
    if [ -z "$contained" ]; then
        running=$(config_of_process "${listener:-none}")
        [ -n "$running" ] && is_our_config "$running" && ls -d "/proc/$listener/root/." >/dev/null 2>&1 && ! is_mounted "$listener" "$config_folder" || return 0
        fail "zot, process $listener, does not see the folder $config_folder as it is, so that what a deployment writes would not arrive: its unit has mounts of its own. Have the unit show the folder itself, not a single file (BindReadOnlyPaths=$config_folder). [ZH-UNIT-MOUNT]"
    fi
    running=$(config_of_process "$contained")
    [ -z "$running" ] || is_our_config "$running" ||
        fail "zot, process $contained, runs in a container, and was started with $running there, while zot.configFile is $config. Mount the folder $config_folder at the same path in the container, and start zot with $config (docs/containers.md). [ZH-CONTAINER-CONFIG]"
    for place in "$config_folder" "$data"; do
        [ ! -d "$place" ] || is_mounted "$contained" "$place" ||
            fail "zot, process $contained, runs in a container, where $place is not the folder of this host, so that what a deployment writes would not arrive. Mount the folder itself, not a single file, at the same path in the container: --volume $place:$place (docs/containers.md). [ZH-CONTAINER-MOUNT]"
    done
}

# Reads: data owner user_id zot_user. Sets: owner. Prints: -.
check_owner() {
    owner=$(zot_owner)
    [ -n "$zot_user" ] || [ -d "$data" ] || return 0
    [ -n "$owner" ] || [ -n "$zot_user" ] || fail "The user that zot runs as is not known, since its storage $data cannot be seen, or lies in a folder that others than its owner may write; set zot.user. [ZH-USER-UNKNOWN]"
    [ -n "$owner" ] || fail "There is no user $zot_user on the host; correct zot.user. [ZH-USER-MISSING]"
    [ "$owner" = "$user_id" ] || [ "$user_id" -eq 0 ] || fail "zot runs as another user than $(id -un), and could not read the secret files; set host.user to that user, or host.sudo to all. [ZH-USER-OTHER]"
    [ -n "$zot_user" ] || [ -w "$data" ] || fail "$(id -un) may not write in zot's storage $data, so that zot seems to run as another user, who could not read the secret files; set host.user to that user, or host.sudo to all. [ZH-STORAGE-CLOSED]"
}

# Reads: config_folder data needed_data_kilobytes needed_kilobytes. Sets: -. Prints: -.
check_room() {
    check_space "$config_folder" "$needed_kilobytes"
    check_space "$data" "$needed_data_kilobytes"
}

# Whether the secret files go to the user that zot runs as. Sets $problem if not. Root can read all files; a user that
# cannot be determined is assumed to be right.
# Reads: listener listener_user own_service owner problem unit_user user_id zot_user. Sets: problem. Prints: -.
is_user_of_zot() {
    case ${listener_user:-0} in 0 | "$owner") return 0 ;; esac
    # The user of the service may have changed since zot started; a managed service gets it with this deployment.
    [ -n "$zot_user" ] && ask_unit && case ${unit_user:-0}:$own_service in "$owner":* | *:yes) return 0 ;; esac
    problem="zot runs as the user $(user_called "$listener_user")${listener:+ (process $listener)}, and the secret files would belong to the user $(user_called "$owner"), so that zot could not read them. [ZH-USER-OF-SECRETS]"
    if [ -n "$zot_user" ]; then
        problem="$problem Correct zot.user."
    elif [ "$user_id" -eq 0 ]; then
        problem="$problem Set zot.user to $(name_of_user "$listener_user" | grep . || echo 'the name of that user')."
    else
        problem="$problem Set host.user to that user, or host.sudo to all."
    fi
    return 1
}

# Checks that the running zot, and the one that its manager would start, use zot.configFile. Otherwise the deployment
# would write the config of another zot, and nobody would serve it.
# Reads: config folder listener listener_user problem service service_file service_file_mark unit_config verb. Sets:
# listener listener_user. Prints: -. Scratch: running.
check_running() {
    listener=
    listener_user=
    expect_of "$config" 2>/dev/null && find_listener
    # Its config may have another path, or name another port.
    [ -n "$listener_user" ] || { expect_of "$folder/config" && find_listener; }
    # For a managed service this deployment decides what it starts.
    if [ -z "$service_file" ] || ! grep -qsF "$service_file_mark" "$service_file"; then
        ask_unit
        [ -z "$unit_config" ] || is_our_config "$unit_config" ||
            fail "The service $service starts zot with $unit_config, but zot.configFile is $config, which nobody would serve; set zot.configFile to $unit_config, or correct host.serviceName. [ZH-SERVICE-OTHER-CONFIG]"
        running=
        # Another check handles a zot in a container.
        [ -z "$listener" ] || has_own_root "$listener" || running=$(config_of_process "$listener")
        [ -z "$running" ] || is_our_config "$running" ||
            fail "zot, process $listener, was started with $running, but zot.configFile is $config, which it does not serve; set zot.configFile to $running, or start zot with $config. [ZH-RUNNING-OTHER-CONFIG]"
    fi
    [ "$verb" != deploy ] || is_user_of_zot || fail "$problem"
}

# Free space on the disk of a folder. A disk that creates inodes on demand reports that it has none at all.
# Reads: -. Sets: -. Prints: a number, or nothing.
# shellcheck disable=SC2086 # the words of df, of which the name is the last
room_on_disk() (
    df "$1" "$2" 2>/dev/null | {
        read -r line && read -r line && set -- $line && [ "${2:-0}" != 0 ] && printf '%s' "${4-}"
    }
)

# Reads: needed_files. Sets: -. Prints: -. Scratch: free.
check_space() {
    free=$(room_on_disk -Pk "$1")
    [ "${free:-$2}" -ge "$2" ] || fail "$1 has only $free KB left on its disk, but a deployment needs $2; make room. [ZH-DISK-FULL]"
    free=$(room_on_disk -Pi "$1")
    case $free in *[!0-9]*) free= ;; esac
    [ "${free:-$needed_files}" -ge "$needed_files" ] || fail "$1 has room for only $free more files on its disk (df -i), but a deployment needs $needed_files; remove some. [ZH-DISK-NO-INODES]"
}

# A build whose commit cannot be read is accepted if the running zot is the same and names its release; is_installed_zot
# asks it again after the restart.
# Reads: accepted_version binary config folder installed_commit owner problem version_kind. Sets: must_name_release.
# Prints: -. Scratch: accepted_by said why.
check_version() {
    [ -x "$binary" ] || return 0
    must_name_release=
    keeps_tags "$installed_commit" && return 0
    is_accepted "$installed_commit" && return 0
    why=$problem
    if [ -z "$installed_commit" ] && ! said=$(as_zot "$binary" --version 2>&1 </dev/null); then
        said=$(printf '%s\n' "$said" | tail -n 1 | cut -c 1-300)
        fail "zot's binary $binary cannot be run as the user $(user_called "$owner") (${said:-it said nothing}); install the one for this machine ($(uname -s) $(uname -m)), and let this user run it. [ZH-BINARY-FAILS]"
    fi
    if [ "$version_kind" = unreadable ] && [ "$(json_nodes <"$folder/config" | node_value extensions.search.enable)" = true ] &&
        [ -f "$config" ] && expect_of "$config" && runs_release "$installed_commit"; then
        must_name_release=yes
        return 0
    fi
    accepted_by=$installed_commit
    case $accepted_version:$installed_commit in sha256:* | *: | *:*[!A-Za-z0-9._+-]*) accepted_by=sha256:$(sha256_of "$binary") ;; esac
    fail "$why Before zot 2.1.19 whoever may push can move an existing tag by pushing a digest with ?tag=, and before 2.1.15 overwrite latest: tags would not be immutable. Install zot 2.1.19 or newer, or, if this build has both corrections, set zot.acceptVersion to \"$accepted_by\"."
}

# Whether zot will be able to read its TLS certificate and key, which `zot verify` does not open. Files that systemd or
# a container shows to zot alone cannot be checked here.
# Reads: config contained folder owner. Sets: -. Prints: -. Scratch: tls_file tls_name.
check_tls_files() {
    expect_of "$config" 2>/dev/null && find_listener
    find_contained
    json_nodes <"$folder/config" >"$folder/tls-nodes"
    for tls_name in cert key cacert; do
        tls_file=$(node_value "http.tls.$tls_name" <"$folder/tls-nodes")
        case $tls_file in '' | /run/credentials/*) continue ;; esac
        [ -z "$contained" ] || continue
        { as_zot test -r "$tls_file" && as_zot test -f "$tls_file"; } ||
            fail "zot could not read $tls_file (http.tls.$tls_name) as the user $(user_called "$owner"), and would not start; correct zot.tlsCertFile and zot.tlsKeyFile, or put the file there and let this user read it. [ZH-TLS-FILE]"
    done
}

# Whether this host trusts the certificate of the running zot, if that certificate stays. Otherwise the deployment could
# not be proven.
# Reads: config connect_to folder url zot_authorities. Sets: -. Prints: -. Scratch: served why.
check_certificate() {
    [ -z "$zot_authorities" ] || [ -r "$zot_authorities" ] || fail "The CA file $zot_authorities cannot be read on the host; correct zot.caFile. [ZH-CA-FILE-ZOT]"
    [ -f "$config" ] && expect_of "$config" && [ -n "$connect_to" ] || return 0
    served=$url:$connect_to:$(value_of http.tls.cert)
    expect_of "$folder/config" && [ "$url:$connect_to:$(value_of http.tls.cert)" = "$served" ] || return 0
    why=$(why_not_ready) || fail "zot at $url cannot be asked whether it is ready. [ZH-ZOT-NOT-ASKED] $why"
}

# Reads: authorities folder issuer_is_new problem. Sets: -. Prints: -. Scratch: wanted_issuer.
check_issuer() {
    wanted_issuer=$(issuer_of "$folder/config")
    [ -z "$authorities" ] || [ -r "$authorities" ] || fail "The CA file $authorities cannot be read on the host; correct identity.caFile. [ZH-CA-FILE-ISSUER]"
    [ -n "$wanted_issuer" ] && ! issuer_answers "$wanted_issuer" "$authorities" 10 || return 0
    [ "$issuer_is_new" = yes ] && will_be_issuer "$wanted_issuer" && return 0
    fail "$problem zot cannot start without its issuer; make sure that this host reaches it, or correct identity.issuer. [ZH-ISSUER-NEEDED]"
}

# Whether the answer comes from an Authentik that does not have the application yet, or has one issuer for all
# applications. pulumi up changes both.
# Reads: answered. Sets: problem. Prints: -. Scratch: origin.
will_be_issuer() {
    origin=${1%%/application/o/*}
    if [ "${answered-}" = "$origin/" ]; then return 0; fi
    [ "$(code_of "$1.well-known/openid-configuration")" = 404 ] || return 1
    case $(code_of "$origin/-/health/live/") in 200 | 204) return 0 ;; esac
    problem="$origin answers this host, but is not an Authentik, or not a healthy one: there is nothing at $origin/-/health/live/. [ZH-ISSUER-NO-AUTHENTIK]"
    return 1
}

# Reads: authorities. Sets: -. Prints: a status code.
code_of() {
    if [ -n "$authorities" ]; then set -- --cacert "$authorities" "$1"; fi
    curl -q --silent --location --max-redirs 5 --max-time 10 --output /dev/null --write-out '%{http_code}' "$@" 2>/dev/null </dev/null
}

# Reads: folder service_file service_file_mark. Sets: -. Prints: -. Scratch: place.
check_service_file() {
    find_service_file
    [ -n "$service_file" ] || return 0
    [ ! -e "$service_file" ] || grep -qF "$service_file_mark" "$service_file" || fail "$service_file exists already, and this program did not write it; set host.manageService to false, or move the file away. [ZH-SERVICE-FILE-FOREIGN]"
    service_file_text "$folder/config" >"$folder/service-file"
    ! cmp -s "$folder/service-file" "$service_file" || return 0
    place=${service_file%/*}
    while [ -n "$place" ] && [ ! -d "$place" ]; do place=${place%/*}; done
    [ -w "$place/" ] || fail "$(id -un) may not write in ${place:-/}, where $service_file is to be; let it be written there, or set host.manageService or host.startWithoutIssuer to false. [ZH-SERVICE-FILE-CLOSED]"
}

# Reads: launchd_target manager own_service problem restart_command service service_facts service_state. Sets: -.
# Prints: -. Scratch: said.
check_service() {
    ask_service
    find_service_file
    case $manager in
    systemd | systemd-user)
        unit_is_usable || fail "$problem"
        said=$(printf '%s\n' "$service_facts" | tail -n 1)
        [ "$service_state" != unknown ] || fail "systemd does not answer $(id -un): ${said:-it said nothing}. Check systemd on the host, or correct host.serviceManager. [ZH-SYSTEMD-SILENT]"
        [ "$service_state" != absent ] || [ "$own_service" = yes ] || fail "systemd knows no service $service; correct host.serviceName or host.serviceManager. [ZH-SYSTEMD-NO-SERVICE]"
        ;;
    launchd-*)
        [ "$service_state" != absent ] || [ "$own_service" = yes ] || fail "launchd knows no service $launchd_target; correct host.serviceName or host.serviceManager, or load it with launchctl bootstrap. [ZH-LAUNCHD-NO-SERVICE]"
        ;;
    command)
        [ -n "$restart_command" ] || fail "host.restartCommand is not set. [ZH-RESTART-COMMAND-MISSING]"
        check_restart_program
        ;;
    esac
}

# Whether the restart command begins with a program that can be run. Only what is certain counts: the command may begin
# with anything that a shell knows, and with sudo root runs it, who has a PATH of its own.
# Reads: PATH restart_command sudo tab. Sets: -. Prints: -. Scratch: restart_folder restart_program.
check_restart_program() {
    restart_program=${restart_command%%[!A-Za-z0-9_./+-]*}
    case ${restart_command#"$restart_program"} in '' | [' ;&|']* | "$tab"*) ;; *) return 0 ;; esac
    case $restart_program in
    /*) ;;
    '' | */*) return 0 ;;
    *)
        [ "$sudo" = service ] || command -v "$restart_program" >/dev/null 2>&1 ||
            fail "host.restartCommand begins with $restart_program, which is not in the PATH of a login ($PATH); correct it, or give the whole path. [ZH-RESTART-COMMAND-NOT-IN-PATH]"
        return 0
        ;;
    esac
    if [ -e "$restart_program" ]; then
        if [ -d "$restart_program" ] || { [ "$sudo" != service ] && [ ! -x "$restart_program" ]; }; then
            fail "host.restartCommand begins with $restart_program, which is no program that $(id -un) may run; correct it, or give the right to run it. [ZH-RESTART-COMMAND-NOT-RUN]"
        fi
        return 0
    fi
    # In a folder that this user may not search, anything may be.
    restart_folder=${restart_program%/*}
    while [ -n "$restart_folder" ] && [ ! -e "$restart_folder" ]; do restart_folder=${restart_folder%/*}; done
    [ ! -x "$restart_folder/" ] || fail "host.restartCommand begins with $restart_program, which is not on the host; correct it, or install it. [ZH-RESTART-COMMAND-NOT-THERE]"
}

# The manager has to restart a zot that ends, without limit: after a reboot of the host its issuer may take long to come
# up. A managed service file ensures that.
# Reads: binary interval manager own_service service service_file service_state user_id. Sets: interval. Prints: -.
# Scratch: property_list restarts unit units why.
check_restarts() {
    # A unit of this type has ended while zot still runs, and systemd refuses to load it with Restart=always.
    case $manager:$own_service:$(service_fact Type) in
    systemd*:no:oneshot) fail "The unit $(unit_name) only gives the order to start zot (Type=oneshot), so that systemd does not see it end. Have the unit run zot itself; or set host.serviceManager to command, and host.restartCommand to what restarts zot, such as \"$(systemctl_of restart "$(unit_name)")\". [ZH-SYSTEMD-ONESHOT]" ;;
    esac
    [ -z "$service_file" ] || return 0
    case $service_state in absent | unknown) return 0 ;; esac
    case $manager in
    systemd | systemd-user)
        # systemd waits for the unit to report its start, and ends it after TimeoutStartSec. zot neither reports its
        # start nor goes into the background. A wrapper may; then the unit has been seen active.
        case $(service_fact Type):$(service_fact ActiveState):$(service_fact ExecStart) in
        notify*:active:* | forking:active:* | dbus:active:*) ;;
        notify*:activating:* | forking:activating:* | dbus:activating:* | notify*:*" path=$binary ;"* | forking:*" path=$binary ;"* | dbus:*" path=$binary ;"*)
            fail "systemd would wait in vain for $(unit_name) to say that it has started (Type=$(service_fact Type)), which zot does not, and then end it. Write Type=exec into the unit, and run on the host: $(systemctl_of daemon-reload) [ZH-SYSTEMD-NEVER-STARTED]"
            ;;
        esac
        [ -z "$(service_fact RestartPreventExitStatus)" ] ||
            fail "systemd would not start $service again when it ends with $(service_fact RestartPreventExitStatus) (RestartPreventExitStatus=), and zot ends with 2 while its issuer is away. Take that line out of the unit, and run on the host: $(systemctl_of daemon-reload) [ZH-SYSTEMD-PREVENTED]"
        interval=$(service_fact StartLimitIntervalUSec)
        interval=${interval:-$(service_fact StartLimitInterval)}
        case "$(service_fact Restart):${interval:-0}:$(service_fact StartLimitBurst)" in always:0:* | always:*:0) return 0 ;; esac
        unit=$(unit_name)
        units=$(units_folder)
        restarts=$(service_fact Restart)
        why="systemd would not always start $service again when it ends (Restart=${restarts:-no}, StartLimitIntervalSec=${interval:-unknown}), so that it could stay down after a restart of the host. Write into $units/$unit.d/restart.conf \"[Unit] StartLimitIntervalSec=0\" and \"[Service] Restart=always RestartSec=1\" on lines of their own, and run: $(systemctl_of daemon-reload) [ZH-SYSTEMD-RESTART]"
        if [ "$manager" = systemd-user ] || [ "$user_id" -eq 0 ]; then why="$why Or set host.startWithoutIssuer to true, which does it."; fi
        fail "$why"
        ;;
    launchd-*)
        case $(service_fact properties) in *keepalive*) return 0 ;; esac
        property_list=$(service_fact path)
        fail "launchd would not start $service again when it ends. Set KeepAlive to true in its property list (${property_list:-of unknown place}), and load it again. [ZH-LAUNCHD-KEEPALIVE]"
        ;;
    esac
}

# Tests what zot can read as the user that it runs as. Root opens neither its binary nor the files that the config
# names. Staged secret files are tested where they are staged.
# Reads: log_of_zot staging state. Sets: log_of_zot. Prints: -. Scratch: verify_failed.
verify_staged() {
    verify_failed="The config for zot verify could not be written in $state. [ZH-VERIFY-NOT-WRITTEN]"
    require "$verify_failed" named_where_they_wait "$1" "$staging/verify.json"
    # `zot verify` opens the log too, and creates it.
    log_of_zot=$(json_nodes <"$1" | node_value log.output)
    case $log_of_zot in /*) if as_zot test -e "$log_of_zot"; then log_of_zot=; fi ;; *) log_of_zot= ;; esac
    verify "$staging/verify.json"
    require "$verify_failed" rm -f "$staging/verify.json"
}

# Reads: config_folder credentials secret_config session_keys staging. Sets: -. Prints: -.
named_where_they_wait() (
    one=${credentials##*/}
    [ -f "$staging/secrets/$one" ] || one=
    two=${session_keys##*/}
    [ -f "$staging/secrets/$two" ] || two=
    awk -v from="$config_folder/" -v to="$staging/secrets/" -v one="$one" -v two="$two" '
        function rename(name,    quoted, at) {
            quoted = "\"" from name "\""
            if (name != "" && (at = index($0, quoted))) $0 = substr($0, 1, at) to name substr($0, at + length(quoted) - 1)
        }
        { rename(one); rename(two); print }' "$1" >"$2" &&
        if [ "$secret_config" = yes ]; then give_to_zot "$2"; else chmod 0644 "$2"; fi
)

# Reads: binary folder log_of_zot problem. Sets: problem. Prints: -. Scratch: accepted.
verify() {
    run in_place_as_zot "$binary" verify "$1"
    accepted=$?
    [ -z "$log_of_zot" ] || as_zot rm -f "$log_of_zot"
    [ "$accepted" -ne 0 ] || return 0
    # An error may have more lines; after a panic comes the stack trace.
    problem=$(awk '/^(Error|panic:|fatal error:)/ { told = 1 } told && /^goroutine / { exit } told && NF' "$folder/output" | head -n 4 | cut -c 1-400 | without_secrets)
    fail "$(because "zot does not accept the config (zot verify). [ZH-VERIFY-REFUSED]" "${problem:-$(last_of "$folder/output" | without_secrets)}")"
}
