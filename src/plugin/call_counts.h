/* What a plugin's calls came to, by export. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_CALL_COUNTS_H
#define BP_PLUGIN_CALL_COUNTS_H

#include <bullpen/error.h>
#include <bullpen/outcome.h>
#include <stdalign.h>

#include "pool/counters.h"

#define BP__ONE_OUTCOME(name, number, text, http) +1
#define BP__OUTCOMES (0 BP_OUTCOME_MAP(BP__ONE_OUTCOME))

/* Threads are spread over so many sets, which are added up when somebody reads. */
#define BP__CALL_SETS 4

/* Relaxed; they publish nothing. Calls that finished have times of their own, whose number is
 * theirs: a counter less for each. */
typedef struct bp__call_set {
    alignas(64) bp__histogram finished;
    bp__histogram others;
    _Atomic uint64_t outcomes[BP__OUTCOMES]; /* of the others */
} bp__call_set;

/* One export's. */
typedef struct bp__export_counts {
    bp__call_set sets[BP__CALL_SETS];
    _Atomic uint64_t longest_ns;
} bp__export_counts;

#define BP__REFUSALS (BP_ESTALE + 2) /* the last one is for factories' own statuses */

typedef struct bp__call_counts {
    size_t exports;
    /* Each made with the first call of its export and published by a release; read by acquires;
     * freed with the plugin. */
    _Atomic(bp__export_counts *) *of;
    _Atomic uint64_t refused[BP__REFUSALS]; /* calls that did not begin, by status; relaxed */
} bp__call_counts;

bp_status bp__call_counts_init(bp__call_counts *counts, size_t exports, bp_error *reterr);
void bp__call_counts_done(bp__call_counts *counts);

/* `spread` is alike for the calls of one thread, and unlike for those of others, most of the time.
 * Without memory a call is not counted. */
void bp__call_counted(bp__call_counts *counts, size_t export, bp_outcome outcome, uint64_t ns,
                      uint64_t spread);
void bp__call_refused(bp__call_counts *counts, bp_status status);

/* One export's sets summed up. */
typedef struct bp__call_sum {
    uint64_t outcomes[BP__OUTCOMES]; /* by number of the outcome */
    uint64_t buckets[BP_POOL_BUCKETS];
    uint64_t sum_ns, longest_ns;
} bp__call_sum;
/* False: it was never called. */
bool bp__call_sum_read(const bp__call_counts *counts, size_t export, bp__call_sum *ret);

#endif
