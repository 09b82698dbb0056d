/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_symbol.h"

#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "descriptor.h"

namespace tb::perf
{

namespace
{

/* A file in memory; what lies outside of it reads as absent. */
class Image
{
public:
	Image() = default;
	Image(const Image &) = delete;
	Image &operator=(const Image &) = delete;
	~Image()
	{
		if (bytes_)
			munmap(bytes_, size_);
	}

	int map(const char *path)
	{
		const Descriptor file(open(path, O_RDONLY | O_CLOEXEC));
		struct stat status;

		if (!file.is_open() || fstat(file.get(), &status) != 0)
			return -errno;
		size_ = static_cast<size_t>(status.st_size);
		void *memory = size_ ? mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file.get(), 0) : nullptr;
		if (memory == MAP_FAILED)
			return -errno;
		bytes_ = static_cast<char *>(memory);
		return 0;
	}

	/* False when it does not lie within the file. */
	template <typename T> bool read(uint64_t at, T *value) const
	{
		if (at > size_ || size_ - at < sizeof(T))
			return false;
		memcpy(value, bytes_ + at, sizeof(T));
		return true;
	}

	bool is_text(uint64_t at, const char *text) const
	{
		const size_t length = strlen(text) + 1;

		return at <= size_ && size_ - at >= length && memcmp(bytes_ + at, text, length) == 0;
	}

private:
	char *bytes_ = nullptr;
	size_t size_ = 0;
};

bool find_address(const Image &image, const Elf64_Ehdr &head, const char *symbol, uint64_t *address)
{
	Elf64_Shdr table, strings;
	Elf64_Sym entry;

	for (unsigned i = 0; i < head.e_shnum; i++) {
		if (!image.read(head.e_shoff + i * sizeof(table), &table) ||
		    (table.sh_type != SHT_SYMTAB && table.sh_type != SHT_DYNSYM) ||
		    !image.read(head.e_shoff + table.sh_link * sizeof(strings), &strings))
			continue;
		for (uint64_t at = 0; at + sizeof(entry) <= table.sh_size; at += sizeof(entry)) {
			if (!image.read(table.sh_offset + at, &entry) ||
			    ELF64_ST_TYPE(entry.st_info) != STT_FUNC || entry.st_shndx == SHN_UNDEF ||
			    !image.is_text(strings.sh_offset + entry.st_name, symbol))
				continue;
			*address = entry.st_value;
			return true;
		}
	}
	return false;
}

bool find_offset(const Image &image, const Elf64_Ehdr &head, uint64_t address, uint64_t *offset)
{
	Elf64_Phdr segment;

	for (unsigned i = 0; i < head.e_phnum; i++) {
		if (!image.read(head.e_phoff + i * sizeof(segment), &segment) || segment.p_type != PT_LOAD ||
		    !(segment.p_flags & PF_X) || address < segment.p_vaddr ||
		    address - segment.p_vaddr >= segment.p_filesz)
			continue;
		*offset = address - segment.p_vaddr + segment.p_offset;
		return true;
	}
	return false;
}

} // namespace

int symbol_offset(const char *path, const char *symbol, uint64_t *offset, tb_error *err)
{
	Image image;
	Elf64_Ehdr head;
	uint64_t address;

	const int code = image.map(path);
	if (code < 0) {
		tb_error__set(err, code, "the program whose function is traced, %.300s: %s", path,
			      strerror(-code));
		tb_error__mend(err, "npm run build");
		return code;
	}
	if (!image.read(0, &head) || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_shentsize != sizeof(Elf64_Shdr) ||
	    head.e_phentsize != sizeof(Elf64_Phdr))
		return tb_error__set(err, -ENOEXEC, "%.300s is no 64-bit ELF program with sections", path);
	if (!find_address(image, head, symbol, &address) || !find_offset(image, head, address, offset))
		return tb_error__set(err, -ENOENT, "%.300s has no function %s", path, symbol);
	return 0;
}

} // namespace tb::perf
