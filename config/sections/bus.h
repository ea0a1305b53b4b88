/* bus: [bus:NAME], a Modbus line or endpoint (pure, but for a look at which device a port is). */
#pragma once

#include "config/sections/section.h"

#include <sys/types.h>

#define CONFIG_BUSES_MAX 1000

enum bus_type { BUS_RTU, BUS_TCP, BUS_RTUTCP /* RTU framing over a TCP serial server */ };
enum bus_transaction_id { TRANSACTION_CHECK, TRANSACTION_IGNORE };
enum bus_parity { PARITY_NONE = 'N', PARITY_EVEN = 'E', PARITY_ODD = 'O' };

struct bus_config {
	const char *name;
	enum bus_type type;
	bool has_type; /* false: it is missing or none, which was said, and `type` means nothing */
	const char *port;
	dev_t device; /* of the port, by whatever path; 0 = it is not there now */
	int baud;
	enum bus_parity parity;
	int64_t stop_bits;
	bool rs485;
	int64_t frame_gap;
	const char *host;
	int64_t tcp_port;
	int64_t connect_timeout, response_timeout;
	int64_t connect_delay;
	enum bus_transaction_id transaction_id;
	int64_t retries;
	int64_t max_backoff;
	uint64_t fingerprint;
};

extern const struct config_section bus_section;

const char *bus_type_word(enum bus_type t);
const char *bus_parity_word(enum bus_parity p);
/* False when it is none, or no rate that a port is set to. */
bool bus_parity_find(const char *word, enum bus_parity *ret);
bool bus_baud_find(const char *word, int *ret);

/* Whether two buses are one line or endpoint, as far as known. */
bool bus_same_endpoint(const struct bus_config *a, const struct bus_config *b);
