/* A name server that a test slows down: preloaded, a look-up of one of the names in $SLOW_LOOKUP_NAMES takes
 * $SLOW_LOOKUP_S seconds. Then it has the addresses in $SLOW_LOOKUP_ANSWER, or fails when there are none.
 * "begin NAME" and "end NAME" go to the file $SLOW_LOOKUP_LOG. Lists have commas; other names are looked up
 * as ever.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 1024

typedef int lookup_fn(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static lookup_fn *real_lookup(void)
{
	return (lookup_fn *)dlsym(RTLD_NEXT, "getaddrinfo");
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);
	return value ? value : "";
}

static bool is_slow(const char *name)
{
	char names[TEXT_MAX], *save = NULL;
	snprintf(names, sizeof(names), "%s", setting("SLOW_LOOKUP_NAMES"));
	for (char *item = strtok_r(names, ",", &save); name && item; item = strtok_r(NULL, ",", &save))
		if (strcmp(item, name) == 0)
			return true;
	return false;
}

static void tell(const char *what, const char *name)
{
	char line[TEXT_MAX];
	int n = snprintf(line, sizeof(line), "%s %s\n", what, name);
	int fd = open(setting("SLOW_LOOKUP_LOG"), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, line, (size_t)n) != n)
		abort();
	close(fd);
}

static void take_long(void)
{
	double seconds = atof(setting("SLOW_LOOKUP_S"));
	struct timespec end;
	clock_gettime(CLOCK_MONOTONIC, &end);
	int64_t ns = end.tv_nsec + (int64_t)(seconds * 1e9);
	end.tv_sec += ns / 1000000000;
	end.tv_nsec = ns % 1000000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) != 0)
		;
}

/* All addresses of the answer as one list; glibc frees each item of a list by itself. */
static int answer(const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	char addresses[TEXT_MAX], *save = NULL;
	struct addrinfo **tail = ret;
	int result = EAI_AGAIN;
	*ret = NULL;
	snprintf(addresses, sizeof(addresses), "%s", setting("SLOW_LOOKUP_ANSWER"));
	for (char *item = strtok_r(addresses, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
		result = real_lookup()(item, service, hints, tail);
		if (result != 0)
			return result;
		while (*tail)
			tail = &(*tail)->ai_next;
	}
	return result;
}

int getaddrinfo(const char *restrict name, const char *restrict service,
    const struct addrinfo *restrict hints, struct addrinfo **restrict ret)
{
	if (!is_slow(name))
		return real_lookup()(name, service, hints, ret);
	tell("begin", name);
	take_long();
	tell("end", name);
	return answer(service, hints, ret);
}
