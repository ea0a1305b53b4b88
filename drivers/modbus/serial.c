#include "drivers/modbus/serial.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <linux/serial.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

static const struct {
	int baud;
	speed_t speed;
} speeds[] = {
	{ 1200, B1200 },
	{ 2400, B2400 },
	{ 4800, B4800 },
	{ 9600, B9600 },
	{ 19200, B19200 },
	{ 38400, B38400 },
	{ 57600, B57600 },
	{ 115200, B115200 },
	{ 230400, B230400 },
	{ 460800, B460800 },
	{ 921600, B921600 },
};

/* A pseudo-terminal (a serial server's program, a simulator) has no line and so no parity: asked for one, it
 * is refused when nothing else is to be changed, that is from the second time on. */
static bool has_line(int fd)
{
	struct stat st;
	bool is_slave = fstat(fd, &st) == 0 && major(st.st_rdev) >= UNIX98_PTY_SLAVE_MAJOR &&
			major(st.st_rdev) < UNIX98_PTY_SLAVE_MAJOR + UNIX98_PTY_MAJOR_COUNT;
	return !is_slave;
}

static int set_mode(int fd, const struct bus_config *bus)
{
	struct termios mode;
	if (tcgetattr(fd, &mode) < 0)
		return -errno;
	cfmakeraw(&mode);
	mode.c_cflag |= CREAD | CLOCAL;
	mode.c_cflag &= (tcflag_t) ~(CSTOPB | CRTSCTS | PARENB | PARODD);
	mode.c_iflag &= (tcflag_t) ~(IXOFF | IXANY | INPCK);
	if (bus->stop_bits == 2)
		mode.c_cflag |= CSTOPB;
	if (bus->parity != PARITY_NONE && has_line(fd)) {
		mode.c_cflag |= bus->parity == PARITY_ODD ? PARENB | PARODD : PARENB;
		mode.c_iflag |= INPCK;
	}
	mode.c_cc[VMIN] = 1; /* so that a read of nothing means that the port is gone */
	mode.c_cc[VTIME] = 0;
	for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (speeds[i].baud == bus->baud && cfsetspeed(&mode, speeds[i].speed) < 0)
			return -errno;
	return tcsetattr(fd, TCSANOW, &mode) < 0 ? -errno : 0;
}

static bool set_rs485(int fd)
{
	struct serial_rs485 mode;
	if (ioctl(fd, TIOCGRS485, &mode) < 0)
		return false;
	mode.flags |= SER_RS485_ENABLED;
	return ioctl(fd, TIOCSRS485, &mode) == 0;
}

int serial_open(const struct bus_config *bus, bool *rs485_refused)
{
	int fd = open(bus->port, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	if (err == 0 && ioctl(fd, TIOCEXCL) < 0)
		err = -errno;
	if (err == 0)
		err = set_mode(fd, bus);
	if (err < 0) {
		close(fd);
		return err == -EWOULDBLOCK ? -EBUSY : err;
	}
	*rs485_refused = bus->rs485 && !set_rs485(fd);
	return fd;
}

void serial_close(int fd)
{
	/* a port that somebody else has open too would stay closed to others */
	(void)ioctl(fd, TIOCNXCL);
	close(fd);
}
