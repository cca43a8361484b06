#!/bin/sh
# preview.sh STACK FILE: what a Pulumi preview of the stack says, in FILE, as text. It needs the shared state
# (PULUMI_BACKEND_URL), its passphrase or key, and a view-only token of Authentik; it looks at no host. What a secret of
# this environment is found in is not published. This is the branch's own script: the base's makes a comment of the
# text.
set -eu
stack=$1 file=$2
scripts=$(cd "$(dirname "$0")" && pwd)
cd "$scripts/../.."
# Nothing is sent to the host, but the settings want a way in.
export ZOT_HARDENING_LOOK=off SSH_AUTH_SOCK="${SSH_AUTH_SOCK:-/nonexistent/agent}"
export PULUMI_SKIP_UPDATE_CHECK=true NO_COLOR=1
"$scripts/site-settings.sh" "$stack"
text=$(mktemp)
trap 'rm -f "$text"' EXIT
status=0
pulumi preview --stack "$stack" --non-interactive --diff >"$text" 2>&1 || status=$?
# The whole of it is searched before it is cut: half a secret would not be found.
if node "$scripts/safe-to-publish.cjs" "$text"; then
    # In the log all of it, and in the comment what a forge takes.
    node "$scripts/shown.cjs" <"$text"
    node "$scripts/shown.cjs" 50000 <"$text" >"$file"
else
    status=1
    echo "It held a secret of the run, and is not published." | tee "$file"
fi
exit "$status"
