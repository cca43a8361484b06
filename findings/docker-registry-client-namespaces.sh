#!/usr/bin/env bash
# docker-registry-client 3.4.0 (npm) refuses repositories that every registry takes: one whose first part is a single
# letter, on any host.
#
# Two to 255 characters was a rule of Docker Hub's users. The OCI distribution specification (1.1, "Pulling manifests")
# has no such rule: `[a-z0-9]+…` is a name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund docker-registry-client@3.4.0
cat >seen.js <<'JS'
const { parseRepoAndRef } = require("docker-registry-client");

for (const name of ["registry.example/ab/app:v1", "registry.example/a/app:v1", "registry.example:5000/ab/c/d:v1"]) {
    let told;
    try {
        told = parseRepoAndRef(name).remoteName;
    } catch (error) {
        told = error.message;
    }
    console.log(`${name}: ${told}`);
}
JS
seen=$(node seen.js)
printf '%s\n' "$seen"
[ "$seen" = "registry.example/ab/app:v1: ab/app
registry.example/a/app:v1: invalid repository namespace, must be between 2 and 255 characters: a
registry.example:5000/ab/c/d:v1: ab/c/d" ] || {
    echo "This has changed." >&2
    exit 1
}
