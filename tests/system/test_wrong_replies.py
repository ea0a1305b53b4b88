"""Every kind of wrong reply on every kind of bus: no wrong value is ever published, and the next reply counts again."""
import os
import random
import socket
import struct
import threading

import pytest

import harness
from harness import device

TRANSPORTS = ("tcp", "rtutcp", "rtu")
EVERY = 4          # this many requests lie between two wrong replies
INJECTIONS = 3     # of each kind on each bus
WRONG = 0x0bad     # a value that no register has
LATE_S = 0.15      # beyond the response time-out of 100 ms
SEED = 20


def crc(body):
    value = 0xffff
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xa001 if value & 1 else value >> 1
    return struct.pack("<H", value)


class Frame:
    """Builds replies of one transport for one request."""

    def __init__(self, transport, transaction, unit):
        self.transport, self.transaction, self.unit = transport, transaction, unit

    def pdu(self, pdu, unit=None, transaction=None):
        unit = self.unit if unit is None else unit
        if self.transport == "tcp":
            transaction = self.transaction if transaction is None else transaction
            return struct.pack(">HHHB", transaction & 0xffff, 0, len(pdu) + 1, unit) + pdu
        body = bytes([unit]) + pdu
        return body + crc(body)

    def values(self, *values, function=3, **header):
        return self.pdu(bytes([function, 2 * len(values)]) + b"".join(struct.pack(">H", v) for v in values), **header)


def kinds():
    """name -> the parts of a wrong reply, given the frame builder and the right value: (delay, bytes)."""
    chance = random.Random(SEED)
    table = {
        "late": lambda f, v: [(LATE_S, f.values(v))],
        "duplicate": lambda f, v: [(0, f.values(v)), (0.01, f.values(v))],
        "nothing": lambda f, v: [],
        "other unit": lambda f, v: [(0, f.values(WRONG, unit=f.unit + 1))],
        "other function": lambda f, v: [(0, f.values(WRONG, function=4))],
        "short": lambda f, v: [(0, f.values())],
        "long": lambda f, v: [(0, f.values(WRONG, WRONG))],
        "cut": lambda f, v: [(0, f.values(WRONG)[:-2])],
        "random bytes": lambda f, v: [(0, chance.randbytes(chance.randrange(1, 60)))],
        "bad CRC": lambda f, v: [(0, f.values(WRONG)[:-1] + b"\x5a")],
        "other transaction": lambda f, v: [(0, f.values(WRONG, transaction=f.transaction + 9))],
    }
    for code in range(1, 12):
        table[f"exception {code}"] = lambda f, v, code=code: [(0, f.pdu(bytes([0x83, code])))]
    return table


KINDS = kinds()
ONLY = {"bad CRC": ("rtutcp", "rtu"), "other transaction": ("tcp",)}
REGISTERS = {100: 101, 200: 201}


class WrongDevice:
    """Answers right, but every EVERYth request in one wrong way. Serves a socket, or the far end of a pty."""

    def __init__(self, transport, kind):
        self.transport, self.kind, self.process = transport, kind, self
        self.requests = self.injected = 0
        self.open, self.timers = True, []
        if transport == "rtu":
            self.fd, slave = os.openpty()
            os.set_blocking(self.fd, True)
            harness.run(["stty", "-F", os.ttyname(slave), "raw", "-echo"])
            self.place, self.slave = os.ttyname(slave), slave
            threading.Thread(target=self.serve, args=(lambda n: os.read(self.fd, n), lambda b: os.write(self.fd, b)),
                             daemon=True).start()
        else:
            self.socket = socket.create_server(("127.0.0.1", 0))
            self.place = self.socket.getsockname()[1]
            threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while self.open:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client.recv, client.sendall), daemon=True).start()

    def serve(self, read, write):
        size, data = 12 if self.transport == "tcp" else 8, b""
        try:
            while self.open:
                chunk = read(size - len(data))
                if not chunk:
                    return
                data += chunk
                if len(data) == size:
                    self.answer(data, write)
                    data = b""
        except OSError:
            return

    def answer(self, request, write):
        transaction = struct.unpack(">H", request[:2])[0]
        unit, _, address, _ = struct.unpack(">BBHH", request[6:12] if self.transport == "tcp" else request[:6])
        frame, value = Frame(self.transport, transaction, unit), REGISTERS[address]
        self.requests += 1
        parts = [(0, frame.values(value))]
        if self.requests % EVERY == 0:
            self.injected += 1
            parts = KINDS[self.kind](frame, value)
        for delay, data in parts:
            if delay == 0:
                write(data)
                continue
            timer = threading.Timer(delay, self.write_late, [write, data])
            self.timers.append(timer)
            timer.start()

    @staticmethod
    def write_late(write, data):
        try:
            write(data)
        except OSError:
            pass  # the connection was given up

    def stop(self):
        self.open = False
        for timer in self.timers:
            timer.join()
        if self.transport == "rtu":
            os.close(self.slave)
            os.close(self.fd)
        else:
            self.socket.close()


def bus(name, transport, place):
    where = f"port = {place}\nparity = none\n" if transport == "rtu" else f"host = 127.0.0.1\ntcp_port = {place}\n"
    return f"[bus:{name}]\ntype = {transport}\n{where}response_timeout = 100ms\nmax_backoff = 1s\n"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_matrix(start, coolantd, subscriber, transport):
    cells, ini = {}, ""
    for i, kind in enumerate(KINDS):
        if transport not in ONLY.get(kind, TRANSPORTS):
            continue
        cells[kind] = (f"d{i}", start(WrongDevice, transport, kind))
        points = "".join(f"[point:d{i}.a{a}]\nregister = holding:{a}\n" for a in REGISTERS)
        ini += bus(f"b{i}", transport, cells[kind][1].place) + device(f"d{i}", f"b{i}", 5, extra="poll_interval = 300ms\n" + points)
    coolantd(ini, mqtt="publish = always\n")
    harness.wait_for(lambda: all(d.injected >= INJECTIONS for _, d in cells.values()),
                     lambda: {k: d.injected for k, (_, d) in cells.items()}, 90)

    def settled(name):
        """Good values after the last wrong reply."""
        messages = subscriber.of(f"device/{name}")
        return messages and messages[-1].json["values"] == {f"a{a}": v for a, v in REGISTERS.items()}

    print(f"\n{transport:8}{'kind':20}{'wrong replies':>14}{'values':>8}{'null':>6}{'wrong values':>14}")
    wrong_values = 0
    for kind, (name, server) in cells.items():
        harness.wait_for(lambda name=name: settled(name), lambda kind=kind: f"good values again after: {kind}")
        seen = [(k, v) for m in subscriber.messages if m.topic.endswith(f"device/{name}") for k, v in m.json["values"].items()]
        wrong = [(k, v) for k, v in seen if v is not None and v != REGISTERS[int(k[1:])]]
        nulls = sum(v is None and before != (k, v) for before, (k, v) in zip([None] * len(REGISTERS) + seen, seen))
        wrong_values += len(wrong)
        print(f"{transport:8}{kind:20}{server.injected:14}{len(seen):8}{nulls:6}{len(wrong):14}")
        assert not wrong, (kind, wrong)
        # a wrong reply costs at most the values of its own request
        assert nulls <= 2 * server.injected, kind
    assert wrong_values == 0
