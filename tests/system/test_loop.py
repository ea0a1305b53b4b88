"""Coolant loops on real readings: sensors that check each other, the parts of a figure that are not known."""
import harness
import pytest
from harness import device, tcp_bus

SENSORS = "".join(f"[point:d.t{i}]\nregister = holding:{i}\nscale = 0.1\nunit = Cel\n" for i in range(4)) + (
    "[point:d.flow]\nregister = holding:4\nunit = L/min\n[point:d.level]\nregister = holding:5\nscale = 0.1\nunit = %\n"
    "[point:d.power]\nregister = holding:6\nunit = kW\n[point:d.power2]\nregister = holding:7\nunit = kW\n")
LOOP = ("[loop:l]\ncoolant = pg25\nflow = d.flow\nsupply = median: d.t0, d.t1, d.t2\nreturn = d.t3\n"
        "reservoir_level = d.level\nsystem_volume = 100\nreservoir_volume = 10\nprimary_supply = d.t0\n"
        "it_power = sum: d.power, d.power2\n")
HOLDING = {0: 300, 1: 302, 2: 304, 3: 400, 4: 100, 5: 600, 6: 40, 7: 30}


@pytest.fixture
def server(start, tmp_path):
    return start(harness.ModbusServer, tmp_path, {"1": {"holding": HOLDING}})


@pytest.fixture
def daemon(server, coolantd, subscriber):
    d = coolantd(tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 200ms\n" + SENSORS + LOOP))
    subscriber.wait("loop/l", lambda m: m.json["quality"]["heat"] == "good")
    return d


def test_a_sensor_that_differs_is_suspect_everywhere_and_left_out(daemon, server, subscriber):
    first = subscriber.last("loop/l").json["values"]
    assert first["supply_temperature"] == pytest.approx(30.2) and first["heat"] == pytest.approx(65.75, rel=0.003)
    server.set(1, "holding", 2, [350])
    shown = subscriber.wait("device/d", lambda m: m.json["quality"].get("t2") == "suspect").json
    assert shown["values"]["t2"] == 35  # the reading itself is not hidden
    loop = subscriber.wait("loop/l", lambda m: m.json["values"]["supply_temperature"] == pytest.approx(30.1)).json
    assert loop["quality"]["supply_temperature"] == "good"  # two of three agree
    mark = len(subscriber.messages)
    server.set(1, "holding", 2, [304])
    subscriber.wait("device/d", lambda m: "t2" in m.json["values"] and "t2" not in m.json["quality"], after=mark)


def test_two_that_differ_make_the_figure_suspect(daemon, server, subscriber):
    server.set(1, "holding", 0, [300, 320, 340])
    loop = subscriber.wait("loop/l", lambda m: m.json["quality"]["heat"] == "suspect").json
    assert loop["values"]["supply_temperature"] is not None
    # for ten seconds: then it is an alarm
    subscriber.wait("alarm/l-sensor_suspect", lambda m: m.json["state"] == "active", timeout=15)


def test_a_reload_forgets_who_differed(daemon, server, subscriber):
    server.set(1, "holding", 2, [350])
    subscriber.wait("device/d", lambda m: m.json["quality"].get("t2") == "suspect")
    mark = len(subscriber.messages)
    daemon.reload(daemon.path.read_text().replace("median: d.t0, d.t1, d.t2", "d.t0"))
    subscriber.wait("device/d", lambda m: "t2" in m.json["values"] and "t2" not in m.json["quality"], after=mark)


def test_the_level_is_told_without_thermal_expansion(daemon, server, subscriber):
    cold = subscriber.last("loop/l").json["values"]["compensated_reservoir_level"]
    assert cold == pytest.approx(60 - 2.4, abs=0.3)  # the loop is at 35.1 Cel, 5 K over its reference
    server.set(1, "holding", 0, [350, 352, 354, 450])
    warm = subscriber.wait("loop/l", lambda m: m.json["values"]["return_temperature"] == 45).json
    # the level stayed where it was although the coolant is 5 K warmer: some of it is gone
    assert warm["values"]["compensated_reservoir_level"] == pytest.approx(cold - 2.5, abs=0.2)
    assert warm["values"]["approach_temperature"] == pytest.approx(0.2)


def test_a_sum_without_one_of_its_parts_is_unknown(daemon, server, subscriber, start, tmp_path):
    first = subscriber.last("loop/l").json["values"]
    assert first["heat_capture_ratio"] == pytest.approx(first["heat"] / 70, rel=3e-6)  # six digits each
    assert first["energy_balance_residual"] == pytest.approx(first["heat"] / 70 - 1, abs=3e-6)
    server.stop()
    lost = subscriber.wait("loop/l", lambda m: m.json["values"]["heat"] is None).json
    assert lost["values"]["heat_capture_ratio"] is None and lost["quality"]["heat_capture_ratio"] == "invalid"
    subscriber.wait("alarm/l-flow-lost", lambda m: m.json["state"] == "active")
    # its other alarms have nothing to judge any more
    subscriber.wait("alarm/l-supply_high", lambda m: m.json["state"] == "unknown")
    # that is told at the broker; the journal says once what is lost
    daemon.wait_line("alarm l-flow-lost is active")
    assert "alarm l-supply_high" not in daemon.text


def test_more_heat_than_power_shows_a_wrong_sensor(daemon, server, subscriber):
    server.set(1, "holding", 4, [200])  # the flow meter shows twice the flow
    loop = subscriber.wait("loop/l", lambda m: m.json["quality"]["energy_balance_residual"] == "suspect").json
    assert loop["values"]["energy_balance_residual"] == pytest.approx(0.88, abs=0.02)
    assert "more heat than electrical power" in loop["reason"]["energy_balance_residual"]


def test_a_value_that_never_changes_is_suspect(coolantd, server, subscriber):
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 200ms\n"
             "[point:d.t0]\nregister = holding:0\nscale = 0.1\nunit = Cel\nstuck_after = 1s\n"
             "[alarm:dead]\npoint = d.t0\nwhen = suspect\nmessage = the sensor is stuck\n"))
    good = subscriber.wait("device/d", lambda m: "t0" not in m.json["quality"]).json["ts"]
    bad = subscriber.wait("device/d", lambda m: m.json["quality"].get("t0") == "suspect").json
    assert bad["values"]["t0"] == 30 and 900 <= bad["ts"] - good <= 1500
    subscriber.wait("alarm/dead", lambda m: m.json["state"] == "active")
    server.set(1, "holding", 0, [301])
    subscriber.wait("alarm/dead", lambda m: m.json["state"] == "normal")


def a_loop_and_a_pue(flow, temperature, pressure, power, energy):
    """The sensors of one plant, in these units; each register shows a tenth, a thousandth of it for the counters."""
    units = {"flow": flow, "supply": temperature, "return": temperature, "drop": pressure, "power": power}
    points = "".join(f"[point:d.{key}]\nregister = holding:{2 * i}\ntype = f32\nunit = {unit}\n"
                     for i, (key, unit) in enumerate(units.items()))
    return (points + f"[point:d.energy]\nregister = holding:10\ntype = f32\nunit = {energy}\n[point:d.it]\nregister = holding:12\ntype = f32\nunit = {power}\n"
            "[loop:l]\ncoolant = pg25\nflow = d.flow\nsupply = d.supply\nreturn = d.return\npressure_drop = d.drop\nit_power = d.power\n"
            "[pue:p]\nfacility = d.power\nit = d.it\nreuse_heat = d.energy\nwindows = 1m\n")


@pytest.mark.parametrize("flow, temperature, pressure, power, energy", [
    (("L/min", 100), ("Cel", 30, 40), ("kPa", 120), ("kW", 70), "kWh"),
    (("L/s", 100 / 60), ("K", 303.15, 313.15), ("bar", 1.2), ("W", 70e3), "GJ"),
    (("m3/h", 6), ("degF", 86, 104), ("mbar", 1200), ("MW", 0.07), "MJ"),
    (("m3/s", 1 / 600), ("K", 303.15, 313.15), ("Pa", 120e3), ("W", 70e3), "Wh"),
    (("[gal_us]/min", 100 / 3.785411784), ("degF", 86, 104), ("[psi]", 120 / 6.894757293168361), ("kW", 70), "J"),
])
def test_any_unit_of_the_right_kind_gives_the_same_figures(start, coolantd, subscriber, tmp_path, flow, temperature, pressure,
                                                           power, energy):
    values = [flow[1], temperature[1], temperature[2], pressure[1], power[1], 0, power[1]]
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": harness.registers(0, sum(map(harness.f32, values), []))}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra=a_loop_and_a_pue(
        flow[0], temperature[0], pressure[0], power[0], energy)))
    loop = subscriber.wait("loop/l", lambda m: m.json["quality"]["heat"] == "good").json["values"]
    assert loop["flow"] == pytest.approx(100, rel=1e-5) and loop["supply_temperature"] == pytest.approx(30, abs=1e-4)
    assert loop["delta_t"] == pytest.approx(10, abs=1e-4) and loop["differential_pressure"] == pytest.approx(120, rel=1e-5)
    assert loop["heat"] == pytest.approx(67.11, rel=1e-3) and loop["hydraulic_power"] == pytest.approx(200, rel=1e-5)
    assert loop["heat_capture_ratio"] == pytest.approx(67.11 / 70, rel=1e-3)
    pue = subscriber.wait("pue/p", lambda m: m.json["quality"] == "good").json
    assert pue["it_kw"] == pytest.approx(70, rel=1e-5) and pue["power_ratio"] == 1


def test_a_pump_speed_in_turns_is_a_share_of_the_nominal_one(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 100, 1: 30, 2: 40, 3: 120, 4: 2175}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="".join(
        f"[point:d.{key}]\nregister = holding:{i}\nunit = {unit}\n" for i, (key, unit) in enumerate(
            {"flow": "L/min", "supply": "Cel", "return": "Cel", "drop": "kPa", "speed": "1/min"}.items())) +
        "[loop:l]\ncoolant = pg25\nflow = d.flow\nsupply = d.supply\nreturn = d.return\npressure_drop = d.drop\n"
        "pump_speed = d.speed\nnominal_speed = 2900\npump_curve = 0:300, 200:200\n"))
    loop = subscriber.wait("loop/l", lambda m: m.json["quality"]["pump_deviation"] == "good").json["values"]
    assert loop["pump_speed"] == 75
    # at the nominal speed this is 133.3 L/min at 213.3 kPa, where the curve has 233.3 kPa
    assert loop["pump_deviation"] == pytest.approx(120 / 0.75**2 / (300 - 100 / 0.75 / 2) - 1, rel=1e-5)
    server.set(1, "holding", 4, [0])
    subscriber.wait("alarm/l-pump_stopped", lambda m: m.json["state"] == "active", timeout=10)


def test_the_quality_of_the_coolant_is_watched(start, coolantd, subscriber, tmp_path):
    units = {"flow": "L/min", "supply": "Cel", "return": "Cel", "ec": "uS/cm", "ph": "[pH]", "ntu": "NTU", "filter": "d", "water": "m3"}
    readings = {0: 100, 1: 30, 2: 40, 3: 15, 4: 9, 5: 19, 6: 100, 7: 5}
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": readings}})
    loop = "flow = d.flow\nsupply = d.supply\nreturn = d.return\nconductivity = d.ec\nph = d.ph\nturbidity = d.ntu\n"
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="".join(
        f"[point:d.{key}]\nregister = holding:{i}\nunit = {unit}\n" for i, (key, unit) in enumerate(units.items())) +
        f"[loop:l]\ncoolant = water\n{loop}filter_hours = d.filter\nmakeup_volume = d.water\nph_low = 8\nfilter_hours_high = 2000\n"
        f"[loop:glycol]\ncoolant = pg25\n{loop}"))
    m = subscriber.wait("loop/l", lambda m: m.json["quality"]["heat"] == "good").json
    assert {k: m["values"][k] for k in ("conductivity", "ph", "turbidity", "filter_hours", "makeup_rate")} == {
        "conductivity": 15, "ph": 9, "turbidity": 19, "filter_hours": 2400, "makeup_rate": None}
    assert m["quality"]["makeup_rate"] == "invalid" and "less than an hour" in m["reason"]["makeup_rate"]
    known = set(harness.ask(tmp_path, "GET", "/v1/alarms")[1]["alarms"])
    # by default only what a named source says: the turbidity of water
    assert {"l-turbidity_high", "l-ph_low", "l-filter_hours_high"} <= known
    assert not {"l-conductivity_high", "l-ph_high", "l-makeup_high", "glycol-turbidity_high", "glycol-ph_low"} & known
    subscriber.wait("alarm/l-turbidity_high", lambda m: m.json["state"] == "normal")
    subscriber.wait("alarm/l-filter_hours_high", lambda m: m.json["state"] == "active", timeout=20)
