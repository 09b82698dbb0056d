// SPDX-License-Identifier: Apache-2.0
#include "../src/call_meter.h"

#include "check.h"

using tracebench::CallMeter;

TEST(meter_keeps_its_distances_after_a_late_reading)
{
	CallMeter meter(1'000'000, 100);

	CHECK(!meter.due(5'000'000)); /* nothing before the first reading, which the arming makes */
	meter.take({10'000'000, 5});
	CHECK(!meter.due(10'999'999));
	CHECK_EQ(meter.within_us(10'000'000, 5000), 1000u);
	CHECK_EQ(meter.within_us(10'999'500, 5000), 1u);
	CHECK_EQ(meter.within_us(10'000'000, 200), 200u);
	CHECK(meter.due(11'000'000));
	meter.take({13'400'000, 9}); /* 2.4 ms late */
	CHECK(!meter.due(13'999'999));
	CHECK(meter.due(14'000'000)); /* and not 14.4 */
	CHECK_EQ(meter.within_us(14'000'001, 5000), 0u);
	CHECK_EQ(meter.readings().size(), 2u);
	CHECK_EQ(meter.readings()[1].at_ns, 13'400'000u);
	CHECK_EQ(meter.readings()[1].calls, 9u);
}

TEST(meter_keeps_room_for_the_last_reading)
{
	CallMeter meter(1000, 3);

	meter.take({0, 0});
	meter.take({1000, 1});
	CHECK(!meter.due(5000));
	CHECK_EQ(meter.within_us(5000, 700), 700u);
	meter.take({9000, 2});
	CHECK_EQ(meter.readings().size(), 3u);
}

TEST(meter_without_a_window_is_never_due)
{
	CallMeter meter(0, 10);

	CHECK(!meter.wanted());
	meter.take({0, 0});
	CHECK(!meter.due(1'000'000'000));
	CHECK_EQ(meter.within_us(1'000'000'000, 42), 42u);
}
