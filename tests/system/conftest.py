import pytest

import consumers
import harness
import schemas


@pytest.fixture
def broker(tmp_path):
    b = harness.Broker(tmp_path)
    yield b
    b.stop()


@pytest.fixture
def subscriber(broker):
    s = harness.Subscriber(broker.port)
    yield s
    s.close()
    schemas.check(s.messages)


@pytest.fixture
def start(tmp_path):
    """Starts things that are ended with the test, the last one first."""
    started = []

    def begin(kind, *args, **options):
        thing = kind(*args, **options)
        started.append(thing)
        return thing

    yield begin
    for thing in reversed(started):
        if getattr(thing, "process", None) is not None:
            thing.stop()
            print(f"--- {thing}:\n{getattr(thing, 'text', '')}")  # shown when the test has failed
    for thing in started:
        if isinstance(thing, harness.Received):
            schemas.check(thing.messages)


@pytest.fixture
def coolantd(start, tmp_path, broker):
    """A coolantd on the test's broker: coolantd(ini) with the head already written."""
    def begin(ini, mqtt="", **options):
        return start(harness.Coolantd, tmp_path, harness.head(tmp_path, broker.port, mqtt) + ini, **options)
    return begin


@pytest.fixture(scope="module")
def example_row(tmp_path_factory):
    """The shipped example, running for all tests of a module."""
    r = consumers.Row(tmp_path_factory.mktemp("row"))
    yield r
    r.stop()
