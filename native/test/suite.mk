# SPDX-License-Identifier: Apache-2.0
# One native test program without V8, plain and under each sanitizer: the targets test, test-asan and test-tsan of the
# Makefile that includes this. That one sets, with files by their names alone:
#   TOP      the root of the project
#   SUITE    the folder of the outputs, in build/test at the root
#   PROGRAM  what is run
#   SOURCES  what it is made of: from its own folder, the one above, native/src and native/test
# and where it wants them FLAGS, LIBS, asan_FLAGS and the like, and
#   TARGET, TARGET_SOURCE  a program beside it that it traces; never sanitised, so that its calls are its own
vpath %.cc .. $(TOP)/native/src $(TOP)/native/test
vpath %.c .. $(TOP)/native/src

OUT := $(TOP)/build/test/$(SUITE)
# -g1: lines, which is what a sanitizer prints; everything about variables would cost a third of the compilation.
FLAGS += -g1 -Wall -Wextra -Werror -Wno-missing-field-initializers -I$(TOP)/native/include -I$(TOP)/native/test -I.. \
	-D_GNU_SOURCE -pthread
plain_FLAGS += -O2
asan_FLAGS += -Og -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
tsan_FLAGS += -O1 -fsanitize=thread
# Old thread sanitizers refuse the address layout of newer kernels unless randomisation is off.
tsan_RUN := $(shell setarch -R true 2>/dev/null && echo setarch -R)

compile = $(if $(filter %.c,$<),$(CC) -std=gnu11,$(CXX) -std=gnu++20) $(FLAGS) -MMD -MP -o $@ $<

.PHONY: test test-asan test-tsan
test: run-plain
test-asan: run-asan
test-tsan: run-tsan

define BUILD
$(1)_OBJECTS := $(addprefix $(OUT)/$(1)/,$(addsuffix .o,$(basename $(SOURCES))))
$(1)_TARGET := $(TARGET:%=$(OUT)/$(1)/%)

$(OUT)/$(1)/%.o: %.cc | $(OUT)/$(1)
	$$(compile) $$($(1)_FLAGS) -c
$(OUT)/$(1)/%.o: %.c | $(OUT)/$(1)
	$$(compile) $$($(1)_FLAGS) -c
$$($(1)_TARGET): $(TARGET_SOURCE) | $(OUT)/$(1)
	$$(compile) -O2
$(OUT)/$(1):
	mkdir -p $$@
$(OUT)/$(1)/$(PROGRAM): $$($(1)_OBJECTS)
	$$(CXX) $$($(1)_FLAGS) -pthread -o $$@ $$^ $$(LIBS)
.PHONY: run-$(1)
run-$(1): $(OUT)/$(1)/$(PROGRAM) $$($(1)_TARGET)
	$$($(1)_RUN) $$<
-include $$($(1)_OBJECTS:.o=.d) $$($(1)_TARGET:=.d)
endef
$(foreach build,plain asan tsan,$(eval $(call BUILD,$(build))))
