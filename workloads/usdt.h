/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A USDT probe for use inside assembly: one nop, and a note in .note.stapsdt that says where it is and what its arguments
 * are: note type 3 of "stapsdt", the addresses of the nop, of the link-time base and of the semaphore (0: none), then provider,
 * name and arguments as strings. An argument is "8@" and the operand that holds its eight bytes. No loader reads the note,
 * only who attaches. When the file was moved after linking (prelink), base tells by how much.
 */
#ifndef TRACEBENCH_WORKLOADS_USDT_H
#define TRACEBENCH_WORKLOADS_USDT_H

#define TB_USDT(provider, name, arguments)                                    \
	"990:	nop\n"                                                          \
	"	.pushsection .note.stapsdt,\"\",%note\n"                            \
	"	.balign 4\n"                                                        \
	"	.4byte 992f-991f, 994f-993f, 3\n"                                   \
	"991:	.asciz \"stapsdt\"\n"                                           \
	"992:	.balign 4\n"                                                    \
	"993:	.8byte 990b, _.stapsdt.base, 0\n"                               \
	"	.asciz \"" provider "\"\n"                                    \
	"	.asciz \"" name "\"\n"                                        \
	"	.asciz \"" arguments "\"\n"                                   \
	"994:	.balign 4\n"                                                    \
	"	.popsection\n"                                                      \
	"	.pushsection .stapsdt.base,\"aG\",%progbits,.stapsdt.base,comdat\n" \
	"	.weak _.stapsdt.base\n"                                             \
	"	.hidden _.stapsdt.base\n"                                           \
	"_.stapsdt.base:	.space 1\n"                                          \
	"	.size _.stapsdt.base, 1\n"                                          \
	"	.popsection\n"

#endif
