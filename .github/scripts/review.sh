#!/bin/sh
# review.sh BASE HEAD: prints what a change gives and takes, and adds it to the run's summary. Run it from a checkout of the base: then it is the base's
# code that compares, and the head cannot change what is said of it except by what its own code renders, which is pointed out.
set -eu
cd "$(dirname "$0")/../.."
review=$(mktemp)
trap 'rm -f "$review"' EXIT
status=0
npm run --silent review -- --base "$1" --head "$2" >"$review" || status=$?
cat "$review"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$review" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$status"
