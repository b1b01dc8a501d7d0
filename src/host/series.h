/* What a plugin counts itself: a bounded number of series. Thread-safe.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_SERIES_H
#define BP_HOST_SERIES_H

#include <bullpen/error.h>
#include <pthread.h>

#define BP__SERIES_MAX 200 /* of a plugin; each costs whoever stores them, for ever */
#define BP__SERIES_LABELS_MAX 8
#define BP__SERIES_NAME_MAX 64   /* bytes of a name, of a metric or a label */
#define BP__SERIES_VALUE_MAX 128 /* bytes of a label's value */
#define BP__SERIES_PREFIX "bullpen_plugin_custom_"

typedef enum bp__series_kind {
    BP__SERIES_COUNTER,   /* grows by what is recorded */
    BP__SERIES_GAUGE,     /* is what was recorded last */
    BP__SERIES_HISTOGRAM, /* counts what is recorded by size */
} bp__series_kind;

/* Upper bounds of a histogram's buckets: those that Prometheus' clients use for seconds. */
#define BP__SERIES_BOUNDS 11
extern const double bp__series_bounds[BP__SERIES_BOUNDS];

typedef struct bp__label {
    bp_bytes name, value;
} bp__label;

/* One combination of a name and labels. */
typedef struct bp__one_series {
    char *name;   /* without the prefix */
    char *labels; /* as they stand in the text, sorted, with a comma before each; "" without any */
    bp__series_kind kind;
    double value; /* of a histogram: the sum */
    uint64_t buckets[BP__SERIES_BOUNDS + 1];
} bp__one_series;

/* Zero-initialised but for the mutex: bp__series_init(). */
typedef struct bp__series {
    pthread_mutex_t mutex; /* guards everything below */
    bp__one_series *items;
    size_t count, capacity;
} bp__series;

void bp__series_init(bp__series *series);
void bp__series_done(bp__series *series);

/* BP_EINVAL: a name, label or value that is none, or a name that has another kind; BP_ELIMIT: too
 * many labels or series. Then nothing has changed. */
bp_status bp__series_record(bp__series *series, bp__series_kind kind, bp_bytes name,
                            const bp__label *labels, size_t label_count, double value,
                            bp_error *reterr);

/* A copy of all of them, in no order; bp__series_copy_free(). */
bp_status bp__series_copy(bp__series *series, bp__one_series **ret, size_t *ret_count);
void bp__series_copy_free(bp__one_series *items, size_t count);

#endif
