/* log: lines for people and fields for the journal (any thread, after log_init).
 *
 * Under systemd (stderr is the journal) a line goes there with priority and fields; else to stderr as
 * "coolantd: text".
 */
#pragma once

#include <stddef.h>
#include <syslog.h>

/* MESSAGE_ID of the events that tools may look for. What each means and what to do is in the journal's
 * catalog, packaging/systemd/coolantd.catalog. */
#define LOG_ID_STARTED "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f01"
#define LOG_ID_STOPPED "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f02"
#define LOG_ID_RELOADED "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f03"
#define LOG_ID_RELOAD_FAILED "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f04"
#define LOG_ID_DEVICE_UP "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f05"
#define LOG_ID_DEVICE_DOWN "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f06"
#define LOG_ID_BROKER "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f07"
#define LOG_ID_ALARM "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f08"
#define LOG_ID_WATCHDOG "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f09"
#define LOG_ID_WRONG_DEVICE "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f0b"
#define LOG_ID_UNTESTED_PROFILE "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f0c"
#define LOG_ID_MESSAGE_REFUSED "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f0d"
#define LOG_ID_DEVICE_REFUSES "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f0e"
#define LOG_ID_DISK "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f0f"
#define LOG_ID_BUS "5d8f1d1e0c1f4b9f8a7f3b4f1f9f6f10"

/* Fields of a line; NULL ones are left out. */
struct log_fields {
	const char *message_id, *bus, *device, *point, *alarm;
};

void log_init(void);
/* Lines less urgent than this (syslog level) are dropped. */
void log_set_level(int level);

void log_event(int level, struct log_fields fields, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_line(level, ...) log_event(level, (struct log_fields){ 0 }, __VA_ARGS__)
