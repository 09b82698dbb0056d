// SPDX-License-Identifier: Apache-2.0
#ifndef TRACEBENCH_ADDON_SESSION_WRAP_H
#define TRACEBENCH_ADDON_SESSION_WRAP_H

#include <cstdint>

#include <napi.h>

namespace tracebench
{

inline constexpr uint32_t kRecordsPerSlab = 1024;

/* The class NativeSession. */
Napi::Function define_session(Napi::Env env);

} // namespace tracebench

#endif
