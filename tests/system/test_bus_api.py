"""A bus is asked and listened to while coolantd holds its port."""
import json
import re
import threading
import time

import harness
import pytest
from harness import device, tcp_bus
from wire import Wire

POINT = "poll_interval = 100ms\n[point:d.p]\nregister = holding:0\n"


def read(folder, bus="b", **body):
    status, answer = harness.ask(folder, "POST", f"/v1/buses/{bus}/read", json.dumps({"unit": 1, "table": "holding", "address": 0, **body}))
    return status, answer


@pytest.fixture
def daemon(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1, 1: 0, 2: 1}, "holding": {0: 7, 100: 0x1234, 101: 0xabcd}}})
    d = coolantd(tcp_bus("b", server.port, "response_timeout = 200ms\n") + device("d", "b", extra=POINT))
    subscriber.wait("device/d", lambda m: m.json["values"]["p"] == 7)
    return d


def test_registers_are_read_through_the_worker(daemon, tmp_path):
    status, answer = read(tmp_path, address=100, count=2)
    assert status == 200 and answer["words"] == [0x1234, 0xabcd] and 0 < answer["latency_ms"] < 200
    assert read(tmp_path, table="coil", count=3)[1]["words"] == [1, 0, 1]
    status, answer = read(tmp_path, address=5000)
    assert (status, answer["exception"], answer["error"]) == (502, 2, "exception 2: illegal data address")
    status, answer = read(tmp_path, unit=99)
    assert status in (502, 504) and answer["error"]


@pytest.mark.parametrize("body, what", [
    ('{"table":"holding","address":0}', "unit is missing"), ('{"unit":1,"table":"holdin","address":0}', "table is not allowed so"),
    ('{"unit":300,"table":"holding","address":0}', "0..255"), ('{"unit":1,"table":"holding","address":0,"count":126}', "1..125 registers"),
    ('{"unit":1,"table":"holding","address":65535,"count":2}', "beyond 65535"), ('{"unit":1,"table":"holding","address":0,"value":1}', "value is not known"),
    ("", "no JSON object"), ("[]", "no JSON object"), ('{"unit":1', "no JSON object"), ('{"unit":"1","table":"holding","address":0}', "unit is not allowed so"),
    ('{"unit":1,"table":"holding","address":0,"timeout_ms":0}', "1..20000")])
def test_a_wrong_question_is_told_what_is_allowed(daemon, tmp_path, body, what):
    status, answer = harness.ask(tmp_path, "POST", "/v1/buses/b/read", body)
    assert status == 400 and what in answer["error"]


def test_what_there_is_not(daemon, tmp_path):
    assert read(tmp_path, bus="none")[0] == 404
    assert harness.ask(tmp_path, "POST", "/v1/buses/none/capture")[0] == 404
    assert harness.ask(tmp_path, "GET", "/v1/buses/b/read")[0] == 405
    assert harness.ask(tmp_path, "POST", "/v1/buses/b/capture?from=x")[0] == 400


@pytest.mark.parametrize("transport", ["tcp", "rtu"])
def test_questions_that_are_not_answered_disturb_no_cycle(start, coolantd, subscriber, tmp_path, transport):
    wire = start(Wire, transport, lambda r: [] if r.unit == 9 else [r.right()])
    coolantd(wire.bus("b", "response_timeout = 100ms\n") + device("d", "b", extra=POINT.replace("100ms", "400ms")))
    subscriber.wait("device/d", lambda m: m.json["quality"] == {})
    since, answers = time.monotonic(), []
    clients = [threading.Thread(target=lambda: answers.append(read(tmp_path, unit=9))) for _ in range(8)]
    for c in clients:
        c.start()
    for c in clients:
        c.join()
    silent, refused = ([a for s, a in answers if s == wanted] for wanted in (504, 503))
    assert len(silent) + len(refused) == 8 and 4 <= len(silent) <= 5
    assert all("response_timeout" in a["error"] for a in silent) and all("too many at once" in a["error"] for a in refused)
    harness.wait_for(lambda: time.monotonic() - since > 2, "some cycles")
    polls = [r.time for r in wire.asked(since, unit=1)]
    assert max(b - a for a, b in zip(polls, polls[1:])) < 0.6  # each in its slot


def test_a_bus_without_a_pause_is_asked_all_the_same(start, coolantd, subscriber, tmp_path):
    """Four blocks of 30 ms in a cycle of 100 ms: the question goes on credit, after a second, or not in its time."""
    wire = start(Wire, "tcp", lambda r: [0.03, r.right()])
    coolantd(wire.bus("b", "response_timeout = 300ms\n") + device("d", "b", extra="poll_interval = 100ms\n" + "".join(
        f"[point:d.p{a}]\nregister = holding:{a}\n" for a in (0, 30, 60, 90))) )
    subscriber.wait("device/d", lambda m: m.json["quality"] == {})
    status, answer = read(tmp_path, address=50, timeout_ms=300)
    assert status == 503 and "no pause for it" in answer["error"]
    before = time.monotonic()
    status, answer = read(tmp_path, address=50, count=2)
    assert status == 200 and answer["words"] == [0x100 | 50, 0x100 | 51] and time.monotonic() - before < 3


def test_a_capture_tells_the_conversation(daemon, tmp_path):
    status, begin = harness.ask(tmp_path, "POST", "/v1/buses/b/capture")
    assert status == 200 and begin["text"].splitlines()[:2] == ["# coolantd capture 1", "# bus b: tcp"]
    assert read(tmp_path, address=100, count=2)[0] == 200
    lines = []

    def all_there():
        nonlocal begin
        begin = harness.ask(tmp_path, "POST", f"/v1/buses/b/capture?from={begin['next']}")[1]
        lines.extend(begin["text"].splitlines())
        return any(re.search(r" < [0-9a-f]{4}000000070103041234abcd$", line) for line in lines)
    harness.wait_for(all_there, "the reply")
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [<>] ([0-9a-f]{2})+", line) for line in lines)
    asked = next(line for line in lines if re.search(r" > [0-9a-f]{4}00000006010300640002$", line))
    assert [line[:27] for line in lines] == sorted(line[:27] for line in lines)
    assert abs(time.time() - time.mktime(time.strptime(asked[:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 30
    daemon.wait_line("bus b: its conversation is captured, by ")
