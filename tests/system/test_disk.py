"""A disk that hangs: its thread waits for it, and nothing else does."""
import time

import harness
from harness import Subscriber
from test_slow_lookup import Meter, Watched, local, to_broker
from test_state import expect_no_trouble, expect_trouble


class Hanging:
    def __init__(self, folder):
        self.file = folder / "hangs"
        self.env = {"LD_PRELOAD": str(harness.BUILD / "tests/system/hanging_disk.so"), "HANGING_DISK": str(self.file),
                    "ASAN_OPTIONS": "verify_asan_link_order=0"}


def test_a_disk_that_hangs_and_recovers(start, broker, subscriber, tmp_path):
    disk, meter = Hanging(tmp_path), start(Meter)
    watched = start(Watched, tmp_path, to_broker(tmp_path, local(broker)) + meter.ini(), disk)
    subscriber.wait("device/d", lambda m: m.json["seq"] > 10)
    disk.file.touch()
    began = time.monotonic()
    broker.stop()  # there is something for the spool
    first = len(meter.asked)
    watched.watch(5)
    broker.start()
    again = Subscriber(broker.port)
    live = again.wait("device/d", lambda m: not m.retain)
    assert live.time - live.json["ts"] / 1000 < 1
    watched.check_control(meter)
    watched.watch_until(lambda: "coolantd-state is active" in watched.text, "the alarm")
    expect_trouble(watched.daemon, again, "the disk does not answer")
    watched.check_control(meter)
    assert meter.longest_pause(began) < 1
    disk.file.unlink()
    expect_no_trouble(again)
    wanted = set(range(first + 5, len(meter.asked)))

    def missing():
        return wanted - {m.json["seq"] for topic in ("device/d", "history/device/d") for m in again.of(topic)}
    harness.wait_for(lambda: not missing(), missing)
    again.close()
    disk.file.touch()
    watched.watch(11)  # a save is under way
    watched.check_stop()
