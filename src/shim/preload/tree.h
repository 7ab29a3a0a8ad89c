/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The tree of files served: which paths it has, which of them are nodes.
 *
 * Terms: a *name* is an absolute path as the program knows it, without ".",
 * ".." and double slashes. An *owned* name is served from the tree alone; a
 * *merged* directory is the host's, with the tree's names in it.
 */
#ifndef PRELOAD_TREE_H
#define PRELOAD_TREE_H

#include <sys/stat.h>
#include "base/compiler.h"

/**
 * struct tree_node - a character device served
 * @path: its name
 * @rdev: what stat() shows
 * @mode: likewise
 * @dev: where its stand-in in the tree is
 * @ino: likewise
 */
struct tree_node {
	char path[128];
	dev_t rdev;
	mode_t mode;
	dev_t dev;
	ino_t ino;
};

/* Is this name served from the tree, whether it exists or not? */
bool tree_serves(const char *name);

/* Is it a directory of the host's with names of ours in it? */
bool tree_is_merged(const char *name);

/* The node whose stand-in this is, or NULL. */
const struct tree_node *tree_node_of(dev_t dev, ino_t ino);

/* The node of that name, or NULL. */
const struct tree_node *tree_node_named(const char *name);

/* If @stat is of a node's stand-in, make it what the node would show. */
void tree_fix_stat(struct stat *stat);

/* Text from the host that may begin with the tree's directory: cut it off.
 * Return: the new length. @text need not end in NUL. */
size_t tree_strip(char *text, size_t len);

#endif /* PRELOAD_TREE_H */
