"""Identities: plates, numbers of persons, organisations and vehicles, and names.

Each is defined once: the forms, alphabets and weights of a module make both its Python function
and the SQL macro of the same name, and a property test holds the two to the same answers. Given
None they answer None, as SQL does.
"""

from __future__ import annotations

from schemas.identities import characters, organisations, persons, plates, tokens, vehicles
from schemas.identities.organisations import (
    credit_check,
    credit_code,
    credit_code_ok,
    org_check,
    org_code,
    org_code_ok,
    org_match_key,
)
from schemas.identities.persons import (
    id_birth_date,
    id_born_by,
    id_check,
    id_no,
    id_no_18,
    id_no_ok,
    id_region_known,
)
from schemas.identities.plates import (
    plate,
    plate_division,
    plate_kind,
    plate_ok,
    plate_unread,
    vehicle_key,
)
from schemas.identities.vehicles import transport_certificate_no, vin, vin_check_ok, vin_ok

__all__ = [
    "credit_check",
    "credit_code",
    "credit_code_ok",
    "id_birth_date",
    "id_born_by",
    "id_check",
    "id_no",
    "id_no_18",
    "id_no_ok",
    "id_region_known",
    "identity_macros",
    "org_check",
    "org_code",
    "org_code_ok",
    "org_match_key",
    "plate",
    "plate_division",
    "plate_kind",
    "plate_ok",
    "plate_unread",
    "transport_certificate_no",
    "vehicle_key",
    "vin",
    "vin_check_ok",
    "vin_ok",
]


def identity_macros() -> str:
    """SQL of the macros; to be run after ``schemas/macros.sql`` and the tables of code lists."""
    modules = (characters, plates, organisations, persons, vehicles, tokens)
    return "".join(module.MACROS for module in modules)
