/* The pool alone: connections to a database, lent to threads. SPDX-License-Identifier: Apache-2.0
 *
 * Opening a connection and preparing statements costs much more than a query; sharing one between
 * threads costs more still. So four are kept open and lent out. Built with SQLite:
 *     cc pool_of_connections.c $(pkg-config --cflags --libs bullpen sqlite3) -lpthread
 */
#include <bullpen/pool.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS 8
#define QUERIES 1000

/* What a factory makes its items from. */
typedef struct database {
    const char *path;
} database;

typedef struct connection {
    sqlite3 *handle;
    sqlite3_stmt *add, *count;
} connection;

static void close_connection(void *factory, void *item, bp_recycle_reason why)
{
    (void)factory;
    (void)why;
    connection *c = item;
    sqlite3_finalize(c->add);
    sqlite3_finalize(c->count);
    sqlite3_close(c->handle);
    free(c);
}

static int prepare(connection *c)
{
    const char *schema = "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;"
                         "CREATE TABLE IF NOT EXISTS visits (who INTEGER)";
    int code = sqlite3_exec(c->handle, schema, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(c->handle, "INSERT INTO visits VALUES (?)", -1, &c->add, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(c->handle, "SELECT count(*) FROM visits", -1, &c->count, NULL);
    return code;
}

/* Statuses from BP_EHOST upward are the factory's own and reach the taker unchanged. */
static bp_status open_connection(void *factory, bp_deadline by, void **ret_item, bp_error *reterr)
{
    const database *from = factory;
    connection *c = calloc(1, sizeof *c);
    if (!c)
        return bp_error_set(reterr, BP_ENOMEM, "out of memory");
    int code = sqlite3_open(from->path, &c->handle);
    uint64_t left_ms = bp_deadline_left_ns(by) / 1000000;
    sqlite3_busy_timeout(c->handle, left_ms > 10000 ? 10000 : (int)left_ms);
    if (code == SQLITE_OK)
        code = prepare(c);
    if (code != SQLITE_OK) {
        bp_error_set(reterr, BP_EHOST, "open '%s': %s", from->path, sqlite3_errmsg(c->handle));
        if (reterr)
            reterr->host_code = code;
        close_connection(factory, c, BP_RECYCLE_CLOSE);
        return BP_EHOST;
    }
    *ret_item = c;
    return BP_OK;
}

/* The next borrower must not find itself inside somebody's transaction. */
static bp_status reset_connection(void *factory, void *item, bp_deadline by, bp_error *reterr)
{
    (void)factory;
    (void)by;
    connection *c = item;
    sqlite3_reset(c->add);
    sqlite3_reset(c->count);
    if (sqlite3_get_autocommit(c->handle))
        return BP_OK;
    if (sqlite3_exec(c->handle, "ROLLBACK", NULL, NULL, NULL) == SQLITE_OK)
        return BP_OK;
    return bp_error_set(reterr, BP_EHOST, "rollback: %s", sqlite3_errmsg(c->handle));
}

/* One query on a borrowed connection, which goes back when the lease's scope ends. */
static bp_status visit(bp_pool *pool, int who, bp_error *reterr)
{
    BP_AUTO_LEASE lease = BP_LEASE_INIT;
    bp_status status = bp_pool_take(pool, bp_deadline_in_ms(2000), &lease, reterr);
    if (status)
        return status;
    connection *c = bp_lease_item(&lease);
    sqlite3_bind_int(c->add, 1, who);
    if (sqlite3_step(c->add) == SQLITE_DONE)
        return BP_OK;
    bp_error_set(reterr, BP_EHOST, "insert: %s", sqlite3_errmsg(c->handle));
    (void)bp_lease_condemn(&lease, BP_RECYCLE_CONDEMNED);
    return BP_EHOST;
}

static void *work(void *data)
{
    bp_error error = BP_ERROR_INIT;
    for (int i = 0; i < QUERIES; i++) {
        if (visit(data, i, &error)) {
            fprintf(stderr, "%s\n", error.message);
            return data;
        }
    }
    return NULL;
}

static long count_visits(bp_pool *pool)
{
    BP_AUTO_LEASE lease = BP_LEASE_INIT;
    if (bp_pool_take(pool, bp_deadline_in_ms(2000), &lease, NULL))
        return -1;
    connection *c = bp_lease_item(&lease);
    return sqlite3_step(c->count) == SQLITE_ROW ? (long)sqlite3_column_int64(c->count, 0) : -1;
}

/* True if every thread could do its queries. */
static bool run_threads(bp_pool *pool)
{
    pthread_t threads[THREADS];
    bool worked = true;
    int started = 0;
    while (started < THREADS && !pthread_create(&threads[started], NULL, work, pool))
        started++;
    for (int i = 0; i < started; i++) {
        void *failed = NULL;
        pthread_join(threads[i], &failed);
        worked = worked && !failed;
    }
    return worked && started == THREADS;
}

static bool serve(bp_pool *pool)
{
    bool worked = run_threads(pool);
    long visits = count_visits(pool);
    bp_pool_stats stats = BP_POOL_STATS_INIT;
    if (bp_pool_stats_read(pool, &stats) == BP_OK)
        printf("%ld visits over %u connections, %llu at once, %llu after a wait\n", visits,
               stats.high_water, (unsigned long long)stats.takes[BP_TAKE_HIT],
               (unsigned long long)stats.takes[BP_TAKE_MISS]);
    return worked && visits == (long)THREADS * QUERIES;
}

static bool run(database *shared)
{
    bp_pool_ops ops = BP_POOL_OPS_INIT;
    ops.create = open_connection;
    ops.reset = reset_connection;
    ops.destroy = close_connection;
    bp_pool_options options = BP_POOL_OPTIONS_INIT;
    options.name = "visits";
    options.max_live = 4;
    options.min_warm = 1;
    options.reset_when = BP_RESET_ON_GIVE_INLINE; /* quick, so no keeper is needed */
    bp_pool *pool = NULL;
    bp_error error = BP_ERROR_INIT;
    if (bp_pool_new(&ops, shared, &options, &pool, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return false;
    }
    bool worked = serve(pool);
    bp_pool_unref(pool);
    return worked;
}

int main(void)
{
    char folder[] = "/tmp/visits-XXXXXX", path[64];
    if (!mkdtemp(folder)) {
        perror("mkdtemp");
        return 1;
    }
    snprintf(path, sizeof path, "%s/visits.db", folder);
    bool worked = run(&(database){path});
    unlink(path); /* SQLite removes its other files with the last connection */
    rmdir(folder);
    return worked ? 0 : 1;
}
