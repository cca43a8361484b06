# What zot has to answer according to its config, and whether it does.

# The file that expect_of has read last, as long as nothing changes between two calls; empty if something may.
expected_of=

# Reads from a config how this host reaches its zot, past any proxy, and what that zot has to answer. It is read from
# the config, because another deployment may have changed address or port. If zot serves TLS, its certificate is checked
# against the public name.
# Reads: address expected_issuer expected_of external metrics_path port. Sets: address client_id connect_to
# expected_issuer expected_of external metrics_path metrics_status nodes port url. Prints: -. Scratch: metrics_right
# metrics_rights public.
expect_of() {
    if [ "$expected_of" = "$1" ]; then return 0; fi
    [ -z "$expected_of" ] || expected_of=-
    # The rules are not needed here, and there may be thousands: dash would take half a minute to find another node.
    nodes=$(json_nodes_without http.accesscontrol.repositories <"$1" 2>/dev/null) || return 1
    address=$(value_of http.address)
    port=$(value_of http.port)
    address=${address#\[}
    address=${address%\]}
    case ${address:-127.0.0.1} in 0.0.0.0) address=127.0.0.1 ;; ::) address='[::1]' ;; *:*) address="[$address]" ;; *) address=${address:-127.0.0.1} ;; esac
    port=${port:-8080}
    external=$(value_of http.externalurl)
    external=${external%/}
    if [ -n "$(value_of http.tls.cert)" ]; then
        public=${external#*://}
        public=${public%%[:/]*}
        url=https://${public:-localhost}:$port
        connect_to=${public:-localhost}:$port:$address:$port
    else
        url=http://$address:$port
        connect_to=
    fi
    expected_issuer=$(value_of http.auth.openid.providers.oidc.issuer)
    client_id=
    if [ -n "$expected_issuer" ]; then client_id=$(value_in "$(json_nodes 2>/dev/null <"$(value_of http.auth.openid.providers.oidc.credentialsfile)")" clientid); fi
    metrics_path=
    metrics_status=
    if [ "$(value_of extensions.metrics.enable)" = true ]; then
        metrics_path=$(value_of extensions.metrics.prometheus.path)
        metrics_path=${metrics_path:-/metrics}
        metrics_status=401
        metrics_rights=0
        while metrics_right=$(value_of "http.accesscontrol.metrics.anonymouspolicy[$metrics_rights]") && [ -n "$metrics_right" ]; do
            [ "$metrics_right" != read ] || metrics_status=200
            metrics_rights=$((metrics_rights + 1))
        done
    fi
    [ -z "$expected_of" ] || [ "$1" = /dev/stdin ] || expected_of=$1
}

# The value of a node of that config.
# Reads: nodes. Sets: -. Prints: the value.
value_of() { value_in "$nodes" "$1"; }

# The value of one node, by its path in small letters, of nodes as json_nodes prints them.
# Reads: newline tab. Sets: -. Prints: the value, or nothing. Scratch: found.
value_in() {
    case "$newline$1" in *"$newline$2$tab"*) ;; *) return 0 ;; esac
    found="$newline$1$newline"
    found=${found#*"$newline$2$tab"}
    found=${found%%"$newline"*}
    found=${found#*"$tab"}
    printf '%s' "$found"
}

# Sends a request to zot.
# Reads: url. Sets: -. Prints: the status code, 000 if there is no answer.
status_of() (
    method=$1
    path=$2
    shift 2
    # Prints nothing if curl itself was ended.
    status=$(ask_zot --output /dev/null --write-out '%{http_code}' --request "$method" "$@" "$url$path" 2>/dev/null)
    printf '%s' "${status:-000}"
)

# Fetches several paths from zot with one curl, which takes as long to start as ten answers.
# Reads: url. Sets: -. Prints: a line for each path: its status code, 000 if there is no answer, a blank, and the target
# of the redirect.
statuses_of() (
    silence=
    for path; do
        silence="${silence}000 \\n"
        set -- "$@" --output /dev/null "$url$path"
        shift
    done
    # Prints nothing if curl itself was ended.
    ask_zot --write-out '%{http_code} %{redirect_url}\n' "$@" 2>/dev/null
    # shellcheck disable=SC2059 # its own
    printf "$silence"
)

# curl for the zot that expect_of has found. Its certificate, if it has one, is checked with zot.caFile, otherwise with
# the issuer's authorities.
# Reads: authorities connect_to zot_authorities. Sets: -. Prints: what curl prints.
ask_zot() (
    if [ -n "$connect_to" ]; then
        trusted=${zot_authorities:-$authorities}
        [ -z "$trusted" ] || set -- --cacert "$trusted" "$@"
        set -- --connect-to "$connect_to" "$@"
    fi
    curl -q --silent --noproxy '*' --max-time 5 "$@" </dev/null
)

# Reads: -. Sets: -. Prints: -.
is_ready() { [ "$(status_of GET /readyz)" = 200 ]; }

# Why zot is not ready, as a sentence. Returns 1 if its certificate is not trusted: waiting does not help then.
# Reads: url. Sets: -. Prints: a sentence, or nothing.
why_not_ready() (
    asked=$(ask_zot --show-error --output /dev/null --write-out '%{http_code}' "$url/readyz" 2>&1)
    case $? in
    0) case $asked in 200) ;; *) printf '%s' "zot answers $url/readyz with $asked. [ZH-READYZ-STATUS]" ;; esac ;;
    51 | 60 | 77)
        asked=$(printf '%s' "$asked" | sed -n '1s/000$//; 1p')
        printf '%s' "This host does not trust the certificate of $url: ${asked:-curl said nothing}. For a certificate of a private authority set zot.caFile to its PEM file on this host; the certificate has to be for the name in registry.url. [ZH-READYZ-CERTIFICATE]"
        return 1
        ;;
    *)
        asked=$(printf '%s' "$asked" | sed -n '1s/000$//; 1p')
        printf '%s' "$url/readyz could not be fetched on this host: ${asked:-curl said nothing}. [ZH-READYZ-UNREACHABLE]"
        ;;
    esac
)

# Whether zot serves the config: anyone reads, nobody writes without a login, logins go to the issuer with the declared
# client, and the metrics are as declared. The write request stores nothing: zot checks the rights before the content
# type, and refuses text/plain. Nor does the read touch the storage: for a catalogue of one name zot lists objects of
# a bucket, which takes seconds under load.
# Reads: client_id expected_issuer external metrics_path metrics_status newline. Sets: problem. Prints: -. Scratch:
# answer answers back login_answer.
probe() {
    problem=
    answers=$(statuses_of /v2/ '/zot/auth/login?provider=oidc&callback_ui=%2F' ${metrics_path:+"$metrics_path"})
    answer=${answers%% *}
    answers=${answers#*"$newline"}
    login_answer=${answers%%"$newline"*}
    login_answer=${login_answer% }
    answers=${answers#*"$newline"}
    [ "$answer" = 200 ] || {
        problem="zot answered an anonymous read of /v2/ with $answer instead of 200. [ZH-PROBE-READ]"
        return 1
    }
    answer=$(status_of PUT /v2/zot-hardening/probe/manifests/probe --header 'Content-Type: text/plain' --data-binary x)
    [ "$answer" = 401 ] || {
        problem="zot answered an anonymous write with $answer instead of 401. [ZH-PROBE-WRITE]"
        return 1
    }
    if [ -n "$metrics_path" ]; then
        answer=${answers%% *}
        [ "$answer" = "$metrics_status" ] || {
            problem="zot answered an anonymous read of $metrics_path with $answer instead of $metrics_status. [ZH-PROBE-METRICS]"
            return 1
        }
    fi
    answer=$login_answer
    if [ -z "$expected_issuer" ]; then
        case $answer in 404*)
            serves_our_config
            return
            ;;
        esac
        problem="zot answered a login with ${answer%% *} instead of 404, so it still serves a config with logins. [ZH-PROBE-LOGIN-LEFT]"
        return 1
    fi
    back=redirect_uri=$(printf '%s' "$external/zot/auth/callback/oidc" | sed 's/:/%3A/g; s,/,%2F,g; s/\[/%5B/g; s/\]/%5D/g')
    case "$answer&" in
    302*"client_id=$client_id&"*) ;;
    404*)
        problem="zot answered a login with 404 instead of 302, so it serves a config without logins$(serving_note). [ZH-PROBE-NO-LOGIN]"
        return 1
        ;;
    *)
        problem="zot answered a login with $answer, not with a redirect as the client ${client_id:-that its credentials name}. [ZH-PROBE-LOGIN-CLIENT]"
        return 1
        ;;
    esac
    case "$answer&" in *"$back&"*)
        serves_our_config
        return
        ;;
    esac
    problem="A login does not return to ${external:-http.externalUrl, which the config does not set}: zot answered it with $answer. [ZH-PROBE-LOGIN-RETURN]"
    return 1
}

# The processes with such arguments, as far as this user can see them. Only those of zot's user, of root and of this
# user count. It also matters who has started them: any user could start a process with such arguments, even one that
# runs as root (sudo, while it asks for a password).
# Reads: owner user_id. Sets: -. Prints: a process id and its arguments on each line.
processes_with() {
    { ps -A -ww -o ruid= -o uid= -o pid= -o args= 2>/dev/null || ps -o pid,args 2>/dev/null | sed 's/^ */- - /'; } |
        awk -v words="$1" -v users=" ${owner:-0} 0 $user_id " '
            function are_trusted(real, effective, process,    file, line, part) {
                file = "/proc/" process "/status"
                while (real == "-" && (getline line < file) > 0)
                    if (line ~ /^Uid:/) { split(line, part); real = part[2]; effective = part[3] }
                close(file)
                return index(users, " " real " ") && index(users, " " effective " ")
            }
            index($0, words) && are_trusted($1, $2, $3) {
                process = $3
                sub(/^ *[^ ]+ +[^ ]+ +[^ ]+ /, "")
                print process, $0
            }'
}

# The ids of the processes that serve this config.
# Reads: config. Sets: -. Prints: a process id on each line.
zot_processes() {
    processes_with "$config" | awk -v of="$config" '
        {
            at = index($0, " serve " of)
            if ((at && at + length(" serve " of) > length($0)) || index($0, of ".zot-hardening/start")) print $1
        }'
}
