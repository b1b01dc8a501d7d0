/* What a manifest may say. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_PLUGIN_MANIFEST_RULES_H
#define BP_PLUGIN_MANIFEST_RULES_H

#include "plugin/rules.h"

/* The version of what plugins are offered. A plugin that was built for another major, or for a
 * later minor, does not run. */
#define BP__ABI_MAJOR 1
#define BP__ABI_MINOR 0

/* Deeper than any manifest; parsers recurse. */
#define BP__MANIFEST_DEPTH_MAX 32

/* The table that docs/plugins/manifest.md and schema/manifest.schema.json are made from. */
extern const bp__rule bp__manifest_rules[];
/* Parts of it that policies have, too. */
extern const bp__rule bp__capability_rules[], bp__limit_rules[];

/* Everything that is wrong with a document, also what no table can say: names that must agree,
 * versions, paths. */
void bp__manifest_check(const json_t *document, bp__found *found);

/* The same for Extism's manifests, but for the files that they name. */
void bp__manifest_check_extism(const json_t *document, bp__found *found);

/* Extism's manifests name their code in "wasm"; what says neither that nor anything of ours is taken for
 * one, too. */
bool bp__manifest_is_extism(const json_t *document);

#endif
