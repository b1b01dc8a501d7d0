/* Collects what a runtime logs. Thread-safe. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_JOURNAL_H
#define BULLPEN_TESTS_SUPPORT_JOURNAL_H

#include <bullpen/log.h>
#include <pthread.h>

#define JOURNAL_RECORDS 64
#define JOURNAL_TEXT 512

typedef struct journal_record {
    bp_log_level level;
    uint64_t call_id;
    char source[16], plugin[64];
    char text[JOURNAL_TEXT];
} journal_record;

/* The last records; zero is an empty journal. */
typedef struct journal {
    pthread_mutex_t mutex;
    unsigned count;       /* of all that came; the last JOURNAL_RECORDS are kept */
    uint64_t guest_bytes; /* of text from guests, in all */
    void (*guest_wrote)(void); /* called for each record of a guest, on its thread; NULL: nothing */
    journal_record records[JOURNAL_RECORDS];
} journal;

void journal_init(journal *self);
void journal_done(journal *self);
/* A bp_log_fn; `data` is the journal. */
void journal_write(void *data, const bp_log_record *record);
/* Copies the last record of a level that has `part` in it; false if there is none. */
bool journal_find(journal *self, bp_log_level level, const char *part, journal_record *ret);

#endif
