#!/bin/sh
# issue.sh NAME TITLE: opens, updates or closes the issue TITLE by what drift.sh found: NAME.md, and NAME.status.
# FORGE_TOKEN may write issues.
set -eu
name=$1 title=$2
scripts=$(cd "$(dirname "$0")" && pwd)
# Here the tokens of the run are known, which what made the report did not have.
node "$scripts/safe-to-publish.cjs" "$name.md"
case $(cat "$name.status") in
0) work=close ;;
10) work=issue ;;
*) echo "$name.status does not say whether something differs." >&2 && exit 1 ;;
esac
if [ -z "${FORGE_TOKEN:-}" ]; then
    echo "Nothing was published: there is no secret FORGE_BOT_TOKEN (docs/workflows.md). The report is in the log of this run." >&2
    [ "$work" = close ]
    exit
fi
node "$scripts/forge.cjs" "$work" "$title" <"$name.md"
