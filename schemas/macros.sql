-- What a mapping may call. VARCHAR in, VARCHAR out unless said otherwise. What a macro can't read
-- it returns as it came, so that the cast or the rule that follows names it and keeps the raw text.
-- Each is documented with an example in docs/mapping.md, and that example is a test. Those of plates,
-- numbers and names are made from schemas/identities, where their twins in Python stand.
--
-- Shape matters for speed: the usual form is recognised by one cheap test and returned at once,
-- the costly repair runs only for the rows that need it (CASE evaluates a branch for its rows only).

-- NFC. DuckDB's own function ends at a NUL character and would cut the text; a text with one is left as
-- it is, and the rule on control characters puts its row into quarantine.
CREATE OR REPLACE MACRO nfc_whole(x) AS CASE WHEN contains(x, chr(0)) THEN x ELSE nfc_normalize(x) END;

-- Text: trimmed (also full-width spaces and byte order marks), NFC, empty is NULL.
CREATE OR REPLACE MACRO txt(x) AS
  CASE
    WHEN regexp_matches(x, '^[\s\x{a0}\x{3000}\x{feff}]|[\s\x{a0}\x{3000}\x{feff}]$|[\x{300}-\x{3ff}\x{483}-\x{486}\x{591}-\x{1fff}\x{2000}-\x{2001}\x{20d0}-\x{232a}\x{2adc}\x{302a}-\x{302f}\x{3099}-\x{309a}\x{a66f}-\x{abff}\x{f900}-\x{faff}\x{fb1d}-\x{fe2f}\x{10000}-\x{1ffff}\x{2f800}-\x{2fa1d}]')
    THEN nullif(regexp_replace(nfc_whole(x), '^[\s\x{a0}\x{3000}\x{feff}]+|[\s\x{a0}\x{3000}\x{feff}]+$', '', 'g'), '')
    ELSE nullif(x, '')
  END;

-- NFC without trimming; the cast layer applies it to texts that no macro has cleaned.
CREATE OR REPLACE MACRO nfc_text(x) AS
  CASE
    WHEN regexp_matches(x, '[\x{300}-\x{3ff}\x{483}-\x{486}\x{591}-\x{1fff}\x{2000}-\x{2001}\x{20d0}-\x{232a}\x{2adc}\x{302a}-\x{302f}\x{3099}-\x{309a}\x{a66f}-\x{abff}\x{f900}-\x{faff}\x{fb1d}-\x{fe2f}\x{10000}-\x{1ffff}\x{2f800}-\x{2fa1d}]')
    THEN nfc_whole(x)
    ELSE x
  END;

-- Full-width letters, digits and punctuation as their half-width forms.
CREATE OR REPLACE MACRO half_width(x) AS
  CASE WHEN regexp_matches(x, '[\x{ff01}-\x{ff5e}]')
    THEN translate(x,
      '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～',
      '!"#$%&''()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^_`abcdefghijklmnopqrstuvwxyz{|}~')
    ELSE x
  END;

-- Dates with the year first, as YYYY-MM-DD: 2026-10-08, 2026/10/8, 2026.10.8, 2026年10月8日, 20261008;
-- a time of day after the date is left out.
CREATE OR REPLACE MACRO date_ymd(x) AS
  CASE
    WHEN regexp_full_match(x, '[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}') THEN coalesce(CAST(TRY_CAST(x AS DATE) AS VARCHAR), x)
    ELSE coalesce(CAST(TRY_CAST(regexp_replace(half_width(txt(x)),
      '^([0-9]{4})(?:[-/.年]\s*([0-9]{1,2})[-/.月]\s*([0-9]{1,2})日?|([0-9]{2})([0-9]{2}))(?:[ T]*[0-9]{1,2}[:时][0-9]{1,2}(?:[:分][0-9]{1,2}(?:\.[0-9]+)?秒?|分)?)?$',
      '\1-\2\4-\3\5') AS DATE) AS VARCHAR), txt(x))
  END;

-- Dates with the month first, as in America, as YYYY-MM-DD: 10/5/2016, 10-05-2016.
CREATE OR REPLACE MACRO date_mdy(x) AS
  coalesce(CAST(TRY_CAST(nullif(regexp_replace(txt(x),
    '^([0-9]{1,2})[-/.]([0-9]{1,2})[-/.]([0-9]{4})(?:[ T]+[0-9]{1,2}:[0-9]{1,2}(?::[0-9]{1,2}(?:\.[0-9]+)?)?(?:\s*[AaPp][Mm])?)?$',
    '\3-\1-\2'), txt(x)) AS DATE) AS VARCHAR), txt(x));

-- A local time as `YYYY-MM-DD hh:mm:ss[.f]`; keeps a zone that is there. Not for mappings: use ts_cn, ts_utc or ts_in.
CREATE OR REPLACE MACRO ts_text(x) AS
  CASE
    WHEN regexp_full_match(x, '[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?') THEN x
    WHEN regexp_full_match(trim(x), '[0-9]{14}') THEN regexp_replace(trim(x),
      '^([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})$', '\1-\2-\3 \4:\5:\6')
    WHEN regexp_full_match(trim(x), '[0-9]{8}') THEN regexp_replace(trim(x),
      '^([0-9]{4})([0-9]{2})([0-9]{2})$', '\1-\2-\3 00:00:00')
    WHEN regexp_full_match(half_width(txt(x)), '[0-9]{4}[-/.年]\s*[0-9]{1,2}[-/.月]\s*[0-9]{1,2}日?') THEN
      regexp_replace(half_width(txt(x)), '^([0-9]{4})[-/.年]\s*([0-9]{1,2})[-/.月]\s*([0-9]{1,2})日?$', '\1-\2-\3 00:00:00')
    WHEN regexp_full_match(half_width(txt(x)), '[0-9]{4}[-/.年]\s*[0-9]{1,2}[-/.月]\s*[0-9]{1,2}日?[ T]*[0-9]{1,2}[:时][0-9]{1,2}[:分][0-9]{1,2}(\.[0-9]+)?秒?\s*(Z|[+-][0-9]{2}(:?[0-9]{2})?)?') THEN
      regexp_replace(half_width(txt(x)),
        '^([0-9]{4})[-/.年]\s*([0-9]{1,2})[-/.月]\s*([0-9]{1,2})日?[ T]*([0-9]{1,2})[:时]([0-9]{1,2})[:分]([0-9]{1,2}(?:\.[0-9]+)?)秒?\s*((?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)?)$',
        '\1-\2-\3 \4:\5:\6\7')
    WHEN regexp_full_match(half_width(txt(x)), '[0-9]{4}[-/.年]\s*[0-9]{1,2}[-/.月]\s*[0-9]{1,2}日?[ T]*[0-9]{1,2}[:时][0-9]{1,2}分?') THEN
      regexp_replace(half_width(txt(x)),
        '^([0-9]{4})[-/.年]\s*([0-9]{1,2})[-/.月]\s*([0-9]{1,2})日?[ T]*([0-9]{1,2})[:时]([0-9]{1,2})分?$',
        '\1-\2-\3 \4:\5:00')
    ELSE txt(x)
  END;

-- A zone is missing where the text ends in the time of day.
CREATE OR REPLACE MACRO ts_without_zone(t) AS
  regexp_matches(t, '[ T][0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\.[0-9]+)?)?$');
CREATE OR REPLACE MACRO ts_with_zone(t, zone) AS
  CASE WHEN ts_without_zone(t) THEN t || zone ELSE t END;
CREATE OR REPLACE MACRO ts_at(x, zone) AS
  CASE
    WHEN regexp_full_match(x, '[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?') THEN x || zone
    WHEN regexp_full_match(x, '[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}') THEN replace(x, '/', '-') || ' 00:00:00' || zone
    ELSE ts_with_zone(ts_text(x), zone)
  END;

-- The text if it names its zone, else NULL: the cast layer takes no other for a point in time.
CREATE OR REPLACE MACRO zoned_text(x) AS
  CASE WHEN regexp_matches(x, '[0-9][ ]?(Z|[+-][0-9]{2}(:?[0-9]{2})?)$') AND NOT regexp_matches(x, '^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}$') THEN x END;

-- Points in time. A zone in the text is always kept; without one it is China's (ts_cn), UTC (ts_utc) or a named one.
CREATE OR REPLACE MACRO ts_cn(x) AS ts_at(x, '+08:00');
CREATE OR REPLACE MACRO ts_utc(x) AS ts_at(x, '+00:00');
CREATE OR REPLACE MACRO ts_in(x, zone) AS
  CASE WHEN ts_without_zone(ts_text(x))
    THEN coalesce(CAST(timezone(zone, TRY_CAST(ts_text(x) AS TIMESTAMP)) AS VARCHAR), x)
    ELSE ts_text(x)
  END;

-- Milliseconds since 1970 in UTC.
CREATE OR REPLACE MACRO epoch_ms(x) AS
  CASE WHEN regexp_full_match(trim(x), '-?[0-9]{1,14}')
    THEN CAST(make_timestamp(CAST(trim(x) AS BIGINT) * 1000) AS VARCHAR) || '+00'
    ELSE txt(x)
  END;

-- Digits of an amount or a mass without signs, separators and the units given.
CREATE OR REPLACE MACRO number_text(x, units) AS
  regexp_replace(half_width(txt(x)), '[\s,¥￥]+|(' || units || ')$', '', 'g');

-- Yuan.
CREATE OR REPLACE MACRO yuan(x) AS
  CASE
    WHEN regexp_full_match(x, '-?[0-9]{1,14}(\.[0-9]{1,2})?') THEN x
    WHEN regexp_full_match(number_text(x, '人民币|元整|元'), '[+-]?[0-9]+(\.[0-9]*)?') THEN number_text(x, '人民币|元整|元')
    ELSE txt(x)
  END;

-- Ten thousand yuan, as publication portals state amounts, in yuan.
CREATE OR REPLACE MACRO yuan_from_wan(x) AS
  CASE WHEN regexp_full_match(number_text(x, '万元|万'), '[+-]?[0-9]{1,14}(\.[0-9]{0,10})?')
    THEN CAST(CAST(number_text(x, '万元|万') AS DECIMAL(24, 10)) * 10000 AS VARCHAR)
    ELSE txt(x)
  END;

-- Whole kilograms; a fraction is rounded (a scale's own step is 10 kg or more).
CREATE OR REPLACE MACRO kg(x) AS
  CASE
    WHEN regexp_full_match(x, '[0-9]{1,12}') THEN x
    WHEN regexp_full_match(number_text(lower(x), 'kg|千克|公斤'), '[+-]?[0-9]{1,12}(\.[0-9]{0,6})?')
      THEN CAST(CAST(round(CAST(number_text(lower(x), 'kg|千克|公斤') AS DECIMAL(18, 6)), 0) AS BIGINT) AS VARCHAR)
    ELSE txt(x)
  END;

-- Tonnes in whole kilograms.
CREATE OR REPLACE MACRO kg_from_t(x) AS
  CASE WHEN regexp_full_match(number_text(lower(x), 't|吨'), '[+-]?[0-9]{1,9}(\.[0-9]{0,6})?')
    THEN CAST(CAST(round(CAST(number_text(lower(x), 't|吨') AS DECIMAL(15, 6)) * 1000, 0) AS BIGINT) AS VARCHAR)
    ELSE txt(x)
  END;

-- What yuan_from_wan and kg_from_t were given, with its unit; the node keeps it in raw_values.
CREATE OR REPLACE MACRO yuan_from_wan_raw(x) AS
  CASE WHEN regexp_matches(half_width(txt(x)), '万元?$') THEN txt(x) ELSE txt(x) || ' 万元' END;
CREATE OR REPLACE MACRO kg_from_t_raw(x) AS
  CASE WHEN regexp_matches(half_width(txt(x)), '[tT吨]$') THEN txt(x) ELSE txt(x) || ' 吨' END;

-- The canonical code of x in a code list (schemas/codes/<list>.csv, <node>/codes/<list>.csv) read by a
-- scheme. An x that it does not know comes back marked, so that no text passes for a code that it only
-- looks like; a code field then holds 'unmapped' and the text goes into raw_values. NULL stays NULL.
CREATE OR REPLACE MACRO code_entry(list, scheme, x) AS
  (SELECT buckets FROM hefu_code_map WHERE k = list || '/' || scheme)[CAST(1 + hash(x) % code_buckets(list) AS BIGINT)][x];
CREATE OR REPLACE MACRO code(list, scheme, x) AS
  coalesce(code_entry(list, scheme, x), code_entry(list, scheme, half_width(txt(x))), 'unmapped:' || txt(x));

-- 'true' or 'false'.
-- Not IN: DuckDB's planner makes a join of each.
CREATE OR REPLACE MACRO yes_no(x) AS
  CASE
    WHEN list_contains(['是', '1', 'Y', 'true', '有', '已'], x) THEN 'true'
    WHEN list_contains(['否', '0', 'N', 'false', '无', '未'], x) THEN 'false'
    WHEN list_contains(['是', '1', 'y', 'yes', 'true', 't', '有', '已'], lower(half_width(txt(x)))) THEN 'true'
    WHEN list_contains(['否', '0', 'n', 'no', 'false', 'f', '无', '未'], lower(half_width(txt(x)))) THEN 'false'
    ELSE txt(x)
  END;

-- VARCHAR[]: the trimmed, non-empty parts of x; NULL if there are none.
CREATE OR REPLACE MACRO split_list(x, sep) AS
  CASE WHEN len(list_filter(list_transform(string_split(x, sep), lambda e: txt(e)), lambda e: e IS NOT NULL)) > 0
    THEN list_filter(list_transform(string_split(x, sep), lambda e: txt(e)), lambda e: e IS NOT NULL)
  END;

-- DATE of a TIMESTAMPTZ in China, whatever the session's time zone; for rules.
CREATE OR REPLACE MACRO day_cn(t) AS
  DATE '1970-01-01' + CAST((epoch_us(t) + 28800000000) // 86400000000 AS INTEGER);

-- VARCHAR[]: the codes of the parts of x, as split_list makes them; NULL if there are none.
CREATE OR REPLACE MACRO codes(list, scheme, x, sep) AS
  (SELECT list(code(list, scheme, part) ORDER BY i)
   FROM (SELECT unnest(split_list(x, sep)) AS part, generate_subscripts(split_list(x, sep), 1) AS i));

-- DATE of a DATE, or of a text that date_ymd or ts_cn can read; a text with its zone has its day in China.
-- The argument stands once, in a list of one: a macro's text is put in wherever its name is, and those of
-- dates within those of dates take DuckDB minutes to plan.
CREATE OR REPLACE MACRO day_of(x) AS
  list_transform([CAST(x AS VARCHAR)], lambda t:
    coalesce(day_cn(TRY_CAST(zoned_text(t) AS TIMESTAMPTZ)), TRY_CAST(date_ymd(t) AS DATE)))[1];

-- As code(), by the row that holds on a day (DATE, or a text as for date_ymd): valid_from <= day < valid_to.
-- Without a day, a text that meant different things at different times is not known.
CREATE OR REPLACE MACRO code_periods(list, scheme, x) AS
  (SELECT buckets FROM hefu_code_days WHERE k = list || '/' || scheme)[CAST(1 + hash(x) % code_buckets(list) AS BIGINT)][x];
CREATE OR REPLACE MACRO code_held(periods, day) AS
  list_transform([{'periods': periods, 'day': day}], lambda h:
    CASE WHEN h.periods IS NOT NULL AND h.day IS NOT NULL THEN coalesce(list_filter(h.periods,
      lambda p: coalesce(p.valid_from <= h.day, TRUE) AND coalesce(h.day < p.valid_to, TRUE))[1].code, '') END)[1];
CREATE OR REPLACE MACRO code_on(list, scheme, x, day) AS
  coalesce(nullif(coalesce(
      code_held(coalesce(code_periods(list, scheme, x), code_periods(list, scheme, half_width(txt(x)))), day_of(day)),
      code_entry(list, scheme, x),
      code_entry(list, scheme, half_width(txt(x)))), ''),
    'unmapped:' || txt(x));
