/* SPDX-License-Identifier: MIT */
/*
 * Things that a process may try: some that serving needs, some that a sandbox is there to deny.
 * Each returns 0 or the errno, and does no harm if it succeeds. They work in the current directory,
 * in which these directories have a `file` each.
 */
#ifndef ATTEMPTS_H
#define ATTEMPTS_H

#include <netinet/in.h>
#include <sys/types.h>

/* Nothing is granted for the last one, and only what their names say for the others. */
#define ATTEMPT_DIRECTORIES                             \
	{                                               \
		"read", "removed", "written", "outside" \
	}

/* Who tries them in a child; in the sandbox it cannot be asked for. */
extern pid_t attempt_parent;

/* Somebody who listens on loopback, and somebody else. */
extern int attempt_listener, attempt_other_listener;
extern struct sockaddr_in attempt_address;

/* What the exporter does all the time. */
int attempt_read_granted(void);
int attempt_read_new(void);
int attempt_list_granted(void);
int attempt_read_itself(void);
int attempt_make_thread(void);
int attempt_allocate(void);
int attempt_make_eventfd(void);
int attempt_accept_connection(void);

/* What it never does. */
int attempt_read_outside(void);
int attempt_read_through_link(void);
int attempt_read_others(void);
int attempt_write_in_place(void);
int attempt_append(void);
int attempt_empty(void);
int attempt_create(void);
int attempt_create_nameless(void);
int attempt_open_by_struct(void);
int attempt_unlink_granted_for_reading(void);
int attempt_make_directory(void);
int attempt_rename_granted_for_reading(void);
int attempt_make_link(void);
int attempt_truncate_path(void);
int attempt_change_mode(void);
int attempt_make_process(void);
int attempt_map_program(void);
int attempt_turn_into_program(void);
int attempt_trace(void);
int attempt_read_memory_of_parent(void);
int attempt_signal_parent(void);
int attempt_signal_thread_of_parent(void);
int attempt_have_parent_signalled(void);
int attempt_slow_parent_down(void);
int attempt_open_raw_socket(void);
int attempt_open_packet_socket(void);
int attempt_open_stream_socket(void);
int attempt_listen_elsewhere(void);
int attempt_connect_out(void);
int attempt_connect_by_sending(void);
int attempt_open_local_socket(void);
int attempt_make_datagram_pair(void);
int attempt_mount_something(void);
int attempt_load_bpf(void);
int attempt_handle_faults(void);
int attempt_submit_to_a_ring(void);
int attempt_enter_namespace(void);
int attempt_keep_keys(void);
int attempt_raise_limits(void);
int attempt_become_somebody(void);
int attempt_have_capabilities(void);
int attempt_type_on_terminal(void);
int attempt_make_memory_file(void);
int attempt_remove_granted(void);
int attempt_write_granted(void);
int attempt_write_own_code(void);
int attempt_execute(void);

/* What goes further than one that is granted. */
int attempt_read_granted_for_removing(void);
int attempt_write_granted_for_removing(void);
int attempt_execute_memory_file(void);
int attempt_write_beside(void);
int attempt_write_program(void);
int attempt_turn_file_into_program(void);
int attempt_move_out(void);

#endif
