-- New York City parking tickets → case_result
--
-- A summons that was issued is taken as the decision: the city decides by issuing it, and who
-- does not contest it pays. The extract doesn't say what became of it later, so nothing is said
-- of payment, review or closing.
--
-- 91 tickets have no "Violation Description". The contract demands a violation in words, so they
-- are quarantined (required:violation_type) and not filled in: code 46 means "46A" in one ticket
-- and "46B" in the next, and a guess would be our decision in the city's name.
--
-- American plates don't have the form of GA 36: they are kept as written and flagged (plate_form,
-- soft). BLANKPLATE is the city's word for a vehicle without a plate, so no plate is recorded.
-- (Both such tickets of the extract have no description either.)
-- There is no plate colour in the source: plate_color_missing (soft).
--
-- What has no canonical field, and is left out rather than forced:
--   Registration State   vehicle_registration_division holds GB/T 2260 codes; NJ is not one
--   Plate Type           a class of registration (PAS, COM, …), neither colour nor vehicle type
--   Vehicle Make         the model has no field for a make
-- What the source doesn't have: amount of the fine, provision, party, time of day, update time
-- (the time of fetching stands in for it).
SELECT
    txt("Summons Number")                       AS source_record_id,

    txt("Summons Number")                       AS case_no,
    txt("Summons Number")                       AS penalty_decision_no,
    'penalty'                                   AS decision_type,
    txt("Violation Description")                AS violation_type,
    'NYC/' || txt("Violation Code")             AS case_cause_code,
    date_mdy("Issue Date")                      AS decision_date,
    'City of New York'                          AS penalty_org_name,

    CASE WHEN txt("Plate ID") <> 'BLANKPLATE' THEN txt("Plate ID") END
                                                AS vehicle_plate_no,
    txt("Plate ID") = 'BLANKPLATE'              AS vehicle_plate_unread,
    txt("Vehicle Body Type")                    AS vehicle_type
FROM raw
