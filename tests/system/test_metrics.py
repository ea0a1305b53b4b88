"""GET /metrics: by the standard, as promtool and Prometheus read it, and what it says."""
import json
import subprocess
import urllib.request

import harness
import openmetrics
import pytest
from harness import device, head, tcp_bus
from openmetrics import value

POINTS = ("poll_interval = 200ms\nlabels = serial:47\\11, row-side:\"north\", row_side:other\n"
          "[point:d.leak]\nregister = coil:0\n[point:d.flow]\nregister = holding:0\nunit = L/min\n"
          "[point:d.t]\nregister = holding:1\nunit = Cel\nscale = 0.1\n[point:d.kw]\nregister = holding:2\nunit = kW\n"
          "[point:d.none]\nregister = holding:7777\nunit = Cel\n[point:d.mode]\nregister = holding:3\nenum = 1:off, 2:on\n"
          "[point:d.turns]\nregister = holding:4\nunit = {turns \"a\\b\"}\n[point:d.name]\nregister = holding:5\ntype = string\nlength = 1\n"
          "[point:d.f]\nregister = holding:6\ntype = f32\n"
          "[point:d.r]\nregister = holding:8\nunit = Cel\nscale = 0.1\n[point:d.it]\nregister = holding:9\nunit = kW\n"
          "[loop:l]\ncoolant = water\nflow = d.flow\nsupply = d.t\nreturn = d.r\nprimary_supply = d.none\n"
          "[group:g]\nloops = l\nneeded = 1\n"
          "[pue:p]\nfacility = d.kw\nit = d.it\nwindows = 1m, 1d\n")


@pytest.fixture
def server(start, tmp_path):
    holding = harness.registers(0, [100, 305, 120, 2, 7, 0x4142, *harness.f32(42.1), 305, 120])
    return start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1}, "holding": holding}})


@pytest.fixture
def daemon(server, coolantd, subscriber):
    d = coolantd(tcp_bus("b", server.port) + device("d", "b", extra=POINTS))
    subscriber.wait("loop/l", lambda m: m.json["values"]["flow"] == 100)
    subscriber.wait("device/d", lambda m: m.json["quality"].get("none") == "bad")
    return d


def scrape(folder):
    status, kind, text = harness.fetch(folder, "/metrics")
    assert status == 200 and kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    return openmetrics.parse(text)


def test_readings_and_figures_are_told_with_their_units(daemon, tmp_path):
    m = scrape(tmp_path)
    assert value(m, "coolantd_point_value", device="d", point="t", unit="Cel") == 30.5
    assert value(m, "coolantd_point_value", device="d", point="leak") == 1
    assert value(m, "coolantd_point_value", device="d", point="mode") == 2
    assert value(m, "coolantd_point_value", device="d", point="f") == 42.1
    assert value(m, "coolantd_point_value", device="d", point="turns", unit='{turns "a\\b"}') == 7
    # a text is no number, and what is not usable is absent
    assert value(m, "coolantd_point_value", device="d", point="name") is None
    assert value(m, "coolantd_point_value", device="d", point="none") is None
    assert value(m, "coolantd_point_quality", device="d", point="none") == 4
    assert value(m, "coolantd_point_quality", device="d", point="t") == 0
    assert value(m, "coolantd_points", quality="good") == 10 and value(m, "coolantd_points", quality="bad") == 1
    assert value(m, "coolantd_loop_value", loop="l", figure="flow", unit="L/min") == 100
    assert value(m, "coolantd_loop_value", loop="l", figure="approach_temperature") is None
    assert value(m, "coolantd_loop_quality", loop="l", figure="approach_temperature") > 2
    assert value(m, "coolantd_group_value", group="g", figure="needed") == 1


def test_pue_alarms_and_the_daemon_itself_are_told(daemon, subscriber, tmp_path):
    harness.wait_for(lambda: value(scrape(tmp_path), "coolantd_pue_power_ratio", pue="p") == 1, "a power ratio")
    m = scrape(tmp_path)
    assert value(m, "coolantd_pue_power_watts", pue="p", role="it") == 120000
    assert value(m, "coolantd_pue_window_ratio", pue="p", window="1d") is None  # there is no day yet
    assert value(m, "coolantd_pue_window_quality", pue="p", window="1d") == 5
    assert value(m, "coolantd_pue_window_coverage_ratio", pue="p", window="1d") < 0.1
    assert value(m, "coolantd_alarm_active", alarm="d-leak") == 1 and value(m, "coolantd_alarm_unacknowledged", alarm="d-leak") == 1
    assert value(m, "coolantd_alarms", state="active") >= 1
    assert value(m, "coolantd_build_info", site="dc1", rack="r07") == 1
    assert value(m, "coolantd_healthy") == 1 and value(m, "coolantd_publisher_connected") == 1
    assert value(m, "coolantd_spool_messages") == 0 and value(m, "coolantd_spool_problem") == 0
    assert value(m, "coolantd_samples_total") > 0 and 0 <= value(m, "coolantd_control_lag_seconds") < 5
    assert value(m, "coolantd_bus_requests_total", bus="b") >= value(m, "coolantd_bus_replies_total", bus="b") > 0
    assert value(m, "coolantd_bus_latency_seconds_count", bus="b") > 0 and value(m, "coolantd_bus_latency_seconds_sum", bus="b") > 0
    assert value(m, "coolantd_device_up", device="d", bus="b") == 1
    # of two labels that are one here the first stands
    assert value(m, "coolantd_device_info", device="d", label_serial="47\\11", label_row_side='"north"', unit_id="1") == 1
    assert harness.ask(tmp_path, "POST", "/v1/alarms/d-leak/ack")[0] == 200
    assert value(scrape(tmp_path), "coolantd_alarm_unacknowledged", alarm="d-leak") == 0


def test_promtool_has_nothing_to_say(daemon, tmp_path):
    status, kind, text = harness.fetch(tmp_path, "/metrics", {"Accept": "text/plain;version=0.0.4"})
    assert status == 200 and kind == "text/plain; version=0.0.4; charset=utf-8" and "EOF" not in text
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_prometheus_scrapes_it(start, server, broker, tmp_path):
    port, web = harness.free_ports(2)
    ini = head(tmp_path, broker.port).replace("[spool]", f"http_listen = 127.0.0.1:{port}\n[spool]")
    start(harness.Coolantd, tmp_path, ini + tcp_bus("b", server.port) + device("d", "b", extra=POINTS))
    config = tmp_path / "prometheus.yml"
    config.write_text("global: {scrape_interval: 500ms}\nscrape_configs:\n- job_name: coolantd\n"
                      f"  static_configs:\n  - targets: ['127.0.0.1:{port}']\n")
    prometheus = start(harness.Process, ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path}/tsdb",
                                         f"--web.listen-address=127.0.0.1:{web}"])

    def ask(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/api/v1/{path}", timeout=harness.PATIENCE) as reply:
            return json.load(reply)["data"]
    prometheus.wait_line("Server is ready", timeout=60)
    harness.wait_for(lambda: ask("query?query=count_over_time(coolantd_healthy[1m])>5")["result"], "six scrapes", timeout=60)
    target = ask("targets")["activeTargets"][0]
    assert target["health"] == "up" and target["lastError"] == ""
    point = ask('query?query=coolantd_point_value{point="t"}')["result"][0]
    assert float(point["value"][1]) == 30.5 and point["metric"]["unit"] == "Cel"
    kinds = {name: m[0]["type"] for name, m in ask("metadata").items()}
    assert kinds["coolantd_bus_requests"] == "counter" and kinds["coolantd_build"] == "info"
    assert not [line for line in prometheus.lines if "level=warn" in line and "scrape" in line]
