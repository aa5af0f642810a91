"""The three county agencies of the region.

The counties and their division codes (GB/T 2260) are real, because neighbours on a
provincial border are the point. The agencies' names carry the mark 「示例」 and their
unified credit codes are invented: after ``11`` and the division code come the nine
characters ``HEFUDEM0x``, then a check character that is right by GB 32100.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from examples.region.check_digits import credit_code
from schemas.text import Text


@dataclass(frozen=True, slots=True)
class Agency:
    """One county's transport enforcement agency.

    ``index`` is its place in :data:`AGENCIES`, ``folder`` names the node's folder, ``province``
    is the character that begins its plates, ``document_mark`` is the part of a document number
    that names the agency.
    """

    index: int
    folder: str
    code: str
    name: str
    county: str
    division_code: str
    province: str
    document_mark: str

    @property
    def label(self) -> Text:
        """The county's short name in both languages."""
        return Text(en=self.folder.capitalize(), zh=self.county)


def _agency(folder: str, county: str, division_code: str, province: str, mark: str) -> Agency:
    index = ("anji", "guangde", "ningguo").index(folder)
    return Agency(
        index=index,
        folder=folder,
        code=credit_code(f"11{division_code}HEFUDEM0{index + 1}"),
        name=f"{county}交通运输综合行政执法队（示例）",
        county=county,
        division_code=division_code,
        province=province,
        document_mark=mark,
    )


ANJI: Final = _agency("anji", "安吉县", "330523", "浙", "示浙安交")
GUANGDE: Final = _agency("guangde", "广德市", "341882", "皖", "示皖广交")
NINGGUO: Final = _agency("ningguo", "宁国市", "341881", "皖", "示皖宁交")

AGENCIES: Final = (ANJI, GUANGDE, NINGGUO)
BY_FOLDER: Final = {agency.folder: agency for agency in AGENCIES}
BY_CODE: Final = {agency.code: agency for agency in AGENCIES}
