/* What this process holds of the system, to see that nothing of it leaks.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_TESTS_SUPPORT_PROCESS_H
#define BULLPEN_TESTS_SUPPORT_PROCESS_H

#include <stdint.h>

unsigned process_descriptors(void);
unsigned process_mappings(void);
uint64_t process_resident_bytes(void);

#endif
