# The transaction: committed by one rename, activated by a restart, proven by a probe.

# Reads: config folder target. Sets: committed restarted. Prints: -.
commit() {
    something_changes
    require "The deployment could not be committed in $target. [ZH-COMMIT-MARK]" rm -f "$target/uncommitted"
    committed=yes
    restarted=
    mv -f "$target/live.json" "$config" 2>"$folder/error" || {
        committed=
        fail "$(because "The config could not be renamed to $config. [ZH-COMMIT-RENAME]" "$(last_of "$folder/error")")"
    }
}

# Restarts zot with the config in its place, and proves that zot serves it. Sets $problem if not.
# Reads: config folder problem stopped. Sets: problem restarted. Prints: -.
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
    wait_until_ready || return 1
    wait_until_changed || {
        # If zot still is the same process, a command that reported success has not restarted it.
        has_changed || restarted=
        return 1
    }
    is_installed_zot || return 1
    "$1" || {
        problem="zot runs, but not as its config says. [ZH-DEPLOY-NOT-PROVEN] $problem"
        return 1
    }
    [ -z "$stopped" ]
}

# Commits what was staged, or restores what it replaced.
# Reads: -. Sets: -. Prints: -.
put_into_force() {
    commit
    require "The secret files of the config could not be put beside it. [ZH-COMMIT-SECRETS]" replace_secrets
    activate "$1" || fail_of_zot
    mark_proven
}

# Reads: problem. Sets: -. Prints: -.
fail_of_zot() {
    fail_if_stopped
    fail "$problem$(last_words_note)"
}

# The output of zot or, if there is none, of its restart.
# Reads: -. Sets: -. Prints: lines, the first empty.
last_words_note() (
    words=$(last_words)
    if [ -n "$words" ]; then
        printf '\nThe last words of zot:\n%s' "$words"
        return
    fi
    words=$(words_of_restart)
    [ -z "$words" ] || printf '\nThe restart has said:\n%s' "$words"
    why_no_words
)

# Reads: secret_config state target. Sets: committed. Prints: -.
mark_proven() {
    # From here on the config stays; only cleaning up is left.
    committed=
    rm -f "$target/unproven" "$target/live.json"
    forget_former "$target"
    # A hash would not do: it could reveal a short password in a config. This record tells the observation what was
    # deployed here, and what never was.
    {
        tail -n 500 "$state/deployed" 2>/dev/null
        sha256_of "$target/config.json"
    } >"$state/deployed.new" && { [ "$secret_config" = yes ] || chmod 0644 "$state/deployed.new"; } && mv -f "$state/deployed.new" "$state/deployed"
} 2>/dev/null

# Removes what a proven deployment has kept of its predecessor beside the config.
# Reads: -. Sets: -. Prints: -.
forget_former() { rm -rf "$1/secrets" "$1/replaced-secrets" "$1/replaced-start" "$1/no-start" "$1/no-serving"; }
