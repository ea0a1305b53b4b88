"""The page in a real browser: two simulated rows, a broker that serves it, and what goes wrong with them."""
import getpass
import json
import math
import os
import signal
import subprocess
import sys
import time

import paho.mqtt.client as mqtt
import pytest

import harness
from harness import BUILD, PROFILES, ROOT, SIM, ask, free_run

sys.path.insert(0, str(ROOT / "tests" / "web"))
import browser as web  # noqa: E402

PAGE = ROOT / "packaging" / "web"
SIZES = {"desktop": (1280, 800), "phone": (390, 844)}
WEIGHT_MAX = 300_000
STEPS = 288  # of a day
# what anybody may publish there and is none of ours
FOREIGN = (("device/cdu9", "{"), ("loop/other", "{}"), ("pue/other", "7"), ("info/cdu9", "{}"), ("alarm/__proto__", '{"state":1}'))
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))"
SHIFT_MAX = 0.02  # 0.1 is what counts as good


@pytest.fixture
def browser():
    b = web.Browser()
    yield b
    b.close()


class Rack:
    """A simulated row of the shipped example with its coolantd."""

    def __init__(self, start, tmp_path, name, mqtt_port):
        self.name, self.folder, port = name, tmp_path / name, free_run(4)
        (self.folder / "coolantd.d").mkdir(parents=True)
        self.ini = self.folder / "coolantd.ini"
        self.ini.write_text((ROOT / "config" / "coolantd.ini").read_text())
        (self.folder / "coolantd.d" / "50-test.ini").write_text(
            f"[daemon]\nrack = {name}\nstate_dir = {self.folder}/state\nhttp_socket = {self.folder}/http\n"
            f"[mqtt]\nbroker = mqtt://127.0.0.1:{mqtt_port}\n"
            f"[bus:cdu]\nport = {self.folder}/ttyCDU\n[bus:meters]\nport = {self.folder}/ttyMETERS\n" +
            "".join(f"[bus:{b}]\nhost = 127.0.0.1\ntcp_port = {port + i}\n"
                    for i, b in enumerate(("cdu2", "busway", "facility", "room"))) +
            "[group:cooling]\nloops = secondary1, secondary2\nneeded = 1\n")
        env = {"COOLANTD_PROFILE_PATH": str(PROFILES)}
        self.sim = start(harness.Process, [SIM, "-c", self.ini], env=env)
        self.sim.wait_line("^ready$")
        self.daemon = start(harness.Process, [harness.COOLANTD, "-c", self.ini], env=env)

    def tell(self, command):
        self.sim.process.stdin.write(command + "\n")
        self.sim.process.stdin.flush()


class Look:
    """The browser on the page of these racks."""

    def __init__(self, browser, address):
        self.browser, self.address = browser, address
        self.pictures = BUILD / "screenshots"
        self.pictures.mkdir(exist_ok=True)

    def at(self, place, query=""):
        self.browser.do("open", f"{self.address}{query}#/{place}")
        self.browser.wait("document.querySelector('main')?.id === 'content' && !document.querySelector('.waiting')")

    def look(self, theme, size):
        self.browser.do("media", {"colorScheme": theme})
        self.browser.do("size", SIZES[size])
        self.browser.wait(f"document.documentElement.dataset.theme === {theme!r}")
        self.browser.do("evaluate", TWO_FRAMES)

    def is_accessible(self, what, looks=(("light", "phone"), ("dark", "desktop"))):
        for theme, size in looks:
            self.look(theme, size)
            assert self.browser.do("axe") == [], f"{what}, {theme}, {size}"

    def picture(self, state):
        for theme in ("light", "dark"):
            for size in SIZES:
                self.look(theme, size)
                self.browser.do("screenshot", {"path": str(self.pictures / f"{state}-{theme}-{size}.png"), "full": False})


def tell_a_day(port, rack):
    """The last 24 hours of a row, as its coolantd would tell them the next day."""
    def series(mean, swing, digits=2):
        return [round(mean + swing * math.sin(2 * math.pi * i / STEPS), digits) for i in range(STEPS)]
    loop = {"heat": series(40, 6), "flow": series(96, 1), "supply_temperature": series(32, 0.5), "return_temperature": series(38.5, 1),
            "pressure_drop": series(110, 2)}
    day = {"trend/pue/row": {"pue": series(1.09, 0.012, 4), "facility_kw": series(109, 16), "it_kw": series(100, 15)},
           "trend/loop/secondary1": loop, "trend/loop/secondary2": loop}
    client = mqtt.Client()
    client.connect("127.0.0.1", port)
    client.loop_start()
    for topic, figures in day.items():
        payload = {"step_s": 300, "end": int(time.time() // 300 * 300e3), "figures": figures}
        client.publish(f"coolant/dc1/{rack}/{topic}", json.dumps(payload), qos=1, retain=True).wait_for_publish(harness.PATIENCE)
    for topic, payload in FOREIGN:
        client.publish(f"coolant/dc1/{rack}/{topic}", payload, qos=1, retain=True).wait_for_publish(harness.PATIENCE)
    client.loop_stop()
    client.disconnect()


def the_day_is_there_at_once(look, rack):
    """From the trend: what this page has seen itself is seconds."""
    b = look.browser
    look.at(f"dc1/{rack.name}")
    b.wait("document.querySelector('.plot')?.getAttribute('aria-label').includes('lowest 1.078')")
    b.wait("[...document.querySelectorAll('.plot')].some((p) => /Heat: lowest 68, highest 9\\d/.test(p.getAttribute('aria-label')))")


def figure(name):
    return f"[...document.querySelectorAll('.figures .figure')].find((f) => f.innerText.includes({name!r}))?.innerText ?? ''"


def first_view_is_soon_and_does_not_jump(look):
    b = look.browser
    b.do("size", SIZES["desktop"])
    look.at("")
    b.wait("document.querySelectorAll('.rack-card').length === 2 && document.body.innerText.includes('kW')")
    print("first view after", b.do("evaluate", "performance.getEntriesByName('first view')[0].startTime"), "ms")
    assert b.do("evaluate", "window.shifts") < SHIFT_MAX
    address = look.address.rstrip("/")
    assert all(r.startswith(address) for r in b.do("requests")), "a request to elsewhere"


def values_appear_and_change(look, rack):
    b = look.browser
    look.at(f"dc1/{rack.name}")
    b.wait(f"/\\d+\\.\\d kW/.test({figure('IT power')})")
    b.wait(f"/1\\.\\d\\d\\d/.test({figure('PUE')})")
    assert "approach" not in b.text(".schematic"), "it has no sensor for that"
    before = b.do("evaluate", figure("IT power"))
    rack.tell("load pdu1 5")
    b.wait(f"{figure('IT power')} !== {before!r}")
    b.wait("document.querySelector('.schematic').getAttribute('aria-label').includes('kW')")
    b.wait("document.querySelectorAll('.plot canvas').length >= 3")
    b.wait_text("one may be lost", ".groups")
    rack.tell("load pdu1 auto")


def keyboard_leads_there(look):
    b = look.browser
    look.at("")
    b.wait("document.querySelectorAll('.rack-card').length === 2")
    b.do("press", "Tab")
    assert b.do("evaluate", "document.activeElement.className") == "skip"
    b.do("press", "Enter")
    b.do("press", "Tab")
    first = b.do("evaluate", "document.activeElement.innerText")
    b.do("press", "Enter")
    b.wait(f"document.title.includes({first!r}) && document.querySelector('.rack')")


def a_device_is_told_in_words(look, rack):
    b = look.browser
    look.at(f"dc1/{rack.name}/device/cdu1")
    b.wait_text("coolant flow of the secondary loop", ".telemetry")
    b.wait_text("No flag is raised.", ".flags")
    assert "sticky" not in b.text("main"), "a flag that is not raised"
    look.is_accessible("device", (("light", "phone"),))
    look.picture("device")


def an_alarm_is_seen_at_once(look, rack, other):
    b = look.browser
    look.at(f"dc1/{other.name}")
    rack.tell("leak cdu1 on")
    for size in ((320, 480), *SIZES.values(), (1920, 1080)):  # on the page of another rack, scrolled to its end
        b.do("size", size)
        b.wait_text("coolant leak at CDU 1", ".strip-critical")
        b.do("evaluate", "scrollTo(0, 1e6)")
        assert b.do("evaluate", "(() => { const r = document.querySelector('.strip-critical').getBoundingClientRect();"
                                " return r.top >= 0 && r.bottom <= innerHeight && document.documentElement.scrollWidth <= innerWidth; })()"), size
    look.at("")
    b.wait(f"document.querySelector('.rack-card').innerText.includes('dc1/{rack.name}')")
    look.picture("overview-alarm")
    look.at(f"dc1/{rack.name}")
    b.wait_text("Send somebody now", ".alarm-critical")
    b.wait_text("cdu1 LEAK", ".schematic")
    b.do("click", ".alarm-critical summary")
    b.wait_text("coolantctl alarms ack leak1", ".alarm-critical")
    b.do("click", ".alarm-critical button")
    b.wait_text("Copied", ".alarm-critical")
    look.is_accessible("alarm")
    look.picture("alarm")
    assert ask(rack.folder, "POST", "/v1/alarms/leak1/ack")[0] == 200
    b.wait_text("acknowledged by", ".alarm-critical")
    assert "alarms ack" not in b.text(".alarm-critical")


def another_language_is_a_file(look, rack):
    look.at(f"dc1/{rack.name}", "?lang=zh")
    look.browser.wait_text("冷却液回路")
    assert look.browser.do("evaluate", "document.documentElement.lang") == "zh"
    look.at(f"dc1/{rack.name}", "?lang=en&wall=1")
    look.browser.do("size", (1920, 1080))
    assert look.browser.do("evaluate", "parseFloat(getComputedStyle(document.querySelector('.alarm h3')).fontSize) >= 24")
    look.browser.do("screenshot", {"path": str(look.pictures / "wall.png"), "full": False})
    look.browser.do("evaluate", "localStorage.clear()")


def a_dead_meter_is_stale(look, rack):
    b = look.browser
    rack.tell("silence pdu1")
    look.at(f"dc1/{rack.name}/device/pdu1")
    b.wait_text("stale", ".telemetry", 30)
    look.at(f"dc1/{rack.name}")
    b.wait_text("no usable reading of the meter pdu1", ".alarms")
    look.picture("stale")
    look.is_accessible("stale", (("dark", "phone"),))


def a_stopped_daemon_is_offline(look, rack):
    b = look.browser
    rack.daemon.stop(signal.SIGTERM)
    b.wait_text("coolantd is offline", ".doubt")
    b.wait("document.querySelector('main').classList.contains('view-offline')")
    look.is_accessible("offline", (("light", "desktop"),))
    look.picture("offline")
    look.at("")
    b.wait(f"document.querySelector('.rack-offline')?.innerText.includes('dc1/{rack.name}')")


def the_page_comes_back_with_the_broker(look, rack, broker):
    b = look.browser
    look.at(f"dc1/{rack.name}")
    broker.stop()
    b.wait_text("No connection to the broker", ".doubt")
    b.do("complaints")  # that the connection failed is said in the console
    broker.start()
    b.wait("!document.querySelector('.doubt') && document.querySelector('main').classList.contains('view-online')", 30)
    before = b.do("evaluate", figure("IT power"))
    rack.tell("load pdu2 3")
    b.wait(f"{figure('IT power')} !== {before!r}")


def a_broker_that_asks_is_answered(look, port):
    b = look.browser
    b.do("open", f"{look.address}?broker=ws://127.0.0.1:{port}")
    b.wait("document.activeElement && document.querySelector('.login')")
    look.is_accessible("login", (("dark", "phone"),))
    b.do("click", "[name=username]")
    for text, then in (("wrong", "document.querySelector('.login').innerText.includes('Not accepted')"),
                       ("page", "document.querySelectorAll('.rack-card').length === 2")):
        b.do("evaluate", f"document.querySelector('[name=username]').value = {text!r}, document.querySelector('[name=password]').value = 'secret'")
        b.do("press", "Enter")
        b.wait(then)
    b.do("evaluate", "sessionStorage.clear()")


def broker_config(folder, mqtt_port, web_port, closed_port):
    """The page's server, and another listener that lets in only those it knows."""
    subprocess.run(["mosquitto_passwd", "-b", "-c", folder / "passwords", "page", "secret"], check=True,
                   env={"PATH": os.environ["PATH"] + ":/usr/sbin"})
    return (f"user {getpass.getuser()}\nper_listener_settings true\n"
            f"listener {mqtt_port} 127.0.0.1\nallow_anonymous true\n"
            f"listener {web_port} 127.0.0.1\nprotocol websockets\nallow_anonymous true\nhttp_dir {PAGE / 'dist'}\n"
            f"listener {closed_port} 127.0.0.1\nprotocol websockets\npassword_file {folder / 'passwords'}\n")


def test_dashboard(start, tmp_path, browser):
    mqtt_port, web_port, closed_port = harness.free_ports(3)
    broker = start(harness.Broker, tmp_path, port=mqtt_port, config=broker_config(tmp_path, mqtt_port, web_port, closed_port))
    quiet, troubled = Rack(start, tmp_path, "r07", mqtt_port), Rack(start, tmp_path, "r08", mqtt_port)
    for rack in (quiet, troubled):
        rack.daemon.wait_line("started: ")
    look = Look(browser, f"http://127.0.0.1:{web_port}/")
    first_view_is_soon_and_does_not_jump(look)
    look.is_accessible("overview")
    for rack in (quiet, troubled):
        tell_a_day(mqtt_port, rack.name)
    the_day_is_there_at_once(look, quiet)
    values_appear_and_change(look, quiet)
    look.is_accessible("rack", (("light", "desktop"), ("dark", "phone")))
    look.picture("normal")
    keyboard_leads_there(look)
    a_device_is_told_in_words(look, quiet)
    an_alarm_is_seen_at_once(look, troubled, quiet)
    another_language_is_a_file(look, troubled)
    a_dead_meter_is_stale(look, troubled)
    a_stopped_daemon_is_offline(look, troubled)
    assert browser.do("complaints") == []
    a_broker_that_asks_is_answered(look, closed_port)
    the_page_comes_back_with_the_broker(look, quiet, broker)


def test_dashboard_parts():
    r = harness.run(["node", "--test", ROOT / "tests" / "web" / "parts.test.mjs"])
    assert r.returncode == 0, r.stdout


def test_dashboard_is_what_its_source_and_lock_file_give(tmp_path):
    web.install(PAGE)
    subprocess.run(["node", "build.mjs", tmp_path], cwd=PAGE, check=True)
    names = sorted(p.name for p in (PAGE / "dist").iterdir())
    assert names == sorted(p.name for p in tmp_path.iterdir())
    for name in names:
        assert (PAGE / "dist" / name).read_bytes() == (tmp_path / name).read_bytes(), f"{name}: run packaging/web/build.mjs"
    assert sum((PAGE / "dist" / name).stat().st_size for name in names) < WEIGHT_MAX
    for lock in (PAGE / "package-lock.json", ROOT / "tests" / "web" / "package-lock.json"):
        assert '"resolved"' not in lock.read_text()
