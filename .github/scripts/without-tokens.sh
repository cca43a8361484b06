#!/bin/sh
# without-tokens.sh COMMAND…: runs a command without the tokens of the run (tokens.txt), which Forgejo and Gitea put
# into the environment of every step.
# A step calls it by `exec`: no process stays that still has them, and whose environment others of its user could read.
set -eu
while read -r name; do unset "$name"; done <"$(dirname "$0")/tokens.txt"
exec "$@"
