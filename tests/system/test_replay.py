"""coolantd --replay against a computation that shares nothing with it: a day with wraps, resets, gaps and stops."""
import datetime
import json
import math
import random

import harness
import pytest
from harness import run

START = int(datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc).timestamp())
DAY = 86400
BEFORE = 120  # seconds that are read before the day begins
STEP = 10
INI = """[daemon]
site = dc1
rack = r07
[bus:b]
type = tcp
host = 127.0.0.1
[device:main]
bus = b
unit = 1
poll_interval = 10s
accuracy_class = 0.5
[point:main.energy]
register = holding:0
type = u32
unit = kWh
scale = 0.001
counter = yes
[device:rack]
bus = b
unit = 2
poll_interval = 10s
accuracy_class = 0.5
[point:rack.energy]
register = holding:0
type = u32
unit = kWh
scale = 0.01
counter = yes
[device:cooler]
bus = b
unit = 3
poll_interval = 10s
[point:cooler.power]
register = holding:0
type = f32
unit = kW
[pue:row]
facility = main.energy
it = rack.energy
cooling = cooler.power
windows = 1h, 1d
"""


def replay(tmp_path, rows, heading="ts,main.energy,rack.energy,cooler.power"):
    (tmp_path / "coolantd.ini").write_text(INI)
    (tmp_path / "day.csv").write_text("\n".join([heading, *rows]) + "\n")
    return run([harness.COOLANTD, "-c", tmp_path / "coolantd.ini", "--replay", tmp_path / "day.csv"])


def figures(tmp_path, rows):
    done = replay(tmp_path, rows)
    assert done.returncode == 0, done.stderr
    name, payload = done.stdout.split(" ", 1)
    assert name == "pue/row"
    return json.loads(payload)


def it_watts(t):
    """A day of a hall: 80 to 120 kW."""
    return 100e3 + 20e3 * math.sin(2 * math.pi * t / DAY)


class Meter:
    """True energy by the midpoint rule at one second, and a counter that shows it in its steps."""

    def __init__(self, watts, quantum_wh, start_raw):
        self.joules, total = [0.0], 0.0
        for s in range(-BEFORE, DAY + BEFORE):
            total += watts(s + 0.5)
            self.joules.append(total)
        self.quantum, self.start = quantum_wh * 3600, start_raw

    def true(self, t):
        t += BEFORE
        i = int(t)
        return self.joules[i] + (t - i) * (self.joules[i + 1] - self.joules[i])

    def raw(self, t, since=-BEFORE, start=None):
        start = self.start if start is None else start
        return (start + int((self.true(t) - self.true(since)) / self.quantum)) % 2**32


def window_kwh(meter, seconds):
    return (meter.true(DAY) - meter.true(DAY - seconds)) / 3.6e6


def test_a_day_with_a_wrap_gaps_and_a_stop(tmp_path):
    """The counters know all of the day, whatever was missed meanwhile: energies to a step, PUE to 1e-4."""
    main = Meter(lambda t: 1.18 * it_watts(t), 1, 2**32 - 900000)  # wraps during the day
    rack = Meter(it_watts, 10, 5000)
    rows, chance = [], random.Random(3)
    for i in range(-BEFORE // STEP, (DAY + 60) // STEP):
        t = i * STEP
        if 30000 <= t < 37200:  # coolantd stood still for two hours
            continue
        # not polled at the same moment, and now and then not answered
        for offset, column in ((1.7, 0), (6.4, 1), (8.1, 2)):
            if 40000 < t < 80000 and chance.random() < 0.01:
                continue
            at = t + offset
            value = (f"{main.raw(at) / 1000:.3f}", f"{rack.raw(at) / 100:.2f}", "5.0")[column]
            rows.append(f"{int((START + at) * 1000)}," + "," * column + value)
    got = figures(tmp_path, rows)["windows"]
    for name, seconds in (("1h", 3600), ("1d", DAY)):
        w = got[name]
        total, it = window_kwh(main, seconds), window_kwh(rack, seconds)
        # a step at each end, and what a boundary between two readings of a step can hide
        assert abs(w["facility_kwh"] - total) <= 2 * 0.001 + 0.001, (name, w["facility_kwh"], total)
        assert abs(w["it_kwh"] - it) <= 2 * 0.01 + 0.01, (name, w["it_kwh"], it)
        if name == "1h":
            assert abs(w["pue"] - 1.18) < 3e-4 and w["quality"] == "good"
            assert abs(w["uncertainty"] - w["pue"] * math.hypot(0.005, 0.005)) < 1e-6
    day = got["1d"]
    # two hours of 24 were not seen, but the counters tell all of them
    assert day["quality"] == "estimated" and day["energy_complete"] and abs(day["coverage"] - 22 / 24) < 0.01
    assert abs(day["pue"] - 1.18) < 1e-4


def test_a_day_with_a_reset(tmp_path):
    """A meter is replaced at noon: what it counted before and after is there, the piece between is not covered."""
    main = Meter(lambda t: 1.18 * it_watts(t), 1, 1000)
    rack = Meter(it_watts, 10, 5000)
    rows = []
    for i in range(-BEFORE // STEP, (DAY + 60) // STEP):
        t = i * STEP
        first = main.raw(t) if t < DAY // 2 else main.raw(t, since=DAY // 2, start=3)
        rows.append(f"{(START + t) * 1000},{first / 1000:.3f},{rack.raw(t) / 100:.2f},5.0")
    day = figures(tmp_path, rows)["windows"]["1d"]
    for key, meter, step in (("facility_kwh", main, 0.001), ("it_kwh", rack, 0.01)):
        lost = (meter.true(DAY // 2) - meter.true(DAY // 2 - STEP)) / 3.6e6  # of both, so that the ratio stays right
        assert abs(day[key] + lost - window_kwh(meter, DAY)) <= 3 * step, key
    assert abs(day["pue"] - 1.18) < 1.18 * 2 * STEP / DAY and day["quality"] == "good"


def test_times_in_words_and_empty_fields(tmp_path):
    rows = [f"2026-03-01T{h:02}:{m:02}:{s:02}Z,{h * 118 + (m * 60 + s) * 118 / 3600:.3f},{h * 100 + (m * 60 + s) / 36:.2f},"
            for h in range(2) for m in range(60) for s in range(0, 60, 10)]
    hour = figures(tmp_path, rows)["windows"]["1h"]
    assert abs(hour["pue"] - 1.18) < 1e-3 and hour["cooling_kwh"] is None


def test_an_implausible_reading_counts_as_little_as_when_it_is_polled(tmp_path, monkeypatch):
    monkeypatch.setitem(globals(), "INI", INI.replace("[pue:row]", "max = 50\n[pue:row]"))
    rows = [f"{1000 * (START + s)},{s * 118 / 3600:.3f},{s / 36:.2f},{10 if s < 1800 else 200}" for s in range(0, 7200, 10)]
    told = figures(tmp_path, rows)
    assert told["windows"]["1h"]["cooling_kwh"] is None and told["cooling_kw"] is None
    assert told["windows"]["1h"]["reasons"] == {"cooling": "it is not known for all of the time"}
    assert abs(told["windows"]["1h"]["pue"] - 1.18) < 1e-3


def test_the_example_of_the_manual(tmp_path):
    """What coolantd(8) shows is what comes out."""
    manual = (harness.ROOT / "packaging/man/coolantd.8").read_text()
    csv = manual[manual.index("ts,meter_main"):].split(".RE")[0]
    ini = "[daemon]\nsite = s\nrack = r\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n" + "".join(
        f"[device:{d}]\nbus = b\nunit = {u}\npoll_interval = 15m\n[point:{d}.active_energy_import]\nregister = holding:0\n"
        "type = f64\nunit = kWh\ncounter = yes\n" for u, d in ((1, "meter_main"), (2, "pdu1")))
    (tmp_path / "coolantd.ini").write_text(ini + "[pue:row]\nfacility = meter_main\nit = pdu1\nwindows = 1h\n")
    (tmp_path / "day.csv").write_text(csv)
    done = run([harness.COOLANTD, "-c", tmp_path / "coolantd.ini", "--replay", tmp_path / "day.csv"])
    hour = json.loads(done.stdout.removeprefix("pue/row "))["windows"]["1h"]
    assert (hour["facility_kwh"], hour["it_kwh"], hour["pue"], hour["coverage"], hour["quality"]) == (118, 100, 1.18, 1, "good")


@pytest.mark.parametrize("heading, rows, words", [
    ("time,main.energy", [], ":1: 'time' is no heading (allowed: ts,DEVICE.POINT"),
    ("ts,main.enrgy", [], ":1: 'main.enrgy' is no point of the configuration"),
    ("ts,main.energy", ["yesterday,1"], ":2: 'yesterday' is no time"),
    ("ts,main.energy", ["2000,1", "1000,2"], ":3: '1000' is not after the line before"),
    ("ts,main.energy", ["1000,x"], ":2: 'x' is no number"),
    ("ts,main.energy", ["1000,1,2"], ":2: '2' has no heading"),
    ("ts,main.energy,rack.energy,main.energy", [], ":1: 'main.energy' is there twice (allowed: each point once)"),
    ("ts,main.energy", ["2026-02-30T00:00:00Z,1"], ":2: '2026-02-30T00:00:00Z' is no time"),
    ("ts,main.energy", [], "has no readings"),
])
def test_a_file_that_is_wrong_says_where(tmp_path, heading, rows, words):
    done = replay(tmp_path, rows, heading)
    assert done.returncode == 1 and words in done.stderr, done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("args, words", [
    (["--step", "week"], "step is none (allowed: hour, day, month, year)"),
    (["--from", "2026-02-30"], "from is no time"),
    (["--to", "2026-04-31T06:00Z"], "to is no time"),
    (["--from", "2026-03", "--to", "2026-02"], "from is not before to"),
])
def test_a_report_of_no_time_is_wrong_usage(tmp_path, args, words):
    (tmp_path / "coolantd.ini").write_text(INI)
    for kind in ([], ["--replay", tmp_path / "none.csv"]):
        done = run([harness.COOLANTD, "-c", tmp_path / "coolantd.ini", *kind, "--report", *args])
        assert done.returncode == 2 and words in done.stderr and done.stdout == "", done.stderr


def test_a_report_says_what_is_not_known(tmp_path):
    """A meter that counts backwards: no 0, and a reason."""
    (tmp_path / "coolantd.ini").write_text(INI)
    (tmp_path / "plant.csv").write_text("ts,main.energy,rack.energy,cooler.power\n" + "".join(
        f"{1000 * (START + s)},{5000 - 118 * s / 3600:.3f},{4000 + 100 * s / 3600:.2f},10\n" for s in range(0, 3 * 3600, 10)))
    done = run([harness.COOLANTD, "-c", tmp_path / "coolantd.ini", "--replay", tmp_path / "plant.csv", "--report", "--step", "hour"])
    hours = json.loads(done.stdout)["records"]
    assert [c["kind"] for h in hours for c in h["corrections"]] == ["backwards"]
    meter, pue = hours[1]["meters"]["main.energy"], hours[1]["pue"]["row"]
    assert meter["kwh"] is None and meter["estimated_kwh"] is None and meter["coverage"] == 0
    assert meter["reason"] == "nothing of its energy is known in this time"
    assert pue["pue"] is None and pue["quality"] == "invalid" and pue["reason"] == "a needed role is not known in this time"
    assert hours[1]["meters"]["rack.energy"]["kwh"] == pytest.approx(100, abs=0.02)
