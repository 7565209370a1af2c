/* SPDX-License-Identifier: MIT */
/* Functions by address; see symbols.h. */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols.h"

static int map_program(struct symbols *symbols)
{
	const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct stat status;
	int error = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) != 0) {
		error = -errno;
	} else {
		symbols->file_bytes = (size_t)status.st_size;
		symbols->file = mmap(NULL, symbols->file_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
		if (symbols->file == MAP_FAILED) {
			error = -errno;
			symbols->file = NULL;
		}
	}
	close(fd);
	return error;
}

/* A part of the file; NULL: there is no such part. */
static const void *part(const struct symbols *symbols, uint64_t offset, uint64_t bytes)
{
	if (offset > symbols->file_bytes || bytes > symbols->file_bytes - offset)
		return NULL;
	return (const char *)symbols->file + offset;
}

/* The kernel has run it, so it has a header of our own kind. */
static const ElfW(Shdr) * sections_of(const struct symbols *symbols, size_t *count)
{
	const ElfW(Ehdr) *header = symbols->file;

	*count = header->e_shnum;
	return part(symbols, header->e_shoff, *count * sizeof(ElfW(Shdr)));
}

static const ElfW(Shdr) * find_table(const ElfW(Shdr) * sections, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sections[i].sh_type == SHT_SYMTAB && sections[i].sh_link < count)
			return &sections[i];
	return NULL;
}

/* The program comes first, with how far from its file's addresses it is. */
static int take_bias(struct dl_phdr_info *info, size_t bytes, void *bias)
{
	(void)bytes;
	*(uintptr_t *)bias = info->dlpi_addr;
	return 1;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *one = a, *other = b;

	return (one->start > other->start) - (one->start < other->start);
}

static bool is_function(const ElfW(Sym) * symbol, size_t names_bytes)
{
	return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_name < names_bytes;
}

static int read_table(struct symbols *symbols, const ElfW(Shdr) * table, const ElfW(Shdr) * strings)
{
	const size_t count = table->sh_size / sizeof(ElfW(Sym));
	const ElfW(Sym) *entries = part(symbols, table->sh_offset, table->sh_size);
	const char *names = part(symbols, strings->sh_offset, strings->sh_size);
	uintptr_t bias = 0;

	if (!entries || !names || strings->sh_size == 0 || names[strings->sh_size - 1] != '\0')
		return -ENOEXEC;
	symbols->list = calloc(count + 1, sizeof *symbols->list);
	if (!symbols->list)
		return -ENOMEM;
	dl_iterate_phdr(take_bias, &bias);
	for (size_t i = 0; i < count; i++) {
		const uintptr_t start = bias + entries[i].st_value;
		if (is_function(&entries[i], strings->sh_size))
			symbols->list[symbols->count++] = (struct symbol){
				start, start + entries[i].st_size, names + entries[i].st_name};
	}
	qsort(symbols->list, symbols->count, sizeof *symbols->list, compare);
	return 0;
}

int symbols_open(struct symbols *symbols)
{
	const ElfW(Shdr) * sections, *table;
	size_t count;

	*symbols = (struct symbols){.file = NULL};
	int error = map_program(symbols);
	if (error)
		return error;
	sections = sections_of(symbols, &count);
	table = sections ? find_table(sections, count) : NULL;
	if (table)
		error = read_table(symbols, table, &sections[table->sh_link]);
	if (error)
		symbols_close(symbols);
	return error;
}

void symbols_close(struct symbols *symbols)
{
	free(symbols->list);
	if (symbols->file)
		munmap(symbols->file, symbols->file_bytes);
	*symbols = (struct symbols){.file = NULL};
}

static const char *exported_name(uintptr_t address)
{
	Dl_info info;

	return dladdr((const void *)address, &info) != 0 ? info.dli_sname : NULL;
}

const char *symbols_name(const struct symbols *symbols, uintptr_t address)
{
	size_t low = 0, high = symbols->count; /* the last start not above the address is below */

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (symbols->list[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low > 0 && address < symbols->list[low - 1].end)
		return symbols->list[low - 1].name;
	return exported_name(address);
}
