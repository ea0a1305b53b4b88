"""The hours that are kept on the controller: each energy in its hour, once, whatever happens."""
import bisect
import concurrent.futures
import getpass
import json
import math
import os
import socket
import sqlite3
import struct
import threading
import time

import harness
import pytest
import schemas
from harness import Coolantd, head
from test_state import hold, set_energy, start_meters, stepped, wait_for_save

HOUR_MS = 3600000
STRICT = schemas.load("records", schemas.closed)


def records(folder, **arguments):
    query = "&".join(f"{k}={v}" for k, v in arguments.items())
    status, answer = harness.ask(folder, "GET", "/v1/records" + ("?" + query if query else ""))
    assert status == 200, answer
    STRICT.validate(answer)
    return answer


def kwh(answer, meter):
    return sum(r["meters"][meter]["kwh"] or 0 for r in answer["records"] if meter in r["meters"])


class Counting:
    """Counters that stand, once begun go on at 100 and 118 kW, in Wh, and are stopped."""

    def __init__(self, server):
        self.server, self.over = server, threading.Event()
        self.thread = threading.Thread(target=self.count, daemon=True)
        set_energy(server, 1000000)

    def begin(self):
        """When they were read once."""
        hold(2)
        self.began = time.monotonic()
        self.thread.start()

    def count(self):
        while not self.over.wait(0.2):
            set_energy(self.server, 1000000 + int(100e3 / 3600 * (time.monotonic() - self.began)))

    def stop(self):
        self.over.set()
        if self.thread.is_alive():
            self.thread.join()


@pytest.fixture
def counting(start, tmp_path):
    server, ini = start_meters(start, tmp_path)
    counter = Counting(server)
    yield counter, ini
    counter.stop()


def span(answer, meter):
    """What the counter shows at the end, and did at the beginning."""
    read = [r["meters"][meter] for r in answer["records"] if meter in r["meters"]]
    return read[-1]["to"] - read[0]["from"]


def test_the_running_hour_is_told(start, broker, counting, tmp_path):
    counter, ini = counting
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini + "[loop:l]\ncoolant = water\nflow = rack.flow\nsupply = rack.cold\n"
          "return = rack.warm\n[point:rack.flow]\nregister = holding:0\ntype = f32\nunit = L/min\n"
          "[point:rack.cold]\nregister = holding:4\nunit = Cel\n[point:rack.warm]\nregister = holding:4\nunit = Cel\noffset = 10\n"
          "[point:rack.wild]\nregister = holding:0\ntype = f32\nunit = L/min\nmax = 50\n"
          "[loop:w]\ncoolant = water\nflow = rack.wild\nsupply = rack.cold\nreturn = rack.warm\n")
    counter.begin()
    harness.wait_for(lambda: kwh(records(tmp_path), "rack") > 0.2, "the energy", 30)
    answer = records(tmp_path)
    assert answer["step"] == "hour" and answer["timezone"] == "UTC"
    r = answer["records"][-1]
    now = 1000 * time.time()
    assert now - 15000 < r["end"] <= now and r["start"] % HOUR_MS == 0
    assert r["meters"]["rack"]["role"] == "it" and r["pue"]["row"]["partial"] is False
    assert r["pue"]["row"]["facility_kwh"] == pytest.approx(1.18 * r["pue"]["row"]["it_kwh"], rel=0.03)
    # 100 L/min of water by 10 K are 69.4 kW
    assert r["loops"]["l"]["heat"]["mean"] == pytest.approx(69.4, rel=0.01)
    assert r["loops"]["l"]["flow"]["min"] == r["loops"]["l"]["flow"]["max"] == 100
    # an implausible flow makes no heat that an auditor would find in the year
    assert r["loops"]["w"].get("heat_kwh") is None and "flow" not in r["loops"]["w"], r["loops"]["w"]
    assert r["loops"]["w"]["supply_temperature"]["mean"] == r["loops"]["l"]["supply_temperature"]["mean"]
    assert r["alarms"]["power"]["count"] == 1 and r["alarms"]["power"]["minutes"] > 0.1
    counter.stop()
    harness.wait_for(lambda: abs(kwh(records(tmp_path), "rack") - span(records(tmp_path), "rack")) < 1e-6, "all energy", 20)


def test_what_cannot_be_told_says_why(start, broker, tmp_path):
    _, ini = start_meters(start, tmp_path)
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    for query, why in (("step=week", "hour, day, month, year"), ("from=yesterday", "ISO 8601"), ("from=1972&to=1971", "from is not before to"),
                       ("from=2020&to=2026", "step=day")):
        status, answer = harness.ask(tmp_path, "GET", "/v1/records?" + query)
        assert status == 400 and why in answer["error"], answer
    assert records(tmp_path, **{"from": "2020-01", "to": "2020-02", "step": "day"})["records"] == []


def test_kills_at_the_edge_of_an_hour_lose_and_double_nothing(start, broker, counting, tmp_path):
    counter, ini = counting
    step, env = stepped(tmp_path, 0)
    for turn in range(4):
        daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini, env=env)
        if turn == 0:
            counter.begin()
        hold(4)
        if turn % 2:
            # another hour: what is gathered goes into the tables with the next save
            step.write_bytes(struct.pack("q", 3600 * (turn + 1)))
        wait_for_save(tmp_path / "state")
        daemon.process.kill()
        daemon.process.wait()
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini, env=env)
    first = int(1000 * time.time()) - HOUR_MS

    def whole():
        return records(tmp_path, **{"from": first, "to": first + 8 * HOUR_MS})
    hold(4)
    counter.stop()
    for meter in ("rack", "facility"):
        harness.wait_for(lambda m=meter: abs(kwh(whole(), m) - span(whole(), m)) < 5e-6,
                         lambda: f"all energy, but {json.dumps(whole())}", 30)
    answer = whole()
    assert len(answer["records"]) > 1 and kwh(answer, "rack") > 0.5
    steps = [c["text"] for r in answer["records"] for c in r["corrections"] if c["kind"] == "clock"]
    assert steps == ["the clock was set by +7200 s"] * 2
    # offline the same is there
    assert daemon.stop() == 0
    out = harness.run([harness.COOLANTD, "-c", daemon.path, "--report", "--from", first, "--to", first + 8 * HOUR_MS], env={**os.environ, **env})
    offline = json.loads(out.stdout)
    assert kwh(offline, "rack") == pytest.approx(kwh(answer, "rack"), abs=1e-6) and len(offline["records"]) == len(answer["records"])


def test_a_stop_puts_all_into_the_tables(start, broker, counting, tmp_path):
    counter, ini = counting
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    counter.begin()
    harness.wait_for(lambda: kwh(records(tmp_path), "rack") > 0.2, "the energy", 20)
    counter.stop()
    harness.wait_for(lambda: abs(kwh(records(tmp_path), "rack") - span(records(tmp_path), "rack")) < 1e-6, "all energy", 20)
    told = kwh(records(tmp_path), "rack")
    assert daemon.stop() == 0
    with sqlite3.connect(tmp_path / "state/state.db") as db:
        assert db.execute("SELECT sum(mj) FROM energy JOIN record_name ON id = name WHERE item = 'rack'").fetchone()[0] == \
            pytest.approx(told * 3.6e9, abs=1)
        assert {k for (k,) in db.execute("SELECT part FROM record_name WHERE owner = 'row' AND kind = 1")} == {"", "facility", "it"}


def test_none_are_made_when_none_are_kept(start, broker, counting, tmp_path):
    _, ini = counting
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini + "[records]\nkeep = 0\n")
    hold(3)
    assert records(tmp_path)["records"] == []
    assert daemon.stop() == 0
    with sqlite3.connect(tmp_path / "state/state.db") as db:
        assert db.execute("SELECT count(*) FROM record_name").fetchone() == (0,)


def test_hours_are_struck_out_and_said(start, broker, counting, tmp_path):
    counter, ini = counting
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    counter.begin()
    harness.wait_for(lambda: kwh(records(tmp_path), "rack") > 0.2, "the energy", 30)
    hour = records(tmp_path)["records"][-1]["start"]
    status, answer = harness.ask(tmp_path, "POST", f"/v1/records/strike?from={hour}&to={hour + 1}")
    assert status == 400 and "reason" in answer["error"]
    status, answer = harness.ask(tmp_path, "POST", f"/v1/records/strike?from={hour}&to={hour + 1}&reason=meter%20was%20taken%20out")
    assert status == 200, answer
    struck = answer["records"][-1]["struck"]
    assert struck == [{"from": hour, "to": hour + HOUR_MS, "reason": "meter was taken out", "by": getpass.getuser()}]
    daemon.wait_line("are struck out: meter was taken out, by ")
    daemon.process.kill()
    daemon.process.wait()
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    hold(2)
    r = records(tmp_path)["records"][-1]
    assert r["struck"] == struck and r["pue"]["row"]["pue"] is None and r["pue"]["row"]["reason"] == "it is struck out"
    assert r["pue"]["row"]["it_kwh"] > 0.2 and r["meters"]["rack"]["kwh"] > 0.2
    day = records(tmp_path, step="day")["records"][-1]
    assert day["struck"] == struck and "row" not in day["pue"] and day["meters"]["rack"]["kwh"] > 0.2
    status, answer = harness.ask(tmp_path, "POST", f"/v1/records/unstrike?from={hour}&to={hour + 1}")
    assert status == 200 and "struck" not in answer["records"][-1]
    assert records(tmp_path, step="day")["records"][-1]["pue"]["row"]["it_kwh"] > 0.2


def test_a_reload_goes_on_with_the_hour(start, broker, counting, tmp_path):
    counter, ini = counting
    text = head(tmp_path, broker.port) + ini
    daemon = start(Coolantd, tmp_path, text)
    counter.begin()
    harness.wait_for(lambda: kwh(records(tmp_path), "rack") > 0.1, "the energy", 30)
    daemon.reload(text + "[alarm:late]\npoint = rack.active_power\nwhen = above\nlimit = 1\nseverity = info\nmessage = any power\n")
    hold(3)
    # under another name, and the old one again: what was counted stays
    before = kwh(records(tmp_path), "rack")
    daemon.reload(head(tmp_path, broker.port) + ini.replace("[pue:row]", "[pue:other]"))
    hold(2)
    assert kwh(records(tmp_path), "rack") >= before
    assert "rack (it of other)" in records(tmp_path)["records"][-1]["meters"]
    daemon.reload(text)
    counter.stop()
    hold(3)
    answer = records(tmp_path)
    assert {"row", "other"} == set(answer["records"][-1]["pue"]) and kwh(answer, "rack") >= before
    assert "late" in answer["records"][-1]["alarms"]


def test_many_ask_at_once_and_some_do_not_wait(start, broker, counting, tmp_path):
    counter, ini = counting
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    counter.begin()
    harness.wait_for(lambda: kwh(records(tmp_path), "rack") > 0, "the energy", 30)
    for i in range(20):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{tmp_path}/http")
            s.sendall(f"GET /v1/records?step=day&to={int(1000 * time.time()) + i} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    harness.wait_for(lambda: harness.ask(tmp_path, "GET", "/v1/records")[0] == 200, "the end of those who left", 20)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda i: harness.ask(tmp_path, "GET", f"/v1/records?to={int(1000 * time.time()) + i}"), range(36)))
    # a few are read at once, who else asks is told so
    assert {s for s, _ in answers} <= {200, 503} and any(s == 200 for s, _ in answers)
    harness.wait_for(lambda: harness.ask(tmp_path, "GET", "/v1/records")[0] == 200, "a free place", 20)
    assert daemon.stop() == 0


T0 = 1772323200  # 2026-03-01T00:00:00Z
HOURS = 50
WATER = 120  # litres an hour
REPLAYED = ("poll_interval = 10s\naccuracy_class = 0.5\n[point:{0}.active_power]\nregister = holding:0\ntype = f32\nunit = kW\n"
            "[point:{0}.active_energy_import]\nregister = holding:2\ntype = u32\nunit = kWh\nscale = 0.001\ncounter = yes\n")


def power(meter, s):
    """kW: a day's swing, and steps of a rack that is loaded and unloaded."""
    it = 90 + 30 * math.sin(s / 86400 * 2 * math.pi) + (15 if s // 5400 % 2 else 0)
    return it if meter == "pdu" else 1.1 * it + 6


def readings(meter):
    """(second, counter in Wh, kW): each 10 s, the one 3 s later; pdu is silent for four hours and a bit, main once for 20 min and once
    for 4."""
    silent = {"pdu": [(20 * 3600 + 1000, 24 * 3600 + 2000)],
              "main": [(30 * 3600, 30 * 3600 + 1200), (40 * 3600 + 1000, 40 * 3600 + 1240)]}[meter]
    joules, at, all_of_it = 0.0, -60, []
    for s in range(-57 if meter == "pdu" else -60, HOURS * 3600 + 200, 10):
        joules += 500 * (power(meter, at) + power(meter, s)) * (s - at)
        at = s
        if not any(a <= s < b for a, b in silent):
            all_of_it.append((s, 4294867290 + int(joules / 3600) if meter == "pdu" else int(joules / 3600), power(meter, s)))
    return all_of_it


def counted_until(read, second):
    """The counter at a second: straight between its readings."""
    i = bisect.bisect_right(read, (second, math.inf))
    (a, x, _), (b, y, _) = read[i - 1], read[min(i, len(read) - 1)]
    return x if a == b else x + (y - x) * (second - a) / (b - a)


def test_a_replay_is_what_an_independent_computation_says(tmp_path):
    read = {m: readings(m) for m in ("main", "pdu")}
    lines = {}
    for m, column in (("main", "{wh},{kw},,,{water}"), ("pdu", ",,{wh},{kw},")):
        for s, wh, kw in read[m]:
            lines[s] = f"{1000 * (T0 + s)}," + column.format(wh=wh % 2 ** 32 / 1000, kw=kw, water=WATER * (s + 3600) // 3600 / 1000)
    csv, ini = tmp_path / "plant.csv", tmp_path / "coolantd.ini"
    csv.write_text("ts,main.active_energy_import,main.active_power,pdu.active_energy_import,pdu.active_power,city.volume\n" +
                   "\n".join(lines[s] for s in sorted(lines)) + "\n")
    ini.write_text("[daemon]\nsite = dc1\nrack = r07\n" + harness.tcp_bus("b", 502) + "".join(
        harness.device(m, "b", unit, extra=REPLAYED.format(m)) for unit, m in enumerate(read, 1)) + harness.device(
            "city", "b", 3, extra="poll_interval = 10s\n[point:city.volume]\nregister = holding:0\ntype = u32\nunit = m3\nscale = 0.001\ncounter = yes\n") +
        "[pue:row]\nfacility = main\nit = pdu\nwater = city\ncategory = 2\ncarbon_factor = 0.4\nwindows = 1h, 1d\n")

    def report(step):
        out = harness.run([harness.COOLANTD, "-c", ini, "--replay", csv, "--report", "--step", step, "--from", "2026-03-01"])
        STRICT.validate(json.loads(out.stdout))
        return json.loads(out.stdout)["records"]
    hours = report("hour")
    assert [r["start"] for r in hours] == [1000 * (T0 + 3600 * i) for i in range(HOURS + 1)]
    for i, r in enumerate(hours[:HOURS]):
        true = {m: (counted_until(read[m], 3600 * (i + 1)) - counted_until(read[m], 3600 * i)) / 1000 for m in read}
        for m in read:
            assert r["meters"][m]["kwh"] == pytest.approx(true[m], abs=2e-3), (i, m)
        pue = r["pue"]["row"]
        assert pue["energy_complete"] is True
        measured = pue["coverage"]
        if measured > 0.99:
            assert pue["pue"] == pytest.approx(true["main"] / true["pdu"], abs=1e-4) and pue["quality"] == "good"
        elif i == 40:
            # four minutes that the counters have closed: stated, and of all the energy
            assert measured == pytest.approx(1 - 240 / 3600, abs=0.01) and pue["quality"] == "estimated"
            assert pue["pue"] == pytest.approx(true["main"] / true["pdu"], abs=1e-4) and pue["estimated_kwh"] > 5
        else:
            # from 20:16 to 00:33, and 20 min of hour 30
            assert i in (20, 21, 22, 23, 24, 30) and pue["estimated_kwh"] > 0
            assert measured == pytest.approx({20: 1000 / 3600, 24: 1 - 2003 / 3600, 30: 1 - 1200 / 3600}.get(i, 0), abs=0.02)
            assert pue["pue"] is None and "measured" in pue["reason"]
    # what lies between the edges of the gap is exact, however it is spread
    gap = sum(r["meters"]["pdu"]["kwh"] for r in hours[20:25])
    assert gap == pytest.approx((counted_until(read["pdu"], 25 * 3600) - counted_until(read["pdu"], 20 * 3600)) / 1000, abs=2e-3)
    kinds = [(i, c["meter"], c["kind"]) for i, r in enumerate(hours) for c in r["corrections"]]
    assert kinds == [(1, "pdu", "wrap"), (20, "pdu", "bridged"), (29, "main", "bridged"), (29, "city", "bridged"),
                     (40, "main", "bridged"), (40, "city", "bridged")]
    # a day is the sum of its hours
    days = report("day")
    for d, r in enumerate(days[:2]):
        for m in read:
            assert r["meters"][m]["kwh"] == pytest.approx(sum(h["meters"][m]["kwh"] for h in hours[24 * d:24 * d + 24]), abs=1e-5)
    assert days[0]["pue"]["row"]["coverage"] == pytest.approx(1 - (4 * 3600 - 1000) / 86400, abs=1e-3)
    row = days[0]["pue"]["row"]
    # water in L to a kWh; an hour of it is 120 steps of the counter
    assert row["water_m3"] == pytest.approx(24 * WATER / 1000, abs=2e-3)
    assert row["wue"] == pytest.approx(1000 * row["water_m3"] / row["it_kwh"], rel=1e-5)
    assert days[0]["meters"]["city"]["m3"] == pytest.approx(days[0]["meters"]["city"]["to"] - days[0]["meters"]["city"]["from"], abs=2e-3)
    assert hours[3]["pue"]["row"]["wue"] == pytest.approx(WATER / hours[3]["pue"]["row"]["it_kwh"], rel=0.01)
    window = json.loads(harness.run([harness.COOLANTD, "-c", ini, "--replay", csv]).stdout.split(" ", 1)[1])["windows"]["1d"]
    assert window["wue"] == pytest.approx(1000 * window["water_m3"] / window["it_kwh"], rel=1e-5)
    assert window["cue"] == pytest.approx(0.4 * window["pue"], rel=1e-5) and window["water_m3"] == pytest.approx(24 * WATER / 1000, abs=2e-3)
    assert row["category"] == 2 and row["cue"] == pytest.approx(0.4 * row["pue"], rel=1e-5)
    assert days[0]["pue"]["row"]["quality"] == "estimated" and days[0]["pue"]["row"]["energy_complete"] is True
