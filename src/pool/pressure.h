/* Memory pressure, for tests. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_POOL_PRESSURE_H
#define BP_POOL_PRESSURE_H

#include <bullpen/pool.h>

/* For tests: a folder in which `proc` and `sys` are looked for; "/" goes back to the real ones (a
 * name of 128 bytes or more does too). Only while nobody looks: before a keeper's first pool, or
 * while it is stopped. What the files say may change at any time. */
void bp__pressure_root_set(const char *root);

#endif
