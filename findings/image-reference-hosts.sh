#!/usr/bin/env bash
# Which part of an image's name is the registry? Four libraries, and for ordinary names of a registry of one's own they
# do not agree: docker-parse-image 3.0.1 and docker-registry-client 3.4.0 (npm), docker-image-py 0.2.0 and docker 7.2.0
# (PyPI).
#
# The rule of the reference grammar (distribution/reference): the first part is a host where it has a dot or a colon, or
# is `localhost`. docker-parse-image takes localhost for a user of Docker Hub, and puts `library/` into names on private
# hosts, where nothing of that name is; docker-image-py takes any first part for a host, also a user of Docker Hub.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund docker-parse-image@3.0.1 docker-registry-client@3.4.0
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install docker-image-py==0.2.0 docker==7.2.0
cat >seen.js <<'JS'
const parseImage = require("docker-parse-image");
const { parseRepoAndRef } = require("docker-registry-client");

for (const name of process.argv.slice(2)) {
    const image = parseImage(name);
    console.log(`${name}: docker-parse-image: host ${image.registry}, asks for ${image.fullname}`);
    console.log(`${name}: docker-registry-client: host ${parseRepoAndRef(name).index.name}`);
}
JS
cat >seen.py <<'PY'
import sys

from docker.auth import resolve_repository_name
from docker_image import reference

for name in sys.argv[1:]:
    print(f"{name}: docker-image-py: host {reference.Reference.parse(name).split_hostname()[0]}")
    print(f"{name}: docker: host {resolve_repository_name(name)[0]}")
PY
names=(localhost/app:v1 registry.example/app:v1 alice/app:v1)
seen=$(node seen.js "${names[@]}" && venv/bin/python seen.py "${names[@]}")
printf '%s\n' "$seen"
[ "$seen" = "localhost/app:v1: docker-parse-image: host null, asks for localhost/app:v1
localhost/app:v1: docker-registry-client: host localhost
registry.example/app:v1: docker-parse-image: host registry.example, asks for registry.example/library/app:v1
registry.example/app:v1: docker-registry-client: host registry.example
alice/app:v1: docker-parse-image: host null, asks for alice/app:v1
alice/app:v1: docker-registry-client: host docker.io
localhost/app:v1: docker-image-py: host localhost
localhost/app:v1: docker: host localhost
registry.example/app:v1: docker-image-py: host registry.example
registry.example/app:v1: docker: host registry.example
alice/app:v1: docker-image-py: host alice
alice/app:v1: docker: host docker.io" ] || {
    echo "This has changed." >&2
    exit 1
}
