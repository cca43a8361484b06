#!/usr/bin/env bash
# One address of Redis, two databases: ioredis 6.0.0, redis 6.3.1 (npm), redis 8.1.0 (PyPI) and go-redis 9.23.0 (Go),
# which zot is made with.
#
# `?db=3` is database 3 for all but npm's redis, which passes over it and takes database 0. Where a path is there too,
# go-redis and Python go by `?db=`, ioredis and npm's redis by the path. `redis:///3` is this machine for all but
# npm's redis, which has a host without a name. A path that ends in a slash is an error for npm's redis alone.
# `unix://` with a name and a password, as go-redis and Python document it, has them read as a folder by ioredis.
set -euo pipefail
folder=$(mktemp -d)
trap 'chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund ioredis@6.0.0 redis@6.3.1
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install redis==8.1.0
mkdir program
cat >program/go.mod <<'MOD'
module seen

go 1.24

require github.com/redis/go-redis/v9 v9.23.0
MOD
cat >program/main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"
)

func main() {
	for _, address := range os.Args[1:] {
		options, err := redis.ParseURL(address)
		if err != nil {
			fmt.Printf("%s: go-redis: an error\n", address)
			continue
		}
		fmt.Printf("%s: go-redis: %s, user %q, database %d\n", address, options.Addr, options.Username, options.DB)
	}
}
GO
cat >seen.js <<'JS'
import { Redis } from "ioredis";
import { createClient } from "redis";

const told = (place, user, database) => `${place}, user "${user ?? ""}", database ${database ?? 0}`;
const libraries = {
    ioredis: (address) => {
        const { host, port, path, username, db } = new Redis(address, { lazyConnect: true }).options;
        return told(path ?? `${host}:${port}`, username, db);
    },
    "npm's redis": (address) => {
        const { socket, username, database } = createClient({ url: address }).options;
        return told(socket.path ?? `${socket.host}:${socket.port ?? 6379}`, username, database);
    },
};
for (const address of process.argv.slice(2)) {
    for (const [name, read] of Object.entries(libraries)) {
        let seen;
        try {
            seen = read(address);
        } catch {
            seen = "an error";
        }
        console.log(`${address}: ${name}: ${seen}`);
    }
}
JS
cat >seen.py <<'PY'
import sys

from redis import ConnectionPool

for address in sys.argv[1:]:
    pool = ConnectionPool.from_url(address)
    made = pool.connection_class(**pool.connection_kwargs)
    place = getattr(made, "path", None) or f"{made.host}:{made.port}"
    print(f'{address}: Python\'s redis: {place}, user "{made.username or ""}", database {made.db}')
PY
export GOFLAGS=-mod=mod GOPATH=$folder/go
(cd program && go build -trimpath . 2>/dev/null)
addresses=('redis://cache.example:6380/3' 'redis://cache.example?db=3' 'redis://cache.example/3?db=4' redis:///3
    redis://cache.example/3/ 'unix://zot:secret@/run/redis.sock?db=3')
seen=$(node seen.js "${addresses[@]}" && venv/bin/python seen.py "${addresses[@]}" && program/seen "${addresses[@]}")
printf '%s\n' "$seen"
[ "$seen" = "redis://cache.example:6380/3: ioredis: cache.example:6380, user \"\", database 3
redis://cache.example:6380/3: npm's redis: cache.example:6380, user \"\", database 3
redis://cache.example?db=3: ioredis: cache.example:6379, user \"\", database 3
redis://cache.example?db=3: npm's redis: cache.example:6379, user \"\", database 0
redis://cache.example/3?db=4: ioredis: cache.example:6379, user \"\", database 3
redis://cache.example/3?db=4: npm's redis: cache.example:6379, user \"\", database 3
redis:///3: ioredis: localhost:6379, user \"\", database 3
redis:///3: npm's redis: :6379, user \"\", database 3
redis://cache.example/3/: ioredis: cache.example:6379, user \"\", database 3
redis://cache.example/3/: npm's redis: an error
unix://zot:secret@/run/redis.sock?db=3: ioredis: //zot:secret@/run/redis.sock, user \"\", database 3
unix://zot:secret@/run/redis.sock?db=3: npm's redis: /run/redis.sock, user \"zot\", database 3
redis://cache.example:6380/3: Python's redis: cache.example:6380, user \"\", database 3
redis://cache.example?db=3: Python's redis: cache.example:6379, user \"\", database 3
redis://cache.example/3?db=4: Python's redis: cache.example:6379, user \"\", database 4
redis:///3: Python's redis: localhost:6379, user \"\", database 3
redis://cache.example/3/: Python's redis: cache.example:6379, user \"\", database 3
unix://zot:secret@/run/redis.sock?db=3: Python's redis: /run/redis.sock, user \"zot\", database 3
redis://cache.example:6380/3: go-redis: cache.example:6380, user \"\", database 3
redis://cache.example?db=3: go-redis: cache.example:6379, user \"\", database 3
redis://cache.example/3?db=4: go-redis: cache.example:6379, user \"\", database 4
redis:///3: go-redis: localhost:6379, user \"\", database 3
redis://cache.example/3/: go-redis: cache.example:6379, user \"\", database 3
unix://zot:secret@/run/redis.sock?db=3: go-redis: /run/redis.sock, user \"zot\", database 3" ] || {
    echo "This has changed." >&2
    exit 1
}
