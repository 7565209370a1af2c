/* SPDX-License-Identifier: MIT */
/* What is needed later; see confine.h. */
#include "confine.h"
#include "system/sandbox.h"

/* To find Alertmanagers by name, and to know whom to believe that it is one. */
static void grant_lookups(struct sandbox_grants *grants)
{
	static const char *const directories[] = {"/etc", "/usr/lib/ssl",
						  "/usr/share/ca-certificates",
						  "/usr/local/share/ca-certificates"};

	for (size_t i = 0; i < sizeof directories / sizeof *directories; i++)
		sandbox_grant(grants, directories[i], SANDBOX_READ);
	/* Often a link to where another program writes it. */
	sandbox_grant_around(grants, "/etc/resolv.conf", SANDBOX_READ);
	grants->may_connect = true;
}

void confine(const struct config *config, const struct access *access, const char *dir)
{
	struct sandbox_grants grants = {.path_count = 0};

	if (config->has_no_sandbox)
		return;
	/* Segments, also if their directory comes late or is replaced. */
	sandbox_grant_around(&grants, dir, SANDBOX_READ);
	sandbox_grant(&grants, "/proc/self", SANDBOX_READ | SANDBOX_LASTING);
	sandbox_grant(&grants, "/dev/null", SANDBOX_READ); /* the spare descriptor */
	if (config->file)
		sandbox_grant_around(&grants, config->file, SANDBOX_READ);
	if (access)
		access_grant(access, &grants);
	for (unsigned i = 0; i < config->address_count; i++)
		if (config->addresses[i].path[0])
			sandbox_grant_around(&grants, config->addresses[i].path, SANDBOX_REMOVE);
	if (config->profile_address.path[0])
		sandbox_grant_around(&grants, config->profile_address.path, SANDBOX_REMOVE);
	if (config->textfile_dir)
		sandbox_grant(&grants, config->textfile_dir, SANDBOX_READ | SANDBOX_WRITE);
	grants.may_profile = config->profile_address.text != NULL;
	if (config->notify.url_count > 0)
		grant_lookups(&grants);
	sandbox_enter(&grants);
}
