/* Whose handlers get a guest's faults. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_ENGINE_SIGNALS_H
#define BP_ENGINE_SIGNALS_H

#include <bullpen/error.h>

/* After an engine that uses signals was made: the first one of a process installs handlers, which
 * are the engine's then. */
void bp__signals_remember(void);
/* BP_EINVAL if somebody has put others in their place. */
bp_status bp__signals_check(bp_error *reterr);

#endif
