#include "drivers/os/resolve.h"

#include "drivers/os/thread.h"
#include "drivers/os/wait.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* What a look-up and who waits for it share. */
struct lookup {
	char *host, service[8];
	int done_fd; /* readable when the rest is there */
	int result;  /* of getaddrinfo */
	int error;   /* errno, when it is EAI_SYSTEM */
	struct addrinfo *found;
	_Atomic bool left; /* by the thread or by the resolver: who comes second frees it */
};

struct resolver {
	struct lookup *lookup; /* under way, or done and not yet taken */
};

static bool is_number(const char *host)
{
	struct in6_addr address;
	return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1;
}

static int ask_system(const char *host, const char *service, int flags, struct addrinfo **ret)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG | flags };
	return getaddrinfo(host, service, &hints, ret);
}

static void lookup_leave(struct lookup *l)
{
	if (!l || !atomic_exchange(&l->left, true))
		return;
	if (l->found)
		freeaddrinfo(l->found);
	if (l->done_fd >= 0)
		close(l->done_fd);
	free(l->host);
	free(l);
}

static void *run(void *user)
{
	struct lookup *l = user;
	l->result = ask_system(l->host, l->service, 0, &l->found);
	l->error = errno;
	if (l->result != 0)
		l->found = NULL;
	(void)eventfd_write(l->done_fd, 1);
	lookup_leave(l);
	return NULL;
}

static struct lookup *lookup_start(const char *host, const char *service)
{
	pthread_t thread;
	struct lookup *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->host = strdup(host);
	snprintf(l->service, sizeof(l->service), "%s", service);
	l->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->host && l->done_fd >= 0 && thread_start(&thread, "resolve", run, l) == 0) {
		(void)pthread_detach(thread);
		return l;
	}
	l->left = true; /* there is no thread */
	lookup_leave(l);
	return NULL;
}

struct resolver *resolver_new(void)
{
	return calloc(1, sizeof(struct resolver));
}

void resolver_free(struct resolver *r)
{
	if (!r)
		return;
	lookup_leave(r->lookup);
	free(r);
}

/* 1 = done, 0 = not in time, or -ECANCELED. */
static int wait_for(const struct lookup *l, int stop_fd)
{
	struct pollfd fds[] = { { l->done_fd, POLLIN, 0 }, { stop_fd, POLLIN, 0 } };
	int64_t deadline = clock_boottime() + RESOLVE_WAIT_NS;
	int n;
	do
		n = wait_ready(fds, 2, deadline);
	while (n < 0);
	return n == 0 || fds[0].revents ? n > 0 : -ECANCELED;
}

static int take(struct lookup *l, struct addrinfo **ret, const char **why)
{
	eventfd_t ignored;
	(void)eventfd_read(l->done_fd, &ignored);
	if (l->result == 0) {
		*ret = l->found;
		l->found = NULL;
		return 0;
	}
	bool system = l->result == EAI_SYSTEM && l->error > 0;
	*why = system ? strerror(l->error) : gai_strerror(l->result);
	return system ? -l->error : -EHOSTUNREACH;
}

int resolver_find(
    struct resolver *r, const char *host, int port, int stop_fd, struct addrinfo **ret, const char **why)
{
	char service[8];
	snprintf(service, sizeof(service), "%d", port);
	if (is_number(host) && ask_system(host, service, AI_NUMERICHOST, ret) == 0)
		return 0;
	if (r->lookup && (strcmp(r->lookup->host, host) != 0 || strcmp(r->lookup->service, service) != 0)) {
		lookup_leave(r->lookup);
		r->lookup = NULL;
	}
	if (!r->lookup)
		r->lookup = lookup_start(host, service);
	if (!r->lookup) {
		*why = "no thread for the look-up";
		return -EAGAIN;
	}
	int done = wait_for(r->lookup, stop_fd);
	if (done == 0) {
		*why = "the name server does not answer";
		return -ETIMEDOUT;
	}
	if (done < 0)
		return done;
	int err = take(r->lookup, ret, why);
	lookup_leave(r->lookup);
	r->lookup = NULL;
	return err;
}
