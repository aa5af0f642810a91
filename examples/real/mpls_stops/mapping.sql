-- Minneapolis police stops → inspection
--
-- A stop is an inspection at the roadside: a place, a time, and what was done. Times are points in
-- time (the file has them in UTC); nothing is converted but the way they are written.
--
-- inspection_result stays empty. A citation is not one of our results, and an empty answer (8,221
-- stops were not entered from the car's computer) is not "no problem found". What was done is kept
-- in words in inspection_remark, "not stated" where the source is silent.
--
-- What has no canonical field, and is left out rather than forced:
--   race, preRace, gender   characteristics of the person stopped: no purpose of an exchange
--                           between transport agencies needs them (minimum necessary data)
--   lat, long               exact places and times together make a track of a person; the
--                           neighbourhood and precinct are enough to find the stop
--   rownames                a row number that R added, not the city's
-- What the source doesn't have: officers, vehicle, party, update time (the time of fetching
-- stands in for it).
SELECT
    txt("idNum")                                AS source_record_id,

    ts_utc("date")                              AS occurred_time,
    txt("idNum")                                AS inspection_no,
    ts_utc("date")                              AS inspection_time,
    'stop'                                      AS inspection_method,
    txt("neighborhood") || ', precinct ' || txt("policePrecinct")
                                                AS inspection_place,
    'reason: ' || coalesce(txt("problem"), 'not stated')
        || '; entered from: ' || coalesce(txt("MDC"), 'not stated')
        || '; citation issued: ' || coalesce(lower(txt("citationIssued")), 'not stated')
        || '; person searched: ' || coalesce(lower(txt("personSearch")), 'not stated')
        || '; vehicle searched: ' || coalesce(lower(txt("vehicleSearch")), 'not stated')
                                                AS inspection_remark
FROM raw
