-- After postgresql.sql, with TimescaleDB: chunks by day, compressed after a week, readings dropped after 400 days.
CREATE EXTENSION IF NOT EXISTS timescaledb;

SELECT create_hypertable('coolant_device', 'time', chunk_time_interval => INTERVAL '1 day');
SELECT create_hypertable('coolant_loop', 'time', chunk_time_interval => INTERVAL '1 day');
SELECT create_hypertable('coolant_group', 'time', chunk_time_interval => INTERVAL '1 day');
SELECT create_hypertable('coolant_pue', 'time', chunk_time_interval => INTERVAL '1 day');
SELECT create_hypertable('coolant_alarm', 'time', chunk_time_interval => INTERVAL '30 days');

ALTER TABLE coolant_device SET (timescaledb.compress, timescaledb.compress_segmentby = 'site, rack, device');
ALTER TABLE coolant_loop SET (timescaledb.compress, timescaledb.compress_segmentby = 'site, rack, loop');

SELECT add_compression_policy('coolant_device', INTERVAL '7 days');
SELECT add_compression_policy('coolant_loop', INTERVAL '7 days');
SELECT add_retention_policy('coolant_device', INTERVAL '400 days');
