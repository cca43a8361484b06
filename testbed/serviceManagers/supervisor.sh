# shellcheck shell=sh
# What both stand-ins for a service manager do with a service: start it, start it again when it ends, stop it. Sourced.
#
# SERVICE_MANAGER_FOLDER holds `calls`, every call in its own words, and a folder for each service that is known:
#   command   what it runs, a word a line      restart   always, or no      delay   seconds until it is started again
#   disabled  there where somebody has disabled it
#   starts    how often it was started         pid       of the process     supervisor   of what starts it again
#   log
#   status    with which its process has ended, where it has ended by itself
: "${SERVICE_MANAGER_FOLDER:?the folder of the stand-in for a service manager}"
printf '%s %s\n' "${0##*/}" "$*" >>"$SERVICE_MANAGER_FOLDER/calls"

folder_of() { printf '%s/%s.service' "$SERVICE_MANAGER_FOLDER" "$1"; }

of_service() { cat "$(folder_of "$1")/$2" 2>/dev/null; }

is_running() { runs "$(of_service "$1" pid)"; }

# Ended, a process may yet wait for somebody to ask how.
runs() { [ -n "$1" ] && kill -0 "$1" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }

start() {
    service_folder=$(folder_of "$1")
    ! is_running "$1" || return 0
    echo 0 >"$service_folder/starts"
    rm -f "$service_folder/pid" "$service_folder/status"
    (
        trap '' HUP
        while :; do
            echo $(($(cat "$service_folder/starts") + 1)) >"$service_folder/starts"
            set --
            while IFS= read -r word; do set -- "$@" "$word"; done <"$service_folder/command"
            "$@" >>"$service_folder/log" 2>&1 &
            echo $! >"$service_folder/pid"
            wait "$!"
            echo $? >"$service_folder/status"
            [ "$(cat "$service_folder/restart")" = always ] || break
            sleep "$(cat "$service_folder/delay")"
        done
    ) </dev/null >/dev/null 2>&1 &
    echo $! >"$service_folder/supervisor"
    while [ ! -s "$service_folder/pid" ]; do sleep 0.01; done
}

stop() {
    service_folder=$(folder_of "$1")
    # A manager is not its caller's child. This one is, and ignores what its caller ignores: a push that must not be cut
    # off, SIGTERM.
    kill -9 "$(of_service "$1" supervisor)" 2>/dev/null
    ended=$(of_service "$1" pid)
    kill "$ended" 2>/dev/null
    tries=0
    while runs "$ended"; do
        tries=$((tries + 1))
        [ "$tries" -ne 300 ] || kill -9 "$ended" 2>/dev/null
        sleep 0.01
    done
    rm -f "$service_folder/pid" "$service_folder/supervisor"
}
