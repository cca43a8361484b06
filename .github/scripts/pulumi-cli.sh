#!/bin/sh
# pulumi-cli.sh VERSION FOLDER: Pulumi's CLI with its Node.js language host in FOLDER/pulumi, from the official download, whose published checksum
# it must have. Prints the folder to put on the PATH.
set -eu
version=$1 folder=$2
if [ -x "$folder/pulumi/pulumi" ] && [ "$("$folder/pulumi/pulumi" version)" = "v$version" ]; then
    echo "$folder/pulumi"
    exit
fi
case $(uname -m) in x86_64) processor=x64 ;; aarch64 | arm64) processor=arm64 ;; *) echo "There is no Pulumi for $(uname -m)." >&2 && exit 1 ;; esac
archive=pulumi-v$version-linux-$processor.tar.gz
mkdir -p "$folder"
cd "$folder"
fetch() { curl -q --fail --silent --show-error --location --retry 3 --output "$1" "$2"; }
fetch "$archive" "https://get.pulumi.com/releases/sdk/$archive"
fetch checksums.txt "https://github.com/pulumi/pulumi/releases/download/v$version/pulumi-$version-checksums.txt"
grep "  $archive\$" checksums.txt | sha256sum --check --status || { echo "$archive has not the published checksum." >&2 && exit 1; }
tar --extract --gzip --file "$archive"
rm "$archive" checksums.txt
echo "$folder/pulumi"
