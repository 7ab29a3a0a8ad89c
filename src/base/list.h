/* SPDX-License-Identifier: BSD-3-Clause */
/* A doubly linked list whose links live in the members. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/compiler.h"

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

static inline void list_init(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_is_empty(const struct list_head *head)
{
	return head->next == head;
}

/* Insert @entry as the last of the list at @head. */
static inline void list_add_tail(struct list_head *entry,
				 struct list_head *head)
{
	entry->next = head;
	entry->prev = head->prev;
	head->prev->next = entry;
	head->prev = entry;
}

/* Remove @entry; it is then an empty list of its own. */
static inline void list_remove(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
	list_init(entry);
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)

#define list_first_entry(head, type, member) \
	list_entry((head)->next, type, member)

#define list_for_each_entry(pos, head, member)                         \
	for (pos = list_entry((head)->next, __typeof__(*pos), member); \
	     &pos->member != (head);                                   \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

/* As list_for_each_entry(); the body may remove and free @pos. */
#define list_for_each_entry_safe(pos, after, head, member)                  \
	for (pos = list_entry((head)->next, __typeof__(*pos), member),      \
	    after = list_entry(pos->member.next, __typeof__(*pos), member); \
	     &pos->member != (head);                                        \
	     pos = after, after = list_entry(after->member.next,            \
					     __typeof__(*after), member))

#endif /* BASE_LIST_H */
