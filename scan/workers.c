/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "workers.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    NO_FILE = -1,
    LOOK_EVERY = 100, /* milliseconds between two looks at what workers hold */
    /* results kept until their turn, for one long file must not fill the memory; octets of their records per worker */
    MOST_WAITING = 4096,
    MOST_OCTETS_WAITING = 32 << 20,
};

/* What a worker answers with, before the octets of cause and records. */
struct answer {
    uint64_t packets, records_length;
    uint32_t status, connections;
    uint32_t cause_length; /* 0: none */
    uint32_t is_last;      /* the worker ends itself */
};

struct worker {
    pid_t pid; /* 0: none */
    int socket;
    int file; /* its index; NO_FILE: waits for one */
    int64_t since;
    GString *answer; /* what has arrived of it */
};

struct pool {
    const GPtrArray *paths;
    const struct worker_options *options;
    struct worker *workers;
    unsigned next;              /* file to hand out */
    unsigned told;              /* files reported */
    uint64_t octets_waiting;    /* of records of files that are read, but not reported yet */
    struct file_result *result; /* by index */
    bool *is_done;
    const struct workers_use *use;
};

/* ---- a worker's side --------------------------------------------------------------------------- */

static bool send_all(int to, const void *octets, size_t length)
{
    const char *at = octets;

    while (length > 0) {
        const ssize_t sent = send(to, at, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        length -= (size_t)sent;
    }
    return true;
}

static bool receive_all(int from, void *octets, size_t length)
{
    char *at = octets;

    while (length > 0) {
        const ssize_t got = recv(from, at, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        length -= (size_t)got;
    }
    return true;
}

static bool answer_with(int to, const struct file_result *result, bool is_last)
{
    struct answer answer;

    memset(&answer, 0, sizeof answer); /* its padding is sent, too */
    answer.packets = result->packets;
    answer.status = result->status;
    answer.connections = result->connections;
    answer.cause_length = result->cause ? (uint32_t)strlen(result->cause) : 0;
    answer.records_length = result->records ? result->records->len : 0;
    answer.is_last = is_last;

    return send_all(to, &answer, sizeof answer) && send_all(to, result->cause, answer.cause_length) &&
           (!result->records || send_all(to, result->records->str, answer.records_length));
}

struct following {
    const struct workers_use *use;
    uint32_t index;
};

static const char *next_of(const void *data, unsigned step)
{
    const struct following *following = data;

    return following->use->next(following->use->data, following->index, step);
}

/* Serves until there are no more files, or this process is worn. */
static void serve(int socket, const GPtrArray *paths, const struct workers_use *use)
{
    uint32_t index;
    bool is_last = false;

    engine_begin_reading();
    while (!is_last && receive_all(socket, &index, sizeof index)) {
        struct file_result result;
        const struct following following = {use, index};
        engine_read(g_ptr_array_index(paths, index), use->next ? next_of : NULL, &following, &result);
        is_last = engine_is_worn();
        is_last = !answer_with(socket, &result, is_last) || is_last;
        file_result_clear(&result);
        engine_forget();
    }
}

static void become_worker(struct pool *pool, int socket, pid_t parent)
{
    /* the parent tells when to stop: a Ctrl-C reaches the whole group, a scheduler's end every process */
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    for (unsigned i = 0; i < pool->options->jobs; i++)
        if (pool->workers[i].pid)
            close(pool->workers[i].socket);
    serve(socket, pool->paths, pool->use);
    _exit(0);
}

/* ---- the parent's side ------------------------------------------------------------------------- */

static bool start(struct pool *pool, struct worker *worker)
{
    int sockets[2];
    const pid_t parent = getpid();

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets) != 0)
        return false;
    const pid_t pid = fork();
    if (pid == 0) {
        close(sockets[0]);
        become_worker(pool, sockets[1], parent);
    }
    close(sockets[1]);
    if (pid < 0) {
        close(sockets[0]);
        return false;
    }
    *worker = (struct worker){.pid = pid, .socket = sockets[0], .file = NO_FILE, .answer = g_string_new(NULL)};
    return true;
}

/* Waits for the end of a worker; returns how it ended. */
static int bury(struct worker *worker)
{
    int how = 0;

    close(worker->socket);
    while (waitpid(worker->pid, &how, 0) < 0 && errno == EINTR)
        continue;
    g_string_free(worker->answer, TRUE);
    *worker = (struct worker){.file = NO_FILE};
    return how;
}

static uint64_t octets_of(const struct file_result *result) { return result->records ? result->records->len : 0; }

static void settle(struct pool *pool, unsigned index, struct file_result result)
{
    pool->result[index] = result;
    pool->is_done[index] = true;
    if (pool->use->finished)
        pool->use->finished(pool->use->data, index, &pool->result[index]);
    pool->octets_waiting += octets_of(&pool->result[index]);
    while (pool->told < pool->paths->len && pool->is_done[pool->told]) {
        pool->octets_waiting -= octets_of(&pool->result[pool->told]);
        pool->use->done(pool->use->data, pool->told, &pool->result[pool->told]);
        file_result_clear(&pool->result[pool->told++]);
    }
}

static void lose(struct pool *pool, struct worker *worker, enum file_status status, char *cause)
{
    const int index = worker->file;

    kill(worker->pid, SIGKILL);
    bury(worker);
    settle(pool, (unsigned)index, (struct file_result){.status = status, .cause = cause});
}

static void lose_crashed(struct pool *pool, struct worker *worker)
{
    const int index = worker->file;
    const int how = bury(worker);

    if (index == NO_FILE)
        return;
    settle(pool, (unsigned)index,
           (struct file_result){.status = FILE_CRASHED,
                                .cause = WIFSIGNALED(how)
                                             ? g_strdup_printf("Wireshark's dissectors crashed on it (signal %d: %s)",
                                                               WTERMSIG(how), strsignal(WTERMSIG(how)))
                                             : g_strdup_printf("Wireshark's dissectors gave up on it (exit status %d)",
                                                               WEXITSTATUS(how))});
}

/* Where too much waits, the file that it waits for is being read. */
static bool may_hand_out(const struct pool *pool)
{
    const uint64_t most = (uint64_t)pool->options->jobs * MOST_OCTETS_WAITING;

    if (pool->next == pool->told)
        return pool->next < pool->paths->len;
    return pool->next < MIN(pool->paths->len, pool->told + MOST_WAITING) && pool->octets_waiting < most;
}

static void hand_out(struct pool *pool, struct worker *worker)
{
    const uint32_t index = pool->next;

    if (!worker->pid && !start(pool, worker)) {
        pool->next++;
        settle(pool, index,
               (struct file_result){.status = FILE_CRASHED,
                                    .cause =
                                        g_strdup_printf("no process could be made to read it: %s", g_strerror(errno))});
        return;
    }
    if (!send_all(worker->socket, &index, sizeof index)) {
        lose_crashed(pool, worker); /* it died while it waited: the next one gets the file */
        return;
    }
    worker->file = (int)index;
    worker->since = g_get_monotonic_time();
    pool->next++;
}

/* Takes the answer when all of it is there. */
static void take_answer(struct pool *pool, struct worker *worker)
{
    struct answer answer;

    if (worker->answer->len < sizeof answer)
        return;
    memcpy(&answer, worker->answer->str, sizeof answer);
    if (worker->answer->len < sizeof answer + answer.cause_length + answer.records_length)
        return;
    const char *cause = worker->answer->str + sizeof answer;
    const struct file_result result = {
        .status = answer.status,
        .cause = answer.cause_length ? g_strndup(cause, answer.cause_length) : NULL,
        .records = worker->answer,
        .connections = answer.connections,
        .packets = answer.packets,
    };
    const int index = worker->file;
    g_string_erase(worker->answer, 0, (gssize)(sizeof answer + answer.cause_length)); /* its rest are the records */
    worker->answer = g_string_new(NULL);
    worker->file = NO_FILE;
    if (answer.is_last)
        bury(worker);
    else if (pool->next == pool->paths->len) /* nothing more can come: it ends while its answer is looked at */
        shutdown(worker->socket, SHUT_WR);
    settle(pool, (unsigned)index, result);
}

static void listen_to(struct pool *pool, struct worker *worker)
{
    char octets[65536];
    const ssize_t got = recv(worker->socket, octets, sizeof octets, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        lose_crashed(pool, worker);
        return;
    }
    g_string_append_len(worker->answer, octets, got);
    if (worker->file != NO_FILE)
        take_answer(pool, worker);
}

/* What the process holds in memory, in mebibytes. */
static uint64_t held_by(pid_t pid)
{
    uint64_t pages = 0;
    g_autofree char *path = g_strdup_printf("/proc/%d/statm", (int)pid);
    FILE *statistics = fopen(path, "re");

    if (!statistics)
        return 0;
    if (fscanf(statistics, "%*u %" G_GUINT64_FORMAT, &pages) != 1)
        pages = 0;
    fclose(statistics);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE) >> 20;
}

static void check_limits(struct pool *pool, struct worker *worker)
{
    const struct worker_options *options = pool->options;

    if (!worker->pid || worker->file == NO_FILE)
        return;
    if (options->timeout && g_get_monotonic_time() - worker->since > (int64_t)options->timeout * G_USEC_PER_SEC)
        lose(pool, worker, FILE_TIMEOUT, g_strdup_printf("took longer than %u seconds (--timeout)", options->timeout));
    else if (options->memory && held_by(worker->pid) > options->memory)
        lose(pool, worker, FILE_MEMORY,
             g_strdup_printf("took more than %u MiB of memory (--max-memory)", options->memory));
}

static void wait_and_listen(struct pool *pool)
{
    const unsigned jobs = pool->options->jobs;
    g_autofree struct pollfd *polled = g_new0(struct pollfd, jobs);

    for (unsigned i = 0; i < jobs; i++)
        polled[i] = (struct pollfd){.fd = pool->workers[i].pid ? pool->workers[i].socket : -1, .events = POLLIN};
    if (poll(polled, jobs, LOOK_EVERY) > 0)
        for (unsigned i = 0; i < jobs; i++)
            if (polled[i].revents)
                listen_to(pool, &pool->workers[i]);
    for (unsigned i = 0; i < jobs; i++)
        check_limits(pool, &pool->workers[i]);
}

/* After an interruption: what was read, though not all before it was. */
static void tell_the_rest(struct pool *pool)
{
    for (; pool->told < pool->paths->len; pool->told++) {
        if (!pool->is_done[pool->told])
            continue;
        pool->use->done(pool->use->data, pool->told, &pool->result[pool->told]);
        file_result_clear(&pool->result[pool->told]);
    }
}

void workers_run(const GPtrArray *paths, const struct worker_options *options, const struct workers_use *use)
{
    struct pool pool = {.paths = paths, .options = options, .use = use};

    if (paths->len == 0)
        return;
    pool.workers = g_new0(struct worker, options->jobs);
    pool.result = g_new0(struct file_result, paths->len);
    pool.is_done = g_new0(bool, paths->len);
    for (unsigned i = 0; i < options->jobs; i++)
        pool.workers[i].file = NO_FILE;
    engine_make_ready();
    while (pool.told < paths->len && !use->should_stop(use->data)) {
        for (unsigned i = 0; i < options->jobs; i++)
            if (pool.workers[i].file == NO_FILE && may_hand_out(&pool))
                hand_out(&pool, &pool.workers[i]);
        if (pool.told < paths->len)
            wait_and_listen(&pool);
    }
    tell_the_rest(&pool);
    for (unsigned i = 0; i < options->jobs; i++) {
        if (!pool.workers[i].pid)
            continue;
        if (pool.workers[i].file != NO_FILE) /* one that waits ends by itself when nothing more can come */
            kill(pool.workers[i].pid, SIGKILL);
        bury(&pool.workers[i]);
    }
    g_free(pool.workers);
    g_free(pool.result);
    g_free(pool.is_done);
}
