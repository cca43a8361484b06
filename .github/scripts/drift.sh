#!/bin/sh
# drift.sh STACK TITLE: looks for drift, and opens, updates or closes the issue TITLE. FORGE_TOKEN may write issues; the host is looked at with
# ZOT_SSH_PRIVATE_KEY, or with the key in the stack's settings.
set -eu
stack=$1 title=$2
scripts=$(cd "$(dirname "$0")" && pwd)
cd "$scripts/../.."
"$scripts/site-settings.sh" "$stack"
report=$(mktemp)
agent=
clean() {
    rm -f "$report"
    [ -z "$agent" ] || kill "$agent"
}
trap clean EXIT
if [ -n "${ZOT_SSH_PRIVATE_KEY:-}" ]; then
    eval "$(ssh-agent -s)" >/dev/null
    agent=$SSH_AGENT_PID
    printf '%s\n' "$ZOT_SSH_PRIVATE_KEY" | ssh-add -q -
fi
status=0
# The program needs neither; what reads the host and the state does not write to the forge.
env -u FORGE_TOKEN -u ZOT_SSH_PRIVATE_KEY node "$scripts/drift.cjs" "$stack" "$report" || status=$?
node "$scripts/safe-to-publish.cjs" "$report" || {
    printf '### Stack %s\n\nThe report held a secret of the run, and is not published.\n' "$stack" >"$report"
    status=1
}
case $status in
0) node "$scripts/forge.cjs" close "$title" <"$report" ;;
10) node "$scripts/forge.cjs" issue "$title" <"$report" ;;
*) exit "$status" ;;
esac
