#!/bin/sh
# Copies zot's images between the folder $images and the place $bucket of a bucket, by Amazon's command line (aws):
# blobs, index.json and oci-layout of each repository. Nothing else below that folder is part of an image.
set -eu

# npm run move-images writes the places here.
images=''
bucket=''
region=''
endpoint=''

say() { printf '%s\n' "$*" >&2; }
fail() {
    say "move-images: $*"
    exit 1
}
again='Run the same once more: what is there already is not sent again.'

at_bucket() { aws ${region:+--region "$region"} ${endpoint:+--endpoint-url "$endpoint"} s3 "$@"; }
quietly() { at_bucket "$@" --only-show-errors; }
listing() { at_bucket ls --recursive "$bucket/"; }
has_repository() { grep '/index\.json$' >/dev/null; }

# Puts filters behind a command. A blob is named by its digest and never changes, so that its size says whether it is
# there. The last filter that a name meets decides; a star stands for slashes too.
blobs_by() { "$@" --size-only --exclude '*' --include '*/blobs/*' --exclude '*/.uploads/*' --exclude '*/.sync/*' --exclude '_*'; }
everything_by() {
    "$@" --size-only --exclude '*' --include '*/blobs/*' --include '*/index.json' --include '*/oci-layout' \
        --exclude '*/.uploads/*' --exclude '*/.sync/*' --exclude '_*'
}

# It has the tags, and with another digest is as long as before: it goes along whatever its size and time say.
copy_indexes() { quietly cp "$1" "$2" --recursive --exclude '*' --include '*/index.json' --exclude '*/.sync/*' --exclude '_*'; }

# zot holds its database locked, where that is in the folder.
require_stopped() {
    [ -e "$images/meta.db" ] || return 0
    [ -r "$images/meta.db" ] || fail "$images/meta.db cannot be read as $(id -un); run this as the user that zot runs as."
    if ! command -v flock >/dev/null; then
        say "There is no flock here to see whether zot is stopped. What is pushed while this copies is lost."
    elif ! flock -n "$images/meta.db" true; then
        fail "zot runs: it holds $images/meta.db. Stop it, since what is pushed while this copies would be lost."
    fi
}

# $1 from, $2 to.
copy_everything() {
    everything_by quietly sync "$1" "$2" --delete || fail "Not all images were copied. $again"
    copy_indexes "$1" "$2" || fail "Not all tags were copied. $again"
}

# Both sides have the same blobs, and the same in each index.json.
compare() {
    listed=$(listing) || fail "$bucket cannot be listed, or has nothing in it."
    differing=$(everything_by at_bucket sync "$images" "$bucket" --delete --dryrun) ||
        fail "$images and $bucket could not be compared."
    indexes=$(mktemp -d)
    trap 'rm -rf "$indexes"' EXIT
    copy_indexes "$bucket" "$indexes" || fail "The index.json of each repository could not be read from $bucket."
    other=$(cd "$images" && find . -name index.json -type f ! -path './_*' ! -path '*/.sync/*' -exec sh -c '
        for file; do cmp -s "$file" "$0/$file" || printf "%s\n" "other tags: $file"; done' "$indexes" {} +)
    [ -z "$differing$other" ] || {
        say "$differing" "$other"
        fail "$images and $bucket differ, as listed."
    }
    say "$images and $bucket have the same: $(printf '%s\n' "$listed" | grep -c '/index\.json$') repositories," \
        "$(printf '%s\n' "$listed" | grep -c '/blobs/') blobs."
}

command -v aws >/dev/null || fail "There is no aws (Amazon's command line) on the PATH."
case "${1-} ${2-}" in
'blobs ')
    blobs_by quietly sync "$images" "$bucket" || fail "Not all blobs were copied. $again"
    say "The blobs that were there are in $bucket."
    ;;
'all ' | 'all again')
    require_stopped
    find "$images" -name index.json -type f | grep . >/dev/null || fail "There is no repository in $images."
    if [ "${2-}" = '' ] && listing | has_repository; then
        fail "$bucket has repositories already. Where zot has served from there, what was pushed to it would be deleted." \
            "Where it has not, and an earlier copy was interrupted or is to be made anew, say: all again."
    fi
    copy_everything "$images" "$bucket"
    compare
    ;;
'compare ') compare ;;
'back ')
    require_stopped
    listing | has_repository || fail "There is no repository in $bucket."
    copy_everything "$bucket" "$images"
    compare
    ;;
*) fail "Say what to do: blobs (while zot runs), all (once it is stopped), compare, or back (into the folder again)." ;;
esac
