-- Where Telegraf puts what coolantd publishes (telegraf/postgresql.conf), and views of it. For TimescaleDB: timescaledb.sql next.
-- A message is a row, its values are in `fields`: points come and go with the configuration, tables do not.

CREATE TABLE coolant_device ("time" timestamptz NOT NULL, site text NOT NULL, rack text NOT NULL, device text NOT NULL, fields jsonb NOT NULL);
CREATE TABLE coolant_loop ("time" timestamptz NOT NULL, site text NOT NULL, rack text NOT NULL, loop text NOT NULL, fields jsonb NOT NULL);
CREATE TABLE coolant_group ("time" timestamptz NOT NULL, site text NOT NULL, rack text NOT NULL, "group" text NOT NULL, fields jsonb NOT NULL);
CREATE TABLE coolant_pue ("time" timestamptz NOT NULL, site text NOT NULL, rack text NOT NULL, pue text NOT NULL, fields jsonb NOT NULL);
CREATE TABLE coolant_alarm ("time" timestamptz NOT NULL, site text NOT NULL, rack text NOT NULL, alarm text NOT NULL, fields jsonb NOT NULL);

CREATE INDEX ON coolant_device (site, rack, device, "time" DESC);
CREATE INDEX ON coolant_loop (site, rack, loop, "time" DESC);
CREATE INDEX ON coolant_group (site, rack, "group", "time" DESC);
CREATE INDEX ON coolant_pue (site, rack, pue, "time" DESC);
CREATE INDEX ON coolant_alarm (site, rack, alarm, "time" DESC);

-- A reading a row. What was sent twice (QoS 1) is there once.
CREATE VIEW coolant_reading AS
SELECT DISTINCT d."time", d.site, d.rack, d.device, f.key AS point, CASE f.value WHEN 'true' THEN 1 WHEN 'false' THEN 0 ELSE f.value::double precision END AS value
FROM coolant_device d, jsonb_each(d.fields) f
WHERE jsonb_typeof(f.value) IN ('number', 'boolean');

-- The latest of each loop and PUE, with its age: an old one is not the state of now.
CREATE VIEW coolant_now AS
SELECT DISTINCT ON (site, rack, kind, name) site, rack, kind, name, now() - "time" AS age, fields
FROM (SELECT "time", site, rack, 'loop' AS kind, loop AS name, fields FROM coolant_loop
      UNION ALL SELECT "time", site, rack, 'pue', pue, fields FROM coolant_pue) every
ORDER BY site, rack, kind, name, "time" DESC;

-- What is raised now, the worst first.
CREATE VIEW coolant_alarm_active AS
SELECT site, rack, alarm, fields->>'severity' AS severity, "time" AS since, fields->>'message' AS message, (fields->>'acknowledged')::boolean AS acknowledged
FROM (SELECT DISTINCT ON (site, rack, alarm) * FROM coolant_alarm ORDER BY site, rack, alarm, "time" DESC) latest
WHERE fields->>'state' IN ('active', 'cleared_unacknowledged')
ORDER BY array_position(ARRAY['critical', 'warning', 'info'], fields->>'severity'), "time";

-- Mean heat of each loop by the hour. Energies, and a PUE of them, are coolantd's own: GET /v1/records.
CREATE VIEW coolant_heat_hour AS
SELECT date_trunc('hour', "time") AS hour, site, rack, loop, avg((fields->>'heat')::double precision) AS heat_kw, count(fields->>'heat') AS readings
FROM coolant_loop GROUP BY 1, 2, 3, 4;
