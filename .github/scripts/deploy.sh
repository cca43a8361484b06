#!/bin/sh
# deploy.sh STACK: pulumi up. The key for the host is ZOT_SSH_PRIVATE_KEY, or one in the stack's settings.
set -eu
stack=$1
scripts=$(cd "$(dirname "$0")" && pwd)
cd "$scripts/../.."
# Several machines are looked at side by side.
export PULUMI_PARALLEL_DIFF=true PULUMI_SKIP_UPDATE_CHECK=true NO_COLOR=1
"$scripts/site-settings.sh" "$stack"
if [ -n "${ZOT_SSH_PRIVATE_KEY:-}" ]; then
    eval "$(ssh-agent -s)" >/dev/null
    trap 'kill "$SSH_AGENT_PID"' EXIT
    printf '%s\n' "$ZOT_SSH_PRIVATE_KEY" | ssh-add -q -
    unset ZOT_SSH_PRIVATE_KEY
fi
pulumi up --yes --non-interactive --refresh --stack "$stack"
