#include "daemon/ctl/ctl.h"

#include <poll.h>
#include <string.h>

bool ctl_is_stopped(const struct ctl *c)
{
	struct pollfd fd = { c->stop_fd, POLLIN, 0 };
	return poll(&fd, 1, 0) > 0;
}

const char *ctl_option(const struct ctl *c, const char *name)
{
	for (size_t i = c->option_count; i > 0; i--)
		if (strcmp(c->options[i - 1].option->name, name) == 0)
			return c->options[i - 1].value;
	return NULL;
}
