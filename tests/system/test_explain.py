"""Figures are taken apart so that a person with a pocket calculator comes to the same."""
import re
import urllib.parse

import harness
import pytest
from harness import device, tcp_bus

POINTS = ("poll_interval = 200ms\naccuracy_class = 0.5\n[point:d.leak]\nregister = coil:0\n"
          "[point:d.flow]\nregister = holding:0\nunit = L/min\nscale = 0.1\n"
          "[point:d.cold]\nregister = holding:1\nunit = Cel\nscale = 0.1\n[point:d.warm]\nregister = holding:2\nunit = Cel\nscale = 0.1\n"
          "[point:d.active_power]\nregister = holding:3\nunit = kW\nscale = 0.01\n"
          "[point:d.active_energy_import]\nregister = holding:4\ntype = u32\nunit = kWh\nscale = 0.001\ncounter = yes\n")
FIGURES = ("[loop:l]\ncoolant = pg25\nflow = d.flow\nsupply = d.cold\nreturn = d.warm\n[group:g]\nloops = l\nneeded = 1\n"
           "[device:e]\nbus = b\nunit = 2\npoll_interval = 200ms\naccuracy_class = 0.5\n"
           "[point:e.active_power]\nregister = holding:3\nunit = kW\nscale = 0.01\n"
           "[point:e.active_energy_import]\nregister = holding:4\ntype = u32\nunit = kWh\nscale = 0.001\ncounter = yes\n"
           "[pue:row]\nfacility = d\nit = e\nwindows = 1m, 1h\n"
           "[alarm:main]\npoint = d.flow\nwhen = above\nlimit = 40\nseverity = critical\n"
           "[alarm:small]\npoint = d.warm\nwhen = above\nlimit = 30.5\nhysteresis = 0.5\nsuppressed_by = main\n")
HOLDING = {0: 425, 1: 301, 2: 352, 3: 1234, 4: 1, 5: 1000}


@pytest.fixture
def daemon(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1}, "holding": HOLDING}, "2": {"holding": HOLDING}})
    d = coolantd(tcp_bus("b", server.port) + device("d", "b", extra=POINTS) + FIGURES)
    subscriber.wait("alarm/small", lambda m: m.json["state"] == "suppressed")
    return d


def explain(folder, figure):
    return harness.ask(folder, "GET", "/v1/explain?" + urllib.parse.urlencode({"figure": figure}))


def test_a_heat_is_computed_again_from_its_text(daemon, subscriber, tmp_path):
    subscriber.wait("loop/l", lambda m: m.json["quality"]["heat"] == "good")
    status, heat = explain(tmp_path, "loop.l.heat")
    assert status == 200 and heat["unit"] == "kW" and heat["quality"] == "good" and set(heat["readings"]) == {"d.flow", "d.cold", "d.warm"}
    value = {}
    for line in heat["text"]:
        if found := re.match(r"(rho|cp) = ([\d.]+) ", line):
            value[found[1]] = float(found[2])
        if found := re.match(r"(flow|supply|return) = d\.\w+ = ([\d.]+) [\w/]+, read \d{4}-\d\d-\d\dT[\d:.]+Z \(good\)", line):
            value[found[1]] = float(found[2])
    by_hand = value["rho"] * value["cp"] * value["flow"] / 60000 * (value["return"] - value["supply"]) / 1000
    assert heat["value"] == pytest.approx(by_hand, rel=1e-5) == pytest.approx(14.524, abs=1e-3)
    assert harness.ask(tmp_path, "GET", "/v1/loops")[1]["loops"]["l"]["values"]["heat"] == pytest.approx(by_hand, rel=1e-5)


def test_a_suppressed_alarm_says_by_what_and_why(daemon, tmp_path):
    status, small = explain(tmp_path, "alarm.small")
    text = "\n".join(small["text"])
    assert status == 200 and small["alarm"]["state"] == "suppressed" and small["alarm"]["suppressed_by"] == "main"
    value, limit = (float(re.search(p, text)[1]) for p in (r"d\.warm = ([\d.]+) Cel, read", r"value > limit = ([\d.]+)"))
    assert value > limit  # it would be active
    by = re.search(r"^suppressed_by main: (\w+) since \S+Z, (\w+), value ([\d.]+): explains it", text, re.M)
    assert by[1] == "active" and by[2] == "critical" and float(by[3]) == 42.5
    # the condition of what explains it, too
    cause = text[text.index("suppressed: the condition holds, and main explains it, which is active:"):]
    assert float(re.search(r"d\.flow = ([\d.]+) L/min, read", cause)[1]) > float(re.search(r"value > limit = ([\d.]+)", cause)[1])
    assert set(small["readings"]) == {"d.warm", "d.flow"}


def test_each_published_figure_has_an_explanation(daemon, subscriber, tmp_path):
    def get(path, kind):
        return harness.ask(tmp_path, "GET", path)[1][kind]
    figures = list(get("/v1/points", "points"))
    figures += [f"loop.{n}.{f}" for n, loop in get("/v1/loops", "loops").items() for f in loop["values"]]
    figures += [f"group.{n}.{f}" for n, group in get("/v1/groups", "groups").items() for f in group["values"]]
    figures += [f"pue.{n}.{f}" for n, pue in get("/v1/pue", "pues").items() for f in ["power_ratio", *pue["windows"]]]
    figures += [f"alarm.{n}" for n in get("/v1/alarms", "alarms")]
    assert len(figures) > 30
    for figure in figures:
        status, answer = explain(tmp_path, figure)
        assert status == 200 and answer["figure"] == figure and {"value", "unit", "quality"} <= set(answer)
        assert answer["text"][0].startswith((figure, f"{figure} is not known")) and all(isinstance(t, str) for t in answer["text"])
    leak = explain(tmp_path, "d.leak")[1]
    assert leak["value"] is True
    counter = explain(tmp_path, "d.active_energy_import")[1]
    assert "value = raw * scale + offset = 66536 * 0.001 + 0 = 66.536 kWh" in counter["text"]
    subscriber.wait("loop/l", lambda m: m.json["quality"]["heat"] == "good")
    wide = subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None)
    text = "\n".join(explain(tmp_path, "pue.row.power_ratio")[1]["text"])
    assert wide.json["power_ratio"] == 1 and "power_ratio = 12.34 kW / 12.34 kW = 1" in text


@pytest.mark.parametrize("figure, status, what", [
    ("d.flw", 404, "did you mean 'd.flow'?"), ("lop.l.heat", 404, "did you mean 'loop.l.heat'?"), ("loop.l.het", 404, "did you mean 'loop.l.heat'?"),
    ("alarm.smal", 404, "did you mean 'alarm.small'?"), ("nothing", 404, "no such figure (allowed: DEVICE.POINT, loop.NAME.FIGURE"),
    ("", 400, "which figure is not told"), ("x" * 600, 404, "no such figure"), ("loop.l.pump_speed", 404, "no such figure")])
def test_what_is_no_figure_is_told_what_is(daemon, tmp_path, figure, status, what):
    got, answer = explain(tmp_path, figure)
    assert got == status and what in answer["error"]
