#include "daemon/ctl/ctl.h"

#include <poll.h>

bool ctl_is_stopped(const struct ctl *ctl)
{
	struct pollfd fd = { ctl->stop_fd, POLLIN, 0 };
	return poll(&fd, 1, 0) > 0;
}
