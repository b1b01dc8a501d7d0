/* Bullpen: everything. SPDX-License-Identifier: Apache-2.0 */
#ifndef BULLPEN_BULLPEN_H
#define BULLPEN_BULLPEN_H

#include <bullpen/build.h>
#include <bullpen/cache.h>
#include <bullpen/call.h>
#include <bullpen/common.h>
#include <bullpen/deadline.h>
#include <bullpen/error.h>
#include <bullpen/host_function.h>
#include <bullpen/inspect.h>
#include <bullpen/kv.h>
#include <bullpen/leak.h>
#include <bullpen/log.h>
#include <bullpen/manifest.h>
#include <bullpen/metrics.h>
#include <bullpen/outcome.h>
#include <bullpen/plugin.h>
#include <bullpen/policy.h>
#include <bullpen/pool.h>
#include <bullpen/runtime.h>

#endif
