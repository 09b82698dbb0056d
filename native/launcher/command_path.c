/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command_path.h"

static int check(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) ? -errno : 0;
}

int tb_command_path__resolve(const char *command, char *path, size_t size)
{
	const char *rest = getenv("PATH");
	int refused = 0, rc;

	if (strchr(command, '/')) {
		if (snprintf(path, size, "%s", command) >= (int)size)
			return -ENAMETOOLONG;
		return check(path);
	}
	if (!rest)
		rest = "/usr/local/bin:/usr/bin:/bin"; /* as shells do without PATH */
	for (;;) {
		size_t length = strcspn(rest, ":");

		/* An empty element is the current directory. */
		if (snprintf(path, size, "%.*s%s%s", (int)length, rest, length ? "/" : "./", command) <
		    (int)size) {
			rc = check(path);
			if (rc == 0)
				return 0;
			/* Go on, but remember that there was one which could not be executed. */
			if (rc == -EACCES && !refused)
				refused = rc;
		}
		if (!rest[length])
			break;
		rest += length + 1;
	}
	snprintf(path, size, "%s", command);
	return refused ? refused : -ENOENT;
}
