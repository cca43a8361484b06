#!/usr/bin/env bash
# parse-duration 2.1.9 (npm): a minus that is not the first character is passed over, and a comma is dropped from a
# number, so that `1,5h` is fifteen hours.
#
# Go's time.ParseDuration, whose form `1h30m` this library reads too, refuses both.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund parse-duration@2.1.9
cat >seen.js <<'JS'
import parse from "parse-duration";

for (const text of ["1h30m", "-1h", "1h-30m", "1.5h", "1,5h"]) console.log(`${text}: ${parse(text, "m")} minutes`);
JS
seen=$(node seen.js)
printf '%s\n' "$seen"
[ "$seen" = "1h30m: 90 minutes
-1h: -60 minutes
1h-30m: 90 minutes
1.5h: 90 minutes
1,5h: 900 minutes" ] || {
    echo "This has changed." >&2
    exit 1
}
