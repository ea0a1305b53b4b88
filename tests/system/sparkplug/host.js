// A Sparkplug host application: node host.js PORT GROUP [HOST_ID]
// Each message of the group is a line of JSON on the output, decoded by sparkplug-payload; each line of the input
// is a command: {"rebirth": NODE}, {"online": true | false, "timestamp": MS} or {"raw": TOPIC, "text": …}.
"use strict";
const mqtt = require("mqtt");
const sparkplug = require("sparkplug-payload").get("spBv1.0");
const [port, group, host] = process.argv.slice(2);
const state = `spBv1.0/STATE/${host}`;
const since = Date.now();

function stateOf(online, timestamp) {
	return JSON.stringify({ online, timestamp });
}

// Numbers of 64 bits are no numbers of JavaScript: they are decimal text.
function plain(key, value) {
	return value !== null && typeof value === "object" && "low" in value && "high" in value && "unsigned" in value
		? longText(value) : value;
}

function longText(l) {
	const n = (BigInt(l.high >>> 0) << 32n) | BigInt(l.low >>> 0);
	return (l.unsigned ? n : BigInt.asIntN(64, n)).toString();
}

function say(what) {
	process.stdout.write(JSON.stringify(what, plain) + "\n");
}

const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
	protocolVersion: 4, clean: true,
	...(host && { will: { topic: state, payload: stateOf(false, since), qos: 1, retain: true } }),
});
client.on("connect", () => client.subscribe([`spBv1.0/${group}/#`, ...(host ? [state] : [])], { qos: 1 }, () => {
	if (host)
		client.publish(state, stateOf(true, since), { qos: 1, retain: true });
	say({ ready: true });
}));
client.on("message", (topic, payload, packet) => {
	if (topic.startsWith("spBv1.0/STATE/") || topic.includes("/NCMD/"))
		return;
	say({ topic, qos: packet.qos, retain: packet.retain, payload: sparkplug.decodePayload(payload), bytes: payload.toString("hex") });
});

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
	const command = JSON.parse(line);
	if (command.rebirth)
		client.publish(`spBv1.0/${group}/NCMD/${command.rebirth}`, Buffer.from(sparkplug.encodePayload({
			timestamp: Date.now(),
			metrics: [{ name: "Node Control/Rebirth", type: "Boolean", value: true, timestamp: Date.now() }],
		})), { qos: 0 });
	else if (command.raw)
		client.publish(command.raw, command.text, { qos: 1, retain: command.retain });
	else
		client.publish(state, stateOf(command.online, command.timestamp ?? since), { qos: 1, retain: true });
}).on("close", () => process.exit(0));
