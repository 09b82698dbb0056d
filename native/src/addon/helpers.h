// SPDX-License-Identifier: Apache-2.0
#ifndef TRACEBENCH_ADDON_HELPERS_H
#define TRACEBENCH_ADDON_HELPERS_H

#include <napi.h>

namespace tracebench
{

/* spawn, reap: processes of a trial, past libuv (process.h). */
void export_helpers(Napi::Env env, Napi::Object exports);

} // namespace tracebench

#endif
