/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A height-balanced (AVL) tree by start, in which each node also knows the
 * highest last number of its subtree. A search for what meets a range need
 * not enter a subtree that ends before the range begins.
 */
#include "base/interval.h"

static unsigned int node_height(const struct interval *node)
{
	return node ? node->height : 0;
}

/* Compute what a node knows of its subtree from its children. */
static void node_update(struct interval *node)
{
	unsigned int left = node_height(node->left);
	unsigned int right = node_height(node->right);

	node->height = 1 + (left > right ? left : right);
	node->subtree_last = node->last;
	if (node->left && node->left->subtree_last > node->subtree_last)
		node->subtree_last = node->left->subtree_last;
	if (node->right && node->right->subtree_last > node->subtree_last)
		node->subtree_last = node->right->subtree_last;
}

/* Put @with, which may be NULL, where @node hangs. */
static void tree_replace(struct interval_tree *tree, struct interval *node,
			 struct interval *with)
{
	struct interval *parent = node->parent;

	if (!parent)
		tree->root = with;
	else if (parent->left == node)
		parent->left = with;
	else
		parent->right = with;
	if (with)
		with->parent = parent;
}

/* The right child becomes the parent. */
static struct interval *tree_rotate_left(struct interval_tree *tree,
					 struct interval *node)
{
	struct interval *top = node->right;

	tree_replace(tree, node, top);
	node->right = top->left;
	if (node->right)
		node->right->parent = node;
	top->left = node;
	node->parent = top;
	node_update(node);
	node_update(top);
	return top;
}

static struct interval *tree_rotate_right(struct interval_tree *tree,
					  struct interval *node)
{
	struct interval *top = node->left;

	tree_replace(tree, node, top);
	node->left = top->right;
	if (node->left)
		node->left->parent = node;
	top->right = node;
	node->parent = top;
	node_update(node);
	node_update(top);
	return top;
}

/* Balance one node; return what now stands in its place. */
static struct interval *tree_balance(struct interval_tree *tree,
				     struct interval *node)
{
	unsigned int left = node_height(node->left);
	unsigned int right = node_height(node->right);

	if (left > right + 1) {
		if (node_height(node->left->left) <
		    node_height(node->left->right))
			tree_rotate_left(tree, node->left);
		return tree_rotate_right(tree, node);
	}
	if (right > left + 1) {
		if (node_height(node->right->right) <
		    node_height(node->right->left))
			tree_rotate_right(tree, node->right);
		return tree_rotate_left(tree, node);
	}
	node_update(node);
	return node;
}

static void tree_balance_up(struct interval_tree *tree, struct interval *node)
{
	while (node)
		node = tree_balance(tree, node)->parent;
}

void interval_insert(struct interval_tree *tree, struct interval *entry)
{
	struct interval **link = &tree->root;
	struct interval *parent = NULL;

	while (*link) {
		parent = *link;
		link = entry->start < parent->start ? &parent->left
						    : &parent->right;
	}
	entry->parent = parent;
	entry->left = NULL;
	entry->right = NULL;
	*link = entry;
	tree_balance_up(tree, entry);
}

void interval_remove(struct interval_tree *tree, struct interval *entry)
{
	struct interval *lowest_changed = entry->parent;
	struct interval *after = entry->right;

	if (!entry->left || !entry->right) {
		tree_replace(tree, entry,
			     entry->left ? entry->left : entry->right);
		tree_balance_up(tree, lowest_changed);
		return;
	}
	/* The entry after it takes its place. */
	while (after->left)
		after = after->left;
	lowest_changed = after->parent == entry ? after : after->parent;
	tree_replace(tree, after, after->right);
	tree_replace(tree, entry, after);
	after->left = entry->left;
	after->right = entry->right;
	after->left->parent = after;
	if (after->right)
		after->right->parent = after;
	tree_balance_up(tree, lowest_changed);
}

/* The lowest of a subtree that meets the range. */
static struct interval *node_first(struct interval *node, __u64 start,
				   __u64 last)
{
	while (node && node->subtree_last >= start) {
		/*
		 * If something on the left ends at or after start, the answer
		 * is there or nowhere: what fails there fails by beginning
		 * after last, and so does all that stands to its right.
		 */
		if (node->left && node->left->subtree_last >= start) {
			node = node->left;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
		node = node->right;
	}
	return NULL;
}

struct interval *interval_first(const struct interval_tree *tree, __u64 start,
				__u64 last)
{
	return node_first(tree->root, start, last);
}

struct interval *interval_next(const struct interval *entry, __u64 start,
			       __u64 last)
{
	struct interval *found = node_first(entry->right, start, last);
	struct interval *node = entry->parent;

	while (!found && node) {
		/* Coming up from the left: the node and its right follow. */
		if (node->left == entry) {
			if (node->start > last)
				return NULL;
			if (node->last >= start)
				return node;
			found = node_first(node->right, start, last);
		}
		entry = node;
		node = node->parent;
	}
	return found;
}

bool interval_next_gap(const struct interval_tree *tree, __u64 *start,
		       __u64 last, __u64 *gap_last)
{
	const struct interval *range;

	*gap_last = last;
	while ((range = interval_first(tree, *start, last))) {
		if (range->start > *start) {
			*gap_last = range->start - 1;
			return true;
		}
		if (range->last >= last)
			return false;
		*start = range->last + 1;
	}
	return true;
}
