#include "daemon/publish/output_connection.h"

const char *output_connection_word(enum output_connection which)
{
	static const char *const words[] = {
		[OUTPUT_MAIN] = "mqtt", [OUTPUT_SPARKPLUG] = "sparkplug", [OUTPUT_DSX] = "dsx"
	};
	return words[which];
}

const struct connection_config *output_connection_of(const struct config *c, enum output_connection which)
{
	const struct connection_config *const connections[] = { [OUTPUT_MAIN] = &c->mqtt->connection,
		[OUTPUT_SPARKPLUG] = c->sparkplug ? &c->sparkplug->connection : NULL,
		[OUTPUT_DSX] = c->dsx ? &c->dsx->connection : NULL };
	return connections[which];
}
