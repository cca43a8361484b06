#!/bin/sh
# comment.sh WHAT KEY [quoted]: publishes TEXT as the comment KEY of the pull request NUMBER, or that WHAT failed where
# there is none. Ends with 1 where the job that made it failed (RESULT, OUTCOME), so that the run is red. FORGE_TOKEN
# may write comments. With `quoted`, the text was made by the branch's own code: it is shown as it is, below a heading
# of ours, and cannot be taken for the review.
set -eu
what=$1 key=$2 how=${3:-}
scripts=$(cd "$(dirname "$0")" && pwd)
text=$(mktemp)
trap 'rm -f "$text"' EXIT
status=0
[ "${RESULT:-}" = success ] && [ "${OUTCOME:-}" = success ] || status=1
if [ -n "${TEXT:-}" ]; then
    # A comment may stay while commits go on: where the workflow is gone, or the forge starts none.
    {
        if [ "$how" = quoted ]; then
            if [ "$status" -eq 0 ]; then printf '### The %s\n\n' "$what"; else printf '### The %s failed\n\n' "$what"; fi
            printf 'By the code of the branch itself:\n\n'
            printf '%s\n' "$TEXT" | "$scripts/without-tokens.sh" node "$scripts/shown.cjs" --block 50000
        else
            printf '%s\n' "$TEXT"
        fi
        [ -z "${COMMIT:-}" ] || printf '\nThis is about the commit %s.\n' "$COMMIT"
    } >"$text"
else
    status=1
    printf '### The %s failed\n\nIt did not come to a result for the commit %s: what went wrong is in the log of the run.\n' "$what" "${COMMIT:-}" >"$text"
fi
node "$scripts/safe-to-publish.cjs" "$text" || {
    status=1
    printf '### The %s failed\n\nIts text held a secret of the run, and is not published.\n' "$what" >"$text"
}
if [ -z "${FORGE_TOKEN:-}" ]; then
    echo "Nothing was published: there is no secret FORGE_BOT_TOKEN (docs/workflows.md). This is the text:"
    cat "$text"
    exit "$status"
fi
node "$scripts/forge.cjs" comment "$NUMBER" "$key" <"$text"
if [ "$status" -ne 0 ]; then echo "The $what failed, as its comment says." >&2; fi
exit "$status"
