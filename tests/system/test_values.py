"""Known registers in a server that is not ours: value, unit, time stamp and quality at the broker."""
import struct
import time

import pytest

import harness
import wire
from harness import device, head, tcp_bus
from mqtt_broker import ScriptedBroker

ORDERS = {"abcd": ("big", "big"), "cdab": ("little", "big"), "badc": ("big", "little"), "dcba": ("little", "little")}
FORMATS = {"u16": ">H", "i16": ">h", "u32": ">I", "i32": ">i", "u64": ">Q", "i64": ">q", "f32": ">f", "f64": ">d"}
SAMPLES = {"u16": 54321, "i16": -12345, "u32": 4000000001, "i32": -2000000001, "u64": 12345678901234567890,
           "i64": -1234567890123456789, "f32": 21.3, "f64": 3.141592653589793}


def words(type_, value, order):
    """Registers by the definition of the orders: ABCD is as the wire of Modbus has it."""
    raw = struct.pack(FORMATS[type_], value)
    pairs = [raw[i:i + 2] for i in range(0, len(raw), 2)]
    if ORDERS[order][0] == "little":
        pairs.reverse()
    if ORDERS[order][1] == "little":
        pairs = [p[::-1] for p in pairs]
    return [int.from_bytes(p, "big") for p in pairs]


def make_map():
    """The profile's text, the server's tables, and what must arrive: {point: (value, quality, unit)}."""
    profile, holding, expected = ["[profile]\nmax_gap = 0\n"], {}, {}
    address = 100

    def add(name, values, lines, value, quality="good", unit=""):
        nonlocal address
        profile.append(f"[point:{name}]\nregister = holding:{address}\n{lines}" + (f"unit = {unit}\n" if unit else ""))
        for v in values:
            holding[address] = v
            address += 1
        expected[name] = (value, quality, unit)

    for type_ in FORMATS:
        for order, (word, byte) in ORDERS.items():
            add(f"{type_}_{order}", words(type_, SAMPLES[type_], order),
                f"type = {type_}\nword_order = {word}\nbyte_order = {byte}\n", SAMPLES[type_])
    add("scaled", [425], "scale = 0.1\n", 42.5, unit="L/min")
    add("scaled_negative", [0xff38], "type = i16\nscale = 0.1\noffset = 5\n", -15, unit="Cel")
    add("sentinel", [0x7fff], "type = i16\ninvalid = 0x7fff, -32768\n", None, "bad", "Cel")
    add("sentinel_decimal", [0x8000], "type = i16\ninvalid = 0x7fff, -32768\n", None, "bad", "Cel")
    add("sentinel_float", [0x7f7f, 0xffff], "type = f32\ninvalid = 0x7f7fffff\n", None, "bad")
    add("nan", [0x7fc0, 0], "type = f32\n", None, "bad")
    add("too_high", [900], "min = 0\nmax = 100\n", 900, "suspect", "%")
    add("bit_on", [0x0200], "bit = 9\n", True)
    add("bit_off", [0xfdff], "bit = 9\n", False)
    add("bits", [0xf5af], "bits = 4..7\n", 10)
    add("any_bit", [0x0800], "type = bool\nbits = 4..11\n", True)
    add("flag", [1], "type = bool\n", True)
    add("mode", [1], "enum = 0:off, 1:on\n", "on")
    add("valve", [0b10], "bit = 1\nenum = 0:shut, 1:open\n", "open")
    add("mode_unknown", [9], "enum = 0:off, 1:on\n", 9, "suspect")
    add("serial", [0x4364, 0x552d, 0x3700, 0], "type = string\nlength = 4\n", "CdU-7")
    profile.append("[point:coil_on]\nregister = coil:3\n[point:coil_off]\nregister = coil:4\n"
                   "[point:contact]\nregister = discrete:0x10\n[point:sensor]\nregister = input:0x20\nscale = 0.5\n")
    expected |= {"coil_on": (True, "good", ""), "coil_off": (False, "good", ""), "contact": (True, "good", ""),
                 "sensor": (3.5, "good", "")}
    profile.append(f"[point:hole]\nregister = holding:{address + 10}\n")
    expected["hole"] = (None, "bad", "")  # the device answers with exception 2
    tables = {"holding": holding, "coil": {3: 1, 4: 0}, "discrete": {16: 1}, "input": {32: 7}}
    return "\n".join(profile), tables, expected


def check(subscriber, server, expected):
    seen = {}

    def complete():
        for m in subscriber.of("device/d"):
            for k, v in m.json["values"].items():
                seen[k] = (v, m.json["quality"].get(k, "good"), m)
        return {k: seen[k][1] for k in seen} == {k: quality for k, (_, quality, _) in expected.items()}

    harness.wait_for(complete, lambda: f"not as expected: {[k for k, e in expected.items() if seen.get(k, (0, 0))[1] != e[1]]}")
    for name, (value, quality, _) in expected.items():
        got, got_quality, _ = seen[name]
        assert got_quality == quality, name
        assert got == pytest.approx(value, rel=1e-7) if isinstance(value, float) else got == value, name
        assert type(got) is type(value) or isinstance(value, float), name
    info = subscriber.wait("info/d").json["points"]
    assert {n: info[n]["unit"] for n in expected} == {n: u for n, (_, _, u) in expected.items()}


def test_every_type_and_order_over_tcp(start, coolantd, subscriber, tmp_path):
    profile, tables, expected = make_map()
    (tmp_path / "known.ini").write_text(profile)
    server = start(harness.ModbusServer, tmp_path, {"1": tables})
    coolantd(tcp_bus("b", server.port) + device("d", "b", profile="known"))
    check(subscriber, server, expected)


def test_every_type_and_order_over_a_serial_line(start, coolantd, subscriber, tmp_path):
    profile, tables, expected = make_map()
    (tmp_path / "known.ini").write_text(profile)
    line = start(harness.SerialLine, tmp_path)
    start(harness.ModbusServer, tmp_path, {"7": tables}, serial=str(line.b))
    coolantd(f"[bus:b]\ntype = rtu\nport = {line.a}\nparity = none\n" + device("d", "b", 7, "known"))
    check(subscriber, None, expected)


def test_every_type_and_order_over_a_serial_server(start, coolantd, subscriber, tmp_path):
    profile, tables, expected = make_map()
    (tmp_path / "known.ini").write_text(profile)
    server = start(harness.ModbusServer, tmp_path, {"7": tables}, rtu=True)
    coolantd(tcp_bus("b", server.port).replace("tcp\n", "rtutcp\n", 1) + device("d", "b", 7, "known"))
    check(subscriber, server, expected)


def test_a_block_with_a_hole_is_split_and_stays_so(start, coolantd, subscriber, tmp_path):
    """max_gap joins 0, 3, 9 and 12, but the device answers only the addresses it has."""
    (tmp_path / "holes.ini").write_text("[profile]\nmax_gap = 20\n" + "".join(
        f"[point:p{a}]\nregister = holding:{a}\n" for a in (0, 3, 9, 12, 13)))
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1, 1: 0, 2: 0, 3: 4, 9: 10, 12: 13, 13: 14}}})
    daemon = coolantd(tcp_bus("b", server.port) + device("d", "b", profile="holes", extra="poll_interval = 200ms\n"))
    m = subscriber.wait("device/d").json
    assert m["values"] == {"p0": 1, "p3": 4, "p9": 10, "p12": 13, "p13": 14} and m["quality"] == {}
    daemon.wait_line(r"device d on bus b refuses holding 0\+14 with exception 2: read as 0\+4 and 9\+5 from now on")
    before = len(daemon.lines)
    harness.wait_for(lambda: len(server.replies()) > 20, "more polls")
    assert not any("refuses" in l for l in daemon.lines[before:])
    assert {a for _, _, a in server.replies()} == {0, 9, 12}


def test_time_stamps_are_of_the_reply(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 5}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="[point:d.p]\nregister = holding:0\n"),
             mqtt="publish = always\n")
    subscriber.wait("device/d", lambda m: m.json["seq"] >= 6)
    replies = [t for t, _, _ in server.replies()]
    stamps = [m.json["ts"] / 1000 for m in subscriber.of("device/d")][-4:]
    for ts in stamps:
        assert min(abs(ts - t) for t in replies) < 0.05
    assert all(0.9 < b - a < 1.1 for a, b in zip(stamps, stamps[1:]))
    assert abs(time.time() - stamps[-1]) < 5


def test_slow_points_and_points_that_are_read_once(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1, 10: 2, 20: 3}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 100ms\n"
             "[point:d.fast]\nregister = holding:0\n[point:d.slow]\nregister = holding:10\npoll = slow\n"
             "[point:d.once]\nregister = holding:20\npoll = once\n"))
    harness.wait_for(lambda: sum(a == 0 for _, _, a in server.replies()) >= 40, "40 polls")
    counts = {a: sum(r == a for _, _, r in server.replies()) for a in (0, 10, 20)}
    assert counts[20] == 1
    assert 3 <= counts[10] <= 6


def test_out_of_service(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="enabled = no\n[point:d.p]\nregister = holding:0\n"))
    m = subscriber.wait("device/d").json
    assert m["values"] == {"p": None} and m["quality"] == {"p": "out_of_service"}
    assert server.replies() == []


def test_layouts(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 425}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="[point:d.flow_rate]\nregister = holding:0\nscale = 0.1\n"),
             mqtt="layout = both\n")
    assert subscriber.wait("device/d").json["values"] == {"flow_rate": 42.5}
    m = subscriber.wait("point/d/flow_rate")
    assert m.topic == "coolant/dc1/r07/point/d/flow_rate"
    assert (m.json["value"], m.json["quality"]) == (42.5, "good")
    assert abs(m.json["ts"] / 1000 - time.time()) < 10


def test_layout_point_has_no_device_topic(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 425}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="[point:d.p]\nregister = holding:0\n"), mqtt="layout = point\n")
    subscriber.wait("point/d/p")
    subscriber.wait("health")
    assert subscriber.of("device/d") == []


def test_a_deadband_may_be_a_percentage(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1000, 1: 7}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 100ms\n"
             "[point:d.a]\nregister = holding:0\ndeadband = 2 %\n[point:d.b]\nregister = holding:1\n"))
    subscriber.wait("device/d", lambda m: m.json["values"] == {"a": 1000, "b": 7})
    mark = len(subscriber.messages)
    server.set(1, "holding", 0, [1019])
    server.set(1, "holding", 1, [8])
    assert subscriber.wait("device/d", after=mark).json["values"]["b"] == 8
    mark = len(subscriber.messages)
    server.set(1, "holding", 0, [1020])
    assert subscriber.wait("device/d", after=mark).json["values"] == {"a": 1020, "b": 8}


def test_change_mode_sends_what_moved_past_its_deadband(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 100, 1: 7}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 100ms\n"
             "[point:d.a]\nregister = holding:0\ndeadband = 5\n[point:d.b]\nregister = holding:1\n"),
             mqtt="full_interval = 3s\n")
    subscriber.wait("device/d", lambda m: m.json["values"] == {"a": 100, "b": 7})
    mark = len(subscriber.messages)
    server.set(1, "holding", 0, [104])  # within the deadband: not told by itself, but as it is when the other moves
    wire.pass_time(0.5)
    assert not subscriber.of("device/d", mark)
    server.set(1, "holding", 1, [8])
    assert subscriber.wait("device/d", after=mark).json["values"] == {"a": 104, "b": 8}
    server.set(1, "holding", 0, [105])
    subscriber.wait("device/d", lambda m: m.json["values"]["a"] == 105, after=mark)
    # at full_interval it comes, changed or not
    full = subscriber.wait("device/d", lambda m: m.json["values"] == {"a": 105, "b": 8}, after=mark)
    again = subscriber.wait("device/d", lambda m: m.json["values"] == {"a": 105, "b": 8} and m.json["seq"] > full.json["seq"] + 1)
    last = [m for m in subscriber.of("device/d") if m.json["seq"] < again.json["seq"]][-1]
    assert 1.5 < (again.json["ts"] - last.json["ts"]) / 1000 < 3.6


DIFFERENT = ("poll_interval = 200ms\n[point:d.still]\nregister = holding:0\n[point:d.moves]\nregister = holding:1\n[point:d.bad]\nregister = holding:2\n"
             "[point:d.slow]\nregister = holding:10\npoll = slow\n[point:d.once]\nregister = holding:20\npoll = once\n")


def test_a_late_subscriber_sees_the_whole_device(start, coolantd, broker, subscriber, tmp_path):
    """In change mode, whatever moved last: all values, what is not known as null, and when what is older was read."""
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1, 1: 0, 10: 2, 20: 3}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra=DIFFERENT))
    first = subscriber.wait("device/d").json
    assert first["values"] == {"still": 1, "moves": 0, "bad": None, "slow": 2, "once": 3}
    wire.pass_time(0.6)
    server.set(1, "holding", 1, [7])
    live = subscriber.wait("device/d", lambda m: m.json["values"]["moves"] == 7).json
    late = harness.Subscriber(broker.port)
    m = late.wait("device/d")
    late.close()
    assert m.retain and m.json["seq"] >= live["seq"]
    assert m.json["values"] == {"still": 1, "moves": 7, "bad": None, "slow": 2, "once": 3}
    assert m.json["quality"] == {"bad": "bad"}
    assert set(m.json["times"]) == {"slow", "once"}
    read = {a: t for t, _, a in server.replies() if a in (10, 20)}
    assert abs(m.json["times"]["once"] / 1000 - read[20]) < 0.05
    server.stop()
    m = subscriber.wait("device/d", lambda m: set(m.json["quality"]) == set(m.json["values"]), timeout=20).json
    assert set(m["values"].values()) == {None} and set(m["quality"].values()) == {"stale"} and m["times"] == {}


def test_what_is_late_is_only_what_had_changed(start, tmp_path):
    broker = start(ScriptedBroker)
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1, 1: 0, 10: 2, 20: 3}}})
    start(harness.Coolantd, tmp_path, head(tmp_path, broker.port) + tcp_bus("b", server.port) + device("d", "b", extra=DIFFERENT))
    last = broker.wait("device/d").json["seq"]
    broker.away()
    for value in range(1, 5):
        server.set(1, "holding", 1, [value])
        wire.pass_time(0.5)
    broker.back()
    late = broker.wait("history/device/d", lambda m: m.json["values"] == {"moves": 4}, timeout=20).json
    assert late["quality"] == {} and late["times"] == {}
    seen = [m.json for m in broker.of("history/device/d") if m.json["seq"] > last]
    assert [m["values"] for m in seen][:4] == [{"moves": v} for v in range(1, 5)]
    whole = broker.wait("device/d", lambda m: m.json["seq"] > late["seq"]).json
    assert whole["values"] == {"still": 1, "moves": 4, "bad": None, "slow": 2, "once": 3}


def test_info(start, coolantd, broker, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1, 1: 2, 2: 3, 3: 4}}})
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="labels = serial:4711, side: technology ,note:a:b\npoll_interval = 2s\n"
             "[point:d.mode]\nregister = holding:0\nenum = 1:on, 2:off\ndescription = what it does\n"
             "[point:d.f]\nregister = holding:1\nunit = L/min\n[point:d.t]\nregister = holding:2\nunit = Cel\n"
             "[point:d.r]\nregister = holding:3\nunit = Cel\n") +
             device("e", "b", 2, extra="enabled = no\n[point:e.p]\nregister = holding:0\n") + "[loop:l]\ncoolant = water\nflow = d.f\nsupply = d.t\nreturn = d.r\n"
             "[alarm:hot]\npoint = d.t\nwhen = above\nlimit = 4\n")
    info = subscriber.wait("info").json
    assert (info["devices"], info["loops"], info["pues"]) == (["d", "e"], ["l"], [])
    assert {"hot", "coolantd-spool"} <= set(info["alarms"])
    assert info["version"] and info["config_hash"] and abs(info["start_time"] / 1000 - time.time()) < 10
    d = subscriber.wait("info/d").json
    assert d["labels"] == {"serial": "4711", "side": "technology", "note": "a:b"}
    assert (d["bus"], d["unit_id"], d["profile"], d["poll_interval_ms"], d["enabled"]) == ("b", 1, "", 2000, True)
    assert d["points"]["mode"] == {"unit": "1", "description": "what it does", "type": "u16", "enum": ["on", "off"]} | {"unit": d["points"]["mode"]["unit"]}
    assert d["points"]["f"]["unit"] == "L/min"
    assert subscriber.wait("info/e").json["labels"] == {} and subscriber.last("info/e").json["enabled"] is False
    late = harness.Subscriber(broker.port)
    assert late.wait("info/d").retain
    late.close()
