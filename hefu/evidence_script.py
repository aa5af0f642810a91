"""``verify.sh`` of an exported folder: what common tools can check of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_HEAD = r"""#!/bin/sh
# 用通用工具核验本证据目录：sh verify.sh
# Checks this folder of evidence with common tools: sh verify.sh
# sha256sum, unzip, openssl 3.0, sed, grep, base64
set -eu
export LC_ALL=C.UTF-8
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "1. 目录内文件未被改动 / no file of this folder was changed"
sha256sum -c --strict --quiet SHA256SUMS

check() { # 目录 公钥标识 / folder, key id
    echo "2. $1"
    echo "   信任根 / root:   $(sha256sum < "$1/root.json" | cut -c-64)"
    id=$(openssl pkey -pubin -in "$1/keys/$2.pem" -outform DER | sha256sum | cut -c-64)
    test "$id" = "$2"
    echo "   公钥 / key:      $id"
    here="$work/$1.$2"
    unzip -q -d "$here" "$1/bundle.hefu"
    cmp -s "$here/statement.dsse.json" "$1/statement.dsse.json"
    sed 's/.*"payload":"\([^"]*\)".*/\1/' "$here/statement.dsse.json" | base64 -d > "$here.json"
    sed "s/.*\"keyid\":\"$2\",\"sig\":\"\([^\"]*\)\".*/\1/" "$here/statement.dsse.json" \
        | base64 -d > "$here.sig"
    { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < "$here.json")"
      cat "$here.json"; } > "$here.signed"
    openssl pkeyutl -verify -rawin -pubin -inkey "$1/keys/$2.pem" \
        -in "$here.signed" -sigfile "$here.sig" > /dev/null
    echo "   签名有效 / the signature is good"
    (cd "$here" && grep -o '"sha256":"[0-9a-f]*"},"name":"[^"]*"' "$here.json" \
        | sed 's/"sha256":"\([0-9a-f]*\)"},"name":"\([^"]*\)"/\1  \2/' \
        | sha256sum -c --strict --quiet)
    echo "   数据包内各文件与声明一致 / every file in the bundle is the signed one"
}

"""

_TAIL = r"""
echo "3. 全部通过。上列信任根须与双方当面核对的一致；
   该公钥当时属于发布单位，由 repository/ 中的清单证明：hefu evidence verify 本目录
   All passed. The root above must be the one that the agencies compared; that the key was the
   publisher's at that time follows from the lists in repository/: hefu evidence verify FOLDER"
"""


def script(signers: Mapping[str, Sequence[str]]) -> str:
    """The script for bundle folders and the ids of the keys that signed each; names are safe, they
    consist of stream names and digits."""
    calls = [f"check {folder} {key}\n" for folder, keys in signers.items() for key in keys]
    return _HEAD + "".join(calls) + _TAIL
