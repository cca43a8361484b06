# The transaction: staged, committed by one rename, proven or taken back, and ended after an interruption.

in_force() { [ -f "$config" ] && [ ! -L "$config" ] && cmp -s "$1" "$config" && has_mode "$config" 0644 "$(id -u)"; }

# Does something for each secret file that a config names.
each_secret() {
    names "$2" "$credentials" && { "$1" "$folder/credentials" "$credentials" || return 1; }
    names "$2" "$session_keys" && { "$1" "$folder/sessionKeys" "$session_keys" || return 1; }
    return 0
}

names() { grep -qF "\"$2\"" "$1"; }

is_in_place() { [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$1" "$2" && has_mode "$2" 0600 "$owner"; }

holds() { [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$1" "$2"; }

# Files of a config that serves which only have another mode or owner than they should get them back; zot need not be restarted
# for it. Fails where that cannot be done, or would take them from the user that zot runs as.
mend_modes() {
    mended=
    in_force "$folder/config" && each_secret is_in_place "$folder/config" && return 0
    find_listener
    is_user_of_zot || return 1
    { [ "$(owner_of "$config")" = "$(id -u)" ] || chown "$(id -u)" "$config"; } && chmod 0644 "$config" || return 1
    each_secret mend_secret "$folder/config" || return 1
    mended=mended
} 2>/dev/null

mend_secret() { is_in_place "$1" "$2" || { chmod 0600 "$2" && give_to_zot "$2"; }; }

# Copies, and looks whether all of it has arrived: not every tool tells of a full disk.
copy() { cp "$1" "$2" && cmp -s "$1" "$2" && chmod "$3" "$2"; }

# The config that is in force may name a secret file, too: until the commit it stays as it is, and its successor waits in the
# push's folder; after the commit it is kept there until the push is proven.
stage_secret() {
    is_in_place "$1" "$2" && return 0
    waiting=$staging/secrets/${2##*/}
    [ -d "$staging/secrets" ] || { mkdir "$staging/secrets" && chmod 0711 "$staging/secrets"; } || return 1
    copy "$1" "$waiting" 0600 && give_to_zot "$waiting"
}

# Keeps the secret files that the push is to replace, by a second name for the very file, and puts the others in their place.
keep_replaced_secrets() {
    for waiting in "$target"/secrets/*; do
        [ -f "$waiting" ] || continue
        place=$config_folder/${waiting##*/}
        if [ -L "$place" ] || [ -e "$place" ]; then
            [ -d "$target/replaced-secrets" ] || { mkdir "$target/replaced-secrets" && chmod 0711 "$target/replaced-secrets"; } || return 1
            link_or_copy "$place" "$target/replaced-secrets/${waiting##*/}" || return 1
        else
            mv "$waiting" "$place" || return 1
        fi
    done
}

# The config that names them is in its place by now.
replace_secrets() {
    for waiting in "$target"/secrets/*; do
        [ -f "$waiting" ] || continue
        mv -f "$waiting" "$config_folder/${waiting##*/}" || return 1
    done
}

# The files that a push has replaced come back as they were, to owner, mode and bytes. But where zot has to start again by them, one
# that it could not read any more, or that holds something else than its name says, stays replaced.
put_back_secrets() {
    for kept in "$1"/replaced-secrets/*; do
        [ -L "$kept" ] || [ -f "$kept" ] || continue
        if [ -n "$restarted" ] && ! { as_zot test -r "$kept" && each_secret is_not_another "$config"; }; then continue; fi
        mv -f "$kept" "$config_folder/${kept##*/}"
    done
}

is_not_another() { [ "${2##*/}" != "${kept##*/}" ] || holds "$1" "$kept"; }

give_to_zot() { [ "$(owner_of "$1")" = "$owner" ] || chown "$owner" "$1"; }

# The newest push that was begun and not ended, if there is one other than this: its folder still has the mark.
interrupted_push() {
    for number in $(pushes); do
        push=$state/pushes/$number
        if [ "$push" != "$target" ] && [ -e "$push/unproven" ]; then printf '%s\n' "$push"; fi
    done | tail -n 1
}

# Removes a push that is not in force. With the first of all, what it kept of before goes too: that may change until the next.
forget_push() {
    put_back_service_file "$1"
    put_back_secrets "$1"
    put_back_start "$1"
    rm -rf "$1"
    [ -n "$(pushes)" ] || rm -rf "$state/original"
}

# Writes everything that is to be put into force, complete, with its final modes and owners, beside its place.
stage() {
    staging=$state/staging
    place="The deployment could not be written in $state. [ZH-STAGE-NOT-WRITTEN]"
    must "$place" rm -rf "$staging"
    must "$place" mkdir "$staging"
    must "$place" copy "$1" "$staging/config.json" 0644
    must "$place" copy "$folder/readOnlyConfig" "$staging/read-only.json" 0644
    must "$place" copy "$1" "$staging/live.json" 0644
    must "$place" touch "$staging/unproven" "$staging/uncommitted"
    must "$place" chmod 0755 "$staging"
    must "The secret files could not be written in $state. [ZH-STAGE-SECRETS]" each_secret stage_secret "$1"
    heed
    verify_staged "$staging/config.json"
    verify_staged "$staging/read-only.json"
    heed
    last=$(pushes | tail -n 1)
    must "$place" mv "$staging" "$state/pushes/$((${last:-0} + 1))"
    target=$state/pushes/$((${last:-0} + 1))
    keep_original
    keep_replaced
    must "The secret files could not be put beside $config. [ZH-STAGE-SECRETS-KEPT]" keep_replaced_secrets
    place_start
    place_service_file
    # After a power cut there is to be either all of it or none. (An older sync takes no files, and writes everything.)
    run sync "$target"/* "$target"/*/* "$target" "$state/pushes" "$credentials" "$session_keys" "$config_folder"
    heed
}

# What was there before the first push, for a destroy that restores it.
keep_original() {
    [ ! -d "$state/original" ] && [ "$(pushes)" = "${target##*/}" ] || return 0
    place="The config that is in force could not be kept in $state/original. [ZH-KEEP-ORIGINAL]"
    must "$place" rm -rf "$state/original.new"
    must "$place" mkdir "$state/original.new"
    if [ -f "$config" ]; then must "$place" cp -p "$config" "$state/original.new/config.json"; fi
    if [ "$was_running" = no ]; then must "$place" touch "$state/original.new/stopped"; fi
    must "$place" mv "$state/original.new" "$state/original"
}

# The way back: the very file that is replaced, by a second name, so that it takes no room and no writing to bring it back. Of a
# config that was never proven, what that one has replaced.
keep_replaced() {
    place="The config that is in force could not be kept in $target. [ZH-KEEP-REPLACED]"
    interrupted=$(interrupted_push)
    if [ -n "$interrupted" ] && cmp -s "$interrupted/config.json" "$config"; then
        [ ! -e "$interrupted/replaced.json" ] || must "$place" link_or_copy "$interrupted/replaced.json" "$target/replaced.json"
    elif [ -f "$config" ]; then
        must "$place" link_or_copy "$config" "$target/replaced.json"
    fi
}

link_or_copy() { ln "$1" "$2" 2>/dev/null || { cp -p "$1" "$2" && cmp -s "$1" "$2"; }; }

commit() {
    must "The deployment could not be committed in $target. [ZH-COMMIT-MARK]" rm -f "$target/uncommitted"
    committed=yes
    restarted=
    mv -f "$target/live.json" "$config" 2>"$folder/error" || {
        committed=
        fail "$(because "The config could not be renamed to $config. [ZH-COMMIT-RENAME]" "$(last_of "$folder/error")")"
    }
}

# Restarts zot with the config that is in its place by now, and proves that it serves it. Sets $problem otherwise.
activate() {
    expect_of "$config" || {
        problem="The config $config cannot be read. [ZH-CONFIG-UNREADABLE]"
        return 1
    }
    before_restart
    if ! restart_service; then
        problem=$(because "zot could not be restarted. [ZH-RESTART-FAILED]" "$(last_of "$folder/output")")
        return 1
    fi
    restarted=yes
    wait_until_ready && has_changed && is_installed_zot || return 1
    "$1" || {
        problem="zot runs, but not as its config says. [ZH-DEPLOY-NOT-PROVEN] $problem"
        return 1
    }
    [ -z "$stopped" ]
}

# Puts what was staged into force, or brings back what it replaced.
put_into_force() {
    commit
    must "The secret files of the config could not be put beside it. [ZH-COMMIT-SECRETS]" replace_secrets
    activate "$1" || fail_of_zot
    is_proven
}

fail_of_zot() {
    heed
    fail "$problem$(last_words_note)"
}

# What zot has said, if it has said anything.
last_words_note() {
    words=$(last_words)
    if [ -n "$words" ]; then printf '\nThe last words of zot:\n%s' "$words"; else why_no_words; fi
}

is_proven() {
    # From here on the config stays; what is left is tidying.
    committed=
    rm -f "$target/unproven" "$target/live.json"
    forget_former "$target"
    # For a look that has to know what was deployed here, and what never was.
    {
        tail -n 500 "$state/deployed" 2>/dev/null
        sha256_of "$target/config.json"
    } >"$state/deployed.new" && chmod 0644 "$state/deployed.new" && mv -f "$state/deployed.new" "$state/deployed"
} 2>/dev/null

# What a proven push kept of what stood beside the config that it has replaced.
forget_former() { rm -rf "$1/secrets" "$1/replaced-secrets" "$1/replaced-start" "$1/no-start" "$1/no-serving"; }

# Brings back what the push has replaced, whatever the reason.
take_back() {
    committed=
    put_back_service_file "$target"
    if [ ! -e "$target/replaced.json" ]; then
        expect_of "$config"
        rm -f "$config"
        stop_service
        # What was told to end, or cannot start without a config, takes a moment.
        attempts=0
        while [ -n "$(zot_processes)" ] && [ "$attempts" -lt 30 ] && [ -z "$stopped" ]; do
            attempts=$((attempts + 1))
            pause 0.1
        done
        if [ -e "$config" ]; then
            warn "There was no config before this deployment, and $config could not be removed. [ZH-ROLLBACK-NOT-REMOVED]"
        elif [ -n "$(zot_processes)" ]; then
            warn "There was no config before this deployment, and there is none now; zot still runs (process $(zot_processes | head -n 1)). [ZH-ROLLBACK-NONE-RUNS]"
        elif is_ready; then
            find_listener
            warn "There was no config $config before this deployment, and there is none now; what answers at $url is another program${listener:+ (process $listener)}. [ZH-ROLLBACK-NONE-OTHER]"
        else
            warn "There was no config before this deployment, so that there is none now, and zot does not run. [ZH-ROLLBACK-NONE]"
        fi
        [ -e "$config" ] || forget_push "$target"
        return
    fi
    put_back_secrets "$target"
    if ! mv -f "$target/replaced.json" "$config"; then
        if cmp -s "$target/config.json" "$config"; then
            warn "The config that was in force before could not be brought back from $target/replaced.json to $config, which is the new one. [ZH-ROLLBACK-FAILED]"
        else
            warn "The config that was in force before could not be brought back from $target/replaced.json to $config, which is neither the former nor the new one. [ZH-ROLLBACK-FAILED-OTHER]"
        fi
        tell_ready
        return
    fi
    if [ "$was_running" = no ]; then
        # A command can only restart: what was rejected is not to run on.
        if [ "$manager" = command ]; then expect_of "$config" && restart_service && wait_until_ready; else stop_service; fi
        warn "The config that was there before is back; zot did not run before this deployment. [ZH-ROLLBACK-NOT-RUNNING]"
        tell_ready
        forget_push "$target"
        return
    fi
    # Where no restart has succeeded, what runs has never seen another config; without its issuer it could not start again.
    if [ -z "$restarted" ] && expect_of "$config" && is_ready && ! has_changed; then
        warn "The config that was in force before is back; zot was not restarted, and serves it as before. [ZH-ROLLBACK-NO-RESTART]"
        forget_push "$target"
        return
    fi
    declared=$(issuer_of "$config")
    if [ -n "$declared" ] && ! issuer_answers "$declared" "$authorities" 5 && bring_up_read_only; then
        warn "The config that was in force before cannot start either, since its issuer does not answer. zot serves read-only: anyone may pull, and nobody may log in. Run pulumi up again when the issuer answers. [ZH-ROLLBACK-READ-ONLY]"
        return
    fi
    if bring_up; then
        if serves_our_config; then
            warn "The config that was in force before is back, and zot is ready with it$(serving_note). [ZH-ROLLBACK-DONE]"
        else
            warn "The config that was in force before is back, but zot does not serve it. [ZH-ROLLBACK-NOT-SERVED] $problem"
        fi
        forget_push "$target"
        return
    fi
    warn "The config that was in force before is back in $config, but zot is not ready with it. [ZH-ROLLBACK-NOT-READY] $problem$(last_words_note)"
}

# Whether zot is ready now, as a line of its own.
tell_ready() {
    if expect_of "$config" && is_ready; then
        warn "zot is ready now. [ZH-ROLLBACK-ZOT-READY]"
    else
        warn "zot is not ready now. [ZH-ROLLBACK-ZOT-NOT-READY]"
    fi
}

# What is left where a config cannot start for want of its issuer: anyone may still pull. The start that waits does this by itself.
# The push becomes one of the read-only config, and keeps what was there; by second names, since the disk may be full.
bring_up_read_only() {
    start_in_use "$serving_before" && return 1
    link_or_copy "$config" "$target/replaced.json" && mv -f "$target/read-only.json" "$target/config.json" &&
        link_or_copy "$target/config.json" "$target/live.json" && mv -f "$target/live.json" "$config" || return 1
    if bring_up && prove; then
        is_proven
        return 0
    fi
    mv -f "$target/replaced.json" "$config"
    return 1
}

# Restarts zot with the config that is in its place until it is ready, or its time is over: a port may be free again by then.
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
        if restart_service && wait_until_ready && has_changed; then return 0; fi
        if [ -n "$stopped" ] || { [ "$attempts" -ge 2 ] && [ "$(now)" -ge "$up_until" ]; }; then return 1; fi
        pause 0.5
    done
}

# Ends what an earlier push has left unended: its config is proven, or goes. Answers whether it was proven.
settle() {
    interrupted=$(interrupted_push)
    [ -n "$interrupted" ] || return 1
    ended_before=yes
    if [ -e "$interrupted/uncommitted" ]; then
        forget_push "$interrupted"
        return 1
    fi
    target=$interrupted
    # It may be the interruption that zot does not run.
    if [ -e "$target/replaced.json" ]; then was_running=yes; fi
    proven=
    if cmp -s "$target/config.json" "$config"; then
        warn "zot-hardening: An earlier deployment was interrupted; this one proves what it has put into force. [ZH-RECOVER-PROVE]"
        committed=yes
        restarted=
        if replace_secrets 2>"$folder/error" && activate prove; then
            is_proven
            proven=yes
        else
            heed
            warn "zot-hardening: $problem"
            restarted=yes
            trap '' INT TERM
            stopped=
            trap 'stop_for "late"' ALRM
            start_clock $((2 * ready_timeout + 60))
            take_back
            arm
        fi
    else
        # It was on its way back; zot may still run with what was taken back.
        warn "zot-hardening: An earlier deployment was interrupted while it was rolled back; this one restarts zot with the config that is in its place. [ZH-RECOVER-ROLLBACK]"
        restarted=yes
        put_back_secrets "$target"
        if [ ! -f "$config" ] || bring_up; then forget_push "$target"; else warn "zot-hardening: $problem"; fi
    fi
    target=
    [ -n "$proven" ]
}

# Keeps the newest pushes.
tidy() {
    kept=$(($(pushes | wc -l)))
    for number in $(pushes); do
        [ "$kept" -gt "$1" ] || break
        rm -rf "$state/pushes/$number"
        kept=$((kept - 1))
    done
}

# Removes what was only on its way, and the secret files that no config names any more.
sweep() {
    rm -rf "$state"/*.new "$state/staging"
    for push in "$state"/pushes/*; do
        # Cut off between its proof and the tidying.
        [ -e "$push/unproven" ] || [ ! -d "$push" ] || forget_former "$push"
    done
    # Another zot's config may be in this folder, too.
    set --
    for holder in "$config_folder"/*.json "$state"/pushes/*/*.json "$state"/original/*.json; do
        case ${holder##*/} in oidc-credentials.* | session-keys.*) continue ;; esac
        if [ -f "$holder" ]; then set -- "$@" "$holder"; fi
    done
    for file in "$config_folder"/oidc-credentials.*.json "$config_folder"/session-keys.*.json; do
        [ -f "$file" ] || continue
        grep -qF "\"$file\"" /dev/null "$@" 2>/dev/null
        # 1: named nowhere. What cannot be read may name it.
        [ $? -ne 1 ] || rm -f "$file"
    done
}
