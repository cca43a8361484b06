#!/bin/sh
# pulumi-cli.sh VERSION FOLDER: Pulumi's CLI with its Node.js language host, from the official download, which must have
# the sha256 that is pinned in testbed/toolchain/archives.sha256. The archive is kept in FOLDER for the next run. It is
# checked and unpacked each time, into a folder that only this user may write to: on a runner that others share, nothing
# is run that was there before. Prints the folder to put on the PATH.
set -eu
umask 077
version=$1 folder=$2
fail() { echo "$*" >&2 && exit 1; }
case $(uname -m) in x86_64) processor=x64 ;; aarch64 | arm64) processor=arm64 ;; *) fail "There is no Pulumi for $(uname -m)." ;; esac
archive=pulumi-v$version-linux-$processor.tar.gz
sums=$(cd "$(dirname "$0")/../../testbed/toolchain" && pwd)/archives.sha256
pinned=$(grep "  $archive\$" "$sums") || fail "$archive has no checksum in $sums, and is not fetched."
place=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/pulumi-cli.XXXXXX")
cd "$place"
trap 'rm -rf "$place"' EXIT
is_pinned() { printf '%s\n' "$pinned" | sha256sum -c >/dev/null 2>&1; }
# A copy: what is checked is what is unpacked.
if [ -f "$folder/$archive" ]; then cp "$folder/$archive" "$archive"; fi
if ! is_pinned; then
    url=https://get.pulumi.com/releases/sdk/$archive
    curl -q --fail --silent --show-error --location --proto =https --retry 3 --output "$archive" "$url"
    is_pinned || fail "$archive has the sha256 $(sha256sum "$archive" | cut -d ' ' -f 1), and not the one that is pinned in $sums."
    # Only saves the next download: that it cannot be kept is no reason to stop.
    if mkdir -p "$folder" && cp "$archive" "$folder/.$archive.$$" && mv "$folder/.$archive.$$" "$folder/$archive"; then :; fi 2>/dev/null
fi
tar -xzof "$archive"
rm "$archive"
[ -x pulumi/pulumi ] || fail "$archive holds no pulumi/pulumi."
trap - EXIT
echo "$place/pulumi"
