"""SQL of the relation ``licences``: fleets, places of registration, first days of licences."""

from __future__ import annotations

from schemas.identities.tokens import LICENCE, token_sql

#: Vehicle classes (code list ``vehicle_type``) of goods vehicles, of what may be one, of others.
_GOODS = (
    "truck%", "tractor_unit", "combination", "tank_vehicle", "dump_truck", "toll_truck_%",
    "special_%_goods", "three_wheeled_vehicle",
)  # fmt: skip
_NO_GOODS = (
    "bus%", "car", "school_bus", "city_bus", "trolleybus", "tram", "motorcycle%", "moped%",
    "toll_passenger_%", "special_%_no_goods", "vessel%", "wheeled_%",
)  # fmt: skip
#: Certificates of trailers count apart from those of the vehicles that draw them: unclear.
_UNCLEAR = ("semi_trailer%", "full_trailer%")
_LIVE = "('valid', 'suspended')"


def licences_sql(licences: str) -> str:
    """SELECT over current ``licence`` records: kind, key, operator_key, division, is_goods,
    first_issue_date, valid_from, valid_to, ended_on.

    Persons and firms by the token of the key that the connection was given (``set_token_key``).
    ``is_goods`` NULL: neither its class nor its scope says whether it is a goods vehicle.
    """
    return f"""
    SELECT kind, CASE kind WHEN 'vehicle' THEN vehicle_key(vehicle_plate_no, vehicle_plate_color)
        WHEN 'driver' THEN coalesce({token_sql(f"'{LICENCE}'", "driver_license_no")},
          {token_sql("party_id_type", "party_id_no")})
        ELSE {token_sql("party_id_type", "party_id_no")} END AS key,
      CASE kind WHEN 'vehicle' THEN coalesce({token_sql("'uscc'", "vehicle_operator_uscc")},
        {token_sql("party_id_type", "party_id_no")}) END AS operator_key,
      coalesce(CASE kind WHEN 'vehicle' THEN vehicle_registration_division END, division_code)
        AS division,
      {_is_goods()} AS is_goods, first_issue_date,
      coalesce(valid_from, first_issue_date) AS valid_from, valid_to,
      CASE WHEN licence_status NOT IN {_LIVE} THEN coalesce(
        CAST(status_time AT TIME ZONE 'Asia/Shanghai' AS DATE), DATE '0001-01-01') END AS ended_on
    FROM (
      SELECT *, CASE licence_type WHEN 'road_transport_vehicle' THEN 'vehicle'
          WHEN 'driver_qualification' THEN 'driver'
          WHEN 'road_transport_operation' THEN 'transport_enterprise' END AS kind
      FROM {licences} WHERE data_status NOT IN ('removed', 'revoked'))
    WHERE kind IS NOT NULL
    """


def _is_goods() -> str:
    def among(patterns: tuple[str, ...]) -> str:
        return "(" + " OR ".join(f"vehicle_class LIKE '{p}'" for p in patterns) + ")"

    # The certificate of a bus names passengers; one that names both goods and passengers counts.
    return (
        f"CASE WHEN {among(_NO_GOODS)} THEN FALSE WHEN {among(_UNCLEAR)} THEN NULL "
        f"WHEN {among(_GOODS)} OR contains(business_scope, '货') THEN TRUE "
        "WHEN contains(business_scope, '客') OR contains(business_scope, '租') THEN FALSE END"
    )
