// SPDX-License-Identifier: Apache-2.0
/* What a session found, for JavaScript. */
#ifndef TRACEBENCH_ADDON_REPORT_VALUES_H
#define TRACEBENCH_ADDON_REPORT_VALUES_H

#include <napi.h>

#include "../ledger.h"
#include "../session.h"

namespace tracebench
{

Napi::Object soak_object(Napi::Env env, const SoakReading &reading);
Napi::Object ledger_object(Napi::Env env, const Ledger &ledger);
Napi::Object report_object(Napi::Env env, const SessionReport &report);

} // namespace tracebench

#endif
