/* rtu_frame: finds frames in what comes over a serial line (pure).
 *
 * A line brings more than replies: bytes that drivers make when they are switched, the request itself where
 * an adapter echoes, late replies. Frames are found by their header and CRC wherever they begin, so none of
 * that costs a reply. Source: Modbus over Serial Line V1.02.
 */
#pragma once

#include "drivers/modbus/pdu.h"

#include <stddef.h>

#define RTU_REQUEST_LENGTH 8
#define RTU_CRC_LENGTH 2
/* Unit, function, count, 250 bytes and the CRC. */
#define RTU_FRAME_MAX 256

uint16_t rtu_crc(const uint8_t *data, size_t n);

void rtu_request(const struct modbus_request *q, uint8_t adu[static RTU_REQUEST_LENGTH]);

/* Whether the line's adapter sends back what it is given, as far as known. */
enum rtu_echo { RTU_ECHO_UNKNOWN, RTU_ECHOES, RTU_ECHOES_NOT };

struct rtu_search {
	const struct modbus_request *request; /* whose reply is waited for; NULL = none */
	enum rtu_echo echo;
	bool settled; /* the line has been silent for a while: what is not whole by now is no frame */
};

enum rtu_kind { RTU_NONE, RTU_FRAME, RTU_REQUEST_ECHOED };

struct rtu_found {
	enum rtu_kind kind;
	size_t start, length; /* of the frame; what is before it is noise */
	bool is_sure;	      /* of an echo: it is none of the replies that look like their request */
	bool waiting;	      /* without a frame: the beginning of the reply is there, or of an echo */
	bool damaged;	      /* without a frame: a whole reply is there, but its CRC is wrong */
	bool cut;	      /* without a frame: a reply is there that ends too early */
};

struct rtu_found rtu_find(const uint8_t *data, size_t n, const struct rtu_search *s);
