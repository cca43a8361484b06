#!/usr/bin/env bash
# undici 7.30.2, EnvHttpProxyAgent: of NO_PROXY, an IPv6 address counts only in brackets, and a network in CIDR notation
# never.
#
# curl (since 7.86) and Go's net/http take `::1` and `127.0.0.0/8` there. A list that keeps their requests away from the
# proxy sends undici's to it, loopback among them.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund undici@7.30.2
cat >seen.js <<'JS'
import { createServer } from "node:http";
import { EnvHttpProxyAgent, fetch } from "undici";

const listen = (server, host) => new Promise((resolve) => server.listen(0, host, () => resolve(server.address().port)));
const proxy = createServer();
let asked = false;
proxy.on("connect", (_request, socket) => {
    asked = true;
    socket.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
});
const proxyUrl = `http://127.0.0.1:${await listen(proxy, "127.0.0.1")}`;
const target = createServer((_request, response) => response.end("direct"));
const port = await listen(target, "::");

for (const [host, noProxy] of [["127.0.0.1", "127.0.0.1"], ["127.0.0.1", "127.0.0.0/8"], ["[::1]", "[::1]"], ["[::1]", "::1"]]) {
    asked = false;
    const dispatcher = new EnvHttpProxyAgent({ httpProxy: proxyUrl, httpsProxy: proxyUrl, noProxy });
    await fetch(`http://${host}:${port}/`, { dispatcher }).then((answer) => answer.text()).catch(() => {});
    console.log(`NO_PROXY=${noProxy}: http://${host} goes ${asked ? "to the proxy" : "directly"}`);
}
process.exit();
JS
seen=$(NODE_NO_WARNINGS=1 node seen.js)
printf '%s\n' "$seen"
[ "$seen" = "NO_PROXY=127.0.0.1: http://127.0.0.1 goes directly
NO_PROXY=127.0.0.0/8: http://127.0.0.1 goes to the proxy
NO_PROXY=[::1]: http://[::1] goes directly
NO_PROXY=::1: http://[::1] goes to the proxy" ] || {
    echo "This has changed." >&2
    exit 1
}
