/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A native test executable without V8: TEST(name) { … CHECK_EQ(…) … }. Prints one line a test and, last,
 * `native: N passed, N failed`; exits 1 when one failed.
 */
#ifndef TRACEBENCH_CHECK_H
#define TRACEBENCH_CHECK_H

#include <cstdio>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace check
{

struct Test {
	const char *name;
	void (*body)();
};

inline std::vector<Test> &tests()
{
	static std::vector<Test> all;
	return all;
}

struct Registrar {
	Registrar(const char *name, void (*body)()) { tests().push_back({name, body}); }
};

template <typename A, typename B>
void equal(const A &actual, const B &expected, const char *text, const char *file, int line)
{
	if (actual == expected)
		return;
	std::ostringstream message;
	message << file << ":" << line << ": " << text << ": got " << actual << ", expected " << expected;
	throw std::runtime_error(message.str());
}

inline void truth(bool value, const char *text, const char *file, int line)
{
	if (value)
		return;
	std::ostringstream message;
	message << file << ":" << line << ": " << text << " does not hold";
	throw std::runtime_error(message.str());
}

inline int run_all()
{
	int passed = 0, failed = 0;
	for (const Test &test : tests()) {
		try {
			test.body();
			printf("ok   %s\n", test.name);
			passed++;
		} catch (const std::exception &e) {
			printf("FAIL %s\n     %s\n", test.name, e.what());
			failed++;
		}
	}
	printf("native: %d passed, %d failed\n", passed, failed);
	return failed ? 1 : 0;
}

} // namespace check

#define TEST(name)                                                          \
	static void test_##name();                                          \
	static const check::Registrar registrar_##name(#name, test_##name); \
	static void test_##name()
#define CHECK(expression)          check::truth((expression), #expression, __FILE__, __LINE__)
#define CHECK_EQ(actual, expected) check::equal((actual), (expected), #actual, __FILE__, __LINE__)

#endif
