#!/usr/bin/env bash
# One size, up to four numbers of bytes: bytes 3.1.2, xbytes 1.9.1, filesize-parser 1.5.2 (npm), humanfriendly 10.0,
# docker 7.2.0 (PyPI), docker/go-units 0.5.0, dustin/go-humanize 1.1.0, c2h5oh/datasize of December 2023 and
# Kubernetes' quantity of apimachinery 0.37.2 (Go).
#
# Who writes `1G` or `1Gi` as for Docker or Kubernetes gets one byte of bytes, which reads the number and passes over
# a unit that it does not know, and a thousand millions of humanfriendly, which goes by the first letter. To xbytes a
# small `b` means bits. go-units has two readings of its own: RAMInBytes counts in 1024, FromHumanSize in 1000, and
# takes `1GiB`, which is binary by IEC 80000-13, for a thousand millions too. To Kubernetes `1m` is a thousandth of a
# byte. No spelling means the same to all; a number without a unit does, but xbytes reads none in it.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund bytes@3.1.2 filesize-parser@1.5.2 xbytes@1.9.1
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install docker==7.2.0 humanfriendly==10.0
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.26

require (
	github.com/c2h5oh/datasize v0.0.0-20231215233829-aa82cc1e6500
	github.com/docker/go-units v0.5.0
	github.com/dustin/go-humanize v1.1.0
	k8s.io/apimachinery v0.37.2
)
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/c2h5oh/datasize"
	"github.com/docker/go-units"
	"github.com/dustin/go-humanize"
	"k8s.io/apimachinery/pkg/api/resource"
)

func told[T any](value T, err error) string {
	if err != nil {
		return "an error"
	}
	return fmt.Sprint(value)
}

func main() {
	for _, size := range os.Args[1:] {
		sized, err := datasize.ParseString(size)
		inDatasize := told(uint64(sized), err)
		quantity, err := resource.ParseQuantity(size)
		inQuantity := told(quantity.AsDec(), err)
		fmt.Printf("%s: RAMInBytes %s, FromHumanSize %s, go-humanize %s, datasize %s, quantity %s\n", size,
			told(units.RAMInBytes(size)), told(units.FromHumanSize(size)), told(humanize.ParseBytes(size)), inDatasize,
			inQuantity)
	}
}
GO
cat >seen.js <<'JS'
import bytes from "bytes";
import filesizeParser from "filesize-parser";
import xbytes from "xbytes";

const libraries = { bytes: bytes.parse, xbytes: (size) => xbytes.parseSize(size), "filesize-parser": filesizeParser };
for (const size of process.argv.slice(2)) {
    const told = Object.entries(libraries).map(([name, parse]) => `${name} ${parse(size) ?? "nothing"}`);
    console.log(`${size}: ${told.join(", ")}`);
}
JS
cat >seen.py <<'PY'
import sys

import humanfriendly
from docker.errors import DockerException
from docker.utils import parse_bytes

for size in sys.argv[1:]:
    told = []
    for name, parse in (("humanfriendly", humanfriendly.parse_size), ("docker", parse_bytes)):
        try:
            told.append(f"{name} {parse(size)}")
        except (DockerException, humanfriendly.InvalidSize):
            told.append(f"{name} an error")
    print(f"{size}: {', '.join(told)}")
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go build -trimpath . 2>/dev/null)
sizes=(1048576 1G 1GB 1gb 1Gi 1GiB 1.5G 1m)
seen=$(node seen.js "${sizes[@]}" && venv/bin/python seen.py "${sizes[@]}" && program/seen "${sizes[@]}")
printf '%s\n' "$seen"
[ "$seen" = '1048576: bytes 1048576, xbytes nothing, filesize-parser 1048576
1G: bytes 1, xbytes nothing, filesize-parser 1073741824
1GB: bytes 1073741824, xbytes 1000000000, filesize-parser 1073741824
1gb: bytes 1073741824, xbytes 125000000, filesize-parser 1073741824
1Gi: bytes 1, xbytes nothing, filesize-parser 1073741824
1GiB: bytes 1, xbytes 1073741824, filesize-parser 1073741824
1.5G: bytes 1, xbytes nothing, filesize-parser 1610612736
1m: bytes 1, xbytes nothing, filesize-parser 1048576
1048576: humanfriendly 1048576, docker 1048576
1G: humanfriendly 1000000000, docker 1073741824
1GB: humanfriendly 1000000000, docker 1073741824
1gb: humanfriendly 1000000000, docker 1073741824
1Gi: humanfriendly 1000000000, docker an error
1GiB: humanfriendly 1073741824, docker an error
1.5G: humanfriendly 1500000000, docker 1610612736
1m: humanfriendly 1000000, docker 1048576
1048576: RAMInBytes 1048576, FromHumanSize 1048576, go-humanize 1048576, datasize 1048576, quantity 1048576
1G: RAMInBytes 1073741824, FromHumanSize 1000000000, go-humanize 1000000000, datasize 1073741824, quantity 1000000000
1GB: RAMInBytes 1073741824, FromHumanSize 1000000000, go-humanize 1000000000, datasize 1073741824, quantity an error
1gb: RAMInBytes 1073741824, FromHumanSize 1000000000, go-humanize 1000000000, datasize 1073741824, quantity an error
1Gi: RAMInBytes an error, FromHumanSize an error, go-humanize 1073741824, datasize an error, quantity 1073741824
1GiB: RAMInBytes 1073741824, FromHumanSize 1000000000, go-humanize 1073741824, datasize an error, quantity an error
1.5G: RAMInBytes 1610612736, FromHumanSize 1500000000, go-humanize 1500000000, datasize an error, quantity 1500000000
1m: RAMInBytes 1048576, FromHumanSize 1000000, go-humanize 1000000, datasize 1048576, quantity 0.001' ] || {
    echo "This has changed." >&2
    exit 1
}
