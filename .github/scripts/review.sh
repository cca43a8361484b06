#!/bin/sh
# review.sh BASE HEAD FILE: what a change gives and takes, as Markdown in FILE; printed, and added to the run's summary
# where there is one. Run it from a checkout of the base: it is the base's code that reads and compares; of the head,
# stack files are read, and nothing is run.
set -eu
cd "$(dirname "$0")/../.."
status=0
npm run --silent review -- --base "$1" --head "$2" --data-only >"$3" || status=$?
cat "$3"
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then cat "$3" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$status"
