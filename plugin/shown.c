/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shown.h"

#include "fields.h"

#include <string.h>

enum shown_kind { SHOWN_TEXT, SHOWN_NUMBER, SHOWN_BOOLEAN, SHOWN_TIME, SHOWN_GROUP, SHOWN_GROUP_END, SHOWN_EXPERT };

/* One tree item or expert info, computed on the first visit and replayed on every later one. */
struct shown {
    enum shown_kind kind;
    const int *hf;
    expert_field *expert;
    const char *text;
    uint32_t number;
    int64_t seconds;
};

struct frame_result *frame_result_new(struct connection *connection)
{
    struct frame_result *result = wmem_new0(wmem_file_scope(), struct frame_result);

    result->connection = connection;
    return result;
}

static struct shown *show(struct frame_result *result, enum shown_kind kind, const int *hf)
{
    if (result->count == result->room) {
        result->room = result->room ? 2 * result->room : 16;
        result->shown = wmem_realloc(wmem_file_scope(), result->shown, result->room * sizeof *result->shown);
    }
    struct shown *shown = &result->shown[result->count++];
    *shown = (struct shown){.kind = kind, .hf = hf};
    return shown;
}

void show_text(struct frame_result *result, const int *hf, const char *text)
{
    if (text)
        show(result, SHOWN_TEXT, hf)->text = wmem_strdup(wmem_file_scope(), text);
}

void show_number(struct frame_result *result, const int *hf, uint32_t number)
{
    show(result, SHOWN_NUMBER, hf)->number = number;
}

void show_frame(struct frame_result *result, const int *hf, uint32_t frame)
{
    if (frame)
        show_number(result, hf, frame);
}

void show_boolean(struct frame_result *result, const int *hf, bool value)
{
    show(result, SHOWN_BOOLEAN, hf)->number = value;
}

void show_time(struct frame_result *result, const int *hf, int64_t seconds)
{
    if (seconds != -1)
        show(result, SHOWN_TIME, hf)->seconds = seconds;
}

void show_texts(struct frame_result *result, const int *hf, const GPtrArray *texts)
{
    for (unsigned i = 0; texts && i < texts->len; i++)
        show_text(result, hf, g_ptr_array_index(texts, i));
}

void show_group(struct frame_result *result, const char *name)
{
    show(result, SHOWN_GROUP, NULL)->text = wmem_strdup(wmem_file_scope(), name);
}

void show_group_end(struct frame_result *result) { show(result, SHOWN_GROUP_END, NULL); }

void show_expert(struct frame_result *result, expert_field *expert, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    struct shown *shown = show(result, SHOWN_EXPERT, NULL);
    shown->expert = expert;
    char *text = wmem_strdup_vprintf(wmem_file_scope(), format, arguments);
    const char *end;
    if (strlen(text) >= ITEM_LABEL_LENGTH && !g_utf8_validate_len(text, ITEM_LABEL_LENGTH - 1, &end))
        text[end - text] = '\0';
    shown->text = text;
    va_end(arguments);
}

void frame_result_replay(const struct frame_result *result, int protocol, tvbuff_t *tvb, packet_info *pinfo,
                         proto_tree *tree)
{
    proto_item *item = NULL;
    proto_tree *top = NULL, *at;

    if (result->count == 0)
        return;
    if (tree) {
        item = proto_tree_add_item(tree, protocol, tvb, 0, 0, ENC_NA);
        proto_item_set_generated(item);
        top = proto_item_add_subtree(item, ett_siptls);
    }
    at = top;
    for (unsigned i = 0; i < result->count; i++) {
        const struct shown *shown = &result->shown[i];
        proto_item *added = NULL;
        nstime_t when = {.secs = (time_t)shown->seconds};

        switch (shown->kind) {
        case SHOWN_TEXT:
            added = proto_tree_add_string(at, *shown->hf, tvb, 0, 0, shown->text);
            break;
        case SHOWN_NUMBER:
            added = proto_tree_add_uint(at, *shown->hf, tvb, 0, 0, shown->number);
            break;
        case SHOWN_BOOLEAN:
            added = proto_tree_add_boolean(at, *shown->hf, tvb, 0, 0, shown->number);
            break;
        case SHOWN_TIME:
            added = proto_tree_add_time(at, *shown->hf, tvb, 0, 0, &when);
            break;
        case SHOWN_GROUP:
            at = proto_tree_add_subtree(top, tvb, 0, 0, ett_siptls_certificate, &added, shown->text);
            break;
        case SHOWN_GROUP_END:
            at = top;
            break;
        case SHOWN_EXPERT:
            expert_add_info_format(pinfo, item, shown->expert, "%s", shown->text);
            break;
        }
        if (added)
            proto_item_set_generated(added);
    }
}
