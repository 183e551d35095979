/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * html-text.h - markup of our own with text of others in it
 *
 * In:  a format and its values. Out: HTML, in which a value is text whatever it holds: it opens no element, ends no
 * attribute, and reorders nothing that stands beside it. No Wireshark header.
 */
#ifndef SIPTLS_HTML_TEXT_H
#define SIPTLS_HTML_TEXT_H

#include <stdint.h>
#include <stdio.h>

/*
 * Of printf() it has these: %s, with a precision at most so many characters and an ellipsis for the rest, NULL is
 * nothing; %u; %%. The format is markup; it may use double quotes only round an attribute's value.
 *
 * A value's invalid UTF-8 becomes U+FFFD; what cannot be seen (controls, bidirectional marks, zero width, line
 * separators) is spelled \u{202E}; white space of any kind is a blank.
 */
void html_format(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "2026-11-24 06:46", in UTC; "never" for times that are not told (0, or before 1970). */
void html_time(FILE *out, int64_t seconds);

/* "3 endpoints", "1 endpoint": the number with its noun. */
void html_count(FILE *out, unsigned number, const char *noun);

#endif
