/* SPDX-License-Identifier: Apache-2.0 */
#include "host/kv_tree.h"

#include <sys/random.h>

void bp__tree_init(bp__tree *tree, bp__tree_order order)
{
    *tree = (bp__tree){.order = order};
    /* Guests choose keys, and time what they cost: the priorities are not to be guessed. Without
     * random bytes the address will do. */
    if (getrandom(&tree->seed, sizeof tree->seed, GRND_NONBLOCK) != sizeof tree->seed)
        tree->seed = (uint64_t)(uintptr_t)tree;
    tree->seed |= 1;
}

/* xorshift64 (Marsaglia): never 0 again once it is not. */
static uint64_t next_priority(bp__tree *tree)
{
    tree->seed ^= tree->seed << 13;
    tree->seed ^= tree->seed >> 7;
    tree->seed ^= tree->seed << 17;
    return tree->seed;
}

/* Parts a tree into what is before `key` and what is behind it. */
static void split(const bp__tree *tree, bp__tree_node *node, const void *key,
                  bp__tree_node **before, bp__tree_node **behind)
{
    while (node) {
        if (tree->order(key, node) > 0) {
            *before = node;
            before = &node->right;
            node = node->right;
        } else {
            *behind = node;
            behind = &node->left;
            node = node->left;
        }
    }
    *before = NULL;
    *behind = NULL;
}

/* Joins two trees, all of `a` before all of `b`, at `place`. */
static void merge(bp__tree_node *a, bp__tree_node *b, bp__tree_node **place)
{
    while (a && b) {
        if (a->priority > b->priority) {
            *place = a;
            place = &a->right;
            a = a->right;
        } else {
            *place = b;
            place = &b->left;
            b = b->left;
        }
    }
    *place = a ? a : b;
}

void bp__tree_add(bp__tree *tree, const void *key, bp__tree_node *node)
{
    node->priority = next_priority(tree);
    bp__tree_node **place = &tree->root;
    while (*place && (*place)->priority >= node->priority)
        place = tree->order(key, *place) < 0 ? &(*place)->left : &(*place)->right;
    split(tree, *place, key, &node->left, &node->right);
    *place = node;
}

bp__tree_node *bp__tree_remove(bp__tree *tree, const void *key)
{
    bp__tree_node **place = &tree->root, *node;
    for (int order; (node = *place) && (order = tree->order(key, node)) != 0;)
        place = order < 0 ? &node->left : &node->right;
    if (node)
        merge(node->left, node->right, place);
    return node;
}

bp__tree_node *bp__tree_find(const bp__tree *tree, const void *key)
{
    bp__tree_node *node = bp__tree_at(tree, key);
    return node && tree->order(key, node) == 0 ? node : NULL;
}

/* The first node that `key` is before by at least `distance`: 0 or 1. */
static bp__tree_node *seek(const bp__tree *tree, const void *key, int distance)
{
    bp__tree_node *found = NULL;
    for (bp__tree_node *node = tree->root; node;) {
        int order = tree->order(key, node);
        if (order < 0 || (order == 0 && distance == 0)) {
            found = node;
            node = node->left;
        } else {
            node = node->right;
        }
    }
    return found;
}

bp__tree_node *bp__tree_at(const bp__tree *tree, const void *key)
{
    return seek(tree, key, 0);
}

bp__tree_node *bp__tree_after(const bp__tree *tree, const void *key)
{
    return seek(tree, key, 1);
}

bp__tree_node *bp__tree_first(const bp__tree *tree)
{
    bp__tree_node *node = tree->root;
    while (node && node->left)
        node = node->left;
    return node;
}
