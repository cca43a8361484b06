# shellcheck shell=sh
# Sourced by the files that Pulumi's engine starts. The engine passes on its whole environment. This removes what a
# provider does not need; the provider gets its configuration through the protocol.
unset PULUMI_CONFIG PULUMI_BACKEND_URL PULUMI_CONFIG_PASSPHRASE_FILE AWS_ACCESS_KEY_ID
# The shell does it itself: any other program would be started with all of these variables.
while IFS= read -r line; do
    name=${line#export }
    name=${name#declare -x }
    name=${name%%=*}
    case $name in
    *[!A-Za-z0-9_]* | [0-9]* | AUTHENTIK_TOKEN) ;;
    *TOKEN | *Token | *token | *SECRET | *PASSWORD | *PASSPHRASE | *PASSWD | *_PWD | *_PAT | *_KEY | *CREDENTIAL | *CREDENTIALS) unset "$name" ;;
    *CONNECTION_STRING | *AUTH_CONFIG | *DSN | *WEBHOOK*) unset "$name" ;;
    esac
done <<VARIABLES
$(export -p)
VARIABLES
