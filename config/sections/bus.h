/* bus: [bus:NAME], a Modbus line or endpoint (pure). */
#pragma once

#include "config/sections/section.h"

#define CONFIG_BUSES_MAX 1000

enum bus_type { BUS_RTU, BUS_TCP, BUS_RTUTCP /* RTU framing over a TCP serial server */ };
enum bus_parity { PARITY_NONE = 'N', PARITY_EVEN = 'E', PARITY_ODD = 'O' };

struct bus_config {
	const char *name;
	enum bus_type type;
	const char *port;
	int baud;
	enum bus_parity parity;
	int64_t stop_bits;
	bool rs485;
	int64_t frame_gap;
	const char *host;
	int64_t tcp_port;
	int64_t connect_timeout, response_timeout;
	int64_t retries;
	int64_t max_backoff;
	uint64_t fingerprint;
};

extern const struct config_section bus_section;
