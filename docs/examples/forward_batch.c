/* SPDX-License-Identifier: MIT */
/*
 * Many datagrams per system call: recvmmsg fills a batch, sendmmsg empties it. The
 * payload stays where it was received.
 */
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "forward.h"

static uint64_t timespec_ns(struct timespec time)
{
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t realtime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return timespec_ns(now);
}

static uint64_t message_received_ns(struct msghdr *header)
{
	for (struct cmsghdr *item = CMSG_FIRSTHDR(header); item; item = CMSG_NXTHDR(header, item)) {
		struct timespec stamp;

		if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&stamp, CMSG_DATA(item), sizeof stamp);
		return timespec_ns(stamp);
	}
	return realtime_ns();
}

void batch_receive(struct batch *batch, int fd)
{
	for (unsigned i = 0; i < BATCH_MAX; i++) {
		batch->vectors[i] = (struct iovec){batch->data[i], DATAGRAM_MAX};
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->peers[i].name,
			.msg_namelen = sizeof batch->peers[i].name,
			.msg_iov = &batch->vectors[i],
			.msg_iovlen = 1,
			.msg_control = batch->control[i],
			.msg_controllen = sizeof batch->control[i],
		};
	}
	/* An error is an earlier send's, come back as an ICMP message. Reading clears it. */
	const int received = recvmmsg(fd, batch->messages, BATCH_MAX, MSG_DONTWAIT, NULL);
	batch->count = 0;
	batch->truncated = 0;
	for (int i = 0; i < received; i++) {
		struct mmsghdr *message = &batch->messages[i];
		const unsigned kept = batch->count;

		if (message->msg_hdr.msg_flags & MSG_TRUNC) {
			batch->truncated++;
			continue;
		}
		batch->peers[kept].name = batch->peers[i].name;
		batch->peers[kept].bytes = message->msg_hdr.msg_namelen;
		batch->vectors[kept] = (struct iovec){batch->data[i], message->msg_len};
		batch->received_ns[kept] = message_received_ns(&message->msg_hdr);
		batch->count++;
	}
}

unsigned batch_run_end(const struct batch *batch, unsigned first)
{
	const struct address *peer = &batch->peers[first];
	unsigned end = first + 1;

	while (end < batch->count && batch->peers[end].bytes == peer->bytes &&
	       memcmp(&batch->peers[end].name, &peer->name, peer->bytes) == 0)
		end++;
	return end;
}

unsigned batch_send(struct batch *batch, int fd, struct address *to, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++) {
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = to ? &to->name : NULL,
			.msg_namelen = to ? to->bytes : 0,
			.msg_iov = &batch->vectors[i],
			.msg_iovlen = 1,
		};
	}
	const int sent = sendmmsg(fd, &batch->messages[first], end - first, MSG_DONTWAIT);
	return sent > 0 ? (unsigned)sent : 0;
}
