# Deploys a config of zot and its secret files to the registry's host, or withdraws them.
#
#   FOLDER deploy     the config of the payload serves, proven, or what served before still does
#   FOLDER withdraw   the read-only config serves, which needs no identity provider to start, or what was there before
#                     the first deployment
#
# FOLDER holds the payload, which is read completely from standard input before anything else happens; the folder is
# removed at the end. The payload begins with this script: the files of this folder in sequence (host/scripts.ts), of
# which this is the last.
#
# Beside the config is the folder CONFIG.zot-hardening. Its names stay, because hosts in service have them:
#   pushes/N/      each deployment: config.json, read-only.json, replaced.json (the file that it replaced, as it was),
#                  and until it is proven the mark `unproven`, before it is put into force the mark `uncommitted`. Marks
#                  are only ever removed, which a full disk does not prevent.
#   original/      what was there before the first deployment
#   claims/        who deploys, or waits to
#   start          starts zot where the identity provider may be away (host/start.sh); serving: what it has started
# One rename of the config commits everything: the config names the secret files by their hash.
set -u
umask 077
LC_ALL=C
export LC_ALL
# The connection may break at any time; the script goes on to its end.
trap '' HUP PIPE

lock_patience=180

# Reports what was done, with the mark of the payload. Without the mark the program assumes that the deployment did not
# run.
# Reads: mark. Sets: -. Prints: what has been done.
answer() { say "$1${mark:+ $mark}"; }

# For the observation: if the last declared config is neither deployed nor was tried here, something else has answered
# in place of this script.
# Reads: folder state. Sets: -. Prints: -. Scratch: tried.
record_attempt() {
    tried=$(sha256_of "$folder/config")
    grep -qsF "$tried" "$state/tried" || printf '%s\n' "$tried" >>"$state/tried"
} 2>/dev/null

# Reads: binary checks_of_host config service_state. Sets: installed_commit was_running. Prints: -. Scratch: host_check.
preflight() {
    nothing_changes
    for host_check in $checks_of_host; do "$host_check"; done
    installed_commit=$(zot_commit "$binary")
    was_running=no
    if [ "$service_state" = running ] || [ -n "$(zot_processes)" ]; then
        was_running=yes
    elif [ -f "$config" ] && expect_of "$config" && is_ready; then
        was_running=yes
    fi
}

# zot needs nothing; but the files beside it may come from an older version of this program.
# Reads: folder state. Sets: -. Prints: -. Scratch: deployment last number.
refresh_state() {
    place_start
    for number in $(deployments | sort -rn); do
        deployment=$state/pushes/$number
        cmp -s "$folder/config" "$deployment/config.json" || continue
        cmp -s "$folder/readOnlyConfig" "$deployment/read-only.json" ||
            { copy_config "$folder/readOnlyConfig" "$state/read-only.new" && mv -f "$state/read-only.new" "$deployment/read-only.json"; }
        return
    done
    # Somebody removed the record of the deployments.
    last=$(deployments | tail -n 1)
    rm -rf "$state/staging"
    mkdir "$state/staging" && copy_config "$folder/config" "$state/staging/config.json" &&
        copy_config "$folder/readOnlyConfig" "$state/staging/read-only.json" && chmod 0755 "$state/staging" &&
        mv "$state/staging" "$state/pushes/$((${last:-0} + 1))"
}

# Reads: checks_of_deployment folder repaired. Sets: owner. Prints: -. Scratch: check.
deploy() {
    owner=$(zot_owner)
    find_service_file
    service_file_text "$folder/config" >"$folder/service-file"
    if [ -z "$(interrupted_deployment)" ] && is_deployed; then
        refresh_state
        # The previous deployment may not have got this far.
        prune 5
        answer "${repaired:-unchanged}"
        return
    fi
    preflight
    for check in $checks_of_deployment; do "$check"; done
    something_changes
    if recover && is_deployed; then
        refresh_state
        prune 5
        answer "deployed"
        return
    fi
    check_first_deployment
    stage "$folder/config"
    put_into_force probe
    prune 5
    check_start_in_use
    report_start_with_host
    answer "deployed"
}

# Reads: config folder service_file. Sets: repaired. Prints: -.
is_deployed() {
    repaired=
    holds "$folder/config" "$config" && each_secret holds "$folder/config" && { [ -z "$service_file" ] || cmp -s "$folder/service-file" "$service_file"; } &&
        expect_of "$config" && is_ready && probe && repair_modes && repair_enabling
}

# Reads: config folder on_destroy target. Sets: owner. Prints: -.
withdraw() {
    owner=$(zot_owner)
    find_service_file
    if [ "$on_destroy" = restore ]; then
        restore
        return
    fi
    if [ -z "$(interrupted_deployment)" ] && in_force "$folder/readOnlyConfig" && expect_of "$config" && is_ready && probe; then
        answer "unchanged"
        return
    fi
    preflight
    something_changes
    stage "$folder/readOnlyConfig"
    put_into_force probe
    # Removes the secrets of configs that are no longer in force.
    rm -f "$target/replaced.json"
    prune 1
    answer "read-only"
}

# Restores what was there before the first deployment.
# Reads: authorities config declared own_service problem service_file state target. Sets: declared secret_config.
# Prints: -. Scratch: original.
restore() {
    original=$state/original
    [ -d "$original" ] || fail "This host does not know what was there before the first deployment: $original is missing. Set host.onDestroy to read-only, run pulumi up, which brings that to this host, and then destroy. [ZH-RESTORE-UNKNOWN]"
    preflight
    something_changes
    if [ -f "$original/config.json" ]; then
        declared=$(issuer_of "$original/config.json")
        [ -z "$declared" ] || [ -e "$original/stopped" ] || issuer_answers "$declared" "$authorities" 10 || fail "$problem The config from before the first deployment cannot start without its issuer. [ZH-RESTORE-ISSUER]"
        # Copies of the config must not be readable for more users than the config is.
        [ -n "$(find "$original/config.json" -prune -perm -0004 2>/dev/null)" ] || secret_config=yes
        stage "$original/config.json"
        require "The config from before the first deployment could not be written in $target. [ZH-RESTORE-NOT-WRITTEN]" cp -p "$original/config.json" "$target/live.json"
        if [ -e "$original/stopped" ]; then
            commit
            stop_service
            mark_proven
        else
            put_into_force is_ready
        fi
    else
        rm -f "$config"
        stop_service
    fi
    if [ -n "$service_file" ] && [ -e "$service_file" ]; then
        unload_service_file
        load_service_file
        [ -e "$original/stopped" ] || [ "$own_service" = yes ] || restart_service
    fi
    rm -rf "$state/pushes" "$original" "$state/deployed" "$state/tried"
    # The site's own service may still run the start script, which can start any config.
    start_in_use ""
    if [ $? -eq 1 ] || [ -n "$service_file" ]; then rm -f "$state/start" "$state/serving"; fi
    answer "restored"
}

folder=$1
verb=$2
mark=
ended=
trap 'report_end; finish' EXIT
{ printf '' >"$folder/output" && printf '' >"$folder/error" && unpack; } 2>/dev/null || fail "The payload cannot be unpacked in $folder; check whether its disk is full. [ZH-PAYLOAD-NOT-UNPACKED]"
if [ "$sudo" = all ] && [ "$user_id" -ne 0 ]; then
    case $manager in *-user | *-agent) fail "host.sudo is all, but a service of $manager belongs to the user $(id -un); set host.sudo to off. [ZH-SUDO-USER-SERVICE]" ;; esac
    [ "${3-}" != root ] || fail "sudo was to run the deployment as root, and ran it as $(id -un); check runas_default in sudoers. [ZH-SUDO-NOT-ROOT]"
    sudo_allows || fail "$problem"
    exec sudo -n /bin/sh "$folder/payload" "$folder" "$verb" root </dev/null
fi
service_file_changed=
check_tools
check_trust || fail "$problem"
stopped=
trap 'stop_for "$stopped_by_signal"' INT TERM
acquire_lock
arm
clear_payloads
case $verb in
deploy)
    record_attempt
    deploy
    ;;
withdraw) withdraw ;;
esac
run sync "$config_folder"
ended=yes
exit 0
