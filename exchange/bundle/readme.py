"""The ``readme.txt`` of every bundle: constant bytes, so that it adds nothing to a digest.

The commands in it are run by ``tests/exchange/test_exchange_offline_commands.py``.
"""

from __future__ import annotations

README = r"""合符数据包 / Hefu bundle

本文件是一份经电子签名的执法数据包，可用 Hefu 打开：
    hefu verify 数据包.hefu --trust 信任目录
    hefu open 数据包.hefu --trust 信任目录 --out 输出目录 --format xlsx
没有 Hefu 时，可用下列通用工具核验。发送方公钥 KEY.pem 须事先当面或另行取得，不得使用
随数据包一同收到的公钥；identity.txt 为本单位的解密身份（hefu keys identity 可导出）。

This file is a signed bundle of enforcement records. Hefu opens it:
    hefu verify BUNDLE.hefu --trust DIR
    hefu open BUNDLE.hefu --trust DIR --out OUT --format xlsx
Without Hefu, use these common tools. KEY.pem is the sender's public key, which you must have
received by another way than with this bundle; identity.txt is your own agency's identity
(hefu keys identity gives it out), which opens what was encrypted for it.

    # 0. 解密（仅限 .hefu.age 文件）/ decrypt, a file named .hefu.age only
    age -d -i identity.txt -o BUNDLE.hefu BUNDLE.hefu.age

    unzip BUNDLE.hefu -d bundle && cd bundle

    # 1. 签名 / the signature
    sed 's/.*"payload":"\([^"]*\)".*/\1/' statement.dsse.json | base64 -d > payload.json
    id=$(openssl pkey -pubin -in ../KEY.pem -outform DER | sha256sum | cut -c-64)
    sed "s/.*\"keyid\":\"$id\",\"sig\":\"\([^\"]*\)\".*/\1/" statement.dsse.json \
      | base64 -d > signature.bin
    { printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c < payload.json)"; \
      cat payload.json; } > signed.bin
    openssl pkeyutl -verify -rawin -pubin -inkey ../KEY.pem -in signed.bin -sigfile signature.bin

    # 2. 文件未被改动 / the files are unchanged
    grep -o '"sha256":"[0-9a-f]*"},"name":"[^"]*"' payload.json \
      | sed 's/"sha256":"\([0-9a-f]*\)"},"name":"\([^"]*\)"/\1  \2/' | sha256sum -c --strict

    # 3. 谁发给谁、依据何协议 / who says this to whom, under which agreement
    sed 's/.*"predicate":{\(.*\)},"predicateType".*/\1/' payload.json

第 1 步须显示 Signature Verified Successfully，第 2 步每个文件均须为 OK，且除
statement.dsse.json 外不得有清单之外的文件。records/ 中为数据（Parquet 格式），
contracts/ 中为数据标准，quality/verdict.json 为质量校验结果。
Step 1 must print "Signature Verified Successfully"; step 2 must print OK for every file, and
there must be no file beside the listed ones and statement.dsse.json. records/ holds the data
(Parquet), contracts/ its definition, quality/verdict.json what was checked before sending.
""".encode()
