"""Devices of which all points are slow."""
import re

import harness
from harness import Coolantd, device, head
from test_service import NotifySocket
from wire import Wire, points

BLOCK = [("holding", 0, 2)]


def test_a_device_of_slow_points_is_up_between_its_readings(start, broker, tmp_path):
    """Read every ten intervals."""
    server, notify = start(Wire, "tcp"), NotifySocket(tmp_path)
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + server.bus("b") +
          device("d", "b", 1, extra="poll_interval = 800ms\n" + points("d", BLOCK, "poll = slow\n")), env={"NOTIFY_SOCKET": str(notify.path)})
    harness.wait_for(lambda: len([s for s in notify.poll() if "devices up" in s]) >= 4, notify.poll, 30)
    said = [re.search(r"STATUS=(\S+) devices up", s)[1] for s in notify.poll() if "devices up" in s]
    assert set(said) == {"1/1"}, said
