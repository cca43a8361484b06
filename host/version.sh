# The version of zot: of the installed binary, and of the running process.

# The commit that `zot --version` prints, such as v2.1.20-0-g3b5796d; nothing if it prints none.
# Reads: -. Sets: -. Prints: the commit, or nothing.
zot_commit() {
    # Some versions print it on standard error, as a line of JSON among others.
    as_zot "$1" --version 2>&1 </dev/null | sed -n 's/.*"commit" *: *"\([^"]*\)".*/\1/p' | head -n 1
}

# Whether a version of zot is a release that keeps tags from being moved (2.1.19 or newer), or a build of one. If not,
# sets $problem, which speaks of the installed binary, and $version_kind to older or unreadable. A pre-release is older
# than its release; the content of commits after an older release is unknown. (clients/zot/version.ts does the same;
# both have their cases in one file.)
# Reads: binary version_kind. Sets: problem version_kind. Prints: -.
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
    unreadable)
        problem="$binary does not report its version. [ZH-VERSION-UNSAID]"
        [ -z "$1" ] || problem="$binary reports its version as $1, which cannot be read as one. [ZH-VERSION-UNREADABLE]"
        ;;
    *) problem="$binary is version $1. [ZH-VERSION-OLD]" ;;
    esac
    return 1
}

# Whether the site accepts this zot, by its commit or by the hash of the binary.
# Reads: accepted_version binary. Sets: -. Prints: -.
is_accepted() {
    case $accepted_version in
    '') return 1 ;;
    sha256:*) [ "$(sha256_of "$binary")" = "${accepted_version#sha256:}" ] ;;
    *) [ "$1" = "$accepted_version" ] ;;
    esac
}

# Whether the answering zot, which expect_of has found, is the installed one as far as it says, and of a release that
# keeps tags. For a build that names its release but no readable commit.
# Reads: problem. Sets: problem. Prints: -. Scratch: problem_before release.
runs_release() {
    release=$(running_says releasetag)
    [ -n "$release" ] && [ "$(running_commit)" = "$1" ] || return 1
    problem_before=$problem
    keeps_tags "$release" && return 0
    problem=$problem_before
    return 1
}

# The commit of the answering zot, or the tag of its release, if search is on.
# Reads: -. Sets: -. Prints: the commit, or nothing.
running_commit() { running_says commit; }

# Reads: url. Sets: -. Prints: the value, or nothing.
running_says() {
    value_in "$(ask_zot --fail "$url/v2/_zot/ext/mgmt" 2>/dev/null | json_nodes 2>/dev/null)" "$1"
}
