/* SPDX-License-Identifier: MIT */
/* Sockets and credentials; see door.h. */
#include <errno.h>
#include <sys/stat.h>

#include "base/log.h"
#include "door.h"

static int open_address(struct door *door, const struct config *config,
			const struct address *address, const struct listen_options *options)
{
	return config->only_checks ? listen_check(address, options)
				   : listen_open(&door->listeners, address, options);
}

static int adopt(struct door *door, const struct config *config,
		 const struct listen_options *options)
{
	const struct activation *activation = &door->activation;
	int error = 0;

	if (config->needs_activation && activation->count == 0 && !config->only_checks) {
		log_failure("--web.systemd-socket", "the service manager has opened no sockets");
		return -ENOENT;
	}
	for (int i = 0; i < (int)activation->count && error == 0; i++)
		error = listen_adopt(&door->listeners, ACTIVATION_FD_FIRST + i,
				     activation->names[i], options);
	return error;
}

/* The standard address only if there are no sockets without it. */
static int open_listeners(struct door *door, const struct config *config,
			  const struct listen_options *options)
{
	int error = adopt(door, config, options);

	if (door->activation.count > 0 && !config_is_given(config, "web.listen-address"))
		return error;
	for (unsigned i = 0; i < config->address_count && error == 0; i++)
		error = open_address(door, config, &config->addresses[i], options);
	return error;
}

static int open_profiles(struct door *door, const struct config *config,
			 struct listen_options options)
{
	const int error = pprof_open(&door->pprof);

	options.for_profiles = true;
	return error ? error : open_address(door, config, &config->profile_address, &options);
}

int door_open(struct door *door, const struct config *config)
{
	const struct access_options options = {config->token_files, config->token_file_count,
					       config->web_config_file};
	const mode_t mask = umask(0);

	umask(mask);
	int error = access_open(&door->access, &options);
	if (error)
		return error;
	const struct listen_options listening = {
		.is_protected = access_protects(door->access),
		.has_tls = access_has_tls(door->access),
		.unix_mask = config->has_socket_mode ? ~config->socket_mode & 0777 : mask,
	};
	error = open_listeners(door, config, &listening);
	if (error == 0 && config->profile_address.text)
		error = open_profiles(door, config, listening);
	return error;
}

void door_close(struct door *door)
{
	listen_close(&door->listeners);
	pprof_close(door->pprof);
	access_close(door->access);
}
