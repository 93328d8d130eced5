/*
 * list - links inside the things they link (a ring with a head that holds nothing).
 *
 * A link that is on no ring points to itself (list_init), so list_del may be called at
 * any time and twice. LIST_OF(link, struct thing, member) leads back to the thing.
 */
#ifndef SIGPOST_LIST_H
#define SIGPOST_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list	*next;
	struct list	*prev;
};

#define LIST_OF(link, type, member) \
	((type *)(void *)((char *)(link) - offsetof(type, member)))

static inline void
list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool
list_empty(const struct list *l)
{
	return l->next == l;
}

static inline void
list_del(struct list *l)
{
	l->next->prev = l->prev;
	l->prev->next = l->next;
	list_init(l);
}

/* Puts l at the end of the ring of head; l must be on none. */
static inline void
list_add(struct list *head, struct list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

/* Takes the first link off and returns it; NULL if the ring is empty. */
static inline struct list *
list_pop(struct list *head)
{
	struct list *l = head->next;

	if (l == head)
		return NULL;
	list_del(l);
	return l;
}

/* Moves all of `from` to the end of `to`; `from` is empty afterwards. */
static inline void
list_move(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#endif
