#!/usr/bin/env bash
# @octokit/core 7.0.8: where its fetch follows no redirect, a request that is answered 301 resolves as if it had
# succeeded.
#
# A client that must not send its token to another host gives Octokit a fetch with `redirect: "manual"`. A PUT to a
# repository that was renamed then comes back with status 301 and no error: nothing was written. Only 304 and 4xx
# upwards reject.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '{"private":true,"type":"module"}\n' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund @octokit/core@7.0.8
cat >seen.js <<'JS'
import { createServer } from "node:http";
import { Octokit } from "@octokit/core";

const server = createServer((request, response) => {
    const status = Number(request.url.slice(1));
    response.writeHead(status, { location: "/200", "content-type": "application/json" }).end(status === 304 ? undefined : '{"message":"moved"}');
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const quiet = () => {};
const octokit = new Octokit({
    baseUrl: `http://127.0.0.1:${server.address().port}`,
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    request: { fetch: (url, options) => fetch(url, { ...options, redirect: "manual" }) },
});
for (const status of [200, 301, 307, 304, 404]) {
    const outcome = await octokit.request(`PUT /${status}`).then((answer) => `resolves with status ${answer.status}`, () => "rejects");
    console.log(`${status}: ${outcome}`);
}
server.close();
JS
seen=$(node seen.js)
printf '%s\n' "$seen"
[ "$seen" = "200: resolves with status 200
301: resolves with status 301
307: resolves with status 307
304: rejects
404: rejects" ] || {
    echo "This has changed." >&2
    exit 1
}
