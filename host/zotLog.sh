# The output of zot since a restart, and the output of the restart.

log_lengths=

# The log files of zot, as ask_service has found them.
# Reads: log_file manager nodes. Sets: -. Prints: a path on each line.
zot_logs() {
    if [ -n "$log_file" ]; then
        printf '%s\n' "$log_file"
    else
        case $manager in launchd-*)
            service_fact 'stdout path'
            service_fact 'stderr path'
            ;;
        esac
        if [ -n "${nodes-}" ]; then value_of log.output | grep '^/'; fi
    fi | sort -u | grep -v '[[:space:]:]'
}

# Reads: log_lengths. Sets: -. Prints: what the logs have since the restart.
new_log_lines() (
    for log in $log_lengths; do
        # shellcheck disable=SC2016 # for the shell that reads
        read_log "${log%:*}" 'tail -c "+$1"' "$((${log##*:} + 1))" | tail -c 65536
    done
)

# Reads: -. Sets: -. Prints: a number of bytes.
log_length() {
    printf '%d' "$(read_log "$1" 'wc -c')" 2>/dev/null
}

# Reads a log with a shell command, on its standard input. If others than root could replace the file, for example with
# a link or a pipe, it is read with zot's rights only, and only if it is a plain file. If zot runs as root, there are no
# lesser rights: then the opened file must be the file with this name, have no other name, and not be reached by a link.
# Reads: owner user_id. Sets: -. Prints: what the command prints.
# shellcheck disable=SC2016 # for the shell that reads
read_log() (
    log_file_read=$1
    read_by=$2
    shift 2
    by=
    is_it=:
    if [ "$user_id" -eq 0 ] && { [ -L "$log_file_read" ] || [ -n "$(untrusted_folders "${log_file_read%/*}")" ]; }; then
        if [ "${owner:-0}" != 0 ]; then
            can_become_zot || return 1
            by=as_zot
        else
            log_file_read=$(cd -P "${log_file_read%/*}/" && pwd -P)/${log_file_read##*/} || return 1
            is_it='[ "$(readlink /proc/self/fd/0)" = "$0" ] && [ "$(ls -Lldn /proc/self/fd/0 | awk "{ print \$2 }")" = 1 ]'
        fi
    fi
    $by /bin/sh -c "[ -f \"\$0\" ] && exec <\"\$0\" && $is_it && $read_by" "$log_file_read" "$@"
) 2>/dev/null

# The lines of the unit in the journal since the restart: the program, and what it said. Members of the group
# systemd-journal may read it; otherwise sudo may allow it, with exactly these arguments (components/hostRights.ts).
# Reads: manager restarted_at service sudo. Sets: -. Prints: lines.
unit_journal() (
    unit=--unit
    [ "$manager" != systemd-user ] || unit=--user-unit
    set -- journalctl --no-pager --quiet --output short-unix --lines 400 "$unit" "$service"
    noted=$("$@" 2>/dev/null </dev/null)
    if [ -z "$noted" ] && [ "$manager:$sudo" = systemd:service ]; then noted=$(sudo -n "$@" 2>/dev/null </dev/null); fi
    # Time and host precede it.
    printf '%s\n' "$noted" | awk -v since="$restarted_at" '$1 >= since + 0 { sub(/^[^ ]+ [^ ]+ /, ""); print }'
)

# Of such lines, those of the unit's programs, or those of systemd except that it has stopped and started the unit.
# Reads: -. Sets: -. Prints: of its input what `unit` or `systemd` has said.
said_by() {
    awk -v wanted="$1" '
        { by = /^systemd\[/ ? "systemd" : "unit"; sub(/^[^ ]+ /, "") }
        by == "systemd" && /^(Start|Stop)(ed|ing|ped|ping) |: (Deactivated successfully|Scheduled restart job|Consumed )/ { next }
        by == wanted { print }'
}

# A sentence in place of zot's last lines, if there are none to read.
# Reads: log_file manager user_id. Sets: -. Prints: lines, the first empty, or nothing. Scratch: noted.
why_no_words() {
    [ -z "$log_file" ] || return 0
    case $manager in
    command) printf '\n%s' "To see zot's output here, set host.logFile to its log. [ZH-LOG-NOT-SET]" ;;
    systemd | systemd-user)
        noted=$(unit_journal)
        if [ -z "$noted" ] && [ "$manager" = systemd ] && [ "$user_id" -ne 0 ]; then
            printf '\n%s' "zot's output is in the journal of the host (journalctl --unit $(unit_name)), which $(id -un) may not read; npm run host-rights prints what root has to allow. [ZH-LOG-JOURNAL]"
            return
        fi
        noted=$(printf '%s\n' "$noted" | said_by systemd | tail -n 5 | cut -c 1-400)
        [ -z "$noted" ] || printf '\nsystemd has said:\n%s' "$noted"
        printf '\n%s' "zot has written nothing to the journal of $(unit_name); if it logs to a file, set host.logFile to that file. [ZH-LOG-ELSEWHERE]"
        ;;
    esac
}

# The lines of zot since the restart: those with errors, or else the last ones, without secrets.
# Reads: log_file manager. Sets: -. Prints: at most five lines.
last_words() {
    {
        new_log_lines
        case $manager in
        systemd | systemd-user) [ -n "$log_file" ] || unit_journal | said_by unit ;;
        esac
    } | relevant_lines
}

# The output of the restart. If a command has started zot, it may be the output of zot; if the restart failed, it was
# reported already.
# Reads: folder restarted. Sets: -. Prints: at most five lines.
words_of_restart() { [ -z "$restarted" ] || relevant_lines <"$folder/output"; }

# Reads: -. Sets: -. Prints: of its input at most five lines.
relevant_lines() {
    sed 's/^{"time":"[^"]*",//; s/,"caller":.*//; s/,"goroutine":.*//' |
        awk '
            # A line of zot after a normal end.
            /http: Server closed/ || /"message":"HTTP API"/ || /^[[:space:]]*$/ { next }
            /"level":"(error|fatal|panic)"|^panic:|^Error/ { errors = errors $0 "\n" }
            { last[++count] = $0 }
            END {
                if (errors != "") printf "%s", errors
                else for (line = count - 4; line <= count; line++) if (line > 0) print last[line]
            }' | tail -n 5 | cut -c 1-400 | without_secrets
}

# Removes the content of the secret files, and the secrets of the config, in case somebody logs it. (Secrets reach awk
# on its input, not in its arguments.)
# Reads: folder. Sets: -. Prints: its input.
without_secrets() {
    {
        cat "$folder/credentials" "$folder/sessionKeys" 2>/dev/null
        echo
        sed 's/^/ /' "$folder/configSecrets" 2>/dev/null
        echo '=='
        cat
    } | awk '
        !text && $0 == "==" { text = 1; next }
        # A secret that is part of the replacement would be replaced without end.
        !text && /^ / { secret = substr($0, 2); if (length(secret) >= 4 && !index("[secret]", secret)) secrets[secret] = 1; next }
        !text { count = split($0, parts, "\""); for (part = 4; part <= count; part += 4) if (length(parts[part]) >= 8) secrets[parts[part]] = 1; next }
        {
            for (secret in secrets) while ((at = index($0, secret)) > 0) $0 = substr($0, 1, at - 1) "[secret]" substr($0, at + length(secret))
            print
        }'
}
