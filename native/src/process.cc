// SPDX-License-Identifier: Apache-2.0
#include "process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

namespace tracebench
{

namespace
{

/* Above every number that is dup2'ed to, so that no dup2 overwrites a descriptor that is still to be copied. */
constexpr int kSafeFd = 200;

int move_up(int fd)
{
	int moved = fcntl(fd, F_DUPFD_CLOEXEC, kSafeFd);
	int saved = errno;
	close(fd);
	errno = saved;
	return moved;
}

int make_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) != 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		ends[i] = move_up(ends[i]);
		if (ends[i] < 0) {
			int code = -errno;
			close(ends[1 - i]);
			return code;
		}
	}
	return 0;
}

} // namespace

int spawn_helper(const std::string &path, const std::vector<std::string> &argv, int control_fd,
		 Spawned *spawned, tb_error *err)
{
	int command[2], status[2];
	int rc = make_pipe(command);
	if (rc < 0)
		return tb_error__set(err, rc, "cannot make a pipe: %s", strerror(-rc));
	rc = make_pipe(status);
	if (rc < 0) {
		close(command[0]);
		close(command[1]);
		return tb_error__set(err, rc, "cannot make a pipe: %s", strerror(-rc));
	}

	std::vector<char *> arguments;
	for (const std::string &a : argv)
		arguments.push_back(const_cast<char *>(a.c_str()));
	arguments.push_back(nullptr);

	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	/* Node marks its standard descriptors close-on-exec; a dup2 onto itself takes the mark away. */
	for (int fd = 0; fd <= 2; fd++)
		posix_spawn_file_actions_adddup2(&actions, fd, fd);
	posix_spawn_file_actions_adddup2(&actions, command[0], 3);
	posix_spawn_file_actions_adddup2(&actions, status[1], 4);
	if (control_fd >= 0)
		posix_spawn_file_actions_adddup2(&actions, control_fd, control_fd);
	/* Node ignores SIGPIPE; what it starts here must not. */
	sigset_t defaults, mask;
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	sigemptyset(&mask);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	posix_spawnattr_setsigmask(&attributes, &mask);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

	rc = posix_spawn(&spawned->pid, path.c_str(), &actions, &attributes, arguments.data(), environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	close(command[0]);
	close(status[1]);
	if (rc != 0) {
		close(command[1]);
		close(status[0]);
		tb_error__set(err, -rc, "cannot start %s: %s", path.c_str(), strerror(rc));
		tb_error__mend(err, "npm run build");
		return -rc;
	}
	spawned->command_fd = command[1];
	spawned->status_fd = status[0];
	return 0;
}

namespace
{

/* Zeroed memory that a helper can map as well. 0 or -errno; `what` is for messages. */
template <typename Page> int create_page(const char *what, int *fd, Page **page, tb_error *err)
{
	int memory = memfd_create(what, MFD_CLOEXEC);
	if (memory < 0)
		return tb_error__set(err, -errno, "cannot make the page %s: memfd_create: %s", what,
				     strerror(errno));
	memory = move_up(memory);
	void *map = MAP_FAILED;
	if (memory >= 0 && ftruncate(memory, sizeof(Page)) == 0)
		map = mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (map == MAP_FAILED) {
		int code = -errno;
		if (memory >= 0)
			close(memory);
		return tb_error__set(err, code, "cannot map the page %s: %s", what, strerror(-code));
	}
	*page = static_cast<Page *>(map);
	*fd = memory;
	return 0;
}

} // namespace

int create_control(uint32_t collectors, int *fd, tb_control **control, tb_error *err)
{
	int rc = create_page("tracebench-control", fd, control, err);
	if (rc < 0)
		return rc;
	(*control)->magic = TB_CONTROL_MAGIC;
	(*control)->abi = TB_CONTROL_ABI;
	(*control)->size = sizeof(tb_control);
	(*control)->collectors = collectors;
	return 0;
}

int create_soak(int *fd, tb_soak **soak, tb_error *err)
{
	int rc = create_page("tracebench-soak", fd, soak, err);
	if (rc < 0)
		return rc;
	(*soak)->magic = TB_SOAK_MAGIC;
	return 0;
}

} // namespace tracebench
