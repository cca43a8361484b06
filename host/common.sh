# What the deployment, the observation of a host and the start of zot have in common.

# What a user has set for the tools by hand is not meant for this script. (curl's own files are passed over by -q, which
# has to come first.) SSL_CERT_FILE stays: zot reads it too. So does POSIXLY_CORRECT, by whose end bash would be another
# shell: options stand before names.
unset BASH_ENV BLOCKSIZE BLOCK_SIZE CDPATH CURL_CA_BUNDLE CURL_HOME DF_BLOCK_SIZE ENV GLOBIGNORE GREP_COLOR GREP_COLORS GREP_OPTIONS \
    I_WANT_A_BROKEN_PS LS_BLOCK_SIZE PS_FORMAT PS_PERSONALITY QUOTING_STYLE SSLKEYLOGFILE SYSTEMD_COLORS SYSTEMD_IN_CHROOT SYSTEMD_LOG_LEVEL \
    SYSTEMD_LOG_TARGET SYSTEMD_OFFLINE SYSTEMD_PAGER SYSTEMD_URLIFY TIME_STYLE TMOUT _POSIX2_VERSION
# bash takes options from the environment.
# shellcheck disable=SC3028,SC3040
case ${SHELLOPTS-} in *pipefail*) set +o pipefail ;; esac
set +a +e +f +u +v +x +C
IFS=' 	
'
# bash takes functions from the environment.
for tool in awk cat chmod chown cmp cp curl cut date df find grep head id journalctl kill launchctl ln ls mkdir mktemp mv printf ps pwd \
    readlink rm rmdir sed sleep sort sudo sync systemctl tail test touch tr uname wc; do
    unset -f "$tool"
done

# Every node of a JSON text on standard input, parents before children, as "path<TAB>path as written<TAB>value": the
# first path is in small letters, since zot reads the keys of its config without regard to case. What has no effect, an
# empty map or null, is left out. Fails where the text is no JSON.
# Reads: -. Sets: -. Prints: a line for each node.
json_nodes() { json_nodes_without ''; }

# The same without those that begin with a path, in small letters.
# Reads: -. Sets: -. Prints: a line for each node.
json_nodes_without() {
    LC_ALL=C awk -v left_out="$1" '
        function bad() { exit 1 }
        # The next window of the text: some awks copy all the rest of a text to take one character of it.
        function more() {
            while (line_at > length(line)) {
                if ((getline line) <= 0) return 0
                line = line "\n"
                line_at = 1
            }
            text = substr(line, line_at, 512)
            size = length(text)
            line_at += size
            at = 1
            return 1
        }
        function peek() { return at <= size || more() ? substr(text, at, 1) : "" }
        function skip() { while (peek() ~ /[ \t\r\n]/) at++ }
        function quoted(    from, value, character) {
            value = ""
            from = ++at
            for (;; at++) {
                if (at > size) {
                    value = value substr(text, from)
                    if (!more()) bad()
                    from = 1
                }
                character = substr(text, at, 1)
                if (character == "\n") bad()
                if (character == "\"") break
                if (character != "\\") continue
                value = value substr(text, from, at - from)
                at++
                character = peek()
                from = at + 1
                # The rest, such as a line break, stays as it is written.
                if (character !~ /["\\\/]/) character = "\\" character
                value = value character
            }
            value = value substr(text, from, at - from)
            at++
            return value
        }
        function node(path, value,    small) {
            small = tolower(path)
            if (left_out == "" || index(small, left_out) != 1) print small "\t" path "\t" value
        }
        function values(path,    character, key, number, end) {
            skip()
            character = peek()
            if (character == "\"") {
                node(path, quoted())
            } else if (character == "{" || character == "[") {
                end = character == "{" ? "}" : "]"
                number = 0
                at++
                skip()
                if (peek() == end) { at++; return }
                if (path != "") node(path, character)
                for (;;) {
                    if (end == "}") {
                        skip()
                        if (peek() != "\"") bad()
                        key = quoted()
                        skip()
                        if (peek() != ":") bad()
                        at++
                        values(path == "" ? key : path "." key)
                    } else {
                        values(path "[" number++ "]")
                    }
                    skip()
                    character = peek()
                    at++
                    if (character == ",") continue
                    if (character == end) return
                    bad()
                }
            } else {
                key = ""
                for (; peek() ~ /[-+.0-9A-Za-z]/; at++) key = key substr(text, at, 1)
                if (key !~ /^(true|false|null|-?[0-9][-+.0-9eE]*)$/) bad()
                if (key != "null") node(path, key)
            }
        }
        BEGIN {
            line_at = at = 1
            values("")
            skip()
            if (peek() != "") bad()
        }
    '
}

# The value of one node, by its path in small letters, of the nodes on standard input.
# Reads: -. Sets: -. Prints: the value.
node_value() {
    awk -F '\t' -v wanted="$1" '$1 == wanted && !found++ { print $3 }'
}

# The issuer that a config names, or nothing: such a config starts without one.
# Reads: -. Sets: -. Prints: the issuer.
issuer_of() {
    json_nodes <"$1" | node_value http.auth.openid.providers.oidc.issuer
}

# Whether an issuer answers on this host as the one it is said to be, as zot asks it when it starts. Sets $problem
# otherwise.
# Reads: answered. Sets: answered problem. Prints: -. Scratch: asked_issuer document longest_document
# patience_for_issuer trusted_by.
issuer_answers() {
    asked_issuer=$1
    trusted_by=$2
    patience_for_issuer=$3
    set -- -q --silent --show-error --fail --location --max-redirs 5 --connect-timeout "$patience_for_issuer" --max-time "$patience_for_issuer"
    # zot goes to its own host without a proxy, whatever the environment says.
    case $asked_issuer in *://localhost[:/]* | *://127.* | *'://[::1]'*) set -- "$@" --noproxy '*' ;; esac
    if [ -n "$trusted_by" ]; then set -- "$@" --cacert "$trusted_by"; fi
    # No more of it than there is any use for. Whether curl succeeded is said behind the document: behind a pipe, its
    # exit code is not to be seen.
    longest_document=262144
    document=$({ curl "$@" "$asked_issuer.well-known/openid-configuration" 2>&1 </dev/null && printf '\n== fetched'; } | head -c "$longest_document")
    case $document in
    *'== fetched') document=${document%== fetched} ;;
    *)
        if [ "${#document}" -ge "$longest_document" ]; then document="it has more than $longest_document bytes"; fi
        problem="$asked_issuer.well-known/openid-configuration could not be fetched on this host: ${document:-curl said nothing}. [ZH-ISSUER-UNREACHABLE]"
        return 1
        ;;
    esac
    answered=$(printf '%s\n' "$document" | json_nodes 2>/dev/null | node_value issuer)
    [ "$answered" = "$asked_issuer" ] && return 0
    problem="$asked_issuer.well-known/openid-configuration names the issuer ${answered:-nobody}, and zot would not start: both have to be the same to the letter. [ZH-ISSUER-OTHER-NAME]"
    return 1
}
