"""A Modbus server of pymodbus: modbus_server.py SPEC.json. Lines of JSON on stdin set registers."""
import asyncio
import json
import sys
import threading
import time

from pymodbus.datastore import ModbusServerContext, ModbusSlaveContext, ModbusSparseDataBlock
from pymodbus.device import ModbusDeviceIdentification
from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer

spec = json.load(open(sys.argv[1]))
log = open(spec["log"], "a", buffering=1)


class Block(ModbusSparseDataBlock):
    """Only the addresses that are set exist; a read of any other is answered with exception 2."""

    def __init__(self, unit, values):
        super().__init__({int(k) + 1: v for k, v in values.items()} or {0: 0})
        self.unit = unit

    def validate(self, address, count=1):
        return count > 0 and all(address + i in self.values for i in range(count))

    def getValues(self, address, count=1):
        log.write(f"{time.time():.6f} {self.unit} {address - 1}\n")
        return [self.values[address + i] for i in range(count)]


tables = {"coil": "co", "discrete": "di", "holding": "hr", "input": "ir"}
blocks = {(unit, table): Block(unit, units.get(table, {}))
          for unit, units in spec["units"].items() for table in tables}
slaves = {int(unit): ModbusSlaveContext(**{key: blocks[unit, table] for table, key in tables.items()})
          for unit in spec["units"]}
context = ModbusServerContext(slaves=slaves, single=False)
identity = ModbusDeviceIdentification(info={i: text for i, text in enumerate(spec["identity"])})


def commands():
    for line in sys.stdin:
        c = json.loads(line)
        block = blocks[str(c["unit"]), c["table"]]
        for i, value in enumerate(c["values"]):
            block.values[c["address"] + 1 + i] = value


async def main():
    if spec["serial"]:
        server = StartAsyncSerialServer(context=context, identity=identity, framer=ModbusRtuFramer, port=spec["serial"],
                                        baudrate=spec["baud"], ignore_missing_slaves=True, defer_start=False)
    else:
        server = StartAsyncTcpServer(context=context, identity=identity, address=("127.0.0.1", spec["port"]), ignore_missing_slaves=True,
                                     allow_reuse_address=True,
                                     framer=ModbusRtuFramer if spec["rtu"] else ModbusSocketFramer)
    task = asyncio.ensure_future(server)
    if spec["port"]:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", spec["port"])
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.01)
    else:
        await asyncio.sleep(0.2)
    print("ready", flush=True)
    await task


threading.Thread(target=commands, daemon=True).start()
asyncio.run(main())
