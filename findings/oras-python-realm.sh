#!/usr/bin/env bash
# oras for Python 0.2.43: the default backend takes the realm of a Basic challenge for an address, asks it for a token,
# and never sends the login that it was given.
#
# RFC 7617 leaves the realm to the server: it is a text for people. With `auth_backend="basic"` the login is sent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip --quiet --disable-pip-version-check install oras==0.2.43 requests==2.32.5 urllib3==2.5.0 jsonschema==4.23.0
cat >seen.py <<'PY'
import http.server, os, sys, threading

import oras.client


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        login = bool(self.headers.get("Authorization"))
        self.server.heard.append(login)
        body = b'{"name":"team/app","tags":["v1"]}' if login else b"{}"
        self.send_response(200 if login else 401 if self.server.challenges else 404)
        if self.server.challenges and not login:
            self.send_header("WWW-Authenticate", f'Basic realm="127.0.0.1:{named.server_port}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(challenges):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.heard, server.challenges = [], challenges
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def report():
    sent = "with the login" if any(registry.heard) else "never with the login"
    print(f"{sys.argv[1]}: the registry is asked {sent}, the realm's address {'is asked' if named.heard else 'is left alone'}", flush=True)
    os._exit(0)


named, registry = serve(False), serve(True)
host = f"127.0.0.1:{registry.server_port}"
client = oras.client.OrasClient(hostname=host, insecure=True, auth_backend=sys.argv[1])
client.auth.set_basic_auth("ci", "key")
# It goes on asking for minutes; the first tries say all.
threading.Timer(8, report).start()
client.get_tags(f"{host}/team/app")
report()
PY
seen=$(for backend in token basic; do venv/bin/python seen.py "$backend" 2>/dev/null | grep '^[a-z]*: the registry'; done)
printf '%s\n' "$seen"
[ "$seen" = "token: the registry is asked never with the login, the realm's address is asked
basic: the registry is asked with the login, the realm's address is left alone" ] || {
    echo "This has changed." >&2
    exit 1
}
