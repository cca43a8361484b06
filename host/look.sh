# Looks at the host, and changes nothing. The payload is unpacked in $folder by then, and its settings are read.

newline='
'
tab='	'

say() { printf '%s\n' "$*" 2>/dev/null; }
warn() { printf '%s\n' "$*" | visible >&2 2>/dev/null; }

# What zot, its issuer or a tool said may be in a message: a terminal is to show it, and to obey nothing in it. In bytes, since the
# script goes by them: controls, marks of direction, ends of lines and marks that are not seen. What is no UTF-8 becomes a question
# mark: the plugin command 1.2.1 fails on such output.
visible() {
    awk '
        function valid(text,    line, run) {
            while (match(text, /[\200-\377]+/)) {
                line = line substr(text, 1, RSTART - 1)
                run = substr(text, RSTART, RLENGTH)
                text = substr(text, RSTART + RLENGTH)
                while (run != "") {
                    if (!match(run, /^([\302-\337][\200-\277]|[\340-\357][\200-\277][\200-\277]|[\360-\364][\200-\277][\200-\277][\200-\277])/)) RLENGTH = 0
                    line = line (RLENGTH ? substr(run, 1, RLENGTH) : "?")
                    run = substr(run, (RLENGTH ? RLENGTH : 1) + 1)
                }
            }
            return line text
        }
        {
            gsub(/[\001-\010\013-\037\177]/, " ")
            gsub(/\302[\200-\237]|\330\234|\342\200[\213-\217\250-\256]|\342\201[\240-\251]|\357\273\277/, " ")
            print valid(substr($0, 1, 2000))
        }'
}

# A sentence with its reason: "It failed. [CODE]" and "disk full" make "It failed: disk full. [CODE]".
because() { printf '%s: %s. [%s' "${1%. \[*}" "${2%.}" "${1##*\[}"; }

# Lines as one, for a sentence.
joined() { printf '%s' "$1" | tr '\n' ';' | sed 's/;/; /g'; }

# Takes the payload apart: each of its sections, "== NAME LINES" and then so many lines, becomes the file NAME in $folder.
unpack() {
    lines=$(awk -v folder="$folder" '
        left == 0 && /^== [A-Za-z]+ [0-9]+$/ { file = folder "/" $2; left = $3; sum += $3; printf "" >file; next }
        left > 0 { print >file; if (--left == 0) close(file) }
        END { print sum }' "$folder/payload") &&
        [ $(($(cat "$folder/settings" "$folder/config" "$folder/readOnlyConfig" "$folder/credentials" "$folder/sessionKeys" "$folder/start" | wc -l))) -eq "$lines" ] &&
        read_settings
}

# Settings are one line each, "NAME=VALUE", as the program has checked.
read_settings() {
    while IFS= read -r line; do
        value=${line#*=}
        case ${line%%=*} in
        mark) mark=$value ;;
        binary) binary=$value ;;
        configFile) config=$value ;;
        rootDirectory) data=$value ;;
        credentialsFile) credentials=$value ;;
        sessionKeysFile) session_keys=$value ;;
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

# --- files ----------------------------------------------------------------------------------------------------

# The user id of a file's owner. (BusyBox cuts names short.)
# shellcheck disable=SC2012 # find has no portable way to say it
owner_of() { ls -ldn "$1" 2>/dev/null | awk '{ print $3 }'; }

# Whether a file has this mode and belongs to this user.
has_mode() { [ -n "$(find "$1" -prune -type f -perm "$2" -user "$3" 2>/dev/null)" ]; }

# The user id that zot runs as: it has to be able to read the secret files. Where root pushes, it is the one that the service's
# manager names, else the one that the storage belongs to; root itself can read the files of anybody.
zot_owner() {
    if [ -n "$zot_user" ]; then
        id -u "$zot_user" 2>/dev/null
    elif [ "$(id -u)" -eq 0 ]; then
        ask_unit
        # The storage may be a symbolic link, whose own owner says nothing.
        if [ "${unit_user:-0}" != 0 ]; then printf '%s\n' "$unit_user"; else owner_of "$data/."; fi
    else
        id -u
    fi
}

# The numbers of the pushes that are kept, oldest first.
pushes() {
    for kept in "$state"/pushes/*/; do
        kept=${kept%/}
        case ${kept##*/} in *[!0-9]*) ;; *) printf '%s\n' "${kept##*/}" ;; esac
    done | sort -n
}

way_to_zot=

# The name of a user id, or nothing. (BusyBox's id takes no number.)
name_of_user() { id -un "$1" 2>/dev/null || awk -F : -v wanted="$1" '$3 == wanted { print $1; exit }' /etc/passwd 2>/dev/null; }

# Finds by what root can become zot's user; sets $way_to_zot.
find_way_to_zot() {
    zot_name=$(name_of_user "$owner")
    zot_group=$(id -g "${zot_name:-$owner}" 2>/dev/null)
    zot_group=${zot_group:-$owner}
    for way_to_zot in setpriv-init setpriv-clear chroot sudo su; do
        become_zot /bin/sh -c : 2>/dev/null </dev/null && return 0
    done
    way_to_zot=none
}

become_zot() {
    case $way_to_zot in
    setpriv-init) setpriv --reuid "$owner" --regid "$zot_group" --init-groups "$@" ;;
    setpriv-clear) setpriv --reuid "$owner" --regid "$zot_group" --clear-groups "$@" ;;
    chroot) chroot --userspec="$owner:$zot_group" / "$@" ;;
    sudo) sudo -n -u "#$owner" "$@" ;;
    su)
        words=
        for word; do words="$words '$(printf '%s' "$word" | sed "s/'/'\\\\''/g")'"; done
        su -s /bin/sh "$zot_name" -c "exec$words"
        ;;
    # What others may write is then not run at all.
    *) if [ -z "$(untrusted_folders "${1%/*}")" ]; then "$@"; else echo "There is no setpriv, chroot, sudo or su on this host by which root could run $1 as the user $owner. [ZH-RUN-AS-ZOT]" >&2 && return 126; fi ;;
    esac
}

can_become_zot() {
    [ -n "$way_to_zot" ] || find_way_to_zot
    [ "$way_to_zot" != none ]
}

# Runs a command with no more rights than zot has: what zot's user put in its way is then nothing that root reads or runs.
as_zot() {
    if [ "$(id -u)" -ne 0 ] || [ "${owner:-0}" = 0 ]; then
        "$@"
        return
    fi
    [ -n "$way_to_zot" ] || find_way_to_zot
    (cd / && become_zot "$@")
}

# --- zot ------------------------------------------------------------------------------------------------------

# What `zot --version` calls its commit, such as v2.1.20-0-g3b5796d; nothing where it says none.
zot_commit() {
    # On standard error in some versions, and a line of JSON among others.
    as_zot "$1" --version 2>&1 </dev/null | sed -n 's/.*"commit" *: *"\([^"]*\)".*/\1/p' | head -n 1
}

# Whether what zot says of its version is a release that keeps tags from being moved, 2.1.19 or newer, or a build of one. Sets
# $problem otherwise, and $version_kind to older or unreadable. Of the binary that is installed, as $problem says. What comes before a release, such as a release candidate, is older;
# of commits after an older one nobody knows what they have. (clients/zotVersion.ts is the same; the cases of both are in one file.)
keeps_tags() {
    version_kind=$(printf '%s\n' "$1" | awk '
        $0 !~ /^v?[0-9]+\.[0-9]+\.[0-9]+([-+][0-9A-Za-z.+-]*)?$/ { kind = "unreadable"; exit }
        {
            sub(/^v/, "")
            match($0, /^[0-9.]+/)
            split(substr($0, 1, RLENGTH), number, ".")
            rest = substr($0, RLENGTH + 1)
            sub(/\+.*$/, "", rest)
            sub(/-dirty$/, "", rest)
            is_release = rest == "" || rest ~ /^-[0-9]+-g[0-9a-f]+$/ || (rest ~ /^-[0-9a-f]+$/ && length(rest) == 41)
            split("2 1 19", least, " ")
            for (at = 1; at <= 3; at++) if (number[at] + 0 != least[at] + 0) break
            if (at > 3) kind = is_release ? "keeps" : "older"
            else kind = number[at] + 0 > least[at] + 0 ? "keeps" : "older"
            exit
        }
        END { print kind }')
    case $version_kind in
    keeps) return 0 ;;
    unreadable) problem="$binary says ${1:-nothing} of its version, which cannot be read as one. [ZH-VERSION-UNREADABLE]" ;;
    *) problem="$binary is version $1. [ZH-VERSION-OLD]" ;;
    esac
    return 1
}

# Whether the site accepts this zot, by what it calls its commit or by the hash of the binary.
is_accepted() {
    case $accepted_version in
    '') return 1 ;;
    sha256:*) [ "$(sha256_of "$binary")" = "${accepted_version#sha256:}" ] ;;
    *) [ "$1" = "$accepted_version" ] ;;
    esac
}

# Whether the zot that answers, where expect_of has said, is the installed one as far as that says of itself, and of a release
# that keeps tags. For a build that names its release, and no commit that could be read.
runs_release() {
    release=$(running_says releasetag)
    [ -n "$release" ] && [ "$(running_commit)" = "$1" ] || return 1
    why=$problem
    keeps_tags "$release" && return 0
    problem=$why
    return 1
}

sha256_of() {
    if [ ! -r "$1" ] || [ ! -f "$1" ] || [ -L "$1" ]; then
        echo unreadable
        return
    fi
    for tool in 'sha256sum' 'shasum -a 256' 'openssl dgst -sha256 -r'; do
        command -v "${tool%% *}" >/dev/null 2>&1 || continue
        # shellcheck disable=SC2086 # a name and its arguments
        $tool <"$1" 2>/dev/null | cut -c 1-64
        return
    done
    echo unknown
}

# Where this host reaches the zot of a config, past any proxy in front, and what that zot is to answer. Reads the config, since
# another push may have changed address or port. Where zot itself speaks TLS, its certificate is checked against the public name.
expect_of() {
    nodes=$(json_nodes <"$1" 2>/dev/null) || return 1
    address=$(value_of http.address)
    port=$(value_of http.port)
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
    if [ -n "$expected_issuer" ]; then client_id=$(json_nodes 2>/dev/null <"$(value_of http.auth.openid.providers.oidc.credentialsfile)" | node_value clientid); fi
    metrics_path=
    metrics_status=
    if [ "$(value_of extensions.metrics.enable)" = true ]; then
        metrics_path=$(value_of extensions.metrics.prometheus.path)
        metrics_path=${metrics_path:-/metrics}
        metrics_status=401
        printf '%s\n' "$nodes" | grep -q '^http\.accesscontrol\.metrics\.anonymouspolicy\[[0-9]*\].*read$' && metrics_status=200
    fi
    return 0
}

# The value of one of the nodes of that config.
value_of() {
    case "$newline$nodes" in *"$newline$1$tab"*) ;; *) return 0 ;; esac
    found="$newline$nodes$newline"
    found=${found#*"$newline$1$tab"}
    found=${found%%"$newline"*}
    found=${found#*"$tab"}
    printf '%s' "$found"
}

# Asks zot itself. Answers the status code, 000 where there is no answer; with `redirect` for a first argument, the place too.
status_of() {
    format='%{http_code}'
    if [ "$1" = redirect ]; then
        format='%{http_code} %{redirect_url}'
        shift
    fi
    method=$1
    path=$2
    shift 2
    # Nothing where curl itself was ended.
    status=$(ask_zot --output /dev/null --write-out "$format" --request "$method" "$@" "$url$path" 2>/dev/null)
    printf '%s' "${status:-000}"
}

# curl for the zot that expect_of has said. Its own certificate, where it has one, is checked by zot.caFile, else as the issuer's.
ask_zot() {
    if [ -n "$connect_to" ]; then
        trusted=${zot_authorities:-$authorities}
        [ -z "$trusted" ] || set -- --cacert "$trusted" "$@"
        set -- --connect-to "$connect_to" "$@"
    fi
    curl -q --silent --noproxy '*' --max-time 5 "$@" </dev/null
}

is_ready() { [ "$(status_of GET /readyz)" = 200 ]; }

# Why zot is not ready, as a sentence. Answers 1 where its certificate is not trusted, which no waiting mends.
why_not_ready() {
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
}

# Whether what serves is what the config says: anyone reads, nobody writes without a login, logins go to the issuer as the client
# that they should, metrics as declared. The write stores nothing: zot looks at the rights before it looks at the content type,
# and refuses text/plain.
prove() {
    problem=
    answer=$(status_of GET '/v2/_catalog?n=1')
    [ "$answer" = 200 ] || {
        problem="zot answered an anonymous read of /v2/_catalog with $answer instead of 200. [ZH-PROBE-READ]"
        return 1
    }
    answer=$(status_of PUT /v2/zot-hardening/probe/manifests/probe --header 'Content-Type: text/plain' --data-binary x)
    [ "$answer" = 401 ] || {
        problem="zot answered an anonymous write with $answer instead of 401. [ZH-PROBE-WRITE]"
        return 1
    }
    if [ -n "$metrics_path" ]; then
        answer=$(status_of GET "$metrics_path")
        [ "$answer" = "$metrics_status" ] || {
            problem="zot answered an anonymous read of $metrics_path with $answer instead of $metrics_status. [ZH-PROBE-METRICS]"
            return 1
        }
    fi
    answer=$(status_of redirect GET '/zot/auth/login?provider=oidc&callback_ui=%2F')
    if [ -z "$expected_issuer" ]; then
        case $answer in 404*)
            serves_our_config
            return
            ;;
        esac
        problem="zot answered a login with ${answer%% *} instead of 404, so that it still serves a config with logins. [ZH-PROBE-LOGIN-LEFT]"
        return 1
    fi
    back=redirect_uri=$(printf '%s' "$external/zot/auth/callback/oidc" | sed 's/:/%3A/g; s,/,%2F,g; s/\[/%5B/g; s/\]/%5D/g')
    case "$answer&" in
    302*"client_id=$client_id&"*) ;;
    404*)
        problem="zot answered a login with 404 instead of 302, so that it serves a config without logins$(serving_note). [ZH-PROBE-NO-LOGIN]"
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
    problem="A login does not return to ${external:-http.externalUrl, which the config leaves out}: zot answered it with $answer. [ZH-PROBE-LOGIN-RETURN]"
    return 1
}

# What the start has written, as zot's user: a line, however long it is.
said_by_start() { dd if="$state/serving" bs=400 count=1 2>/dev/null | head -n 1; }

# Why what serves is read-only, where the start that waits for the issuer has made it so.
serving_note() {
    noted=$(start_says)
    case $noted in read-only*) printf ' (%s)' "$noted" ;; esac
}

# What the start has started, as far as one can tell: by what answers for the config that expect_of has read, and by what the start
# has noted, which it cannot where its unit may not write here.
start_says() {
    noted=$(said_by_start)
    served=
    [ "$start_without_issuer" = no ] || find_listener
    [ -z "$listener" ] || served=$(config_of_process "$listener")
    case $served:$noted in
    "$state"/pushes/*/read-only.json:read-only*) ;;
    "$state"/pushes/*/read-only.json:*)
        noted=read-only
        issuer_answers "$(issuer_of "$config")" "$authorities" 5 || noted="read-only: $problem"
        ;;
    "$config:read-only"*) noted= ;;
    esac
    printf '%s' "$noted"
}

# Whether the service is started by the start that waits for the issuer: by what its manager runs, and where that says nothing, by
# what the start has noted since $1. 2: it cannot be told.
start_in_use() {
    ask_service
    case $manager in systemd | systemd-user) started_by=$(service_fact ExecStart) ;; launchd-*) started_by=$service_facts ;; *) started_by= ;; esac
    case $started_by in
    *"$state/start"*) return 0 ;;
    *serve*"$config"*) return 1 ;;
    esac
    noted=$(said_by_start)
    if [ -n "$noted" ] && [ "$noted" != "$1" ]; then return 0; fi
    [ -z "$started_by" ] || return 2
    return 1
}

# What the zot that answers says of itself, where search is on: its commit, or the tag of its release.
running_commit() { running_says commit; }

running_says() {
    ask_zot --fail "$url/v2/_zot/ext/mgmt" 2>/dev/null | json_nodes 2>/dev/null | node_value "$1"
}

# The ids of the processes that serve this config, as far as one may see them. Only those of zot's user, of root and of one's own
# count: anybody may give his processes such arguments.
zot_processes() {
    { ps -A -ww -o uid= -o pid= -o args= 2>/dev/null || ps -o pid,args 2>/dev/null | sed 's/^ */- /'; } |
        awk -v of="$config" -v users=" ${owner:-0} 0 $(id -u) " '
            function user(known, process,    file, line, part) {
                if (known != "-") return known
                file = "/proc/" process "/status"
                while ((getline line < file) > 0) if (line ~ /^Uid:/) { split(line, part); known = part[3] }
                close(file)
                return known
            }
            {
                at = index($0, " serve " of)
                if ((at && at + length(" serve " of) > length($0)) || index($0, of ".zot-hardening/start"))
                    if (index(users, " " user($1, $2) " ")) print $2
            }'
}

# --- the service ----------------------------------------------------------------------------------------------

# Runs a command of the service manager with the rights that it takes.
privileged() {
    if [ "$sudo" = service ]; then sudo -n "$@"; else "$@"; fi
}

# What needs no rights: an answer of systemd's.
ask_systemd() { if [ "$manager" = systemd ]; then systemctl "$@"; else systemd "$@"; fi; }

systemd() {
    if [ "$manager" = systemd-user ]; then
        XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)} systemctl --user "$@"
    else
        privileged systemctl "$@"
    fi
}

# The domain of an agent is that of a login on the screen, where there is one, and that of the user otherwise.
find_launchd_target() {
    if [ "$manager" = launchd-daemon ]; then
        launchd_domain=system
    elif launchctl print "gui/$(id -u)" >/dev/null 2>&1; then
        launchd_domain=gui/$(id -u)
    else
        launchd_domain=user/$(id -u)
    fi
    launchd_target=$launchd_domain/$service
}

launchd() { privileged launchctl "$@"; }

# Asks the service manager; sets $service_state to running, stopped, absent or unknown, and $service_facts to what it said.
ask_service() {
    service_facts=
    service_state=unknown
    case $manager in
    systemd | systemd-user)
        service_facts=$(ask_systemd show --property=LoadState --property=ActiveState --property=SubState --property=MainPID --property=Result \
            --property=ExecMainStatus --property=Restart \
            --property=StartLimitIntervalUSec --property=StartLimitInterval --property=StartLimitBurst --property=FragmentPath \
            --property=UnitFileState --property=WantedBy --property=RequiredBy --property=BoundBy --property=TriggeredBy --property=LoadError \
            --property=ExecStart "$service" 2>&1 </dev/null)
        case "$(service_fact LoadState):$(service_fact ActiveState)" in
        loaded:active | loaded:reloading | loaded:activating) service_state=running ;;
        loaded:*) service_state=stopped ;;
        not-found:* | masked:*) service_state=absent ;;
        esac
        ;;
    launchd-*)
        find_launchd_target
        if service_facts=$(launchctl print "$launchd_target" 2>&1 </dev/null); then
            case $(service_fact state) in running) service_state=running ;; *) service_state=stopped ;; esac
        else
            service_state=absent
        fi
        ;;
    esac
}

# One line of what the service manager said: "NAME=value" of systemd, "NAME = value" of launchd.
service_fact() { printf '%s\n' "$service_facts" | sed -n "s/^[[:space:]]*$1 \{0,1\}= \{0,1\}//p" | head -n 1; }

# The process that the manager has started; nothing where there is none. Of what ask_service was told, as service_fact.
service_process() {
    case $manager in
    systemd | systemd-user) service_fact MainPID | grep -v '^0$' ;;
    launchd-*) service_fact pid ;;
    esac
}
