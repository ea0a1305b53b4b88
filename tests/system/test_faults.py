"""Devices that are silent, late or wrong disturb only themselves, and no wrong value is ever published."""
import socket
import struct
import threading
import time

import harness
from harness import device, head, tcp_bus


class Scripted:
    """A Modbus TCP server whose replies a function makes: reply(transaction, unit, address, count) -> [part, …].

    A part is bytes to send, a number of seconds to wait, (seconds, bytes) to send later, or None to close.
    """

    def __init__(self, reply):
        self.reply, self.socket = reply, socket.create_server(("127.0.0.1", 0))
        self.port, self.process = self.socket.getsockname()[1], self
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client:
            while request := self.receive(client):
                transaction, _, _, unit, _, address, count = struct.unpack(">HHHBBHH", request)
                for part in self.reply(transaction, unit, address, count):
                    if part is None:
                        return
                    if isinstance(part, tuple):
                        threading.Timer(part[0], self.send, [client, part[1]]).start()
                    elif isinstance(part, bytes):
                        self.send(client, part)
                    else:
                        time.sleep(part)  # the delay is the fault itself

    @staticmethod
    def receive(client):
        try:
            request = client.recv(12, socket.MSG_WAITALL)
        except OSError:
            return None
        return request if len(request) == 12 else None

    @staticmethod
    def send(client, data):
        try:
            client.sendall(data)
        except OSError:
            pass  # the client has given up on this connection

    def stop(self):
        self.socket.close()


def answer(transaction, unit, values, function=3):
    pdu = bytes([function, 2 * len(values)]) + b"".join(struct.pack(">H", v) for v in values)
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def two_blocks(name):
    return (f"poll_interval = 300ms\n[point:{name}.a]\nregister = holding:100\n[point:{name}.b]\nregister = holding:200\n")


def values_of(subscriber, name):
    """All values of a and b that were ever published."""
    seen = {"a": set(), "b": set()}
    for m in subscriber.messages:
        if m.topic.endswith(f"device/{name}"):
            for k, v in m.json["values"].items():
                seen[k].add(v)
    return seen


def test_late_replies_over_tcp_are_never_taken_for_others(start, coolantd, subscriber):
    """Every fifth reply comes 50 ms after its time-out; each address has a value of its own."""
    count = [0]

    def reply(transaction, unit, address, _):
        count[0] += 1
        return [(0.15 if count[0] % 5 == 0 else 0, answer(transaction, unit, [address + 1]))]

    server = start(Scripted, reply)
    coolantd(tcp_bus("b", server.port, "response_timeout = 100ms\n") + device("d", "b", extra=two_blocks("d")),
             mqtt="publish = always\n")
    harness.wait_for(lambda: count[0] > 60, "60 requests", 60)
    seen = values_of(subscriber, "d")
    assert seen["a"] - {None} == {101} and seen["b"] - {None} == {201}
    health = subscriber.wait("health", lambda m: m.json["buses"]["b"]["stray_replies"] > 0, timeout=25).json
    assert health["buses"]["b"]["timeouts"] > 0


def test_replies_that_are_wrong_are_never_published(start, coolantd, subscriber):
    wrong = [
        lambda t, u, a: answer(t + 7, u, [999]),                            # another transaction
        lambda t, u, a: answer(t, u + 1, [999]),                            # another unit
        lambda t, u, a: answer(t, u, [999], function=4),                    # another function
        lambda t, u, a: answer(t, u, [999, 999]),                           # too long
        lambda t, u, a: answer(t, u, []),                                   # too short
        lambda t, u, a: b"\xde\xad\xbe\xef" * 3,                            # no frame
        lambda t, u, a: answer(t, u, [999])[:-1],                           # cut
        lambda t, u, a: answer(t, u, [a + 1]) + answer(t, u, [999]),        # twice
        lambda t, u, a: struct.pack(">HHHBBB", t, 0, 3, u, 0x83, 4),        # exception 4
        lambda t, u, a: struct.pack(">HHHBBB", t, 5, 3, u, 0x83, 2),        # another protocol
    ]
    count = [0]

    def reply(transaction, unit, address, _):
        count[0] += 1
        if count[0] % 3:
            return [answer(transaction, unit, [address + 1])]
        return [wrong[count[0] // 3 % len(wrong)](transaction, unit, address)]

    server = start(Scripted, reply)
    coolantd(tcp_bus("b", server.port, "response_timeout = 100ms\nmax_backoff = 1s\n") + device("d", "b", extra=two_blocks("d")),
             mqtt="publish = always\n")
    harness.wait_for(lambda: count[0] > 3 * 2 * len(wrong), "two rounds of wrong replies", 90)
    seen = values_of(subscriber, "d")
    assert seen["a"] - {None} == {101} and seen["b"] - {None} == {201}


def test_a_silent_device_costs_its_neighbours_nothing_but_its_probes(start, coolantd, subscriber, tmp_path):
    units = {str(u): {"holding": {0: u}} for u in (1, 2)}
    server = start(harness.ModbusServer, tmp_path, units)
    point = "poll_interval = 500ms\n[point:{0}.p]\nregister = holding:0\n"
    daemon = coolantd(tcp_bus("b", server.port, "response_timeout = 200ms\n") + device("d1", "b", 1, extra=point.format("d1")) +
                      device("d2", "b", 2, extra=point.format("d2")) + device("dead", "b", 9, extra=point.format("dead")),
                      mqtt="publish = always\n")
    daemon.wait_line("dead on bus b is silent: no reply within the response time-out")
    m = subscriber.wait("device/dead").json
    assert m["values"] == {"p": None} and m["quality"] == {"p": "stale"}
    seqs = [subscriber.wait("device/d1").json["seq"]]
    subscriber.wait("device/d1", lambda m: m.json["seq"] >= seqs[0] + 12)
    health = subscriber.wait("health", lambda m: m.json["buses"]["b"]["devices"]["dead"]["timeouts"] >= 3, timeout=25).json
    devices = health["buses"]["b"]["devices"]
    assert devices["d1"]["missed_cycles"] == 0 and devices["d2"]["missed_cycles"] == 0
    assert devices["dead"]["backoff_s"] >= 2 and not devices["dead"]["up"]
    assert health["buses"]["b"]["connects"] == 1, "the gateway answers for others: its connection is good"


def test_a_device_comes_back(start, coolantd, subscriber, tmp_path):
    port = harness.free_port()
    daemon = coolantd(tcp_bus("b", port, "max_backoff = 1s\n") + device("d", "b", extra="[point:d.p]\nregister = holding:0\n"))
    daemon.wait_line(f"silent: cannot connect to 127.0.0.1 port {port}: Connection refused")
    subscriber.wait("device/d", lambda m: m.json["quality"] == {"p": "stale"})
    start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 4}}}, port=port)
    daemon.wait_line("device d on bus b answers")
    subscriber.wait("device/d", lambda m: m.json["values"] == {"p": 4})


def test_a_server_that_closes_after_each_reply(start, coolantd, subscriber):
    server = start(Scripted, lambda t, u, a, c: [answer(t, u, [a]), None])
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra=two_blocks("d")), mqtt="publish = always\n")
    subscriber.wait("device/d", lambda m: m.json["seq"] >= 8 and m.json["values"] == {"a": 100, "b": 200})
    assert all(m.json["quality"] == {} for m in subscriber.of("device/d"))


def test_a_busy_device_is_asked_again(start, coolantd, subscriber):
    """Exceptions 5 (acknowledge) and 6 (busy) are waited out within the response time-out."""
    count = [0]

    def reply(transaction, unit, address, _):
        count[0] += 1
        if count[0] % 4:
            return [struct.pack(">HHHBBB", transaction, 0, 3, unit, 0x83, 5 + count[0] % 2)]
        return [answer(transaction, unit, [address + 1])]

    server = start(Scripted, reply)
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra="poll_interval = 500ms\n[point:d.p]\nregister = holding:7\n"),
             mqtt="publish = always\n")
    subscriber.wait("device/d", lambda m: m.json["seq"] >= 6)
    assert all(m.json["values"] == {"p": 8} for m in subscriber.of("device/d"))


def test_a_server_that_drips(start, coolantd, subscriber, tmp_path):
    """A byte every 100 ms: the time-out is for the whole reply, and only this bus waits."""
    def drip(transaction, unit, address, _):
        return [p for b in answer(transaction, unit, [1]) for p in (bytes([b]), 0.1)]
    slow = start(Scripted, drip)
    good = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 4}}})
    daemon = coolantd(tcp_bus("slow", slow.port, "response_timeout = 300ms\n") +
                      device("s", "slow", extra="[point:s.p]\nregister = holding:0\n") + tcp_bus("good", good.port) +
                      device("g", "good", extra="poll_interval = 200ms\n[point:g.p]\nregister = holding:0\n"),
                      mqtt="publish = always\n")
    daemon.wait_line("device s on bus slow is silent")
    first = subscriber.wait("device/g").json["seq"]
    subscriber.wait("device/g", lambda m: m.json["seq"] >= first + 15)
    times = [m.json["ts"] for m in subscriber.of("device/g")]
    assert max(b - a for a, b in zip(times, times[1:])) < 400


class BlackHole:
    """A port whose SYNs get no answer: its queue of connections that nobody accepts is full."""

    def __init__(self):
        self.socket, self.process = socket.socket(), self
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(0)
        self.port = self.socket.getsockname()[1]
        self.waiting = []
        while True:
            client = socket.socket()
            self.waiting.append(client)
            client.settimeout(0.3)
            try:
                client.connect(("127.0.0.1", self.port))
            except TimeoutError:
                return

    def stop(self):
        for s in (*self.waiting, self.socket):
            s.close()


def test_bad_endpoints_disturb_only_themselves(start, coolantd, subscriber, tmp_path):
    """One that refuses, one that drops the SYN, one that is silent, one that drips, one that closes; and a good one."""
    bad = {
        "refuses": harness.free_port(),
        "black-hole": start(BlackHole).port,
        "mute": start(Scripted, lambda *_: []).port,
        "drips": start(Scripted, lambda t, u, a, c: [p for b in answer(t, u, [1]) for p in (bytes([b]), 1)]).port,
        "closes": start(Scripted, lambda *_: [None]).port,
    }
    good = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 4}}})
    settings = "connect_timeout = 700ms\nresponse_timeout = 300ms\nmax_backoff = 1s\n"
    point = "poll_interval = 200ms\n[point:{0}.p]\nregister = holding:0\n"
    coolantd("".join(tcp_bus(n, p, settings) + device(f"d-{n}", n, extra=point.format(f"d-{n}"))
                     for n, p in {"good": good.port, **bad}.items()), mqtt="publish = always\n")
    for name in bad:
        m = subscriber.wait(f"device/d-{name}", lambda m: m.json["quality"] == {"p": "stale"}).json
        assert m["values"] == {"p": None}
    mark = len(subscriber.messages)
    health = subscriber.wait("health", lambda m: m.json["uptime_s"] >= 9, timeout=25, after=mark).json
    times = [m.json["ts"] for m in subscriber.of("device/d-good")]
    assert len(times) > 30 and max(b - a for a, b in zip(times, times[1:])) < 400
    assert health["buses"]["good"]["devices"]["d-good"]["missed_cycles"] == 0
    assert all(health["buses"][n]["replies"] == 0 and health["buses"][n]["errors"] > 2 for n in bad)


class SerialDevice:
    """A serial device whose replies a function makes: reply(unit, address, count) -> [(delay, bytes)]."""

    def __init__(self, path, reply):
        import serial
        self.port = serial.Serial(str(path), 19200)
        self.reply, self.process, self.running = reply, self, True
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        try:
            while self.running:
                request = self.port.read(8)
                if len(request) == 8:
                    unit, _, address, count = struct.unpack(">BBHH", request[:6])
                    for delay, data in self.reply(unit, address, count):
                        threading.Timer(delay, self.port.write, [data]).start()
        except Exception:  # the port is closed under it at the end
            return

    def stop(self):
        self.running = False
        self.port.close()


def rtu(unit, values):
    body = bytes([unit, 3, 2 * len(values)]) + b"".join(struct.pack(">H", v) for v in values)
    crc = 0xffff
    for byte in body:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xa001 if crc & 1 else crc >> 1
    return body + struct.pack("<H", crc)


def test_late_replies_on_a_serial_line_are_never_taken_for_others(start, coolantd, subscriber, tmp_path):
    """No transaction id there: a late reply fits any request of the same length. The line must be drained."""
    line = start(harness.SerialLine, tmp_path)
    count = [0]

    def reply(unit, address, _):
        count[0] += 1
        return [(0.16 if count[0] % 4 == 0 else 0, rtu(unit, [address + 1]))]

    start(SerialDevice, line.b, reply)
    coolantd(f"[bus:b]\ntype = rtu\nport = {line.a}\nparity = none\nresponse_timeout = 100ms\nmax_backoff = 1s\n" +
             device("d", "b", 5, extra=two_blocks("d")), mqtt="publish = always\n")
    harness.wait_for(lambda: count[0] > 60, "60 requests", 60)
    seen = values_of(subscriber, "d")
    assert seen["a"] - {None} == {101} and seen["b"] - {None} == {201}


def test_garbage_on_a_serial_line(start, coolantd, subscriber, tmp_path):
    line = start(harness.SerialLine, tmp_path)
    count = [0]

    def reply(unit, address, _):
        count[0] += 1
        good = rtu(unit, [address + 1])
        wrong = [good[:-1] + b"\0", rtu(unit + 1, [999]), rtu(unit, [999, 999]), b"\xff" * 30, good[:4], rtu(unit, [])]
        return [(0, wrong[count[0] // 3 % len(wrong)] if count[0] % 3 == 0 else good)]

    start(SerialDevice, line.b, reply)
    coolantd(f"[bus:b]\ntype = rtu\nport = {line.a}\nparity = none\nresponse_timeout = 100ms\nmax_backoff = 1s\n" +
             device("d", "b", 5, extra=two_blocks("d")), mqtt="publish = always\n")
    harness.wait_for(lambda: count[0] > 40, "40 requests", 60)
    seen = values_of(subscriber, "d")
    assert seen["a"] - {None} == {101} and seen["b"] - {None} == {201}


def test_a_serial_adapter_that_is_unplugged_and_comes_back(start, coolantd, subscriber, tmp_path):
    """The port goes away under an open descriptor, and returns under the same name."""
    def plug():
        line = harness.SerialLine(tmp_path)
        return line, start(SerialDevice, line.b, lambda unit, address, _: [(0, rtu(unit, [address + 1]))])

    line, far_end = plug()
    daemon = coolantd(f"[bus:b]\ntype = rtu\nport = {line.a}\nparity = none\nmax_backoff = 1s\n" +
                      device("d", "b", 5, extra="[point:d.p]\nregister = holding:8\n"))
    subscriber.wait("device/d", lambda m: m.json["values"] == {"p": 9})
    line.stop()
    far_end.stop()
    daemon.wait_line("device d on bus b is silent")
    subscriber.wait("device/d", lambda m: m.json["quality"] == {"p": "stale"})
    mark = len(subscriber.messages)
    line, far_end = plug()
    subscriber.wait("device/d", lambda m: m.json["values"] == {"p": 9}, after=mark)
    daemon.stop()
    far_end.stop()
    line.stop()
