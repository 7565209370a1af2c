/* SPDX-License-Identifier: MIT */
/* Following a directory of segments; see attach.h. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach.h"
#include "base/log.h"
#include "drain.h"

#define RETRY_INTERVAL_NS UINT64_C(5000000000)
#define NEWS_INTERVAL_NS  UINT64_C(100000000) /* however much news there is */
#define NEWS_BYTES        (64u << 10)
#define NEWS_EVENTS                                                                         \
	(IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | \
	 IN_DELETE_SELF | IN_MOVE_SELF)

/* The directory */

static int dir_open(struct attach *attach)
{
	const int fd = ring_dir_open(attach->dir);

	if (fd < 0)
		return fd;
	attach->dir_fd = fd;
	/* Failing means slower news, no more. A watch on the directory before is void by itself. */
	if (attach->inotify_fd >= 0 &&
	    inotify_add_watch(attach->inotify_fd, attach->dir, NEWS_EVENTS | IN_ONLYDIR) < 0)
		log_event(LOG_WARN, "cannot watch the directory", "dir", attach->dir, "reason",
			  strerror(errno), NULL);
	return 0;
}

/* Whether the path still leads to the directory that is open. */
static bool dir_is_current(const struct attach *attach)
{
	struct stat named, opened;

	return attach->dir_fd >= 0 && stat(attach->dir, &named) == 0 &&
	       fstat(attach->dir_fd, &opened) == 0 && named.st_dev == opened.st_dev &&
	       named.st_ino == opened.st_ino;
}

static void dir_follow(struct attach *attach)
{
	const bool had = attach->dir_fd >= 0;

	if (dir_is_current(attach))
		return;
	if (had)
		close(attach->dir_fd);
	attach->dir_fd = -1;
	if (dir_open(attach) == 0)
		log_event(LOG_INFO, "directory opened anew", "dir", attach->dir, NULL);
	else if (had)
		log_event(LOG_ERROR, "directory is gone", "reason", ring_error(), NULL);
}

/* Sources */

/* Where the name is, or would have to be. */
static size_t source_index(const struct attach *attach, const char *name, bool *found)
{
	size_t low = 0, high = attach->source_count;

	*found = false;
	while (low < high) {
		const size_t middle = (low + high) / 2;
		const int order = strcmp(attach->sources[middle]->name, name);
		if (order == 0)
			*found = true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Finds or adds the source of that name; one too many is counted, and no more. */
static void source_list(struct attach *attach, const char *name)
{
	bool found;
	const size_t index = source_index(attach, name, &found);
	struct source **place = &attach->sources[index];

	if (!found) {
		struct source *source = NULL;
		if (attach->source_count < ATTACH_NAMES_MAX)
			source = source_create(name, attach->followers);
		if (!source) {
			attach->ignored_count++;
			return;
		}
		memmove(place + 1, place, (attach->source_count - index) * sizeof(struct source *));
		*place = source;
		attach->source_count++;
	}
	(*place)->listed = true;
}

/* Ends with what the segment counted last. */
static void source_finish(struct source *source)
{
	const int reason = source->reader ? drain_source_end(source) : 0;

	if (reason)
		log_event(LOG_WARN, "segment was damaged at its end", "segment", source->name,
			  "reason", source_reason_word(reason), NULL);
	source_close(source);
}

static void remove_unlisted(struct attach *attach)
{
	size_t kept = 0;

	for (size_t i = 0; i < attach->source_count; i++) {
		struct source *source = attach->sources[i];
		if (source->listed) {
			attach->sources[kept++] = source;
			continue;
		}
		log_event(LOG_INFO, "segment is gone", "segment", source->name, NULL);
		attach->changed |= source->reader != NULL;
		source_finish(source);
		source_destroy(source);
	}
	attach->source_count = kept;
}

/* One segment's totals may stand in several files: copies, or a copy and its successor. Only
 * one of them counts: one whose owner lives before one whose owner is gone, and else the first.
 * A source whose owner lives is never displaced by what another file says. */
static int resolve_duplicates(struct attach *attach, struct source *source)
{
	if (!source->alive && aggregate_covers(attach->aggregate, &source->identity))
		return SOURCE_DUPLICATE;
	for (size_t i = 0; i < attach->source_count; i++) {
		struct source *other = attach->sources[i];
		if (other == source || !other->reader ||
		    !identity_covers(&source->identity, &other->identity))
			continue;
		if (!other->alive)
			source_quarantine(other, SOURCE_DUPLICATE);
		else if (identity_is_same(&source->identity, &other->identity))
			return SOURCE_DUPLICATE;
	}
	return 0;
}

/* What can be said of a source that is not followed without reading its file. */
static int source_foresee(const struct attach *attach, const struct source *source)
{
	size_t followed_count = 0;

	for (size_t i = 0; i < attach->source_count; i++) {
		const struct source *other = attach->sources[i];
		if (!other->reader)
			continue;
		if (stamp_is_same_file(&other->stamp, &source->stamp)) /* a hard link */
			return SOURCE_DUPLICATE;
		followed_count++;
	}
	return followed_count < attach->followed_max ? 0 : SOURCE_TOO_MANY;
}

static void source_try(struct attach *attach, struct source *source)
{
	int reason = source_open(source, attach->dir_fd);

	if (reason == -ENOENT)
		return; /* gone again; the next look will see that */
	if (reason == 0)
		reason = resolve_duplicates(attach, source);
	if (reason == 0)
		reason = source_join(source, attach->aggregate);
	if (reason == 0) {
		attach->changed = true;
		log_event(LOG_INFO, "segment attached", "segment", source->name, "state",
			  source_state_words[source_state(source)], NULL);
	} else {
		source_quarantine(source, reason);
	}
}

/* Returns whether the file had to be read. */
static bool look_at(struct attach *attach, struct source *source)
{
	const struct stamp before = source->stamp;

	source->stamp = stamp_take(attach->dir_fd, source->name);
	if (source->reader) {
		if (ring_reader_is_current(source->reader, attach->dir_fd, source->name))
			return false;
		log_event(LOG_INFO, "segment was replaced", "segment", source->name, NULL);
		source_finish(source);
		attach->changed = true;
	} else if (!attach->retrying && stamp_is_unchanged(&source->stamp, &before)) {
		return false;
	}
	const int reason = source_foresee(attach, source);
	if (reason == 0)
		source_try(attach, source);
	else
		source_quarantine(source, reason);
	return reason == 0;
}

/* Metrics left out for a conflict may find their names free. In one step one segment is read, so
 * none if one `was_read`. */
static void retry_conflicts(struct attach *attach, bool was_read)
{
	for (; attach->retried_count < attach->source_count; attach->retried_count++) {
		struct source *source = attach->sources[attach->retried_count];
		if (!source->member || !source_can_agree(source))
			continue;
		if (was_read)
			return;
		const int reason = source_rejoin(source, attach->aggregate);
		if (reason)
			source_quarantine(source, reason);
		was_read = true;
	}
}

/* Looking */

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void list_names(struct attach *attach)
{
	struct dirent **names = NULL;
	const size_t ignored_before = attach->ignored_count;
	int count = 0;

	if (attach->dir_fd >= 0)
		count = scandirat(attach->dir_fd, ".", &names, is_visible, alphasort);
	for (size_t i = 0; i < attach->source_count; i++)
		attach->sources[i]->listed = count < 0; /* unreadable just now: nothing is gone */
	attach->ignored_count = 0;
	for (int i = 0; i < count; i++) {
		source_list(attach, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (attach->ignored_count > 0 && ignored_before == 0)
		log_event(LOG_WARN, "too many files, some are ignored", "dir", attach->dir, NULL);
}

static bool read_news(const struct attach *attach)
{
	char events[NEWS_BYTES];

	/* What happened is not asked, only whether anything did; an overflow is an event too. What
	 * does not fit stays for the next time, or a flood of events would keep us here. */
	return attach->inotify_fd >= 0 && read(attach->inotify_fd, events, sizeof events) > 0;
}

static void look_begin(struct attach *attach, uint64_t now_ns)
{
	attach->looked_ns = now_ns;
	attach->retrying = now_ns - attach->retried_ns >= RETRY_INTERVAL_NS;
	if (attach->retrying)
		attach->retried_ns = now_ns;
	attach->looked_count = 0;
	attach->changed = false;
	attach->news = false;
	read_news(attach); /* this look sees all that has happened so far */
	dir_follow(attach);
	list_names(attach);
	/* First what went, so that a segment that was renamed is not met twice. */
	remove_unlisted(attach);
	attach->retried_count = attach->source_count;
}

static void look_on(struct attach *attach)
{
	bool read = false;

	while (attach->looked_count < attach->source_count && !read)
		read = look_at(attach, attach->sources[attach->looked_count++]);
	if (attach->looked_count < attach->source_count)
		return;
	if (attach->changed)
		attach->retried_count = 0;
	attach->changed = false;
	retry_conflicts(attach, read);
}

void attach_update(struct attach *attach, uint64_t now_ns)
{
	if (!attach->news)
		attach->news = read_news(attach);
	const bool due = now_ns - attach->retried_ns >= RETRY_INTERVAL_NS ||
			 (attach->news && now_ns - attach->looked_ns >= NEWS_INTERVAL_NS);
	if (due && !attach_is_looking(attach))
		look_begin(attach, now_ns);
	look_on(attach);
}

int attach_open(struct attach *attach, const char *dir, struct aggregate *aggregate,
		struct followers *followers, size_t followed_max, uint64_t now_ns)
{
	*attach = (struct attach){
		.dir_fd = -1,
		.inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC),
		.aggregate = aggregate,
		.followers = followers,
		.followed_max = followed_max,
		.retried_ns = now_ns,
	};
	if (attach->inotify_fd < 0)
		log_event(LOG_WARN, "cannot watch the directory", "reason", strerror(errno), NULL);
	int error = ring_dir_resolve(dir, attach->dir);
	if (error == 0)
		error = dir_open(attach);
	if (error) {
		attach_close(attach);
		return error;
	}
	log_event(LOG_INFO, "directory opened", "dir", attach->dir, NULL);
	look_begin(attach, now_ns);
	while (attach_is_looking(attach))
		look_on(attach);
	return 0;
}

void attach_close(struct attach *attach)
{
	for (size_t i = 0; i < attach->source_count; i++)
		source_destroy(attach->sources[i]);
	if (attach->dir_fd >= 0)
		close(attach->dir_fd);
	if (attach->inotify_fd >= 0)
		close(attach->inotify_fd);
}
