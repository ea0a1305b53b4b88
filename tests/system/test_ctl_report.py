"""coolantctl report: what the hours came to, for people, for a spreadsheet, for programs."""
import csv
import datetime
import io
import json

import harness
import pytest
import schemas
from harness import COOLANTCTL, Coolantd, head, run
from test_state import set_energy, start_meters

TODAY = datetime.datetime.now(datetime.timezone.utc)


def report(folder, *args):
    return run([COOLANTCTL, "report", *args, "--socket", f"{folder}/http"])


def test_report(start, broker, tmp_path):
    server, ini = start_meters(start, tmp_path)
    set_energy(server, 1000000)
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    for wh in (1000010, 1000020):
        set_energy(server, wh)
        harness.wait_for(lambda w=wh: harness.ask(tmp_path, "GET", "/v1/points")[1]["points"]["rack.active_energy_import"]["value"] == w / 1000, "the counter")
    harness.wait_for(lambda: any("it_kwh" in p for r in harness.ask(tmp_path, "GET", "/v1/records")[1]["records"] for p in r["pue"].values()), "a record", 30)
    hour = f"{TODAY:%Y-%m-%dT%H:00Z}"
    early = f"{TODAY - datetime.timedelta(hours=2):%Y-%m-%dT%H:00Z}"
    assert harness.ask(tmp_path, "POST", f"/v1/records/strike?from={early}&to={hour}&reason=%1b%5b2Jtest")[0] == 200
    for args in ((), ("--day", f"{TODAY:%Y-%m-%d}"), ("--month", f"{TODAY:%Y-%m}"), ("--year", f"{TODAY:%Y}")):
        r = report(tmp_path, *args)
        assert r.returncode == 0 and r.stderr == "", r
        for what in ("PUE row", "METER", "HOW THESE FIGURES ARE MADE", "Sources: the meters ", "facility (facility)", "Coverage: ", "Estimated: ",
                     "Uncertainty: not stated", "Struck-out hours: ", "all of it"):
            assert what in r.stdout, r.stdout
        assert max(len(line) for line in r.stdout.split("HOW THESE")[1].splitlines()) <= 80 and "\x1b" not in r.stdout
    assert "\\x1b[2Jtest" in report(tmp_path, "--year", f"{TODAY:%Y}").stdout
    told = json.loads(report(tmp_path, "--month", f"{TODAY:%Y-%m}", "--format", "json").stdout)
    schemas.load("records", schemas.closed).validate(told)
    assert told["step"] == "day" and json.loads(report(tmp_path, "--json").stdout)["step"] == "hour"
    r = run([COOLANTCTL, "report", "--format", "csv", "--socket", f"{tmp_path}/http"])
    lines = list(csv.DictReader(io.StringIO(r.stdout)))
    kwh = [line for line in lines if line["kind"] == "meter" and line["name"] == "rack" and line["figure"] == "kwh"]
    assert kwh[-1]["start"].endswith("Z") and float(kwh[-1]["value"]) >= 0
    assert {"pue", "meter", "alarm"} <= {line["kind"] for line in lines}
    r = report(tmp_path, "--day", "2020-02-29")
    assert r.returncode == 1 and "no records of 2020-02-29" in r.stderr and r.stdout == ""
    assert json.loads(report(tmp_path, "--day", "2020-02-29", "--json").stdout)["records"] == []


@pytest.mark.parametrize("args, what", [
    (("--day", "2026-02-30"), "allowed: as 2026-11-25"), (("--day", "2026-11"), "allowed: as 2026-11-25"), (("--month", "2026-13"), "allowed: as 2026-11"),
    (("--year", "26"), "allowed: as 2026"), (("--day", "yesterday"), "allowed: as"), (("--day", "2026-1-1"), "allowed: as"),
    (("--day", "2026-01-01", "--year", "2026"), "not two"), (("--format", "xml"), "allowed: text, csv, json"), (("--mounth", "2026-11"), "did you mean '--month'?")])
def test_what_is_no_date(tmp_path, args, what):
    r = report(tmp_path, *args)
    assert r.returncode == 2 and what in r.stderr and r.stdout == ""
