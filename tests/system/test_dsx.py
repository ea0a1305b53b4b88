"""The DSX BMS event bus: each message as its AsyncAPI description says (dsx_schemas.py), identities from labels."""
import dsx_schemas
import pytest
from harness import Coolantd, ModbusServer, Subscriber, ask, device, fetch, head, tcp_bus, wait_for

SECTION = "[dsx]\nrack_location_id = POD1-A3-01\n"
CDU = ["flow_rate = L/min 0.1", "supply_temperature = degF 0.1", "return_temperature = K 0.1", "differential_pressure = bar 0.001", "pump_speed = 1/min 1",
       "fan_speed = % 1", "valve_position = % 1", "air_temperature = Cel 0.1", "rack_humidity = % 1", "leak", "pump_alarm", "conductivity = uS/cm 1"]
METER = ["active_power = W 1", "current_l1 = A 0.1", "current_n = A 0.1", "voltage = V 0.1", "frequency = Hz 0.01", "power_factor = 1 0.001",
         "active_energy_import = kWh 1", "apparent_power = VA 1", "it_power = W 1"]


def points(name, rows):
    text = ""
    for i, row in enumerate(rows):
        point, _, rest = row.partition(" = ")
        text += f"[point:{name}.{point}]\nregister = holding:{i}\n" + (f"unit = {rest.split()[0]}\nscale = {rest.split()[1]}\n" if rest else "bit = 0\n")
    return text


def unit(name, number, rows, labels):
    return device(name, "b", number, extra=f"poll_interval = 100ms\nlabels = {labels}\n" + points(name, rows))


def row(server, extra=""):
    return (tcp_bus("b", server.port, "response_timeout = 200ms\nmax_backoff = 1s\n")
            + unit("cdu1", 1, CDU, "object_type:CDU, object_id:CDU-7, side:technology, serves:POD1-A3-01 POD1-A3-02")
            + unit("pdu1", 2, METER, "object_name:PDU 1, serves:POD1-A3-01")
            + unit("rack1", 3, CDU, "object_type:Rack, rack_location_name:Row A Rack 1")
            + unit("valve1", 4, ["position = % 1", "state"], "object_type:Valve, associate_id:POD1-A3-01")
            + device("text", "b", 5, extra="poll_interval = 100ms\n[point:text.serial]\nregister = holding:0\ntype = string\nlength = 2\n"
                     "[point:text.mode]\nregister = holding:2\nenum = 0:off, 1:cooling\n")
            + "[loop:tech]\ncoolant = water\nflow = cdu1.flow_rate\nsupply = cdu1.supply_temperature\nreturn = cdu1.return_temperature\n"
              "pressure_drop = cdu1.differential_pressure\n[pue:row]\nfacility = pdu1\nit = pdu1.it_power\n" + extra)


@pytest.fixture
def server(start, tmp_path):
    holding = {0: 425, 1: 770, 2: 3031, 3: 1500, 4: 3000, 5: 60, 6: 30, 7: 250, 8: 40, 9: 0, 10: 1, 11: 700}
    meter = {0: 4200, 1: 61, 2: 1, 3: 2305, 4: 5000, 5: 990, 6: 12345, 7: 4300, 8: 4200}
    return start(ModbusServer, tmp_path, {"1": {"holding": holding}, "2": {"holding": meter}, "3": {"holding": holding}, "4": {"holding": {0: 50, 1: 1}},
                                          "5": {"holding": {0: 0x4142, 1: 0x4344, 2: 1}}})


def test_every_message_is_as_the_description_says(start, tmp_path, broker, server):
    bus = start(Subscriber, broker.port, "BMS/#")
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + SECTION + row(server))
    loop, cdu = "dc1/r07/loop/tech/", "dc1/r07/cdu1/"

    def is_complete():
        _, now = dsx_schemas.check(list(bus.messages))
        return cdu + "leak" in now and loop + "heat" in now and now.get("dc1/r07/pue/row/power_ratio", [{"value": None}])[-1]["value"]
    wait_for(is_complete, lambda: [(m.topic, m.text) for m in bus.messages])
    described, values = dsx_schemas.check(list(bus.messages))

    def seen(tag):
        m = described["dc1/r07/" + tag]
        return m["objectType"], m["pointType"], m.get("engUnit"), values["dc1/r07/" + tag][-1]["value"]

    assert seen("cdu1/flow_rate") == ("CDU", "LiquidFlow", "LPM", 42.5)
    assert seen("cdu1/supply_temperature")[:3] == ("CDU", "LiquidTemperature", "C") and abs(seen("cdu1/supply_temperature")[3] - 25) < 0.01
    assert abs(seen("cdu1/return_temperature")[3] - 29.95) < 1e-9 and seen("cdu1/differential_pressure")[1:] == ("LiquidDifferentialPressure", "kPa", 150)
    assert seen("cdu1/pump_speed")[1:] == ("PumpSpeed", "RPM", 3000) and seen("cdu1/rack_humidity")[1:] == ("AirRelativeHumidity", "%RH", 40)
    assert seen("cdu1/conductivity")[1:] == ("GenericPoint", "uS/cm", 700) and seen("cdu1/leak")[1:] == ("LeakDetect", None, 0)
    assert described[cdu + "flow_rate"] | {"processArea": []} == {"objectType": "CDU", "pointType": "LiquidFlow", "objectName": "cdu1", "objectId": "CDU-7",
                                                                  "servesId": ["POD1-A3-01", "POD1-A3-02"], "processArea": [], "engUnit": "LPM"}
    assert described[cdu + "supply_temperature"]["processArea"] == ["Secondary", "Supply", "Temperature"]
    assert described[cdu + "leak"]["stateText"] == [{"value": 0, "text": "NoLeak"}, {"value": 1, "text": "Leak"}]
    assert seen("pdu1/active_power") == ("PowerMeter", "ActivePower", "kW", 4.2) and described["dc1/r07/pdu1/current_l1"]["phase"] == "1"
    assert seen("pdu1/active_energy_import")[:3] == ("PowerMeter", "GenericPoint", "kWh") and seen("pdu1/power_factor")[1:] == ("PowerFactor", None, 0.99)
    assert seen("rack1/flow_rate")[:3] == ("Rack", "RackLiquidFlow", "LPM") and seen("rack1/leak")[1] == "RackLeakDetect"
    assert described["dc1/r07/rack1/flow_rate"]["rackLocationName"] == "Row A Rack 1" and described["dc1/r07/rack1/leak"]["rackLocationId"] == "POD1-A3-01"
    assert described["dc1/r07/rack1/conductivity"]["associateId"] == "POD1-A3-01"
    assert seen("valve1/position")[:2] == ("Valve", "ValvePosition") and described["dc1/r07/valve1/position"]["associateId"] == "POD1-A3-01"
    assert "dc1/r07/text/serial" not in described and seen("text/mode")[3] == 1
    assert described["dc1/r07/text/mode"]["stateText"] == [{"value": 0, "text": "off"}, {"value": 1, "text": "cooling"}]
    assert seen("loop/tech/supply_temperature")[1] == "LiquidTemperature" and seen("pue/row/power_ratio")[3] == 1
    beat = described["dc1/r07/heartbeat"]
    assert (beat["objectType"], beat["pointType"]) == ("System", "HeartbeatTimestampBms") and values["dc1/r07/heartbeat"][0]["value"] > 1.7e12

    # retained are the metadata alone; what leaves the configuration is emptied
    late = start(Subscriber, broker.port, "BMS/#")
    wait_for(lambda: any(m.topic.endswith("text/mode") for m in late.messages), lambda: late.messages)
    assert all("/Metadata/" in m.topic for m in late.messages if m.retain)
    server.set(1, "holding", 9, [1])
    wait_for(lambda: dsx_schemas.check(list(bus.messages))[1][cdu + "leak"][-1]["value"] == 1, "the leak")
    status = ask(tmp_path, "GET", "/v1/status")[1]["connections"]["dsx"]["publisher"]
    assert status["connected"] and status["published"] > len(described)
    metrics = fetch(tmp_path, "/metrics")[2]
    assert 'coolantd_publisher_connected{connection="dsx"} 1' in metrics and "coolantd_publisher_connected 1" in metrics
    assert [v["quality"] for v in values[cdu + "flow_rate"]] == [1] * len(values[cdu + "flow_rate"])
    daemon.reload(head(tmp_path, broker.port) + SECTION + row(server).replace("[point:text.mode]", "[point:text.state]"))
    wait_for(lambda: any(m.topic.endswith("text/mode") and m.text == "" for m in bus.messages), "text/mode emptied")
    daemon.reload(head(tmp_path, broker.port) + row(server))
    wait_for(lambda: {m.topic for m in bus.messages if "/Metadata/" in m.topic} == {m.topic for m in bus.messages if m.text == ""}, "all emptied")
    daemon.reload(head(tmp_path, broker.port) + SECTION + row(server))
    wait_for(lambda: "HeartbeatTimestampBms" in bus.messages[-1].topic or bus.messages[-1].text, "the bus again")
    server.stop()
    wait_for(lambda: next((m.json for m in reversed(bus.messages) if m.text and m.topic.endswith("Value/CDU/LiquidFlow/" + cdu + "flow_rate")
                           and m.json["quality"] == 0 and m.json["value"] is None), None), "a lost value")
