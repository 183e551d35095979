/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "timeline.h"

#include "html-text.h"
#include "names.h"

#include <string.h>

enum { BAR_PITCH = 10, BAR_WIDTH = 8, HEIGHT = 48, LEAST_HEIGHT = 2, FLOOR = HEIGHT + IMPACT_FAILING * LEAST_HEIGHT };

/* Each divides the next, so that intervals can be joined; behind the last they double. */
static const struct {
    int64_t seconds;
    const char *name;
} widths[] = {{1, "1 second"},
              {10, "10 seconds"},
              {60, "1 minute"},
              {600, "10 minutes"},
              {3600, "1 hour"},
              {6 * 3600, "6 hours"},
              {24 * 3600, "1 day"},
              {7 * 24 * 3600, "1 week"},
              {28 * 24 * 3600, "4 weeks"},
              {364 * 24 * 3600, "52 weeks"}};

static int64_t width_of(unsigned scale)
{
    const unsigned last = G_N_ELEMENTS(widths) - 1;

    return scale <= last ? widths[scale].seconds : widths[last].seconds << (scale - last);
}

int64_t timeline_width(const struct timeline *timeline) { return width_of(timeline->scale); }

/* Joins intervals to the next longer ones. */
static void widen(struct timeline *timeline)
{
    const struct timeline narrow = *timeline;
    const int64_t factor = width_of(narrow.scale + 1) / width_of(narrow.scale);

    memset(timeline, 0, sizeof *timeline);
    timeline->scale = narrow.scale + 1;
    timeline->first = narrow.first / factor;
    for (unsigned i = 0; i < narrow.used; i++) {
        const unsigned to = (unsigned)((narrow.first + i) / factor - timeline->first);
        for (size_t impact = 0; impact <= IMPACT_FAILING; impact++)
            timeline->bars[to][impact] += narrow.bars[i][impact];
        timeline->used = to + 1;
    }
}

/* Makes room in front. */
static void begin_at(struct timeline *timeline, int64_t first)
{
    const size_t by = (size_t)(timeline->first - first);

    memmove(timeline->bars[by], timeline->bars[0], timeline->used * sizeof timeline->bars[0]);
    memset(timeline->bars, 0, by * sizeof timeline->bars[0]);
    timeline->used += (unsigned)by;
    timeline->first = first;
}

void timeline_add(struct timeline *timeline, int64_t seconds, enum impact impact)
{
    if (seconds <= 0)
        return;
    for (;; widen(timeline)) {
        const int64_t interval = seconds / width_of(timeline->scale);
        if (timeline->used == 0)
            timeline->first = interval;
        const int64_t first = MIN(timeline->first, interval);
        const int64_t end = MAX(timeline->first + timeline->used, interval + 1);
        if (end - first > TIMELINE_BARS)
            continue;
        if (first < timeline->first)
            begin_at(timeline, first);
        timeline->used = (unsigned)(end - first);
        timeline->bars[interval - first][impact]++;
        return;
    }
}

/* ---- drawing ----------------------------------------------------------------------------------- */

static unsigned bar_total(const uint32_t *bar)
{
    unsigned total = 0;

    for (size_t impact = 0; impact <= IMPACT_FAILING; impact++)
        total += bar[impact];
    return total;
}

static unsigned highest(const struct timeline *timeline)
{
    unsigned most = 0;

    for (unsigned i = 0; i < timeline->used; i++)
        most = MAX(most, bar_total(timeline->bars[i]));
    return most;
}

static unsigned impact_total(const struct timeline *timeline, enum impact impact)
{
    unsigned total = 0;

    for (unsigned i = 0; i < timeline->used; i++)
        total += timeline->bars[i][impact];
    return total;
}

/* What is there can be seen, however little it is. */
static unsigned height_of(unsigned count, unsigned most)
{
    const unsigned height = (unsigned)((uint64_t)count * HEIGHT / most);

    return count ? MAX(height, LEAST_HEIGHT) : 0;
}

/* The parts of all bars that have this impact, as one path; the worst stands at the bottom. */
static void draw_impact(FILE *out, const struct timeline *timeline, enum impact impact, unsigned most)
{
    html_format(out, "<path class=\"%s\" d=\"", impact_name(impact));
    for (unsigned i = 0; i < timeline->used; i++) {
        unsigned foot = FLOOR;
        for (size_t worse = IMPACT_FAILING; worse > impact; worse--)
            foot -= height_of(timeline->bars[i][worse], most);
        const unsigned height = height_of(timeline->bars[i][impact], most);
        if (height)
            html_format(out, "M%u %uh%uv-%uh-%uz", i * BAR_PITCH, foot, (unsigned)BAR_WIDTH, height,
                        (unsigned)BAR_WIDTH);
    }
    html_format(out, "\"/>");
}

static void name_width(FILE *out, const struct timeline *timeline)
{
    if (timeline->scale < G_N_ELEMENTS(widths))
        html_format(out, "%s", widths[timeline->scale].name);
    else
        html_count(out, (unsigned)(timeline_width(timeline) / (364 * 24 * 3600)), "year");
}

void timeline_draw(FILE *out, const struct timeline *timeline)
{
    const unsigned most = highest(timeline);
    const int64_t width = timeline_width(timeline);

    if (!most)
        return;
    html_format(out, "<figure><svg viewBox=\"0 0 %u %u\" width=\"%u\" height=\"%u\" role=\"img\" aria-label=\"",
                timeline->used * BAR_PITCH, (unsigned)FLOOR, timeline->used * BAR_PITCH, (unsigned)FLOOR);
    html_format(out, "Connections over time:");
    for (int impact = IMPACT_FAILING; impact >= IMPACT_UNDETERMINED; impact--) {
        const unsigned total = impact_total(timeline, (enum impact)impact);
        if (total)
            html_format(out, " %u %s", total, impact_name((enum impact)impact));
    }
    html_format(out, "\">");
    for (int impact = IMPACT_FAILING; impact >= IMPACT_UNDETERMINED; impact--)
        if (impact_total(timeline, (enum impact)impact))
            draw_impact(out, timeline, (enum impact)impact, most);
    html_format(out, "</svg><figcaption>");
    html_time(out, timeline->first * width);
    html_format(out, " to ");
    html_time(out, (timeline->first + timeline->used) * width);
    html_format(out, "; a bar is ");
    name_width(out, timeline);
    html_format(out, ", the highest ");
    html_count(out, most, "connection");
    html_format(out, "</figcaption></figure>");
}
