#!/usr/bin/env bash
# Which login of a Docker config is for an image: go-containerregistry 0.22.1, oras-go 2.7.0, regclient 0.11.7 (Go),
# docker 7.2.0 and oras 0.2.43 (PyPI) do not agree, and two of them not with themselves.
#
# A key may be an address, as Docker writes for its own registry, or a registry with a namespace, as podman and skopeo
# do (containers-auth.json(5)). regclient and oras know neither of the two. The others take a login for a namespace for
# one for the whole registry: where there are two such, go-containerregistry and oras-go use now this one and now that
# one, in the order of a Go map. Beside a login for the registry, go-containerregistry prefers one that is named by the
# whole repository.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install docker==7.2.0 oras==0.2.43
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.23

require (
	github.com/google/go-containerregistry v0.22.1
	github.com/regclient/regclient v0.11.7
	oras.land/oras-go/v2 v2.7.0
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/regclient/regclient/config"
	"oras.land/oras-go/v2/registry/remote/credentials"
)

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func main() {
	host, repository := os.Args[1], must(name.NewRepository(os.Args[1]+"/team/app"))
	for _, folder := range os.Args[2:] {
		os.Setenv("DOCKER_CONFIG", folder)
		users := map[string]map[string]bool{"go-containerregistry": {}, "oras-go": {}, "regclient": {}}
		// Go hands out the entries of a map in an order that changes.
		for range 100 {
			found := must(must(authn.DefaultKeychain.Resolve(repository)).Authorization())
			users["go-containerregistry"][found.Username] = true
			store := must(credentials.NewStore(filepath.Join(folder, "config.json"), credentials.StoreOptions{}))
			users["oras-go"][must(credentials.Credential(store)(context.Background(), host)).Username] = true
			user := "None"
			for _, entry := range must(config.DockerLoad()) {
				if entry.Name == host {
					user = entry.User
				}
			}
			users["regclient"][user] = true
		}
		for _, library := range []string{"go-containerregistry", "oras-go", "regclient"} {
			names := slices.Sorted(maps.Keys(users[library]))
			fmt.Printf("%s: %s: %s\n", filepath.Base(folder), library, strings.Join(names, " or "))
		}
	}
}
GO
cat >seen.py <<'PY'
import base64
import logging
import sys

import docker.auth
import oras.client

logging.disable()
host, *folders = sys.argv[1:]
for folder in folders:
    file = f"{folder}/config.json"
    found = docker.auth.load_config(file).resolve_authconfig(host) or {}
    print(f"{folder}: docker: {found.get('username')}")
    client = oras.client.OrasClient(hostname=host, auth_backend="basic")
    client.auth.load_configs(client.get_container(f"{host}/team/app"), configs=[file])
    login = getattr(client.auth, "_basic_auth", None)
    print(f"{folder}: oras: {base64.b64decode(login).decode().partition(':')[0] if login else None}")
PY
host=registry.example:5000
# NAME KEY USER...: a folder with a config.json of these logins.
config() {
    local name=$1 entries=
    shift
    while [ $# -gt 0 ]; do
        entries+="${entries:+,}\"$1\":{\"auth\":\"$(printf '%s:secret' "$2" | base64)\"}"
        shift 2
    done
    mkdir "$name"
    printf '{"auths":{%s}}\n' "$entries" >"$name/config.json"
}
config plain $host ci
config address https://$host/v2/ ci
config namespace $host/team ci
config namespaces $host/team ci $host/other guest
config both $host guest $host/team/app ci
export GOFLAGS=-mod=mod GOPATH=$folder/go
unset REGISTRY_AUTH_FILE XDG_RUNTIME_DIR
(cd program && go mod tidy >/dev/null 2>&1 && go build -trimpath .)
files=(plain address namespace namespaces both)
export HOME=$folder
seen=$(venv/bin/python seen.py $host "${files[@]}" && program/seen $host "${files[@]/#/$folder/}")
printf '%s\n' "$seen"
[ "$seen" = 'plain: docker: ci
plain: oras: ci
address: docker: ci
address: oras: None
namespace: docker: ci
namespace: oras: None
namespaces: docker: ci
namespaces: oras: None
both: docker: guest
both: oras: guest
plain: go-containerregistry: ci
plain: oras-go: ci
plain: regclient: ci
address: go-containerregistry: ci
address: oras-go: ci
address: regclient: None
namespace: go-containerregistry: ci
namespace: oras-go: ci
namespace: regclient: None
namespaces: go-containerregistry: ci or guest
namespaces: oras-go: ci or guest
namespaces: regclient: None
both: go-containerregistry: ci
both: oras-go: guest
both: regclient: guest' ] || {
    echo "This has changed." >&2
    exit 1
}
