// SPDX-License-Identifier: Apache-2.0
#ifndef TRACEBENCH_ADDON_PROBE_H
#define TRACEBENCH_ADDON_PROBE_H

#include <napi.h>

namespace tracebench
{

/* probe(options): a promise; sources are probed on a thread of libuv's pool. */
Napi::Value probe(const Napi::CallbackInfo &info);

} // namespace tracebench

#endif
