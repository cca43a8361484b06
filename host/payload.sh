# Unpacks the payload: its sections become the files of $folder, its settings become variables.

# Splits the payload: each section, "== NAME LINES" followed by that many lines, becomes the file NAME in $folder.
# Reads: folder. Sets: -. Prints: -. Scratch: lines.
unpack() {
    lines=$(awk -v folder="$folder" '
        left == 0 && /^== [A-Za-z]+ [0-9]+$/ { file = folder "/" $2; left = $3; sum += $3; printf "" >file; next }
        left > 0 { print >file; if (--left == 0) close(file) }
        END { print sum }' "$folder/payload") &&
        [ $(($({
            cat "$folder/settings" "$folder/config" "$folder/readOnlyConfig" "$folder/credentials" "$folder/sessionKeys" "$folder/start"
            cat "$folder/configSecrets" 2>/dev/null
        } | wc -l))) -eq "$lines" ] &&
        read_settings
}

# Each setting is one line "NAME=VALUE"; the program has checked that.
# Reads: config folder. Sets: accepted_version authorities binary config config_folder credentials data log_file manager
# mark on_destroy own_service ready_timeout restart_command secret_config service session_keys start_without_issuer
# state sudo time_limit zot_authorities zot_user. Prints: -. Scratch: line value.
read_settings() {
    secret_config=no
    while IFS= read -r line; do
        value=${line#*=}
        case ${line%%=*} in
        mark) mark=$value ;;
        binary) binary=$value ;;
        configFile) config=$value ;;
        rootDirectory) data=$value ;;
        credentialsFile) credentials=$value ;;
        sessionKeysFile) session_keys=$value ;;
        secretConfig) secret_config=$value ;;
        serviceManager) manager=$value ;;
        serviceName) service=$value ;;
        restartCommand) restart_command=$value ;;
        readyTimeout) ready_timeout=$value ;;
        timeLimit) time_limit=$value ;;
        sudo) sudo=$value ;;
        manageService) own_service=$value ;;
        startWithoutIssuer) start_without_issuer=$value ;;
        onDestroy) on_destroy=$value ;;
        logFile) log_file=$value ;;
        acceptVersion) accepted_version=$value ;;
        zotUser) zot_user=$value ;;
        caFile) authorities=$value ;;
        zotCaFile) zot_authorities=$value ;;
        esac
    done <"$folder/settings"
    config_folder=${config%/*}
    state=$config.zot-hardening
}
