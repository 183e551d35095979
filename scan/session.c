/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "session.h"

/* Completes the type that epan leaves to its host. */
struct packet_provider_data {
    const frame_data *reference, *previous;
};

static const nstime_t *frame_time(struct packet_provider_data *provider, uint32_t frame)
{
    if (provider->reference && provider->reference->num == frame)
        return &provider->reference->abs_ts;
    if (provider->previous && provider->previous->num == frame)
        return &provider->previous->abs_ts;
    return NULL;
}

struct session {
    epan_t *epan;
    epan_dissect_t *dissection;
    frame_data reference, previous; /* what tshark keeps of the first and the last frame */
    nstime_t elapsed;
    uint32_t octets;
};

static struct packet_provider_data provider;
static epan_t *ready;           /* has seen no packet yet; NULL: to be made */
static struct session *current; /* NULL: there is none */
static unsigned begun;

void session_make_ready(void)
{
    static const struct packet_provider_funcs functions = {.get_frame_ts = frame_time};

    if (!ready)
        ready = epan_new(&provider, &functions);
}

void session_end(void)
{
    if (!current)
        return;
    epan_dissect_free(current->dissection);
    epan_free(current->epan);
    provider = (struct packet_provider_data){0};
    g_clear_pointer(&current, g_free);
}

struct session *session_begin(void)
{
    session_end();
    session_make_ready();
    struct session *session = current = g_new0(struct session, 1);
    session->epan = g_steal_pointer(&ready);
    provider = (struct packet_provider_data){0};
    begun++;
    session->dissection = epan_dissect_new(session->epan, postdissectors_want_hfids(), FALSE);
    return session;
}

void session_dissect(struct session *session, wtap *file, struct ws_record *record, uint32_t frame, int64_t offset)
{
    frame_data data;

    frame_data_init(&data, frame, &record->rec, offset, session->octets);
    frame_data_set_before_dissect(&data, &session->elapsed, &provider.reference, provider.previous);
    if (provider.reference == &data) {
        session->reference = data;
        provider.reference = &session->reference;
    }
    ws_dissect(session->dissection, wtap_file_type_subtype(file), record, &data);
    frame_data_set_after_dissect(&data, &session->octets);
    session->previous = data;
    provider.previous = &session->previous;
    epan_dissect_reset(session->dissection);
    frame_data_destroy(&data);
}

unsigned sessions_begun(void) { return begun; }
