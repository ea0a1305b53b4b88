/* Configurations as text: what is taken, what is refused, where and with which words. */
#include "unit.h"

#include "config/config.h"
#include "config/ini/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/coolantd-unit-XXXXXX";

static const char *write_file(const char *name, const char *text, size_t size)
{
	static char path[256];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
	return path;
}

struct findings {
	char text[8192], notes[8192];
	size_t count;
};

static void collect(bool is_error, const char *text, void *user)
{
	struct findings *f = user;
	char *to = is_error ? f->text : f->notes;
	size_t used = strlen(to);
	snprintf(to + used, sizeof(f->text) - used, "%s\n", text);
	f->count += is_error;
}

/* Loads a text; the findings are returned, the configuration in `ret` when it is good. */
static struct findings load(const char *text, size_t size, struct config **ret)
{
	struct findings f = { .count = 0 };
	struct diag *d = diag_new();
	struct config *c = config_load(write_file("coolantd.ini", text, size), d);
	diag_each(d, collect, &f);
	diag_free(d);
	if (ret)
		*ret = c;
	else
		config_unref(c);
	return f;
}

static struct config *load_good(const char *text)
{
	struct config *c;
	struct findings f = load(text, strlen(text), &c);
	if (!c)
		print_error("%s", f.text);
	assert_non_null(c);
	assert_int_equal(f.count, 0);
	return c;
}

#define HEAD "[daemon]\nsite = dc1\nrack = r07\n"
#define BUS "[bus:b]\ntype = tcp\nhost = 127.0.0.1\n"
#define LOOP "[loop:l]\ncoolant = water\nflow = d.p\nreturn = d.p\n"
#define DEVICE "[device:d]\nbus = b\nunit = 1\n[point:d.p]\nregister = holding:0\n"

/* A meter that counts both ways, and one of power alone. */
#define METERS                                                                                               \
	"[device:main]\nbus = b\nunit = 1\n[point:main.active_power]\nregister = holding:0\nunit = kW\n"     \
	"[point:main.active_energy_import]\nregister = holding:1\nunit = kWh\n"                              \
	"[point:main.active_energy_export]\nregister = holding:2\nunit = kWh\n"                              \
	"[device:pdu]\nbus = b\nunit = 2\n[point:pdu.active_power]\nregister = holding:0\nunit = kW\n"
/* The same readings of it under other names; and a water meter. */
#define METERS_ALIAS                                                                                         \
	"[point:main.power2]\nregister = holding:0\nunit = W\nscale = 1000\n"                                \
	"[point:main.energy2]\nregister = holding:1\nunit = kWh\npoll = slow\n"
#define WATER                                                                                                \
	"[device:w]\nbus = b\nunit = 3\n[point:w.volume]\nregister = holding:0\nunit = m3\n"                 \
	"[point:w.flow_rate]\nregister = holding:2\nunit = L/min\n"
#define PUE "[pue:row]\nfacility = main\nit = pdu\n"

#define LOOP_POINTS                                                                                          \
	"[device:d]\nbus = b\nunit = 1\n[point:d.flow]\nregister = holding:0\nunit = L/min\n"                \
	"[point:d.t]\nregister = holding:1\nunit = Cel\n[point:d.r]\nregister = holding:9\nunit = "          \
	"Cel\n[point:d.dp]\nregister = holding:2\nunit = kPa\n"                                              \
	"[point:d.speed]\nregister = holding:3\nunit = %\n[point:d.leak]\nregister = coil:0\n"
#define WHOLE_LOOP                                                                                           \
	"[loop:l]\ncoolant = water\nflow = d.flow\nsupply = d.t\nreturn = d.r\npressure_drop = d.dp\n"       \
	"pump_speed = d.speed\nnominal_flow = 100\n"

#define LOOP_OF(flow, supply, back)                                                                          \
	"[loop:l]\ncoolant = water\nflow = " flow "\nsupply = " supply "\nreturn = " back "\n"

/* One wrong line each, and the finding it must give. */
static const struct {
	const char *text, *finding;
} broken[] = {
	{ "[daemon]\nsite = dc1\n", "coolantd.ini:1: [daemon] rack: missing, but required" },
	{ HEAD "[mqtt]\nbrokr = mqtt://x\n", ":5: [mqtt] brokr: unknown key, did you mean 'broker'?" },
	{ HEAD "[mqt]\n", ":4: [mqt]: unknown section, did you mean 'mqtt'?" },
	{ HEAD "[mqtt]\nqos = 2\n", ":5: [mqtt] qos: '2' is out of range (allowed: a whole number, 0..1)" },
	{ HEAD "[mqtt]\nqos = many\n",
	    ":5: [mqtt] qos: 'many' is not valid (allowed: a whole number, 0..1)" },
	{ HEAD "[mqtt]\nbroker = http://x\n", ":5: [mqtt] broker: 'http://x' is not a broker" },
	{ HEAD "[mqtt]\nbroker = mqtt://x:0\n", ":5: [mqtt] broker: 'mqtt://x:0' is not a broker" },
	{ HEAD "[mqtt]\nkeep_alive = 15\n",
	    ":5: [mqtt] keep_alive: '15' is not valid (allowed: a duration with unit" },
	{ HEAD "[mqtt]\ntopic_prefix = a/+/b\n",
	    ":5: [mqtt] topic_prefix: 'a/+/b' cannot be a topic prefix" },
	{ HEAD "[sparkplug]\n", ":4: [sparkplug] group: missing, but required" },
	{ HEAD "[sparkplug]\ngroup = a/b\n", ":5: [sparkplug] group: 'a/b' is not an id of Sparkplug" },
	{ HEAD "[sparkplug]\ngroup = g\nclient_id = coolantd-dc1-r07\n",
	    "[sparkplug] client_id: the same as in [mqtt], on the same broker" },
	{ HEAD "[dsx]\n", ":4: [dsx] rack_location_id: missing, but required" },
	{ HEAD
	    "[dsx]\nrack_location_id = A\n" BUS
	    "[device:d]\nbus = b\nunit = 1\nlabels = object_type:Pumps\n[point:d.p]\nregister = holding:0\n",
	    "[device:d] labels: 'Pumps' is no object_type of the DSX bus, did you mean 'Pump'?" },
	{ HEAD "[sparkplug:x]\ngroup = g\n", ":4: [sparkplug:x]: takes no name" },
	{ HEAD "[mqtt]\nlayout = pionts\n", "[mqtt] layout: 'pionts' is not valid" },
	{ HEAD "[mqtt]\ncert_file = a\n", "[mqtt] cert_file: cert_file and key_file go together" },
	{ HEAD "[spool]\nmax_size = 1KiB\n", ":5: [spool] max_size:" },
	{ HEAD "[bus:b]\ntype = rtutcp\nhost = x\nrs485 = yes\n",
	    ":7: [bus:b] rs485: has no meaning for type = rtutcp (allowed for rtu)" },
	{ HEAD "[bus:b]\ntype = rtu\n", "[bus:b] port: missing, but required for type = rtu" },
	{ HEAD "[bus:b]\ntype = tcp\nhost = x\nbaud = 9600\n",
	    ":7: [bus:b] baud: has no meaning for type = tcp" },
	{ HEAD "[bus:b]\ntype = rtu\nport = /dev/x\nbaud = 9601\n",
	    "[bus:b] baud: '9601' is not valid, did you mean '9600'?" },
	{ HEAD "[bus:B]\ntype = tcp\nhost = x\n", ":4: [bus:B]: not a name" },
	{ HEAD "[bus]\ntype = tcp\nhost = x\n", ":4: [bus]: needs a name" },
	{ HEAD BUS "[bus:c]\ntype = tcp\nhost = 127.0.0.1\n",
	    "[bus:c] host: the same host and tcp_port as [bus:b]" },
	{ HEAD BUS "[bus:b]\ntype = tcp\nhost = y\n",
	    ":7: [bus:b]: duplicate section (the first is at line 4" },
	{ HEAD BUS "host = y\n", ":7: [bus:b] host: duplicate key (the first is at line 6)" },
	{ HEAD BUS DEVICE "[device:e]\nbus = b\nunit = 1\nprofile = none\n",
	    "[device:e] unit: unit 1 of bus 'b' is [device:d]" },
	{ HEAD BUS "[device:d]\nbus = bb\nunit = 1\n[point:d.p]\nregister = holding:0\n",
	    ":8: [device:d] bus: no [bus:bb], did you mean 'b'?" },
	{ HEAD BUS "[device:d]\nbus = b\nunit = 248\n[point:d.p]\nregister = holding:0\n",
	    "[device:d] unit: '248' is out of range" },
	{ HEAD BUS "[device:d]\nbus = b\nunit = 1\n",
	    "[device:d] profile: missing, and no [point:d.NAME] either" },
	{ HEAD BUS "[device:d]\nbus = b\nunit = 1\nprofile = no-such\n",
	    "[device:d] profile: no such profile (looked for no-such.ini" },
	{ HEAD BUS "[device:d]\nbus = b\n[point:d.p]\nregister = holding:0\n",
	    "[device:d] unit: missing, but required" },
	{ HEAD BUS DEVICE "[point:x.p]\nregister = holding:0\n", "[point:x.p]: no such device" },
	{ HEAD BUS DEVICE "scale = 0\n", "[point:d.p] scale: 0 would lose the value" },
	{ HEAD BUS DEVICE "type = u17\n", "[point:d.p] type: 'u17' is not valid, did you mean 'u16'?" },
	{ HEAD BUS DEVICE "bit = 16\n", "[point:d.p] bit: past the width of the type" },
	{ HEAD BUS DEVICE "bit = 1\nbits = 1..2\n", "[point:d.p] bits: not together with 'bit'" },
	{ HEAD BUS DEVICE "type = f32\nbits = 1..2\n", "[point:d.p] bits: not for this type" },
	{ HEAD BUS DEVICE "min = 5\nmax = 4\n", "[point:d.p] min: greater than max" },
	{ HEAD BUS DEVICE "enum = 0:off, one\n", "[point:d.p] enum: '0:off, one' is not NUMBER:WORD" },
	{ HEAD BUS DEVICE "invalid = 0x7fff, x\n", "[point:d.p] invalid: 'x' is not a raw value" },
	{ HEAD BUS "[device:d]\nbus = b\nunit = 1\n[point:d.p]\nregister = holding:65536\n",
	    "[point:d.p] register: 'holding:65536' is not a register" },
	{ HEAD BUS "[device:d]\nbus = b\nunit = 1\n[point:d.p]\nregister = holding:65535\ntype = u32\n",
	    "[point:d.p] register: runs past address 65535" },
	{ HEAD BUS "[device:d]\nbus = b\nunit = 1\n[point:d.p]\nregister = coil:1\ntype = u16\n",
	    "[point:d.p] type: not for a coil or discrete input" },
	{ HEAD BUS DEVICE "[loop:l]\ncoolant = pg35\nflow = d.p\nsupply = d.p\nreturn = d.p\n",
	    "[loop:l] coolant: 'pg35' is not valid, did you mean 'pg25'? (allowed: water, pg25, pg30, eg25, "
	    "eg30)" },
	{ HEAD BUS DEVICE "[loop:l]\ncoolant = water\nflow = d.q\nsupply = d.p\nreturn = d.p\n",
	    "[loop:l] flow: device 'd' has no point 'q'" },
	{ HEAD BUS DEVICE "[loop:l]\ncoolant = water\nflow = d.p\nsupply = d.p\nreturn = d.p\n",
	    "[loop:l] flow: 'd.p' has the unit '', which is no flow (allowed: a point in L/min, L/s, "
	    "m3/h, m3/s, [gal_us]/min)" },
	{ HEAD BUS DEVICE "unit = kwh\n",
	    ":12: [point:d.p] unit: 'kwh' is not a unit, did you mean 'kWh'? (allowed: Cel, K, degF, L/min" },
	{ HEAD BUS DEVICE "unit = KW\n", "unit: 'KW' is not a unit, did you mean 'kW'?" },
	{ HEAD BUS DEVICE "unit = kWhr\n", "did you mean 'kWh'?" },
	{ HEAD BUS DEVICE "unit = rpm\n", "unit: 'rpm' is not a unit, did you mean '1/min'?" },
	{ HEAD BUS DEVICE "unit = turns\n", "or any text in braces: {turns})" },
	{ HEAD BUS DEVICE
	    "unit = {turns}\n[loop:l]\ncoolant = water\nflow = d.p\nsupply = d.p\nreturn = d.p\n",
	    "[loop:l] flow: 'd.p' has the unit '{turns}', which is no flow" },
	{ HEAD BUS DEVICE "unit = kVA\n[pue:row]\nit = d.p\nfacility = d.p\n",
	    "[pue:row] it: 'd.p' has the unit 'kVA' (allowed: W, kW, MW, Wh, kWh, MWh, J, MJ, GJ)" },
	{ HEAD BUS DEVICE "unit = L/min\n" LOOP "ph = d.p\n",
	    "[loop:l] ph: 'd.p' has the unit 'L/min', which is no pH (allowed: a point in [pH])" },
	{ HEAD BUS DEVICE "unit = NTU\n" LOOP "conductivity = d.p\n", "(allowed: a point in uS/cm)" },
	{ HEAD BUS DEVICE "unit = L/min\n[point:d.v]\nregister = holding:1\nunit = m3\n" LOOP
			  "makeup_flow = d.p\nmakeup_volume = d.v\n",
	    "[loop:l] makeup_flow: not together with makeup_volume" },
	{ HEAD BUS DEVICE LOOP "ph_low = 9\nph_high = 8\n", "[loop:l] ph_low: greater than ph_high" },
	{ HEAD BUS DEVICE "unit = 1/min\n" LOOP "pump_speed = d.p\n",
	    "[loop:l] nominal_speed: missing, but required with a pump_speed in 1/min" },
	{ HEAD BUS DEVICE "unit = %\n" LOOP "pump_speed = d.p\nnominal_speed = 2900\n",
	    "[loop:l] nominal_speed: has no meaning without a pump_speed in 1/min" },
	{ HEAD BUS DEVICE "unit = kPa\n" LOOP "pump_speed = d.p\n",
	    "[loop:l] pump_speed: 'd.p' has the unit 'kPa', which is no ratio (allowed: a point in %, 1, "
	    "1/min)" },
	{ HEAD BUS DEVICE "unit = L/min\n" LOOP "supply = d.p\n[group:g]\nloops = l, ll\nneeded = 1\n",
	    "[group:g] loops: no [loop:ll], did you mean 'l'?" },
	{ HEAD BUS DEVICE LOOP "supply = d.p\n[group:g]\nloops = l, l\nneeded = 1\n",
	    "[group:g] loops: 'l' is listed twice" },
	{ HEAD BUS DEVICE LOOP "supply = d.p\n[group:g]\nloops = l\nneeded = 2\n",
	    "[group:g] needed: more than there are (allowed: 1..1)" },
	{ HEAD BUS DEVICE LOOP "supply = d.p\n[group:g]\nloops = l\nneeded = 0\n",
	    "[group:g] needed: '0' is out of range" },
	{ HEAD BUS DEVICE LOOP "supply = d.p\n[group:g]\nloops = l\n",
	    "[group:g] needed: missing, but required" },
	{ HEAD "[group:g]\nneeded = 1\n", "[group:g] loops: missing, but required" },
	{ HEAD "[group:g]\nloops =\nneeded = 1\n", "[group:g] loops: " },
	{ HEAD BUS DEVICE LOOP "supply = d.p\n[group:g]\nloops = l\nneeded = 1\n"
			       "[alarm:a]\npoint = group.g.spare\nwhen = below\nlimit = 1\n",
	    "[alarm:a] point: 'group.g.spare' is not a figure of a group" },
	{ HEAD BUS DEVICE "[pue:row]\nfacility = d\nit = e\n",
	    "[pue:row] it: no [device:e], did you mean 'd'?" },
	{ HEAD BUS DEVICE "[pue:row]\nit = d\n", "[pue:row] it: device 'd' has neither active_power" },
	{ HEAD BUS METERS "[pue:row]\nfacility = main, main.active_power\nit = pdu\n",
	    "[pue:row] facility: 'main.active_power' is 'main' of facility once more (allowed: each meter "
	    "once)" },
	{ HEAD BUS METERS "[pue:row]\nfacility = main.active_power, main.active_energy_import\nit = pdu\n",
	    "[pue:row] facility: 'main.active_energy_import' is 'main.active_power' of facility once more" },
	{ HEAD BUS METERS "[pue:row]\nfacility = main\nit = pdu, pdu\n",
	    "[pue:row] it: 'pdu' is 'pdu' of it once more" },
	{ HEAD BUS METERS "[pue:row]\ncooling = pdu.active_power\nit = pdu\n",
	    "[pue:row] cooling: 'pdu.active_power' is 'pdu' of it once more" },
	{ HEAD BUS METERS METERS_ALIAS "[pue:row]\nfacility = main, main.energy2\nit = pdu\n",
	    "[pue:row] facility: 'main.energy2' is 'main' of facility once more (allowed: each meter once)" },
	{ HEAD BUS METERS METERS_ALIAS
	    "[pue:row]\nfacility = main.active_energy_import, main.power2\nit = pdu\n",
	    "[pue:row] facility: 'main.power2' is 'main.active_energy_import' of facility once more" },
	{ HEAD BUS METERS METERS_ALIAS "[pue:row]\nfacility = main.power2, main.energy2\nit = pdu\n",
	    "[pue:row] facility: 'main.energy2' is 'main.power2' of facility once more" },
	{ HEAD BUS METERS METERS_ALIAS PUE "export = main.energy2\n",
	    "[pue:row] export: 'main.energy2' is 'main' of facility once more" },
	{ HEAD BUS METERS PUE "export = main.active_power, main.active_energy_export\n",
	    "[pue:row] export: 'main.active_energy_export' is 'main.active_power' of export once more" },
	{ HEAD BUS METERS WATER PUE "water = w.volume, w.flow_rate\n",
	    "[pue:row] water: 'w.flow_rate' is 'w.volume' of water once more" },
	{ HEAD BUS METERS WATER PUE "water = w.flow_rate, w\n",
	    "[pue:row] water: 'w' is 'w.flow_rate' of water once more" },
	{ HEAD BUS DEVICE "unit = Cel\n[point:d.q]\nregister = holding:0\ntype = i16\nunit = Cel\n" LOOP
			  "supply = mean: d.p, d.q\n",
	    "[loop:l] supply: 'q' is the register of 'p' once more (allowed: each register once)" },
	{ HEAD BUS METERS PUE "export = main.active_energy_import\n",
	    "[pue:row] export: 'main.active_energy_import' is 'main' of facility once more" },
	{ HEAD BUS METERS PUE "it_embedded_cooling = pdu\n",
	    "[pue:row] it_embedded_cooling: 'pdu' is 'pdu' of it once more" },
	{ HEAD BUS METERS PUE "export = pdu\n",
	    "[pue:row] export: device 'pdu' has no active_energy_export in Wh, kWh, MWh" },
	{ HEAD BUS "[device:m]\nbus = b\nunit = 1\n[point:m.active_power]\nregister = holding:0\nunit = kW\n"
		   "[point:m.active_energy_import]\nregister = holding:1\nunit = {kwh}\n"
		   "[pue:row]\nfacility = m\nit = m\n",
	    "[pue:row] facility: 'm.active_energy_import' has the unit '{kwh}' (allowed: Wh, kWh, MWh" },
	{ HEAD BUS METERS PUE "reuse_heat = loop.s.heat\n",
	    "[pue:row] reuse_heat: no [loop:s] (allowed: a loop of this configuration)" },
	{ HEAD BUS METERS PUE "water = main\n",
	    "[pue:row] water: device 'main' has neither flow_rate nor volume in L, m3" },
	{ HEAD BUS METERS PUE "water = main.active_power\n",
	    "[pue:row] water: 'main.active_power' has the unit 'kW' (allowed: L/min, L/s, m3/h, m3/s, "
	    "[gal_us]/min, "
	    "L, m3)" },
	{ HEAD BUS METERS PUE "loss = loop.s.heat\n", "[pue:row] loss: 'loop.s.heat' is not a meter" },
	{ HEAD BUS METERS PUE "windows = 525599m\n",
	    "[pue:row] windows: '525599m' cannot be divided in at most 600 parts of a round length" },
	{ HEAD BUS DEVICE "unit = kW\n[pue:row]\nit = d.p\n",
	    "[pue:row] facility: missing, and no cooling either" },
	{ HEAD BUS DEVICE "unit = kW\n[pue:row]\nit = d.p\nfacility = d.p\nwindows = 90s\n",
	    "[pue:row] windows: '90s' is not a window (allowed: whole minutes, 1m..365d)" },
	{ HEAD BUS DEVICE "unit = kW\n[pue:row]\nit = d.p,, d.p\nfacility = d.p\n",
	    "[pue:row] it: an empty item in the list" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = d.p\nwhen = above\n",
	    "[alarm:a] limit: missing, but required for above and below" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = d.p\n", "[alarm:a] when: 'd.p' is a number" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = 2 of: d.p\nwhen = stale\n",
	    "[alarm:a] point: '2 of: d.p' (allowed: any:, or 1 to 1 of:, and as many points)" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = any: d.p, d.p\nwhen = stale\n",
	    "[alarm:a] point: 'p' is listed twice" },
	{ HEAD BUS DEVICE
	    "[alarm:a]\npoint = any: d.p, d.wet\nwhen = stale\n[point:d.wet]\nregister = coil:0\n",
	    "[alarm:a] point: 'p' and 'wet' are not alike" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = any: d.q\nwhen = stale\n",
	    "[alarm:a] point: device 'd' has no" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = d.p\nwhen = stale\nseverity = critical\nescalate_after = 1m\n"
			  "escalate_to = info\n",
	    "[alarm:a] escalate_to: less than severity" },
	{ HEAD BUS DEVICE "[alarm:coolantd-spool]\npoint = d.p\nwhen = stale\n",
	    "[alarm:coolantd-spool]: names with coolantd- are coolantd's own (allowed: another name)" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = d.p\nwhen = stale\nsuppressed_by = bb\n"
			  "[alarm:b]\npoint = d.p\nwhen = stale\n",
	    "[alarm:a] suppressed_by: no [alarm:bb], did you mean 'b'?" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = d.p\nwhen = stale\nsuppressed_by = b\n"
			  "[alarm:b]\npoint = d.p\nwhen = stale\nsuppressed_by = a\n",
	    "[alarm:b] suppressed_by: alarms suppress each other in a circle" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = d.p\nwhen = outside\nlow = 1\nhigh = 2\nhysteresis = 5\n",
	    "[alarm:a] hysteresis: nowhere between low and high would it clear (allowed: less than half" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = d.p\nwhen = outside\nlow = 1\nhigh = 2\nhysteresis = 0.5\n",
	    "[alarm:a] hysteresis: nowhere" },
	{ HEAD BUS LOOP_POINTS WHOLE_LOOP "[alarm:l-flow_low]\npoint = d.dp\nwhen = below\nlimit = 1\n",
	    "[alarm:l-flow_low]: that is the name of a default alarm, about loop.l.flow below (allowed: "
	    "another "
	    "name, or an alarm about the same)" },
	{ HEAD BUS LOOP_POINTS WHOLE_LOOP "[alarm:l-flow_low]\npoint = d.flow\nwhen = above\nlimit = 1\n",
	    "[alarm:l-flow_low]: that is the name of a default alarm" },
	{ HEAD BUS LOOP_POINTS WHOLE_LOOP "[alarm:d-leak]\npoint = d.flow\nwhen = above\nlimit = 1\n",
	    "[alarm:d-leak]: that is the name of a default alarm, about d.leak true" },
	{ HEAD BUS LOOP_POINTS WHOLE_LOOP "[alarm:l-supply-lost]\npoint = d.flow\nwhen = lost\n",
	    "[alarm:l-supply-lost]: that is the name of a default alarm, about d.t lost" },
	{ HEAD BUS LOOP_POINTS LOOP_OF("d.flow", "d.t", "d.r") "flow_low = 120\nnominal_flow = 100\n",
	    "[loop:l] flow_low: greater than nominal_flow (allowed: at most that)" },
	{ HEAD BUS DEVICE "bit = 1\nstuck_after = 1m\n",
	    "[point:d.p] stuck_after: not for a bool or string (allowed: numbers)" },
	{ HEAD BUS DEVICE "type = string\ntolerance = 1\n",
	    "[point:d.p] tolerance: not for a bool or string" },
	{ HEAD BUS DEVICE "deadband = -1\n", "[point:d.p] deadband: '-1' is not a difference" },
	{ HEAD BUS DEVICE "deadband = 1 K\n", "[point:d.p] deadband: '1 K' is not a difference" },
	{ HEAD BUS DEVICE "[alarm:a]\npoint = loop.x.heat\nwhen = stale\n",
	    "[alarm:a] point: 'loop.x.heat' is not a figure of a loop" },
	{ HEAD BUS DEVICE "unit = Cel\n" LOOP "supply = median: d.p\n",
	    "[loop:l] supply: ' d.p' (allowed: median:, mean: or sum: and two or more points)" },
	{ HEAD BUS DEVICE "unit = Cel\n" LOOP "supply = mean: d.p, d.p\n",
	    "[loop:l] supply: 'p' is listed twice" },
	{ HEAD BUS DEVICE "unit = Cel\n[point:d.q]\nregister = holding:1\nunit = kPa\n" LOOP
			  "supply = mean: d.p, d.q\n",
	    "[loop:l] supply: 'q' is in 'kPa' and 'p' in 'Cel' (allowed in a list: one quantity)" },
	{ HEAD BUS DEVICE "unit = Cel\n" LOOP "pump_curve = 100:200, 50:220\n",
	    "[loop:l] pump_curve: '100:200, 50:220' is not a curve" },
	{ HEAD BUS DEVICE "unit = Cel\n" LOOP "pump_curve = 100:200\n", "[loop:l] pump_curve: '100:200' is" },
	{ HEAD BUS DEVICE "unit = %\n" LOOP "reservoir_level = d.p\n",
	    "[loop:l] system_volume: missing, but required with reservoir_level" },
	{ HEAD BUS DEVICE "unit = %\n" LOOP "clean_resistance = 0.01\n",
	    "[loop:l] nominal_flow: missing, but required with clean_resistance" },
	{ HEAD BUS DEVICE "unit = %\n" LOOP "liquid_share = 1.2\n",
	    "[loop:l] liquid_share: '1.2' is out of range" },
	{ HEAD BUS DEVICE "type = string\ninvalid = 0xffff\n",
	    ":13: [point:d.p] invalid: not for a string, coil or discrete input" },
	{ HEAD BUS "[device:d]\nbus = b\nunit = 1\n[point:d.p]\nregister = coil:0\ninvalid = 1\n",
	    ":12: [point:d.p] invalid: not for a string, coil or discrete input" },
	{ HEAD BUS DEVICE "invalid = 0xffff, 0x1ffff\n",
	    ":12: [point:d.p] invalid: value 2 of the list is none that type = u16 can have (allowed: whole "
	    "numbers of 16 bits" },
	{ HEAD BUS DEVICE "type = i32\ninvalid = -2147483649\n", ":13: [point:d.p] invalid: value 1" },
	{ HEAD BUS DEVICE "type = i16\ninvalid = 1.5\n", ":13: [point:d.p] invalid: value 1" },
	{ HEAD BUS DEVICE "type = u64\ninvalid = 18446744073709551615\n",
	    "(allowed: whole numbers of 64 bits, past 63 bits as 0x)" },
	{ HEAD BUS DEVICE "type = f32\ninvalid = 0x1ffffffff\n", ":13: [point:d.p] invalid: value 1" },
	{ HEAD BUS DEVICE "invalid = 1,, 2\n", ":12: [point:d.p] invalid: '' is not a raw value" },
	{ HEAD BUS DEVICE "enum = 0:off,, 1:on\n", ":12: [point:d.p] enum: '0:off,, 1:on' is not NUMBER" },
	{ HEAD BUS DEVICE "type = f16\nenum = 0:off\n",
	    ":13: [point:d.p] enum: not for a string or float (allowed: whole numbers and bool)" },
	{ HEAD BUS DEVICE "type = u48\nlength = 3\n",
	    ":13: [point:d.p] length: has no meaning for type = u48, which has 3 registers (allowed for "
	    "string, bcd, mod10k)" },
	{ HEAD BUS DEVICE "length = 1\n", ":12: [point:d.p] length: has no meaning for type = u16, which" },
	{ HEAD BUS DEVICE "type = bcd\n",
	    ":10: [point:d.p] length: missing, but required for type = bcd (allowed: 1..4 registers)" },
	{ HEAD BUS DEVICE "type = mod10k\nlength = 5\n",
	    ":13: [point:d.p] length: too many registers for type = mod10k (allowed: 1..4 registers)" },
	{ HEAD BUS DEVICE "type = u48\nbits = 40..48\n",
	    ":13: [point:d.p] bits: past the width of the type (allowed for u48: 0..47)" },
	{ HEAD "[bus:b]\ntype = rtu\nport = /dev/x\nconnect_delay = 1s\n",
	    ":7: [bus:b] connect_delay: has no meaning for type = rtu (allowed for tcp, rtutcp)" },
	{ HEAD "[bus:b]\ntype = rtu\nport = /dev/x\nconnect_timeout = 1s\n", ":7: [bus:b] connect_timeout:" },
	{ HEAD "[bus:b]\ntype = rtu\nport = /dev/x\nhost = x\n", ":7: [bus:b] host: has no meaning" },
	{ HEAD "[bus:b]\ntype = rtu\nport = /dev/x\ntcp_port = 502\n", ":7: [bus:b] tcp_port: has no" },
	{ HEAD "[bus:b]\ntype = rtutcp\nhost = x\ntransaction_id = check\n",
	    ":7: [bus:b] transaction_id: has no meaning for type = rtutcp (allowed for tcp)" },
	{ HEAD "[bus:b]\ntype = tcp\nhost = tcp://1.2.3.4\n",
	    ":6: [bus:b] host: 'tcp://1.2.3.4' is not a host (allowed: an address, IPv6 too without "
	    "brackets, or a name alone; a port "
	    "goes into tcp_port)" },
	{ HEAD "[bus:b]\ntype = tcp\nhost = 1.2.3.4:502\n", ":6: [bus:b] host: '1.2.3.4:502' is not" },
	{ HEAD "[bus:b]\ntype = tcp\nhost = [::1]:502\n", ":6: [bus:b] host: '[::1]:502' is not a host" },
	{ HEAD "[mqtt]\nbroker = mqtt://a,,mqtt://b\n", ":5: [mqtt] broker: '' is not a broker" },
	{ HEAD "[mqtt]\nbroker = mqtt://a,\n", ":5: [mqtt] broker: '' is not a broker" },
	{ HEAD "[mqtt]\nclient_id = a b\n", ":5: [mqtt] client_id: 'a b' is not a client id" },
	{ HEAD "[mqtt]\nclient_id = a\x01\n", ":5: [mqtt] client_id: " },
	{ HEAD "nonsense\n", ":4: neither a [section] nor a line of the form key = value" },
	{ "x = 1\n" HEAD, ":1: an entry before the first [section]" },
	{ HEAD "[mqtt\n", ":4: a section line is not of the form" },
	{ HEAD "[mqtt]\nusername = \xff\xfe\n", ":5: bytes that are not UTF-8" },
};

static void broken_ones_say_where_and_what(void **state)
{
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct findings f = load(broken[i].text, strlen(broken[i].text), NULL);
		if (!strstr(f.text, broken[i].finding))
			fail_msg("case %zu: expected '%s' in:\n%s", i, broken[i].finding, f.text);
	}
}

/* What is hardly meant so, and taken all the same. */
static const struct {
	const char *text, *note;
} noted[] = {
	{ HEAD BUS METERS "[pue:row]\nfacility = main\nit = main\n",
	    "[pue:row] it: 'main' is 'main' of facility too: it takes or divides itself" },
	{ HEAD BUS METERS "[pue:row]\nfacility = main.active_energy_import\nit = main.active_power\n",
	    "[pue:row] it: 'main.active_power' is 'main.active_energy_import' of facility too: it takes or "
	    "divides itself" },
	{ HEAD BUS METERS PUE "it_embedded_cooling = main\n",
	    "[pue:row] it_embedded_cooling: 'main' is 'main' of facility too: it takes or divides itself" },
	{ HEAD BUS METERS PUE "cooling = main\n",
	    "[pue:row] cooling: 'main' is 'main' of facility too: it takes or divides itself" },
	{ HEAD BUS METERS PUE "loss = main.active_power\n",
	    "[pue:row] loss: 'main.active_power' is 'main' of facility too: it takes or divides itself" },
	{ HEAD BUS METERS PUE "reuse_heat = main\n",
	    "[pue:row] reuse_heat: 'main' is 'main' of facility too: it takes or divides itself" },
	{ HEAD BUS LOOP_POINTS LOOP_OF("d.flow", "d.t", "d.t"),
	    "[loop:l] return: a sensor of supply too, so that no heat is seen" },
	{ HEAD BUS LOOP_POINTS
	    "[point:d.t2]\nregister = holding:1\nunit = Cel\n" LOOP_OF("d.flow", "d.t", "d.t2"),
	    "[loop:l] return: a sensor of supply too" },
	{ HEAD BUS LOOP_POINTS LOOP_OF("d.flow", "median: d.t, d.r", "d.r"),
	    "[loop:l] return: a sensor of supply too" },
	{ HEAD BUS LOOP_POINTS LOOP_OF("d.flow", "d.t", "d.r") "makeup_flow = d.flow\n",
	    "[loop:l] makeup_flow: a meter of flow too, not one of what is topped up" },
	{ HEAD BUS LOOP_POINTS "[point:d.kw]\nregister = holding:9\nunit = kW\n" LOOP_OF(
	      "d.flow", "d.t", "d.r") "it_power = d.kw\npump_power = d.kw\n",
	    "[loop:l] pump_power: the meter of it_power too, not one of the pump" },
};

static void what_is_hardly_meant_is_noted(void **state)
{
	for (size_t i = 0; i < COUNT(noted); i++) {
		struct findings f = load(noted[i].text, strlen(noted[i].text), NULL);
		if (f.count > 0 || !strstr(f.notes, noted[i].note))
			fail_msg("case %zu: expected '%s' in:\n%s%s", i, noted[i].note, f.notes, f.text);
	}
}

static void all_errors_are_listed(void **state)
{
	const char *text = HEAD "[mqtt]\nqos = 9\nkeep_alive = x\nlayout = x\n[bus:b]\ntype = tcp\n";
	struct findings f = load(text, strlen(text), NULL);
	assert_int_equal(f.count, 4);
}

/* One mistake, one finding: nothing is said of what only follows from it. */
static void one_mistake_is_one_error(void **state)
{
	static const char *const texts[] = {
		"[daemon]\nsite =\nrack = r07\n",
		HEAD "[bus:b]\ntype =\nhost = x\n",
		HEAD "[bus:b]\ntype = modbus\nhost = x\n[device:d]\nbus = b\nunit = 0\n[point:d.p]\n"
		     "register = coil:0\n",
		HEAD "[bus:b]\ntype = none\n[bus:c]\ntype = none\n[bus:d]\ntype = rtu\nport = /dev/x\n",
		HEAD BUS DEVICE "unit = Cel\n[loop:l]\ncoolant =\nflow = d.p\nsupply = d.p\nreturn = d.p\n",
		HEAD BUS DEVICE "type = bcd\ninvalid = 0xffff\n",
	};
	static const size_t counts[] = { 1, 1, 1, 2, 2, 1 }; /* d.p is no flow in the loop */
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct findings f = load(texts[i], strlen(texts[i]), NULL);
		if (f.count != counts[i])
			fail_msg("case %zu: %zu findings:\n%s", i, f.count, f.text);
	}
}

/* A key with nothing behind it is not told. */
static void an_empty_key_has_its_default(void **state)
{
	struct config *c = load_good(HEAD
	    "control_interval =\n[mqtt]\nqos =\nkeep_alive =\nprotocol =\n[spool]\nmax_size =\nmax_age =\n"
	    "[bus:b]\ntype = tcp\nhost = ::1\nbaud =\ntcp_port =\nresponse_timeout =\nretries =\n"
	    "[device:d]\nbus = b\nunit = 1\npoll_interval =\nenabled =\naccuracy_class =\n"
	    "[point:d.p]\nregister = holding:0\nunit = L/min\nscale =\noffset =\nmin =\nmax =\n"
	    "deadband =\ntolerance =\nstuck_after =\ncounter =\nlength =\ninvalid =\n"
	    "[point:d.t]\nregister = holding:1\nunit = Cel\n[point:d.r]\nregister = holding:2\nunit = Cel\n"
	    "[loop:l]\ncoolant = water\nflow = d.p\nsupply = d.t\nreturn = d.r\nsupply_high =\n"
	    "delta_t_resolution =\nbalance_tolerance =\nreservoir_low =\nflow_low =\nnominal_flow =\n"
	    "[alarm:a]\npoint = d.p\nwhen = above\nlimit = 1\nhysteresis =\ndelay_on =\nlow =\n");
	const struct point *p = &c->devices[0].points[0];
	assert_int_equal(c->daemon->control_interval, 1000000000);
	assert_int_equal(c->mqtt->connection.qos, 1);
	assert_int_equal(c->mqtt->connection.keep_alive, INT64_C(15000000000));
	assert_int_equal(c->spool->max_size, 256 << 20);
	assert_int_equal(c->buses[0].tcp_port, 502);
	assert_int_equal(c->buses[0].response_timeout, 500000000);
	assert_int_equal(c->buses[0].retries, 1);
	assert_int_equal(c->devices[0].poll_interval, 1000000000);
	assert_true(c->devices[0].enabled && isnan(c->devices[0].accuracy_class));
	assert_true(p->scale == 1 && p->offset == 0 && isnan(p->min) && p->deadband.size == 0);
	assert_true(isnan(p->tolerance.size));
	assert_true(c->loops[0].supply_high == 45 && isnan(c->loops[0].flow_low));
	assert_true(
	    c->loops[0].model.delta_t_resolution == 0.2 && c->loops[0].model.balance_tolerance == 0.15);
	assert_true(c->alarms[0].hysteresis == 0 && isnan(c->alarms[0].low));
	config_unref(c);

	const char *unset = HEAD BUS DEVICE "[alarm:a]\npoint = d.p\nwhen = above\nlimit =\n";
	struct findings f = load(unset, strlen(unset), NULL);
	assert_non_null(strstr(f.text, "[alarm:a] limit: missing, but required for above and below"));
}

static void an_alarm_without_a_message_says_what_raises_it(void **state)
{
	struct config *c =
	    load_good(HEAD BUS DEVICE "[alarm:a]\npoint = d.p\nwhen = above\nlimit = 20.5\nmessage "
				      "=\n[alarm:b]\npoint = d.p\nwhen = stale\n"
				      "[alarm:c]\npoint = d.p\nwhen = outside\nlow = 1\nhigh = 2\n");
	assert_string_equal(c->alarms[0].message, "raised when d.p is above 20.5");
	assert_string_equal(c->alarms[1].message, "raised when d.p is stale");
	assert_string_equal(c->alarms[2].message, "raised when d.p is outside 1..2");
	config_unref(c);
}

static void sentinels_as_wide_as_the_type_are_taken(void **state)
{
	config_unref(load_good(HEAD BUS DEVICE "invalid = 0xffff, 65535, -32768\n"));
	config_unref(
	    load_good(HEAD BUS DEVICE "type = i64\ninvalid = 0xffffffffffffffff, -9223372036854775808\n"));
	config_unref(load_good(HEAD BUS DEVICE "type = f32\ninvalid = 0x7fc00000, -9999.9, 1e20\n"));
	config_unref(load_good(HEAD BUS DEVICE "bit = 3\ninvalid = 0xffff\n"));
}

static void defaults_are_those_of_the_contract(void **state)
{
	struct config *c = load_good(HEAD BUS DEVICE);
	assert_string_equal(c->mqtt->connection.brokers.items[0], "mqtt://localhost:1883");
	assert_string_equal(c->mqtt->connection.client_id, "coolantd-dc1-r07");
	assert_int_equal(c->mqtt->connection.protocol, MQTT_5);
	assert_string_equal(c->mqtt->topic_prefix, "coolant");
	assert_int_equal(c->mqtt->connection.qos, 1);
	assert_int_equal(c->mqtt->connection.keep_alive, INT64_C(15000000000));
	assert_int_equal(c->mqtt->full_interval, INT64_C(60000000000));
	assert_int_equal(c->mqtt->layout, LAYOUT_DEVICE);
	assert_int_equal(c->mqtt->publish, MQTT_PUBLISH_CHANGE);
	assert_int_equal(c->daemon->control_interval, 1000000000);
	assert_int_equal(c->buses[0].tcp_port, 502);
	assert_int_equal(c->buses[0].baud, 19200);
	assert_int_equal(c->buses[0].parity, PARITY_EVEN);
	assert_int_equal(c->buses[0].response_timeout, 500000000);
	assert_int_equal(c->buses[0].retries, 1);
	assert_int_equal(c->devices[0].poll_interval, 1000000000);
	assert_true(c->devices[0].enabled);
	assert_int_equal(c->devices[0].points[0].type, POINT_U16);
	config_unref(c);
}

static void names_of_sparkplug_are_levels_of_a_topic(void **state)
{
	static const char *const keys[] = { "group", "node", "primary_host" };
	static const char *const wrong[] = { "a/b", "+", "a#" };
	for (size_t k = 0; k < COUNT(keys); k++)
		for (size_t i = 0; i < COUNT(wrong); i++) {
			char text[256];
			struct config *c;
			snprintf(text, sizeof(text), HEAD "[sparkplug]\n%s%s = %s\n",
			    k > 0 ? "group = g\n" : "", keys[k], wrong[i]);
			struct findings f = load(text, strlen(text), &c);
			assert_null(c);
			assert_non_null(strstr(f.text, "is not an id of Sparkplug"));
		}
	config_unref(load_good(HEAD "[sparkplug]\ngroup = Werk 1\nnode = Kälte\n"));
}

static void another_connection_is_as_the_main_one_but_for_what_it_says(void **state)
{
	struct config *c = load_good(HEAD "[mqtt]\nbroker = mqtt://a\nprotocol = 3.1.1\nkeep_alive = 5s\n"
					  "username = u\npassword_file = p\n[sparkplug]\ngroup = g\n"
					  "broker = mqtt://b, mqtt://c\nkeep_alive =\n");
	const struct connection_config *s = &c->sparkplug->connection;
	assert_int_equal(s->brokers.count, 2);
	assert_string_equal(s->brokers.items[0], "mqtt://b:1883");
	assert_string_equal(s->client_id, "coolantd-dc1-r07-sparkplug");
	assert_int_equal(s->protocol, MQTT_3_1_1);
	assert_int_equal(s->keep_alive, INT64_C(5000000000));
	assert_string_equal(s->username, "u");
	assert_string_equal(s->password_file, "p");
	assert_string_equal(c->sparkplug->node, "dc1-r07");
	config_unref(c);
	c = load_good(HEAD);
	assert_null(c->sparkplug);
	config_unref(c);
}

static void text_forms_that_are_taken(void **state)
{
	struct config *c =
	    load_good("\xef\xbb\xbf# a comment\r\n; another\r\n[daemon]\r\n  site = dc1 ; why\r\n"
		      "\track = r7 # and this\r\n[mqtt]\r\ntopic_prefix=a/b\r\n");
	assert_string_equal(c->daemon->site, "dc1");
	assert_string_equal(c->mqtt->topic_prefix, "a/b");
	config_unref(c);
}

static void a_hash_inside_a_word_is_no_comment(void **state)
{
	struct config *c = load_good(HEAD "[mqtt]\nusername = a#b;c\n");
	assert_string_equal(c->mqtt->connection.username, "a#b;c");
	config_unref(c);
}

static void long_lines(void **state)
{
	char text[8192];
	/* longer than the library's own buffer of 200 bytes, and taken */
	int n = snprintf(text, sizeof(text), HEAD "[alarm:a]\nmessage = ");
	memset(text + n, 'x', 3000);
	snprintf(
	    text + n + 3000, sizeof(text) - (size_t)n - 3000, "\npoint = d.p\nwhen = stale\n" BUS DEVICE);
	struct config *c = load_good(text);
	assert_int_equal(strlen(c->alarms[0].message), 3000);
	config_unref(c);

	/* past the limit, and refused with its line */
	memset(text + n, 'x', 5000);
	text[n + 5000] = '\n';
	struct findings f = load(text, (size_t)n + 5001, NULL);
	assert_non_null(strstr(f.text, "coolantd.ini:5: a line of 5010 bytes (at most 4096)"));
}

static void many_names_are_found_too(void **state)
{
	static char text[65536];
	int n = snprintf(text, sizeof(text), HEAD BUS "[device:d]\nbus = b\nunit = 1\n");
	for (int i = 0; i < 500; i++)
		n += snprintf(
		    text + n, sizeof(text) - (size_t)n, "[point:d.p%d]\nregister = holding:%d\n", i, i);
	snprintf(text + n, sizeof(text) - (size_t)n,
	    "[alarm:a]\npoint = d.p499\nwhen = stale\n[alarm:b]\npoint = d.p0\nwhen = stale\n"
	    "suppressed_by = a\n");
	struct config *c = load_good(text);
	assert_int_equal(c->devices[0].point_count, 500);
	assert_int_equal(c->alarms[0].points.refs[0].point, 499);
	assert_int_equal(reference_find(c, "d.p250").point, 250);
	assert_false(point_ref_is_set(reference_find(c, "d.p500")));
	assert_int_equal(alarm_find(c, "b"), 1);
	config_unref(c);

	/* keys, of which one is there twice */
	n = snprintf(text, sizeof(text), HEAD "[mqtt]\n");
	for (int i = 0; i < 100; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "unknown%d = 1\n", i);
	snprintf(text + n, sizeof(text) - (size_t)n, "qos = 1\nunknown3 = 2\n");
	struct findings f = load(text, strlen(text), NULL);
	assert_int_equal(f.count, 101);
	assert_non_null(strstr(f.text, ":5: [mqtt] unknown0: unknown key"));
}

static void nul_bytes_are_refused(void **state)
{
	static const char text[] = HEAD "[mqtt]\nusername = a\0b\n";
	struct findings f = load(text, sizeof(text) - 1, NULL);
	assert_non_null(strstr(f.text, "coolantd.ini:5: a NUL byte"));
}

static void drop_ins_add_and_override_in_order_of_name(void **state)
{
	char path[256];
	snprintf(path, sizeof(path), "%s/coolantd.d", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	static const char first[] = "[daemon]\nrack = a\n[mqtt]\nqos = 0\n",
			  second[] = "[daemon]\nrack = b\n";
	write_file("coolantd.d/20-second.ini", second, sizeof(second) - 1);
	write_file("coolantd.d/10-first.ini", first, sizeof(first) - 1);
	write_file("coolantd.d/30-ignored.txt", "[x]\n", 4);
	struct config *c = load_good(HEAD);
	assert_string_equal(c->daemon->rack, "b");
	assert_int_equal(c->mqtt->connection.qos, 0);
	assert_string_equal(c->daemon->site, "dc1");
	config_unref(c);

	/* an error is told with the file that it is in */
	static const char bad[] = "[mqtt]\n\nqos = 7\n";
	write_file("coolantd.d/20-second.ini", bad, sizeof(bad) - 1);
	struct findings f = load(HEAD, strlen(HEAD), NULL);
	assert_non_null(strstr(f.text, "coolantd.d/20-second.ini:3: [mqtt] qos:"));
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "10-first.ini", "20-second.ini", "30-ignored.txt" };
		snprintf(path, sizeof(path), "%s/coolantd.d/%s", folder, names[i]);
		assert_int_equal(unlink(path), 0);
	}
	snprintf(path, sizeof(path), "%s/coolantd.d", folder);
	assert_int_equal(rmdir(path), 0);
}

static void a_missing_file_is_one_error(void **state)
{
	struct findings f = { .count = 0 };
	struct diag *d = diag_new();
	assert_null(config_load("/no/such/file.ini", d));
	diag_each(d, collect, &f);
	diag_free(d);
	assert_int_equal(f.count, 1);
	assert_string_equal(f.text, "/no/such/file.ini: cannot be read: No such file or directory\n");
}

static void points_of_a_profile_are_changed_and_added_per_device(void **state)
{
	static const char profile[] = "[profile]\ndefault_unit = 9\nword_order = little\nholes = "
				      "input:0x10..20, coil:3\n[point:a]\nregister = input:4\n"
				      "type = u32\nscale = 0.1\n";
	write_file("mine.ini", profile, sizeof(profile) - 1);
	struct config *c =
	    load_good(HEAD BUS "[device:d]\nbus = b\nprofile = mine\n[point:d.a]\nscale = 0.5\n[point:d.n]\n"
			       "register = coil:3\n[device:e]\nbus = b\nunit = 2\nprofile = mine\n");
	const struct profile_holes *holes = &c->devices[0].profile->holes;
	assert_int_equal(holes->count, 2);
	assert_int_equal(holes->items[0].table, POINT_INPUT);
	assert_int_equal(holes->items[0].first, 16);
	assert_int_equal(holes->items[0].last, 20);
	assert_int_equal(holes->items[1].first, 3);
	assert_int_equal(holes->items[1].last, 3);
	assert_int_equal(c->devices[0].unit, 9);
	assert_int_equal(c->devices[0].point_count, 2);
	assert_true(c->devices[0].points[0].scale == 0.5);
	assert_int_equal(c->devices[0].points[0].type, POINT_U32);
	assert_int_equal(c->devices[0].points[0].word_order, POINT_LITTLE);
	assert_int_equal(c->devices[0].points[1].type, POINT_BOOL);
	assert_int_equal(c->devices[1].point_count, 1);
	assert_true(c->devices[1].points[0].scale == 0.1);
	assert_true(c->devices[0].fingerprint != c->devices[1].fingerprint);
	config_unref(c);
}

static const struct alarm_config *find_alarm(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->alarm_count; i++)
		if (strcmp(c->alarms[i].name, name) == 0)
			return &c->alarms[i];
	return NULL;
}

/* DOMAIN: leak 0 s on, 5 s off, latch, critical; flow low 5 s; supply temperature high 30 s, 1 K; filter at 2
 * and 3 times its clean resistance; communication lost 3 missed polls. */
static void loops_and_leak_points_have_default_alarms(void **state)
{
	struct config *c = load_good(HEAD BUS LOOP_POINTS WHOLE_LOOP);
	const struct alarm_config *leak = find_alarm(c, "d-leak"), *flow = find_alarm(c, "l-flow_low"),
				  *supply = find_alarm(c, "l-supply_high");
	assert_non_null(leak);
	assert_true(leak->latch && leak->delay_on == 0 && leak->delay_off == 5000000000);
	assert_int_equal(leak->severity, SEVERITY_CRITICAL);
	assert_int_equal(find_alarm(c, "l-pump_stopped")->severity, SEVERITY_CRITICAL);
	assert_non_null(flow);
	assert_true(flow->limit == 50 && flow->delay_on == 5000000000);
	assert_int_equal(flow->suppressor_names.count, 1);
	assert_string_equal(c->alarms[flow->suppressors[0]].name, "l-pump_stopped");
	assert_true(flow->rank > c->alarms[flow->suppressors[0]].rank);
	assert_non_null(supply);
	assert_true(supply->limit == 45 && supply->delay_on == 30000000000 && supply->hysteresis == 1);
	assert_true(find_alarm(c, "l-filter_dirty")->limit == 2);
	assert_true(find_alarm(c, "l-filter_blocked")->limit == 3);
	assert_null(find_alarm(c, "l-condensation")); /* no air sensors */
	config_unref(c);
	c = load_good(
	    HEAD BUS LOOP_POINTS "[point:d.rh]\nregister = holding:4\nunit = %\n" WHOLE_LOOP
				 "air_temperature = d.t\nair_humidity = d.rh\npressure_high = 200\n");
	const struct alarm_config *pressure = find_alarm(c, "l-pressure_high");
	assert_non_null(pressure);
	assert_true(pressure->limit == 200 && pressure->delay_on == 10000000000);
	assert_true(find_alarm(c, "l-condensation_near")->limit == 3);
	assert_true(find_alarm(c, "l-condensation")->limit == 2);
	assert_int_equal(find_alarm(c, "l-condensation")->severity, SEVERITY_CRITICAL);
	config_unref(c);
}

static void sensors_that_are_lost_have_default_alarms(void **state)
{
	struct config *c = load_good(HEAD BUS LOOP_POINTS WHOLE_LOOP
	    "[device:m]\nbus = b\nunit = 2\npoll_interval = 2s\n[point:m.active_power]\nregister = "
	    "holding:0\n"
	    "unit = kW\n[point:m.active_energy_import]\nregister = holding:1\nunit = kWh\npoll = slow\n"
	    "[point:m.it]\nregister = holding:3\nunit = kW\n[pue:row]\nfacility = m\nit = "
	    "m.it\n[pue:quiet]\nfacility = m\nit = m.it\nalarms = no\n");
	static const struct {
		const char *name, *point;
		size_t points;
		int64_t seconds; /* between two readings */
	} lost[] = { { "l-flow-lost", "d.flow", 1, 1 }, { "l-supply-lost", "d.t", 1, 1 },
		{ "l-pressure_drop-lost", "d.dp", 1, 1 }, { "l-pump_speed-lost", "d.speed", 1, 1 },
		{ "d-leak-lost", "d.leak", 1, 1 }, { "row-m-lost", "m", 2, 20 },
		{ "row-m-it-lost", "m.it", 1, 2 } };
	for (size_t i = 0; i < COUNT(lost); i++) {
		const struct alarm_config *a = find_alarm(c, lost[i].name);
		assert_non_null(a);
		assert_int_equal(a->when, WHEN_LOST);
		assert_int_equal(a->severity, SEVERITY_WARNING);
		assert_string_equal(a->point_name, lost[i].point);
		assert_int_equal(a->points.count, lost[i].points);
		assert_true(a->interval == lost[i].seconds * 1000000000);
	}
	assert_null(find_alarm(c, "l-filter_pressure_drop-lost"));
	assert_null(find_alarm(c, "quiet-m-lost"));
	config_unref(c);
}

/* A device whose silence would be a flood has one alarm for it, which the others are suppressed by. */
static void a_silent_device_is_one_alarm(void **state)
{
	static char text[4096];
	size_t n = (size_t)snprintf(text, sizeof(text),
	    HEAD BUS "[device:m]\nbus = b\nunit = 2\n[point:m.leak]\nregister = coil:0\n"
		     "[point:m.slow]\nregister = holding:90\npoll = slow\n[device:d]\nbus = b\nunit = "
		     "3\npoll_interval = 200ms\n");
	for (int i = 0; i < 11; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
		    "[point:d.leak_%d]\nregister = coil:%d\n[point:%s.leak_%d]\nregister = coil:%d\n", i, i,
		    i < 9 ? "m" : "d", i + 20, i + 20);
	struct config *c = load_good(text);
	const struct alarm_config *silent = find_alarm(c, "d-silent"), *lost = find_alarm(c, "d-leak_3-lost");
	assert_non_null(silent);
	assert_int_equal(silent->when, WHEN_STALE);
	assert_int_equal(silent->severity, SEVERITY_WARNING);
	assert_int_equal(silent->points.count, 13);
	assert_int_equal(silent->points.needed, 13);
	assert_int_equal(lost->suppressor_names.count, 1);
	assert_true(lost->interval == 200000000); /* not that of the control loop */
	assert_ptr_equal(&c->alarms[lost->suppressors[0]], silent);
	assert_true(lost->rank > silent->rank);
	assert_int_equal(find_alarm(c, "d-leak_3")->suppressor_names.count, 0);
	/* ten are none yet */
	assert_null(find_alarm(c, "m-silent"));
	assert_int_equal(find_alarm(c, "m-leak_20-lost")->suppressor_names.count, 0);
	config_unref(c);
}

/* What an export means, with a meter that counts both ways; heat of a loop; windows of all lengths. */
static void meters_of_a_pue_are_found(void **state)
{
	struct config *c = load_good(HEAD BUS METERS
	    "[device:cdu]\nbus = b\nunit = 3\n[point:cdu.flow]\nregister = holding:0\nunit = L/min\n"
	    "[point:cdu.s]\nregister = holding:1\nunit = Cel\n[point:cdu.r]\nregister = holding:2\nunit = "
	    "Cel\n"
	    "[loop:s]\ncoolant = water\nflow = cdu.flow\nsupply = cdu.s\nreturn = cdu.r\n"
	    "[pue:row]\nfacility = main\nit = pdu\nexport = main\nreuse_heat = loop.s.heat\n"
	    "windows = 1m, 7m, 599m, 25h, 7d, 30d, 365d\n"
	    "[pue:other]\nfacility = main\nit = pdu\nexport = main.active_energy_export\n");
	const struct device_config *main_meter = device_find(c, "main", 4);
	const struct pue_meter *m = c->pues[0].meters;
	assert_int_equal(m[0].part, PUE_POWER_IN);
	assert_int_equal(m[0].energy.point, device_find_point(main_meter, "active_energy_import"));
	for (size_t i = 0; i < 2; i++) {
		m = &c->pues[i].meters[2];
		assert_int_equal(m->role, PUE_EXPORT);
		assert_int_equal(m->part, PUE_POWER_OUT);
		assert_int_equal(m->power.point, device_find_point(main_meter, "active_power"));
		assert_int_equal(m->energy.point, device_find_point(main_meter, "active_energy_export"));
	}
	assert_int_equal(c->pues[0].meters[3].loop, 0);
	for (size_t i = 0; i < c->pues[0].window_count; i++) {
		int64_t seconds = c->pues[0].windows[i], bucket = pue_window_bucket(seconds);
		assert_int_equal(seconds % bucket, 0);
		assert_in_range(seconds / bucket, 48, CONFIG_PUE_BUCKETS_MAX);
	}
	config_unref(c);
}

static void own_alarms_replace_default_ones(void **state)
{
	struct config *c = load_good(HEAD BUS LOOP_POINTS WHOLE_LOOP
	    "[alarm:wet]\npoint = d.leak\nseverity = critical\n"
	    "[alarm:little]\npoint = d.flow\nwhen = below\nlimit = 1\nseverity = critical\n"
	    "[alarm:l-supply_high]\npoint = d.t\nwhen = above\nlimit = 60\n"
	    "[alarm:filter]\npoint = loop.l.filter_resistance_ratio\nwhen = above\nlimit = 5\n");
	assert_null(find_alarm(c, "d-leak"));
	assert_null(find_alarm(c, "l-flow_low"));
	assert_null(find_alarm(c, "l-filter_dirty"));
	assert_true(find_alarm(c, "l-supply_high")->limit == 60);
	assert_non_null(find_alarm(c, "l-pump_stopped"));
	config_unref(c);
	/* the name of one, for the same thing */
	c = load_good(HEAD BUS LOOP_POINTS WHOLE_LOOP
	    "[alarm:l-flow_low]\npoint = d.flow\nwhen = outside\nlow = 20\nhigh = 90\nhysteresis = 30\n"
	    "[alarm:d-leak]\npoint = d.leak\nwhen = false\n[alarm:l-supply-lost]\npoint = d.t\nwhen = "
	    "stale\n");
	assert_int_equal(find_alarm(c, "l-flow_low")->when, WHEN_OUTSIDE);
	assert_int_equal(find_alarm(c, "d-leak")->when, WHEN_FALSE);
	config_unref(c);
	/* a pre-alarm lives beside the critical one */
	c = load_good(HEAD BUS LOOP_POINTS WHOLE_LOOP
	    "[alarm:soon]\npoint = d.flow\nwhen = below\nlimit = 70\nseverity = info\n"
	    "[alarm:damp]\npoint = d.leak\n");
	assert_int_equal(find_alarm(c, "l-flow_low")->severity, SEVERITY_CRITICAL);
	assert_int_equal(find_alarm(c, "d-leak")->severity, SEVERITY_CRITICAL);
	config_unref(c);
	/* neither a band nor silence alone says that a sensor is broken; a band is both limits */
	c = load_good(HEAD BUS LOOP_POINTS WHOLE_LOOP
	    "[alarm:band]\npoint = d.t\nwhen = outside\nlow = 20\nhigh = 50\n"
	    "[alarm:mute]\npoint = d.flow\nwhen = stale\n"
	    "[alarm:gone]\npoint = d.speed\nwhen = lost\n"
	    "[alarm:ends]\npoint = d.flow\nwhen = outside\nlow = 20\nhigh = 50\nseverity = critical\n");
	assert_non_null(find_alarm(c, "l-supply-lost"));
	assert_non_null(find_alarm(c, "l-flow-lost"));
	assert_null(find_alarm(c, "l-pump_speed-lost"));
	assert_null(find_alarm(c, "l-flow_low"));
	config_unref(c);
}

/* What a mistake elsewhere leaves out must not look like another mistake. */
static void default_alarms_are_known_beside_mistakes(void **state)
{
	static const char text[] = HEAD BUS LOOP_POINTS WHOLE_LOOP
	    "[alarm:a]\npoint = d.flow\nwhen = stale\nsuppressed_by = l-pump_stopped\n[mqtt]\nqos = 7\n";
	struct findings f = load(text, sizeof(text) - 1, NULL);
	assert_int_equal(f.count, 1);
	assert_non_null(strstr(f.text, "[mqtt] qos: '7' is out of range"));
}

static void default_alarms_can_be_turned_off(void **state)
{
	struct config *c = load_good(HEAD BUS LOOP_POINTS WHOLE_LOOP "alarms = no\n");
	assert_int_equal(c->alarm_count, 2);
	assert_string_equal(c->alarms[0].name, "d-leak");
	assert_string_equal(c->alarms[1].name, "d-leak-lost");
	config_unref(c);
	c = load_good(
	    HEAD BUS "[device:d]\nbus = b\nunit = 1\nalarms = no\n[point:d.leak]\nregister = coil:0\n");
	assert_int_equal(c->alarm_count, 0);
	config_unref(c);
}

#define QUIET_LOOP(name)                                                                                     \
	"[loop:" name "]\ncoolant = water\nalarms = no\nflow = d.flow\nsupply = d.t\nreturn = d.r\n"
#define THREE_LOOPS                                                                                          \
	"[device:d]\nbus = b\nunit = 1\n[point:d.flow]\nregister = holding:0\nunit = L/min\n"                \
	"[point:d.t]\nregister = holding:1\nunit = Cel\n[point:d.r]\nregister = holding:2\nunit = "          \
	"Cel\n" QUIET_LOOP("x") QUIET_LOOP("y") QUIET_LOOP("z") "[group:g]\nloops = x, y, z\n"

static void a_group_is_judged_by_how_many_work(void **state)
{
	struct config *c = load_good(HEAD BUS THREE_LOOPS "needed = 2\n");
	const struct alarm_config *lost = find_alarm(c, "g-redundancy_lost"),
				  *spare = find_alarm(c, "g-no_spare");
	assert_int_equal(c->alarm_count, 2);
	assert_true(lost->limit == 2 && lost->when == WHEN_BELOW && lost->severity == SEVERITY_CRITICAL);
	assert_true(spare->limit == 3 && spare->when == WHEN_BELOW && spare->severity == SEVERITY_WARNING);
	assert_string_equal(spare->suppressor_names.items[0], "g-redundancy_lost");
	assert_string_equal(lost->point_name, "group.g.fit");
	config_unref(c);

	/* it never has one to spare; it is to be quiet; its own alarm stands in */
	c = load_good(HEAD BUS THREE_LOOPS "needed = 3\n");
	assert_int_equal(c->alarm_count, 1);
	assert_true(find_alarm(c, "g-redundancy_lost")->limit == 3);
	config_unref(c);
	c = load_good(HEAD BUS THREE_LOOPS "needed = 2\nalarms = no\n");
	assert_int_equal(c->alarm_count, 0);
	config_unref(c);
	c = load_good(HEAD BUS THREE_LOOPS
	    "needed = 2\n[alarm:own]\npoint = group.g.fit\nwhen = below\nlimit = 1\nseverity = critical\n");
	assert_null(find_alarm(c, "g-redundancy_lost"));
	assert_non_null(find_alarm(c, "g-no_spare"));
	config_unref(c);
}

static void fingerprints_tell_what_a_reload_changes(void **state)
{
	struct config *a = load_good(HEAD BUS DEVICE), *b = load_good("# comment\n" HEAD DEVICE BUS);
	struct config *c = load_good(HEAD BUS "retries = 2\n" DEVICE);
	assert_true(a->devices[0].fingerprint == b->devices[0].fingerprint);
	assert_true(a->buses[0].fingerprint == b->buses[0].fingerprint);
	assert_true(a->buses[0].fingerprint != c->buses[0].fingerprint);
	assert_true(a->devices[0].fingerprint == c->devices[0].fingerprint);
	config_unref(a);
	config_unref(b);
	config_unref(c);
}

static int make_folder(void **state)
{
	if (!mkdtemp(folder))
		return -1;
	return setenv("COOLANTD_PROFILE_PATH", folder, 1);
}

static int remove_folder(void **state)
{
	char path[256];
	static const char *const names[] = { "coolantd.ini", "mine.ini" };
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_ones_say_where_and_what),
		cmocka_unit_test(what_is_hardly_meant_is_noted),
		cmocka_unit_test(all_errors_are_listed),
		cmocka_unit_test(one_mistake_is_one_error),
		cmocka_unit_test(an_empty_key_has_its_default),
		cmocka_unit_test(an_alarm_without_a_message_says_what_raises_it),
		cmocka_unit_test(sentinels_as_wide_as_the_type_are_taken),
		cmocka_unit_test(defaults_are_those_of_the_contract),
		cmocka_unit_test(names_of_sparkplug_are_levels_of_a_topic),
		cmocka_unit_test(another_connection_is_as_the_main_one_but_for_what_it_says),
		cmocka_unit_test(text_forms_that_are_taken),
		cmocka_unit_test(a_hash_inside_a_word_is_no_comment),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(many_names_are_found_too),
		cmocka_unit_test(nul_bytes_are_refused),
		cmocka_unit_test(drop_ins_add_and_override_in_order_of_name),
		cmocka_unit_test(a_missing_file_is_one_error),
		cmocka_unit_test(points_of_a_profile_are_changed_and_added_per_device),
		cmocka_unit_test(loops_and_leak_points_have_default_alarms),
		cmocka_unit_test(sensors_that_are_lost_have_default_alarms),
		cmocka_unit_test(a_silent_device_is_one_alarm),
		cmocka_unit_test(own_alarms_replace_default_ones),
		cmocka_unit_test(meters_of_a_pue_are_found),
		cmocka_unit_test(default_alarms_are_known_beside_mistakes),
		cmocka_unit_test(default_alarms_can_be_turned_off),
		cmocka_unit_test(a_group_is_judged_by_how_many_work),
		cmocka_unit_test(fingerprints_tell_what_a_reload_changes),
	};
	return cmocka_run_group_tests_name("config", tests, make_folder, remove_folder);
}
