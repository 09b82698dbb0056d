/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../include/clock.h"

#include "audit_netlink.h"

#define ANSWER_MS 2000

/* Takes one message of the answer. 0 or -errno. */
typedef int (*on_message)(void *context, const struct nlmsghdr *message);

struct answer {
	uint16_t type;   /* of the messages wanted */
	bool until_done; /* a list, ended by NLMSG_DONE; else one message is the answer */
	on_message take;
	void *context;
};

static int64_t now_ms(void)
{
	return (int64_t)(tb_monotonic_ns() / 1000000);
}

const char *tb_audit__explain(int code)
{
	switch (code) {
	case -EPERM:
		return "needs CAP_AUDIT_CONTROL in the initial pid namespace: run as root on the host";
	case -ECONNREFUSED:
		return "the kernel does not answer here (audit=0 at boot, or inside a user or pid namespace)";
	case -EPROTONOSUPPORT:
		return "this kernel has no audit";
	case -ETIMEDOUT:
		return "the kernel did not answer within 2 s";
	default:
		return strerror(-code);
	}
}

int tb_audit__open(struct tb_audit *audit)
{
	audit->seq = 0;
	audit->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	return audit->fd < 0 ? -errno : 0;
}

void tb_audit__close(struct tb_audit *audit)
{
	if (audit->fd >= 0)
		close(audit->fd);
	audit->fd = -1;
}

static int send_request(struct tb_audit *audit, uint16_t type, const void *data, size_t size)
{
	static const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	struct nlmsghdr *message = calloc(1, NLMSG_SPACE(size));
	ssize_t sent;
	int code;

	if (!message)
		return -ENOMEM;
	message->nlmsg_len = (uint32_t)NLMSG_SPACE(size);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = ++audit->seq;
	if (size)
		memcpy(NLMSG_DATA(message), data, size);
	do {
		sent = sendto(audit->fd, message, message->nlmsg_len, 0, (const struct sockaddr *)&kernel,
			      sizeof(kernel));
	} while (sent < 0 && errno == EINTR);
	code = sent < 0 ? -errno : 0;
	free(message);
	return code;
}

static int receive(struct tb_audit *audit, char *buffer, size_t size, int64_t deadline)
{
	struct pollfd ready = {.fd = audit->fd, .events = POLLIN};
	struct sockaddr_nl from;
	socklen_t from_size = sizeof(from);
	int64_t left = deadline - now_ms();
	ssize_t n;
	int rc = left > 0 ? poll(&ready, 1, (int)left) : 0;

	if (rc == 0)
		return -ETIMEDOUT;
	if (rc < 0)
		return errno == EINTR ? 0 : -errno;
	n = recvfrom(audit->fd, buffer, size, MSG_DONTWAIT, (struct sockaddr *)&from, &from_size);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN ? 0 : -errno;
	return from.nl_pid == 0 ? (int)n : 0; /* only the kernel's word counts */
}

/*
 * Sends a request and hands its answer to `answer`, which may be NULL when only success matters. The kernel sends
 * answers from a thread of its own, so they may come before the acknowledgement or after it.
 */
static int exchange(struct tb_audit *audit, uint16_t type, const void *data, size_t size,
		    const struct answer *answer)
{
	static _Alignas(struct nlmsghdr) char buffer[NLMSG_SPACE(16384)];
	int64_t deadline = now_ms() + ANSWER_MS;
	int n, rc = send_request(audit, type, data, size);
	bool acknowledged = false, done = !answer;

	if (rc)
		return rc;
	while (!acknowledged || !done) {
		struct nlmsghdr *message = (struct nlmsghdr *)buffer;

		n = receive(audit, buffer, sizeof(buffer), deadline);
		if (n < 0)
			return n;
		for (; NLMSG_OK(message, (unsigned)n); message = NLMSG_NEXT(message, n)) {
			if (message->nlmsg_seq != audit->seq)
				continue; /* late answer to a request that timed out */
			if (message->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *e = NLMSG_DATA(message);

				if (e->error)
					return e->error;
				acknowledged = true;
			} else if (message->nlmsg_type == NLMSG_DONE) {
				done = true;
			} else if (answer && message->nlmsg_type == answer->type) {
				rc = answer->take(answer->context, message);
				if (rc)
					return rc;
				done = done || !answer->until_done;
			}
		}
	}
	return 0;
}

static int take_status(void *context, const struct nlmsghdr *message)
{
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;

	memcpy(context, NLMSG_DATA(message),
	       size < sizeof(struct audit_status) ? size : sizeof(struct audit_status));
	return 0;
}

int tb_audit__status(struct tb_audit *audit, struct audit_status *status)
{
	struct answer answer = {.type = AUDIT_GET, .take = take_status, .context = status};

	memset(status, 0, sizeof(*status));
	return exchange(audit, AUDIT_GET, NULL, 0, &answer);
}

static int take_features(void *context, const struct nlmsghdr *message)
{
	if (message->nlmsg_len - NLMSG_HDRLEN < sizeof(struct audit_features))
		return -EPROTO;
	memcpy(context, NLMSG_DATA(message), sizeof(struct audit_features));
	return 0;
}

int tb_audit__features(struct tb_audit *audit, struct audit_features *features)
{
	struct answer answer = {.type = AUDIT_GET_FEATURE, .take = take_features, .context = features};

	return exchange(audit, AUDIT_GET_FEATURE, NULL, 0, &answer);
}

int tb_audit__set(struct tb_audit *audit, const struct audit_status *status)
{
	return exchange(audit, AUDIT_SET, status, sizeof(*status), NULL);
}

static int take_rule(void *context, const struct nlmsghdr *message)
{
	struct tb_audit_rules *rules = context;
	size_t size = message->nlmsg_len - NLMSG_HDRLEN;
	const struct audit_rule_data *data = NLMSG_DATA(message);
	struct tb_audit_rule *grown;

	if (size < sizeof(*data) || data->field_count > AUDIT_MAX_FIELDS ||
	    data->buflen > size - sizeof(*data))
		return -EPROTO;
	grown = realloc(rules->rule, (rules->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	rules->rule = grown;
	size = sizeof(*data) + data->buflen; /* without the message's padding */
	grown += rules->count;
	grown->size = size;
	grown->data = malloc(size);
	if (!grown->data)
		return -ENOMEM;
	memcpy(grown->data, data, size);
	rules->count++;
	return 0;
}

int tb_audit__rules(struct tb_audit *audit, struct tb_audit_rules *rules)
{
	struct answer answer = {
		.type = AUDIT_LIST_RULES, .until_done = true, .take = take_rule, .context = rules};
	int rc;

	*rules = (struct tb_audit_rules){0};
	rc = exchange(audit, AUDIT_LIST_RULES, NULL, 0, &answer);
	if (rc)
		tb_audit_rules__free(rules);
	return rc;
}

void tb_audit_rules__free(struct tb_audit_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free(rules->rule[i].data);
	free(rules->rule);
	*rules = (struct tb_audit_rules){0};
}

int tb_audit__add(struct tb_audit *audit, const struct audit_rule_data *rule, size_t size)
{
	return exchange(audit, AUDIT_ADD_RULE, rule, size, NULL);
}

int tb_audit__delete(struct tb_audit *audit, const struct audit_rule_data *rule, size_t size)
{
	return exchange(audit, AUDIT_DEL_RULE, rule, size, NULL);
}

const char *tb_audit__owner_text(uint32_t pid)
{
	static char text[64];
	char path[32], name[32] = "gone";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	f = fopen(path, "re");
	if (f && fgets(name, sizeof(name), f))
		name[strcspn(name, "\n")] = 0;
	if (f)
		fclose(f);
	snprintf(text, sizeof(text), "process %u (%s)", pid, name);
	return text;
}

static bool is_string_field(uint32_t field)
{
	return field == AUDIT_FILTERKEY || field == AUDIT_WATCH || field == AUDIT_DIR || field == AUDIT_EXE ||
	       (field >= AUDIT_SUBJ_USER && field <= AUDIT_SUBJ_CLR) ||
	       (field >= AUDIT_OBJ_USER && field <= AUDIT_OBJ_LEV_HIGH);
}

bool tb_audit_rule__string(const struct tb_audit_rule *rule, unsigned i, char *out, size_t size)
{
	const struct audit_rule_data *d = rule->data;
	size_t offset = 0;

	if (i >= d->field_count || !is_string_field(d->fields[i]))
		return false;
	for (unsigned before = 0; before < i; before++) {
		if (is_string_field(d->fields[before]))
			offset += d->values[before]; /* the length of its string */
	}
	if (offset > d->buflen || d->values[i] > d->buflen - offset || d->values[i] >= size)
		return false;
	memcpy(out, d->buf + offset, d->values[i]);
	out[d->values[i]] = 0;
	return true;
}
