/* SPDX-License-Identifier: Apache-2.0 */
/* The same inputs each time: golden records with a few bytes changed, cut, doubled or joined. Meant for the sanitizers. */
#include "fuzz_target.h"

#include "check.h"
#include "goldens.h"

namespace
{

/* splitmix64 */
uint64_t next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

void mutate(std::string *text, uint64_t *state)
{
	static const char telling[] = "=: .)(-0123456789abcdefx\"\xff\0";
	const size_t at = text->empty() ? 0 : next(state) % text->size();

	switch (next(state) % 5) {
	case 0:
		if (!text->empty())
			(*text)[at] = static_cast<char>(next(state));
		break;
	case 1:
		if (!text->empty())
			(*text)[at] = telling[next(state) % (sizeof(telling) - 1)];
		break;
	case 2:
		text->resize(at);
		break;
	case 3:
		text->erase(at, next(state) % 20);
		break;
	default:
		text->insert(at, text->substr(next(state) % (text->size() + 1), next(state) % 40));
		break;
	}
}

} // namespace

TEST(mutated_records_break_nothing)
{
	uint64_t state = 1;

	for (int round = 0; round < 20'000; round++) {
		const Golden &golden = kGoldens[next(&state) % (sizeof(kGoldens) / sizeof(kGoldens[0]))];
		std::string input = next(&state) % 2
					    ? golden.text
					    : ScriptedSocket::message(golden.type, 0, golden.text, 0);

		for (uint64_t changes = next(&state) % 6; changes; changes--)
			mutate(&input, &state);
		fuzz_one(input.data(), input.size());
	}
}
