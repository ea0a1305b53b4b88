"""Devices of which all points are slow."""
import re

import harness
from harness import Coolantd, device, head
from test_service import NotifySocket
from wire import Wire, all_good, points

BLOCK = [("holding", 0, 2)]


def test_a_device_of_slow_points_is_up_between_its_readings(start, broker, tmp_path):
    """Read every ten intervals."""
    server, notify = start(Wire, "tcp"), NotifySocket(tmp_path)
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + server.bus("b") +
          device("d", "b", 1, extra="poll_interval = 800ms\n" + points("d", BLOCK, "poll = slow\n")), env={"NOTIFY_SOCKET": str(notify.path)})
    harness.wait_for(lambda: len([s for s in notify.poll() if "devices up" in s]) >= 4, notify.poll, 30)
    said = [re.search(r"STATUS=(\S+) devices up", s)[1] for s in notify.poll() if "devices up" in s]
    assert set(said) == {"1/1"}, said


def test_what_is_read_once_is_asked_again_until_it_is(start, coolantd, subscriber):
    """A device refuses it while it starts; and when the device was away for a while, it is known as before."""
    def script(request):
        line.asked += request.address == 40
        if request.address == 40 and line.asked < 4:
            return [request.exception(2)]
        return [] if line.mute else [request.right()]
    line = start(Wire, "tcp", script)
    line.asked, line.mute = 0, False
    coolantd(line.bus("b", "response_timeout = 1s\nretries = 1\n") + device(
        "d", "b", 1, extra="poll_interval = 200ms\n" + points("d", [("holding", 0, 2)]) + points("d", [("holding", 40, 1)], "poll = once\n")),
        mqtt="publish = always\n")
    subscriber.wait("device/d", all_good, timeout=30)
    asked, mark, line.mute = line.asked, len(subscriber.messages), True
    subscriber.wait("device/d", lambda m: m.json["quality"].get("holding40") == "stale" and m.json["values"]["holding40"] is None, after=mark)
    mark, line.mute = len(subscriber.messages), False
    subscriber.wait("device/d", all_good, after=mark, timeout=30)
    assert asked >= 4
