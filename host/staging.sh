# Staging: writes all files of a deployment beside their final places, and keeps what they replace.

# The newest unfinished deployment other than this one: its folder still has the mark.
# Reads: state target. Sets: -. Prints: a path, or nothing.
interrupted_deployment() (
    for number in $(deployments); do
        deployment=$state/pushes/$number
        if [ "$deployment" != "$target" ] && [ -e "$deployment/unproven" ]; then printf '%s\n' "$deployment"; fi
    done | tail -n 1
)

# Removes a deployment that is not in force. For the first deployment, it also removes the kept original, which may
# change before the next one.
# Reads: state. Sets: -. Prints: -.
forget_deployment() {
    put_back_service_file "$1"
    put_back_secrets "$1"
    put_back_start "$1"
    rm -rf "$1"
    [ -n "$(deployments)" ] || rm -rf "$state/original"
}

# Writes all files of the deployment, with their final modes and owners, beside their place.
# Reads: config config_folder credentials folder session_keys staging state target. Sets: staging target. Prints: -.
# Scratch: last stage_failed.
stage() {
    staging=$state/staging
    stage_failed="The deployment could not be written in $state. [ZH-STAGE-NOT-WRITTEN]"
    require "$stage_failed" rm -rf "$staging"
    require "$stage_failed" mkdir "$staging"
    require "$stage_failed" copy_config "$1" "$staging/config.json"
    require "$stage_failed" copy_config "$folder/readOnlyConfig" "$staging/read-only.json"
    require "$stage_failed" copy_config "$1" "$staging/live.json"
    require "$stage_failed" touch "$staging/unproven" "$staging/uncommitted"
    require "$stage_failed" chmod 0755 "$staging"
    require "The secret files could not be written in $state. [ZH-STAGE-SECRETS]" each_secret stage_secret "$1"
    fail_if_stopped
    verify_staged "$staging/config.json"
    verify_staged "$staging/read-only.json"
    fail_if_stopped
    last=$(deployments | tail -n 1)
    require "$stage_failed" mv "$staging" "$state/pushes/$((${last:-0} + 1))"
    target=$state/pushes/$((${last:-0} + 1))
    keep_original
    keep_replaced
    require "The secret files could not be put beside $config. [ZH-STAGE-SECRETS-KEPT]" keep_replaced_secrets
    place_start
    place_service_file
    # After a power cut, all of it must exist or none. (An older sync takes no arguments, and writes everything.)
    run sync "$target"/* "$target"/*/* "$target" "$state/pushes" "$credentials" "$session_keys" "$config_folder"
    fail_if_stopped
}

# Keeps what was there before the first deployment, for a destroy that restores it.
# Reads: config state target was_running. Sets: -. Prints: -. Scratch: original_failed.
keep_original() {
    [ ! -d "$state/original" ] && [ "$(deployments)" = "${target##*/}" ] || return 0
    original_failed="The config that is in force could not be kept in $state/original. [ZH-KEEP-ORIGINAL]"
    require "$original_failed" rm -rf "$state/original.new"
    require "$original_failed" mkdir "$state/original.new"
    require "$original_failed" chmod 0700 "$state/original.new"
    if [ -f "$config" ]; then require "$original_failed" cp -p "$config" "$state/original.new/config.json"; fi
    if [ "$was_running" = no ]; then require "$original_failed" touch "$state/original.new/stopped"; fi
    require "$original_failed" mv "$state/original.new" "$state/original"
}

# For the rollback: keeps the replaced file itself as a hard link, which needs no space and no write to restore. If the
# replaced config was never proven, keeps its predecessor.
# Reads: config target. Sets: -. Prints: -. Scratch: interrupted replaced_failed.
keep_replaced() {
    replaced_failed="The config that is in force could not be kept in $target. [ZH-KEEP-REPLACED]"
    interrupted=$(interrupted_deployment)
    if [ -n "$interrupted" ] && cmp -s "$interrupted/config.json" "$config"; then
        [ ! -e "$interrupted/replaced.json" ] || require "$replaced_failed" link_or_copy "$interrupted/replaced.json" "$target/replaced.json"
    elif [ -f "$config" ]; then
        require "$replaced_failed" link_or_copy "$config" "$target/replaced.json"
    fi
}

# Keeps the newest deployments.
# Reads: state. Sets: -. Prints: -.
prune() (
    kept=$(($(deployments | wc -l)))
    for number in $(deployments); do
        [ "$kept" -gt "$1" ] || break
        rm -rf "$state/pushes/$number"
        kept=$((kept - 1))
    done
)

# Removes files that were only staged, and secret files that no config names any more: neither this one, nor that of
# another zot in this folder, nor one that either has kept.
# Reads: config_folder state. Sets: -. Prints: -.
remove_unused() (
    rm -rf "$state"/*.new "$state/staging"
    for deployment in "$state"/pushes/*; do
        # Interrupted between proof and cleaning up.
        [ -e "$deployment/unproven" ] || [ ! -d "$deployment" ] || forget_former "$deployment"
    done
    set --
    for holder in "$config_folder"/*.json "$config_folder"/*.zot-hardening "$config_folder"/*.zot-hardening/pushes/*/*.json \
        "$config_folder"/*.zot-hardening/original/*.json "$state"/pushes/*/*.json "$state"/original/*.json; do
        case ${holder##*/} in oidc-credentials.* | session-keys.*) continue ;; esac
        # The name of the config may have any ending.
        holder=${holder%.zot-hardening}
        if [ -f "$holder" ]; then set -- "$@" "$holder"; fi
    done
    for file in "$config_folder"/oidc-credentials.*.json "$config_folder"/session-keys.*.json; do
        [ -f "$file" ] || continue
        grep -qF "\"$file\"" /dev/null "$@" 2>/dev/null
        # 1: named nowhere. A file that cannot be read may name it.
        [ $? -ne 1 ] || rm -f "$file"
    done
)
