/* An ordered set of things that carry its node: a treap. SPDX-License-Identifier: Apache-2.0 */
#ifndef BP_HOST_KV_TREE_H
#define BP_HOST_KV_TREE_H

#include <stddef.h>
#include <stdint.h>

/* Zero is a node that stands in no tree. */
typedef struct bp__tree_node {
    struct bp__tree_node *left, *right;
    uint64_t
        priority; /* no child has a higher one; random, so that no order of keys unbalances it */
} bp__tree_node;

/* Like memcmp(); `key` is what the tree's user makes of it. */
typedef int (*bp__tree_order)(const void *key, const bp__tree_node *node);

typedef struct bp__tree {
    bp__tree_node *root;
    bp__tree_order order;
    uint64_t seed; /* of the priorities */
} bp__tree;

void bp__tree_init(bp__tree *tree, bp__tree_order order);
/* `key` is the node's own, and not in the tree. */
void bp__tree_add(bp__tree *tree, const void *key, bp__tree_node *node);
/* `key` is in the tree. */
bp__tree_node *bp__tree_remove(bp__tree *tree, const void *key);
bp__tree_node *bp__tree_find(const bp__tree *tree, const void *key);
/* The first that is not before `key`; NULL if all are. */
bp__tree_node *bp__tree_at(const bp__tree *tree, const void *key);
/* The first behind `key`. */
bp__tree_node *bp__tree_after(const bp__tree *tree, const void *key);
bp__tree_node *bp__tree_first(const bp__tree *tree);

#endif
