/* SPDX-License-Identifier: Apache-2.0 */
#include "support/journal.h"

#include <stdio.h>
#include <string.h>

void journal_init(journal *self)
{
    memset(self, 0, sizeof *self);
    pthread_mutex_init(&self->mutex, NULL);
}

void journal_done(journal *self)
{
    pthread_mutex_destroy(&self->mutex);
}

void journal_write(void *data, const bp_log_record *from)
{
    journal *self = data;
    pthread_mutex_lock(&self->mutex);
    journal_record *to = &self->records[self->count++ % JOURNAL_RECORDS];
    to->level = from->level;
    to->call_id = from->call_id;
    snprintf(to->source, sizeof to->source, "%s", from->source);
    snprintf(to->plugin, sizeof to->plugin, "%s", from->plugin ? from->plugin : "");
    snprintf(to->text, sizeof to->text, "%.*s",
             (int)(from->text.size < JOURNAL_TEXT ? from->text.size : JOURNAL_TEXT - 1),
             from->text.size ? (const char *)from->text.data : "");
    bool of_guest = strcmp(from->source, "guest") == 0;
    if (of_guest)
        self->guest_bytes += from->text.size;
    pthread_mutex_unlock(&self->mutex);
    if (of_guest && self->guest_wrote)
        self->guest_wrote();
}

bool journal_find(journal *self, bp_log_level level, const char *part, journal_record *ret)
{
    bool found = false;
    pthread_mutex_lock(&self->mutex);
    unsigned kept = self->count < JOURNAL_RECORDS ? self->count : JOURNAL_RECORDS;
    for (unsigned i = 0; i < kept && !found; i++) {
        const journal_record *record = &self->records[(self->count - 1 - i) % JOURNAL_RECORDS];
        found = record->level == level && strstr(record->text, part);
        if (found && ret)
            *ret = *record;
    }
    pthread_mutex_unlock(&self->mutex);
    return found;
}
