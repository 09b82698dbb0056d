// SPDX-License-Identifier: Apache-2.0
/* What a source is opened with, or probed for: variant, buffer, filter, wake-up, options of its own. */
#ifndef TRACEBENCH_ADDON_SOURCE_OPTIONS_H
#define TRACEBENCH_ADDON_SOURCE_OPTIONS_H

#include <napi.h>

#include "../session.h"

namespace tracebench
{

void get_source_options(const Napi::Object &o, SessionOptions *options);

} // namespace tracebench

#endif
