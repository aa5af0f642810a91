"""Case results by the million, as one CSV: what a provincial case system would export.

Made by DuckDB from a row number, so a million rows take seconds and the same number always
gives the same bytes. Persons and companies are invented; their check digits are right, since a
feed in which every row is quarantined would measure the wrong path.
"""

from __future__ import annotations

import random
from pathlib import Path

import duckdb

CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def credit_codes(count: int) -> list[str]:
    """Invented unified social credit codes with the check digit of GB 32100."""
    rng = random.Random(2026)  # noqa: S311 (test data, not secrets)
    codes = []
    for _ in range(count):
        body = "91999900" + "".join(rng.choice(CREDIT_ALPHABET) for _ in range(9))
        total = sum(CREDIT_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
        codes.append(body + CREDIT_ALPHABET[(31 - total % 31) % 31])
    return codes


def make_csv(path: Path, rows: int) -> Path:
    """Write ``rows`` case results with Chinese headers to ``path`` (kept if it is there)."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    con = duckdb.connect()
    con.execute("CREATE TABLE codes AS SELECT unnest(?::VARCHAR[]) AS code", [credit_codes(5000)])
    con.execute("CREATE TABLE numbered AS SELECT row_number() OVER () - 1 AS n, code FROM codes")
    con.execute(
        f"""
        COPY (
          SELECT
            'C' || lpad(i::VARCHAR, 9, '0') AS "案件编号",
            '浙湖交罚〔2026〕' || lpad(i::VARCHAR, 7, '0') || '号' AS "决定书文号",
            '测试运输有限公司' || (hash(i) % 5000) AS "当事人",
            code AS "统一社会信用代码",
            '皖P' || lpad((hash(i, 1) % 100000)::VARCHAR, 5, '0') AS "车牌号",
            ['黄', '蓝', '黄绿', '绿'][(1 + hash(i, 2) % 4)::INT] AS "车牌颜色",
            (2 + hash(i, 3) % 5)::VARCHAR AS "轴数",
            '330523' AS "案发地",
            '车货总质量超过限定标准行驶公路' AS "违法行为",
            '经动态检测，车货总质量 ' || (50 + hash(i, 4) % 30) || ' 吨，超限 '
              || (1 + hash(i, 4) % 30) || ' 吨' AS "违法事实",
            '《公路安全保护条例》第六十四条' AS "处罚依据",
            '罚款' AS "处罚类别",
            '罚款人民币 ' || (500 * (1 + hash(i, 5) % 40)) || ' 元' AS "处罚内容",
            (500 * (1 + hash(i, 5) % 40))::VARCHAR || '.00' AS "罚款金额",
            strftime(DATE '2025-10-01' + (hash(i, 6) % 300)::INT, '%Y/%m/%d') AS "立案日期",
            strftime(DATE '2025-10-01' + (hash(i, 6) % 300 + 20)::INT, '%Y/%m/%d') AS "决定日期",
            strftime(DATE '2025-10-01' + (hash(i, 6) % 300 + 40)::INT, '%Y/%m/%d') AS "结案日期",
            strftime(TIMESTAMP '2026-09-01 00:00:00' + to_seconds((hash(i, 7) % 5000000)::INT),
                     '%Y-%m-%d %H:%M:%S') AS "更新时间"
          FROM range({rows}) r(i)
          JOIN numbered ON numbered.n = hash(i, 8) % 5000
          ORDER BY i
        ) TO '{part}' (FORMAT csv, HEADER true)
        """
    )
    con.close()
    return part.rename(path)
