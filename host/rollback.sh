# Rollback: restores what a deployment has replaced. Recovery: proves an interrupted deployment, or rolls it back.

# Restores what the deployment has replaced, whatever the reason.
# Reads: authorities config declared listener manager problem restarted stopped target url was_running. Sets: committed
# declared. Prints: lines, on standard error. Scratch: running waits.
rollback() {
    committed=
    put_back_service_file "$target"
    if [ ! -e "$target/replaced.json" ]; then
        expect_of "$config"
        rm -f "$config"
        stop_service
        # A process that was told to end, or cannot start without a config, takes a moment.
        waits=0
        running=$(running_zot)
        while [ -n "$running" ] && [ "$waits" -lt 30 ] && [ -z "$stopped" ]; do
            waits=$((waits + 1))
            pause 0.1
            running=$(running_zot)
        done
        if [ -e "$config" ]; then
            warn "There was no config before this deployment, and $config could not be removed. [ZH-ROLLBACK-NOT-REMOVED]"
        elif [ -n "$running" ]; then
            warn "There was no config before this deployment, and now there is none again; zot still runs (process $running). [ZH-ROLLBACK-NONE-RUNS]"
        elif is_ready; then
            find_listener
            warn "There was no config $config before this deployment, and now there is none again; another program answers at $url${listener:+ (process $listener)}. [ZH-ROLLBACK-NONE-OTHER]"
        else
            warn "There was no config before this deployment, and now there is none again; zot does not run. [ZH-ROLLBACK-NONE]"
        fi
        [ -e "$config" ] || forget_deployment "$target"
        return
    fi
    put_back_secrets "$target"
    if ! mv -f "$target/replaced.json" "$config"; then
        if cmp -s "$target/config.json" "$config"; then
            warn "The former config could not be restored from $target/replaced.json to $config, which is the new one. [ZH-ROLLBACK-FAILED]"
        else
            warn "The former config could not be restored from $target/replaced.json to $config, which is neither the former nor the new one. [ZH-ROLLBACK-FAILED-OTHER]"
        fi
        report_ready
        return
    fi
    if [ "$was_running" = no ]; then
        # A command can only restart; the rejected config must not stay in service.
        if [ "$manager" = command ]; then expect_of "$config" && restart_service && wait_until_ready; else stop_service; fi
        warn "The config that was there before is back; zot did not run before this deployment. [ZH-ROLLBACK-NOT-RUNNING]"
        report_ready
        forget_deployment "$target"
        return
    fi
    # If no restart has succeeded, the running zot has never read another config; and without its issuer it could not
    # start again.
    if [ -z "$restarted" ] && expect_of "$config" && is_ready && ! has_changed; then
        warn "The config that was in force before is back; zot was not restarted, and serves it as before. [ZH-ROLLBACK-NO-RESTART]"
        forget_deployment "$target"
        return
    fi
    declared=$(issuer_of "$config")
    if [ -n "$declared" ] && ! issuer_answers "$declared" "$authorities" 5 && bring_up_read_only; then
        warn "The config that was in force before cannot start either, since its issuer does not answer. zot serves read-only: anyone may pull, and nobody may log in. Run pulumi up again when the issuer answers. [ZH-ROLLBACK-READ-ONLY]"
        return
    fi
    if bring_up || is_up_all_the_same; then
        if serves_our_config; then
            warn "The config that was in force before is back, and zot is ready with it$(serving_note). [ZH-ROLLBACK-DONE]"
        else
            warn "The config that was in force before is back, but zot does not serve it. [ZH-ROLLBACK-NOT-SERVED] $problem"
        fi
        forget_deployment "$target"
        return
    fi
    warn "The config that was in force before is back in $config, but zot is not ready with it. [ZH-ROLLBACK-NOT-READY] $problem$(last_words_note)"
}

# Whether zot has restarted although its restart failed: a command may fail, or have to be ended, after its work
# is done.
# Reads: config problem. Sets: problem. Prints: -. Scratch: failed_restart.
is_up_all_the_same() {
    failed_restart=$problem
    expect_of "$config" && wait_until_ready && has_changed && return 0
    problem=$failed_restart
    return 1
}

# The zot process of this config, and not a supervisor: that has the config in its command line too, and serves nothing.
# Reads: -. Sets: -. Prints: a process id, or nothing.
running_zot() (
    processes=$(zot_processes)
    for process in $processes; do
        if is_zot_itself "$process"; then
            printf '%s' "$process"
            return
        fi
    done
    if [ -n "$processes" ] && is_ready; then printf '%s\n' "$processes" | head -n 1; fi
)

# Prints whether zot is ready now.
# Reads: config. Sets: -. Prints: a line, on standard error.
report_ready() {
    if expect_of "$config" && is_ready; then
        warn "zot is ready now. [ZH-ROLLBACK-ZOT-READY]"
    else
        warn "zot is not ready now. [ZH-ROLLBACK-ZOT-NOT-READY]"
    fi
}

# The last resort if a config cannot start without its issuer: serve read-only, so that anyone may still pull. The start
# script does this itself. The read-only config becomes that of this deployment, and the former files stay under second
# names, because the disk may be full.
# Reads: config serving_before target. Sets: -. Prints: -.
bring_up_read_only() {
    start_in_use "$serving_before" && return 1
    link_or_copy "$config" "$target/replaced.json" && mv -f "$target/read-only.json" "$target/config.json" &&
        link_or_copy "$target/config.json" "$target/live.json" && mv -f "$target/live.json" "$config" || return 1
    if bring_up && probe; then
        mark_proven
        return 0
    fi
    mv -f "$target/replaced.json" "$config"
    return 1
}

# Restarts zot with the config in its place until it is ready or the time is over: a port may become free meanwhile.
# Reads: config ready_timeout stopped. Sets: problem. Prints: -. Scratch: attempts up_until.
bring_up() {
    expect_of "$config" || {
        problem="The config $config that was brought back cannot be read. [ZH-ROLLBACK-UNREADABLE]"
        return 1
    }
    up_until=$(($(now) + ready_timeout))
    attempts=0
    while :; do
        attempts=$((attempts + 1))
        before_restart
        if restart_service && wait_until_ready && wait_until_changed; then return 0; fi
        if [ -n "$stopped" ] || { [ "$attempts" -ge 2 ] && [ "$(now)" -ge "$up_until" ]; }; then return 1; fi
        pause 0.5
    done
}

# Completes an interrupted deployment: proves its config, or rolls it back. Returns whether it was proven.
# Reads: config folder problem ready_timeout target. Sets: committed recovered_before restarted stopped target
# was_running. Prints: lines, on standard error. Scratch: interrupted proven.
recover() {
    interrupted=$(interrupted_deployment)
    [ -n "$interrupted" ] || return 1
    recovered_before=yes
    if [ -e "$interrupted/uncommitted" ]; then
        forget_deployment "$interrupted"
        return 1
    fi
    target=$interrupted
    # zot may be down because of the interruption.
    if [ -e "$target/replaced.json" ]; then was_running=yes; fi
    proven=
    if cmp -s "$target/config.json" "$config"; then
        warn "zot-hardening: An earlier deployment was interrupted; this one proves what it has put into force. [ZH-RECOVER-PROVE]"
        committed=yes
        restarted=
        if replace_secrets 2>"$folder/error" && activate probe; then
            mark_proven
            proven=yes
        else
            fail_if_stopped
            warn "zot-hardening: $problem"
            restarted=yes
            trap '' INT TERM
            stopped=
            trap 'stop_for "late"' ALRM
            start_clock $((2 * ready_timeout + 60))
            rollback
            arm
        fi
    else
        # It was interrupted during its rollback; zot may still run with the rejected config.
        warn "zot-hardening: An earlier deployment was interrupted while it was rolled back; this one restarts zot with the config that is in its place. [ZH-RECOVER-ROLLBACK]"
        restarted=yes
        put_back_secrets "$target"
        if [ ! -f "$config" ] || bring_up; then forget_deployment "$target"; else warn "zot-hardening: $problem"; fi
    fi
    target=
    [ -n "$proven" ]
}
