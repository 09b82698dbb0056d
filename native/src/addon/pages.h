// SPDX-License-Identifier: Apache-2.0
/* The pages that a trial shares with its helpers: control and soak. */
#ifndef TRACEBENCH_ADDON_PAGES_H
#define TRACEBENCH_ADDON_PAGES_H

#include <memory>
#include <sys/mman.h>
#include <unistd.h>

#include <napi.h>

#include "../../include/control.h"
#include "../../include/soak.h"

namespace tracebench
{

/* A page of one trial that a helper maps as well. Unmapped with its last reference; a running session holds one. */
template <typename Page> struct SharedPage {
	int fd = -1;
	Page *page = nullptr;
	~SharedPage()
	{
		if (page)
			munmap(page, sizeof(*page));
		if (fd >= 0)
			close(fd);
	}
};

template <typename Page> using PageRef = std::shared_ptr<SharedPage<Page>>;
using ControlRef = PageRef<tb_control>;
using SoakRef = PageRef<tb_soak>;

template <typename Page> PageRef<Page> page_of(const Napi::Value &value)
{
	if (value.IsNull())
		return nullptr;
	return *value.As<Napi::External<PageRef<Page>>>().Data();
}

/* createControl, readControl, createSoak, readSoak. */
void export_pages(Napi::Env env, Napi::Object exports);

} // namespace tracebench

#endif
