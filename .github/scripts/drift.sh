#!/bin/sh
# drift.sh STACK NAME: looks for drift. What differs is Markdown in NAME.md, and whether it does in NAME.status (0 or
# 10) for issue.sh; where it cannot be found out, this fails. The host is looked at with ZOT_SSH_PRIVATE_KEY, or with
# the key in the stack's settings.
set -eu
stack=$1 name=$2
scripts=$(cd "$(dirname "$0")" && pwd)
cd "$scripts/../.."
"$scripts/site-settings.sh" "$stack"
agent=
clean() { [ -z "$agent" ] || kill "$agent"; }
trap clean EXIT
if [ -n "${ZOT_SSH_PRIVATE_KEY:-}" ]; then
    eval "$(ssh-agent -s)" >/dev/null
    agent=$SSH_AGENT_PID
    printf '%s\n' "$ZOT_SSH_PRIVATE_KEY" | ssh-add -q -
fi
status=0
env -u ZOT_SSH_PRIVATE_KEY node "$scripts/drift.cjs" "$stack" "$name.md" || status=$?
node "$scripts/safe-to-publish.cjs" "$name.md" || {
    printf '### Stack %s\n\nThe report held a secret of the run, and is not published.\n' "$stack" >"$name.md"
    status=1
}
case $status in
0 | 10) echo "$status" >"$name.status" ;;
*) exit "$status" ;;
esac
