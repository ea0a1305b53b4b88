"""The manual knows what the program knows."""
import contextlib
import re
import shlex
import subprocess

import harness
from harness import BUILD, COOLANTD, ROOT, SIM, run


def rendered(path):
    r = subprocess.run(["man", "--warnings", "-l", str(path)], capture_output=True, text=True, check=True,
                       env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
    assert r.stderr == ""
    return re.sub(r".\x08", "", r.stdout)


def test_every_key_of_the_contract_is_in_the_manual():
    page = rendered(BUILD / "packaging" / "coolantd.ini.5")
    for key in ("site", "broker", "client_id", "password_file", "full_interval", "replay_rate", "connect_timeout",
                "max_backoff", "poll_interval", "coolant", "air_humidity", "facility", "it_embedded_cooling", "delay_off",
                "latch", "word_order", "deadband", "max_registers"):
        assert re.search(rf"^\s+{key}\b", page, re.M), key
    assert "Default as in [mqtt]" in re.sub(r"\s+", " ", page)


def test_every_option_is_in_the_manual():
    for program, page in ((COOLANTD, "coolantd.8"), (SIM, "coolantd-sim.1")):
        text = rendered(ROOT / "packaging" / "man" / page)
        for option in re.findall(r"--[a-z]+", run([program, "--help"]).stdout):
            assert option in text or option in ("--version", "--help"), option


def test_every_request_is_in_the_manual(coolantd, tmp_path):
    """What a wrong request is told is allowed is what the manual lists."""
    coolantd("")
    allowed = harness.ask(tmp_path, "GET", "/")[1]["error"].split("allowed: ")[1].rstrip(")").split(", ")
    page = rendered(ROOT / "packaging" / "man" / "coolantd.8")
    assert len(allowed) >= 3
    for request in allowed:
        assert request in page, request


def without_names(path):
    """As a wrong request is told it: NAME for what stands there."""
    return re.sub(r"^(/v1/(?:alarms|loops|buses)/)[^/]+(/\w+)$", r"\1NAME\2", path.partition("?")[0])


def test_every_example_of_a_request_does_what_it_says(start, coolantd, subscriber, tmp_path):
    """The commands of coolantd-http(7), one after the other; there is one of each path."""
    holding = {0: 425, 1: 301, 2: 352, 3: 1200, 4: 0, 5: 1000, 6: 0, 7: 900, 100: 4660, 101: 43981}
    server = start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1}, "holding": holding}})
    coolantd(harness.tcp_bus("cdu", server.port) + harness.device("cdu1", "cdu") + "poll_interval = 100ms\n[point:cdu1.leak]\nregister = coil:0\n" + "".join(
        f"[point:cdu1.{name}]\nregister = holding:{i}\nscale = 0.1\nunit = {unit}\n" for i, (name, unit) in enumerate(
            [("flow_rate", "L/min"), ("supply", "Cel"), ("return", "Cel"), ("dp", "kPa")])) +
        "[point:cdu1.active_energy_import]\nregister = holding:4\ntype = u32\nunit = kWh\n"
        "[point:cdu1.it_energy]\nregister = holding:6\ntype = u32\nunit = kWh\n"
        "[loop:secondary]\ncoolant = pg25\nflow = cdu1.flow_rate\nsupply = cdu1.supply\nreturn = cdu1.return\npressure_drop = cdu1.dp\n"
        "[pue:row]\nfacility = cdu1\nit = cdu1.it_energy\nwindows = 1h\n")
    subscriber.wait("loop/secondary", lambda m: m.json["quality"]["heat"] == "good")
    subscriber.wait("alarm/cdu1-leak", lambda m: m.json["state"] == "active")
    allowed = {tuple(r.split()) for r in harness.ask(tmp_path, "GET", "/")[1]["error"].split("allowed: ")[1].rstrip(")").split(", ")}
    page = (ROOT / "packaging" / "man" / "coolantd-http.7").read_text().replace("\\-", "-")
    shown = set()
    for line in re.findall(r"^curl .*$", page, re.M):
        _, option, socket, *rest, url = shlex.split(line)
        assert (option, socket) == ("--unix-socket", "/run/coolantd/http.sock") and url.startswith("http://localhost/")
        method, body = ("POST", rest[1]) if rest[:1] == ["-d"] else (rest[1] if rest else "GET", None)
        path = url.removeprefix("http://localhost")
        with contextlib.closing(harness.Unix(tmp_path)) as connection:
            connection.request(method, path, body)
            reply = connection.getresponse()
            text = reply.read().decode()
        assert reply.status == 200, (line, text)
        shown.add((method, without_names(path)))
    assert shown == allowed


def test_figures_and_default_alarms_of_the_manual_are_those_of_the_program(start, coolantd, subscriber, tmp_path):
    """A loop with every input, and a group, have each figure and each alarm that the manual lists."""
    page = rendered(BUILD / "packaging" / "coolantd.ini.5")
    figures, alarms = page.split("FIGURES OF A LOOP")[1].split("DEFAULT ALARMS")
    figures, group_figures = figures.split("FIGURES OF A GROUP")
    quantities = {"flow": "L/min", "supply": "Cel", "return": "Cel", "pressure_drop": "kPa", "filter_pressure_drop": "kPa",
                  "pump_power": "kW", "pump_speed": "%", "it_power": "kW", "air_temperature": "Cel", "air_humidity": "%",
                  "primary_supply": "Cel", "reservoir_level": "%", "conductivity": "uS/cm", "ph": "[pH]", "turbidity": "NTU",
                  "filter_hours": "h", "makeup_volume": "m3"}
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {i: 30 for i in range(len(quantities))}}})
    coolantd(harness.tcp_bus("b", server.port) + harness.device("d", "b") + "".join(
        f"[point:d.{key}]\nregister = holding:{i}\nunit = {unit}\n" for i, (key, unit) in enumerate(quantities.items())) +
        "[loop:all]\ncoolant = pg25\n" + "".join(f"{key} = d.{key}\n" for key in quantities) +
        "nominal_flow = 30\nreturn_high = 50\npressure_high = 100\nsystem_volume = 100\nreservoir_volume = 10\n"
        "conductivity_low = 1\nconductivity_high = 2\nph_low = 8\nph_high = 9\nturbidity_high = 20\nfilter_hours_high = 9\n"
        "makeup_high = 5\n"
        "[loop:twin]\ncoolant = pg25\nflow = d.flow\nsupply = d.supply\nreturn = d.return\nalarms = no\n"
        "[group:pair]\nloops = all, twin\nneeded = 1\n")
    values = subscriber.wait("loop/all").json["values"]
    assert set(values) == set(re.findall(r"^       (\w+) \(\S+\)$", figures, re.M))
    of_group = subscriber.wait("group/pair").json["values"]
    assert set(of_group) == set(re.findall(r"^       (\w+) \(\S+\)$", group_figures, re.M))
    listed = {name for name in re.findall(r"^ +NAME-([\w-]+)", alarms, re.M)}
    known = harness.ask(tmp_path, "GET", "/v1/alarms")[1]["alarms"]
    raised = {name.removeprefix("all-") for name in known if name.startswith("all-")}
    assert {name for name in known if name.startswith("pair-")} == {"pair-" + s for s in re.findall(r"^ +GROUP-(\w+)$", alarms, re.M)}
    assert raised == listed - {"makeup_flow-lost"}  # it has one of the two


def test_every_test_of_the_rules_is_there():
    tests = "".join(p.read_text() for folder in ("unit", "system") for p in (ROOT / "tests" / folder).glob("test_*.[cp]*"))
    rows = [r for r in (ROOT / "tests" / "rules.md").read_text().splitlines() if r.startswith("| ") and "| rule" not in r]
    assert len(rows) > 40
    for row in rows:
        named = re.findall(r"`(\w+)`", row)
        assert named, row
        for name in named:
            assert re.search(rf"(static void|def) {name}\(", tests), name


def test_every_meter_that_is_shipped_tells_its_class():
    meters = [p for p in sorted((ROOT / "config/profiles").glob("*.ini")) if "[point:active_energy_import]" in p.read_text()]
    assert len(meters) >= 3
    for path in meters:
        assert re.search(r"^accuracy_class = [\d.]+$", path.read_text(), re.M), path


def test_every_event_is_in_the_catalog_of_the_journal(tmp_path):
    """As journalctl -x reads it: what it means, and what to do."""
    ids = dict(re.findall(r'#define (LOG_ID_\w+) "([0-9a-f]{32})"', (ROOT / "drivers" / "os" / "log.h").read_text()))
    assert len(ids) == len(set(ids.values())) > 10
    folder = tmp_path / "usr" / "lib" / "systemd" / "catalog"
    folder.mkdir(parents=True)
    (tmp_path / "var" / "lib" / "systemd" / "catalog").mkdir(parents=True)
    (folder / "coolantd.catalog").write_text((ROOT / "packaging" / "systemd" / "coolantd.catalog").read_text())
    for command in ("--update-catalog", "--dump-catalog"):
        r = subprocess.run(["journalctl", "--root", tmp_path, command], capture_output=True, text=True)
        assert (r.returncode, r.stderr) == (0, ""), r
    entries = {entry[:32]: entry for entry in r.stdout.split("-- ")[1:]}
    assert set(entries) == set(ids.values())
    for entry in entries.values():
        assert re.search(r"\nSubject: .+\nDefined-By: coolantd\nDocumentation: man:", entry) and len(entry.split("\n\n", 1)[1]) > 50, entry
