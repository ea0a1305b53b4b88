"""coolantd-sim --play: a captured conversation is served again."""
import json

import harness
from harness import COOLANTCTL, SIM, device, free_port, run, tcp_bus


def crc(frame):
    value = 0xFFFF
    for byte in frame:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return frame + value.to_bytes(2, "little")


def tcp(transaction, frame):
    return transaction.to_bytes(2, "big") + b"\0\0" + len(frame).to_bytes(2, "big") + frame


def capture(path, bus, lines):
    """Of (milliseconds, direction, bytes)."""
    path.write_text(f"# coolantd capture 1\n# bus {bus}\n" + "".join(
        f"2026-11-25T12:00:{ms // 1000:02}.{ms % 1000:03}000Z {direction} {frame.hex()}\n" for ms, direction, frame in lines))
    return path


def ask(address, count=1):
    return bytes([12, 3, 0, address, 0, count])


def answer(*words):
    return bytes([12, 3, 2 * len(words)]) + b"".join(w.to_bytes(2, "big") for w in words)


# what a meter on a serial line said: 7, then 8, then nothing; and a register that it refuses
SERIAL = [(0, ">", crc(ask(0))), (5, "<", crc(answer(7))), (100, ">", crc(ask(9))), (105, "<", crc(bytes([12, 0x83, 4]))),
          (1000, ">", crc(ask(0))), (1005, "<", crc(answer(8))), (2000, ">", crc(ask(0)))]


def play(start, path, *args):
    sim = start(harness.Process, [SIM, "--play", path, *args])
    sim.wait_line("^ready$")
    return sim


def read(url, address, unit=12):
    parity = "&parity=none" if url.startswith("rtu") else ""
    r = run([COOLANTCTL, "--json", "read", f"{url}?response_timeout=200ms{parity}", unit, f"holding:{address}"])
    return json.loads(r.stdout)["words"] if r.returncode == 0 else r.stderr


def test_replies_come_in_their_order_and_again(start, tmp_path):
    """What was captured on a serial line, over TCP and on a pty."""
    path, port = capture(tmp_path / "c.txt", "cdu: rtu, 19200 baud, even parity", SERIAL), free_port()
    sim = play(start, path, "--listen", f"tcp://127.0.0.1:{port}")
    assert f"a capture of bus cdu at tcp 127.0.0.1:{port}" in sim.text
    play(start, path, "--listen", f"rtu://{tmp_path}/tty")
    for url in f"tcp://127.0.0.1:{port}", f"rtu://{tmp_path}/tty":
        assert read(url, 0) == [7] and read(url, 0) == [8]
        assert "no answer within 200ms" in read(url, 0)
        assert read(url, 0) == [7]  # from the beginning
        assert "exception 4 (server device failure)" in read(url, 9)
        assert "exception 2 (illegal data address)" in read(url, 5)  # it was never asked, the unit answers
        assert "no answer" in read(url, 0, unit=13)


def test_ids_and_what_is_wrong_are_played_too(start, tmp_path):
    """A late reply before the right one, with the ids as far from the request's as they were; and a delay."""
    port = free_port()
    path = capture(tmp_path / "c.txt", "m: tcp", [
        (0, ">", tcp(7, ask(0))), (10, "<", tcp(6, answer(1)) + tcp(7, answer(2))), (50, ">", tcp(8, ask(1))), (350, "<", tcp(8, answer(3)))])
    play(start, path, "--listen", f"tcp://127.0.0.1:{port}")
    url = f"tcp://127.0.0.1:{port}"
    assert read(url, 0) == [2]
    assert "no answer within 200ms" in read(url, 1)
    assert json.loads(run([COOLANTCTL, "--json", "read", url, 12, "holding:1"]).stdout)["words"] == [3]


def test_coolantd_sees_what_was_captured(start, coolantd, subscriber, tmp_path):
    """With the configuration of the one who captured it; the other bus has its plant."""
    port, other = harness.free_ports(2)
    path = capture(tmp_path / "c.txt", "cdu: rtu, 19200 baud, even parity", SERIAL[:2])
    ini = (tcp_bus("cdu", port) + device("d", "cdu", 12, extra="[point:d.p]\nregister = holding:0\n")
           + tcp_bus("plant", other) + device("e", "plant", 1, "generic-flow"))
    (tmp_path / "sim.ini").write_text("[daemon]\nsite = a\nrack = b\n" + ini)
    start(harness.Process, [SIM, "-c", tmp_path / "sim.ini", "--play", path], env={"COOLANTD_PROFILE_PATH": str(harness.PROFILES)}).wait_line("^ready$")
    coolantd(ini)
    subscriber.wait("device/d", lambda m: m.json["values"] == {"p": 7})
    subscriber.wait("device/e", lambda m: m.json["values"]["flow_rate"])


def test_what_is_no_capture_is_said(tmp_path):
    good = capture(tmp_path / "good.txt", "x: tcp", [(0, ">", tcp(1, ask(0)))])
    for text, said in [("hello\n", "bad.txt:1: it is no capture"), ("", "nothing is asked in it"),
                       ("# coolantd capture 1\n# bus x: tcp\nnoon > 00\n", "bad.txt:3: a line begins with a time"),
                       ("# coolantd capture 1\n2026-11-25T12:00:00Z = 00\n", "bad.txt:2: > or < stands behind the time"),
                       ("# coolantd capture 1\n2026-11-25T12:00:00Z > 0g\n", "bad.txt:2: behind > and < stand bytes")]:
        (tmp_path / "bad.txt").write_text(text)
        r = run([SIM, "--play", tmp_path / "bad.txt"])
        assert r.returncode == 1 and said in r.stderr, r
    assert run([SIM, "--play", "/no/such"]).returncode == 1
    for args in ["--listen", "tcp://127.0.0.1:1"], ["--play", good, "--listen", "tcp:/x"], ["--play", good, "-c", "x", "--listen", "tcp://x"]:
        assert run([SIM, *args]).returncode == 2
    (tmp_path / "two.ini").write_text("[daemon]\nsite = a\nrack = b\n" + tcp_bus("a", free_port()) + tcp_bus("b", free_port()))
    r = run([SIM, "-c", tmp_path / "two.ini", "--play", good])
    assert r.returncode == 1 and "the capture is of bus 'x', which is not in the configuration" in r.stderr
