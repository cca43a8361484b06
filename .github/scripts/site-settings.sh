#!/bin/sh
# site-settings.sh STACK: what only the site knows, and its stack's file may not have: from the environment into the
# stack's file of this checkout. Where the run has a token for Authentik of its own, one in the stack's file is taken
# out: it would go before it, and may do more than a run should.
set -eu
for pair in host.address=ZOT_HOST_ADDRESS host.hostKey=ZOT_HOST_KEY; do
    variable=${pair#*=}
    eval "value=\${$variable:-}"
    # shellcheck disable=SC2154 # set by eval
    if [ -n "$value" ]; then pulumi config set --stack "$1" --path "zot-hardening:${pair%%=*}" -- "$value"; fi
done
if [ -n "${AUTHENTIK_TOKEN:-}" ] && grep -q '^ *authentik:token:' "Pulumi.${1##*/}.yaml" 2>/dev/null; then pulumi config rm --stack "$1" authentik:token; fi
