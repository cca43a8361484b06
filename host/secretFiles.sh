# The secret files of a config: whether they are in place, their modes and owners, their replacement.

# A config that holds secrets is readable for zot's user only, like its secret files. Any other is readable for
# everyone.
# Reads: config owner secret_config user_id. Sets: -. Prints: -.
in_force() {
    [ -f "$config" ] && [ ! -L "$config" ] && cmp -s "$1" "$config" || return 1
    if [ "$secret_config" = yes ]; then has_mode "$config" 0600 "$owner"; else has_mode "$config" 0644 "$user_id"; fi
}

# Copies a config, with its final mode and owner.
# Reads: secret_config. Sets: -. Prints: -.
copy_config() {
    if [ "$secret_config" = yes ]; then
        copy "$1" "$2" 0600 && give_to_zot "$2"
    else
        copy "$1" "$2" 0644
    fi
}

# Reads: config secret_config user_id. Sets: -. Prints: -.
repair_config() {
    if [ "$secret_config" = yes ]; then
        chmod 0600 "$config" && give_to_zot "$config"
    else
        { [ "$(owner_of "$config")" = "$user_id" ] || chown "$user_id" "$config"; } && chmod 0644 "$config"
    fi
}

# Runs a command for each secret file that a config names.
# Reads: credentials folder session_keys. Sets: -. Prints: -.
each_secret() {
    names "$2" "$credentials" && { "$1" "$folder/credentials" "$credentials" || return 1; }
    names "$2" "$session_keys" && { "$1" "$folder/sessionKeys" "$session_keys" || return 1; }
    return 0
}

# Reads: -. Sets: -. Prints: -.
names() { grep -qF "\"$2\"" "$1"; }

# Reads: owner. Sets: -. Prints: -.
is_in_place() { [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$1" "$2" && has_mode "$2" 0600 "$owner"; }

# Reads: -. Sets: -. Prints: -.
holds() { [ -f "$2" ] && [ ! -L "$2" ] && cmp -s "$1" "$2"; }

# Restores mode and owner of the files of the config in service; zot needs no restart for that. Fails if it cannot, or
# if zot could no longer read them.
# Reads: folder. Sets: repaired. Prints: -.
repair_modes() {
    repaired=
    in_force "$folder/config" && each_secret is_in_place "$folder/config" && return 0
    find_listener
    is_user_of_zot || return 1
    repair_config || return 1
    each_secret repair_secret "$folder/config" || return 1
    repaired=repaired
} 2>/dev/null

# Reads: -. Sets: -. Prints: -.
repair_secret() { is_in_place "$1" "$2" || { chmod 0600 "$2" && give_to_zot "$2"; }; }

# Copies a file and checks the copy: not every tool reports a full disk.
# Reads: -. Sets: -. Prints: -.
copy() { cp "$1" "$2" && cmp -s "$1" "$2" && chmod "$3" "$2"; }

# The config in service may name a secret file too. It stays unchanged until the commit, while its successor waits in
# the folder of the deployment; after the commit it is kept there until the deployment is proven.
# Reads: staging. Sets: -. Prints: -. Scratch: waiting.
stage_secret() {
    is_in_place "$1" "$2" && return 0
    waiting=$staging/secrets/${2##*/}
    [ -d "$staging/secrets" ] || { mkdir "$staging/secrets" && chmod 0711 "$staging/secrets"; } || return 1
    copy "$1" "$waiting" 0600 && give_to_zot "$waiting"
}

# Keeps the secret files that the deployment replaces as hard links, and puts the others in their place.
# Reads: config_folder target. Sets: -. Prints: -.
keep_replaced_secrets() (
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
)

# By now the config that names them is in its place.
# Reads: config_folder target. Sets: -. Prints: -.
replace_secrets() (
    for waiting in "$target"/secrets/*; do
        [ -f "$waiting" ] || continue
        mv -f "$waiting" "$config_folder/${waiting##*/}" || return 1
    done
)

# Restores the secret files that a deployment has replaced, with owner, mode and content. If zot has to restart with
# them, a file that zot could no longer read, or whose content does not match its name, is not restored.
# Reads: config config_folder kept restarted. Sets: kept. Prints: -.
put_back_secrets() {
    for kept in "$1"/replaced-secrets/*; do
        [ -L "$kept" ] || [ -f "$kept" ] || continue
        if [ -n "$restarted" ] && ! { as_zot test -r "$kept" && each_secret is_not_another "$config"; }; then continue; fi
        mv -f "$kept" "$config_folder/${kept##*/}"
    done
}

# Reads: kept. Sets: -. Prints: -.
is_not_another() { [ "${2##*/}" != "${kept##*/}" ] || holds "$1" "$kept"; }

# Reads: owner. Sets: -. Prints: -.
give_to_zot() { [ "$(owner_of "$1")" = "$owner" ] || chown "$owner" "$1"; }

# Reads: -. Sets: -. Prints: -.
link_or_copy() { ln "$1" "$2" 2>/dev/null || { cp -p "$1" "$2" && cmp -s "$1" "$2"; }; }
