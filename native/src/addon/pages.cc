// SPDX-License-Identifier: Apache-2.0
#include "pages.h"

#include <cstring>

#include "../process.h"
#include "report_values.h"
#include "values.h"

namespace tracebench
{

namespace
{

/* What JavaScript hands to a helper (`fd`) and back to us (`handle`). */
template <typename Page> Napi::Object page_object(Napi::Env env, const PageRef<Page> &page)
{
	Napi::Object o = Napi::Object::New(env);
	o.Set("fd", Napi::Number::New(env, page->fd));
	o.Set("handle",
	      Napi::External<PageRef<Page>>::New(env, new PageRef<Page>(page),
						 [](Napi::Env, PageRef<Page> *ref) { delete ref; }));
	return o;
}

Napi::Value create_control_page(const Napi::CallbackInfo &info)
{
	tb_error err = {};
	auto page = std::make_shared<SharedPage<tb_control>>();
	if (create_control(info[0].As<Napi::Number>().Uint32Value(), &page->fd, &page->page, &err) < 0)
		throw_error(info.Env(), err, "control");
	Napi::Object o = page_object(info.Env(), page);
	o.Set("collectors", Napi::Number::New(info.Env(), page->page->collectors));
	return o;
}

Napi::Value create_soak_page(const Napi::CallbackInfo &info)
{
	tb_error err = {};
	auto page = std::make_shared<SharedPage<tb_soak>>();
	if (create_soak(&page->fd, &page->page, &err) < 0)
		throw_error(info.Env(), err, "soak");
	return page_object(info.Env(), page);
}

Napi::Value read_soak_page(const Napi::CallbackInfo &info)
{
	return soak_object(info.Env(), read_soak(*page_of<tb_soak>(info[0])->page));
}

Napi::Value read_control(const Napi::CallbackInfo &info)
{
	Napi::Env env = info.Env();
	ControlRef ref = page_of<tb_control>(info[0]);
	const tb_control *c = ref->page;
	Napi::Object o = Napi::Object::New(env);
	o.Set("gate", Napi::Number::New(env, __atomic_load_n(&c->gate, __ATOMIC_ACQUIRE)));
	o.Set("sectionStartNs", number(env, c->section_start_ns));
	o.Set("sectionEndNs", number(env, c->section_end_ns));
	o.Set("sectionCpuNs", number(env, c->section_cpu_ns));
	o.Set("sectionSpunNs", number(env, c->section_spun_ns));
	o.Set("calls", number(env, c->calls));
	o.Set("waitedNs", number(env, c->waited_ns));
	o.Set("lateBursts", number(env, c->late_bursts));
	o.Set("latestNs", number(env, c->latest_ns));
	o.Set("clockEntersKernel", c->clock_enters_kernel != 0);
	o.Set("errno", Napi::Number::New(env, c->error));
	o.Set("errorText",
	      Napi::String::New(env, c->error_text, strnlen(c->error_text, sizeof(c->error_text))));
	Napi::Array lanes = Napi::Array::New(env);
	for (uint32_t l = 0; l < c->lanes && l < TB_LANES; l++)
		lanes.Set(l, number(env, __atomic_load_n(&c->lane_issued[l], __ATOMIC_ACQUIRE)));
	o.Set("lanes", lanes);
	Napi::Array kinds = Napi::Array::New(env);
	for (uint32_t k = 0; k < c->kinds && k < TB_KINDS_MAX; k++) {
		Napi::Object kind = Napi::Object::New(env);
		kind.Set("nr", Napi::Number::New(env, c->kind[k].nr));
		kind.Set("class", c->kind[k].call_class == TB_CLASS_STAMPED ? "stamped" : "counted");
		kind.Set("stampArg", Napi::Number::New(env, c->kind[k].stamp_arg));
		kind.Set("issued", number(env, __atomic_load_n(&c->kind[k].issued, __ATOMIC_ACQUIRE)));
		kinds.Set(k, kind);
	}
	o.Set("kinds", kinds);
	return o;
}

} // namespace

void export_pages(Napi::Env env, Napi::Object exports)
{
	exports.Set("createControl", Napi::Function::New<create_control_page>(env));
	exports.Set("createSoak", Napi::Function::New<create_soak_page>(env));
	exports.Set("readSoak", Napi::Function::New<read_soak_page>(env));
	exports.Set("readControl", Napi::Function::New<read_control>(env));
}

} // namespace tracebench
