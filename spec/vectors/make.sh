#!/bin/sh
# Makes the bundles of all vectors in a new folder: make.sh FOLDER
set -eu
LC_ALL=C
export LC_ALL
cd "$(dirname "$0")"
vectors=$PWD
mkdir -p "$1"
cd "$1"
cp "$vectors/good.sealift" .
for patch in "$vectors"/*.patch; do
    name=$(basename "$patch" .patch)
    while read -r step first length; do
        case $step in
        copy) tail -c "+$((first + 1))" good.sealift | head -c "$length" ;;
        data) printf %s "$first" | base64 -d ;;
        esac
    done <"$patch" >"$name.sealift"
done
jq -r '.[] | "\(.sha256)  \(.name).sealift"' "$vectors/index.json" | sha256sum --strict --quiet -c
