"""What systemd is told, over a notification socket of ours."""
import os
import signal
import socket
import threading
import time

import harness
from harness import device, head, tcp_bus


class NotifySocket:
    def __init__(self, folder):
        self.path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.seen, self.process = [], None
        # read all the time, as systemd does: a full socket would hold up the sender
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            self.seen.append((time.monotonic(), self.socket.recv(4096).decode()))

    def poll(self):
        return [text for _, text in self.seen]

    def wait(self, text, after=0, timeout=harness.PATIENCE):
        return harness.wait_for(lambda: next((s for s in self.poll()[after:] if text in s), None), lambda: self.seen, timeout)


def notified(start, tmp_path, ini, watchdog_s=None):
    notify = NotifySocket(tmp_path)
    env = {"NOTIFY_SOCKET": str(notify.path)}
    if watchdog_s:
        env["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
    return notify, start(harness.Coolantd, tmp_path, ini, env=env)


def test_ready_status_reload_and_stop(start, broker, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1}}})
    ini = head(tmp_path, broker.port) + tcp_bus("b", server.port) + device("d", "b", extra="[point:d.p]\nregister = holding:0\n")
    notify, daemon = notified(start, tmp_path, ini)
    notify.wait("READY=1")
    status = notify.wait("STATUS=1/1 devices up, 1 points/s, broker connected, 0 messages waiting")
    assert "\n" not in status
    mark = len(notify.seen)
    daemon.reload(ini)
    reloading = notify.wait("RELOADING=1", after=mark)
    assert "MONOTONIC_USEC=" in reloading
    notify.wait("READY=1", after=mark)
    daemon.stop()
    notify.wait("STOPPING=1")


def test_a_refused_reload_is_in_the_status(start, broker, tmp_path):
    ini = head(tmp_path, broker.port)
    notify, daemon = notified(start, tmp_path, ini)
    daemon.path.write_text(ini + "[nonsense]\n")
    daemon.send(signal.SIGHUP)
    notify.wait("STATUS=reload refused")
    notify.wait("READY=1", after=len(notify.seen) - 1)


def test_the_watchdog_is_fed_while_all_move(start, broker, tmp_path):
    notify, _ = notified(start, tmp_path, head(tmp_path, broker.port), watchdog_s=3)
    notify.wait("WATCHDOG=1")
    harness.wait_for(lambda: [s for s in notify.poll() if "WATCHDOG=1" in s][3:], "a fourth feeding")
    times = [t for t, s in notify.seen if "WATCHDOG=1" in s]
    assert max(b - a for a, b in zip(times, times[1:])) < 1.5


def test_a_stuck_worker_starves_the_watchdog(start, broker, tmp_path):
    """A bus worker that hangs is told from one that waits: the thread is stopped from outside."""
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 1}}})
    ini = (head(tmp_path, broker.port) + tcp_bus("b", server.port, "response_timeout = 10ms\nconnect_timeout = 10ms\nretries = 0\n") +
           device("d", "b", extra="[point:d.p]\nregister = holding:0\n"))
    notify, daemon = notified(start, tmp_path, ini, watchdog_s=3)
    notify.wait("WATCHDOG=1")
    daemon_pid = daemon.process.pid
    worker = next(t for t in os.listdir(f"/proc/{daemon_pid}/task")
                  if open(f"/proc/{daemon_pid}/task/{t}/comm", encoding="ascii").read().strip() == "bus-b")
    tracer = start(harness.Process, ["/usr/bin/python3", "-c", STOP_THREAD, worker])
    tracer.wait_line("stopped")
    daemon.wait_line("a bus worker of b makes no progress, the watchdog is not fed", timeout=40)
    assert harness.ask(tmp_path, "GET", "/healthz") == (503, {"healthy": False, "reason": "a bus worker of b makes no progress"})
    mark = len(notify.poll())
    quiet_since = time.monotonic()
    harness.wait_for(lambda: time.monotonic() - quiet_since > 4, "four seconds")
    assert not [s for s in notify.poll()[mark:] if "WATCHDOG=1" in s]
    tracer.stop()  # the thread goes on
    notify.wait("WATCHDOG=1", after=mark)


# ptrace can stop one thread of a process, which no signal can
STOP_THREAD = """
import ctypes, os, signal, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long] * 4
tid = int(sys.argv[1])
if libc.ptrace(0x4206, tid, 0, 0) or libc.ptrace(0x4207, tid, 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(tid, 0x40000000)
print("stopped", flush=True)
signal.pause()
"""
