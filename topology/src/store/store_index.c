/* store_index.c - a skip list of entries; every fourth node is one level higher. */
#include "store_index.h"

#include <base/alloc.h>

#include <assert.h>
#include <stdlib.h>

enum { HEIGHT_MAX = 12 };

/* Zero padding keeps the order: a prefix is never above what continues it. */
static uint64_t head_of(struct mr_bytes key)
{
    char head[8] = {0};
    size_t len = key.len < sizeof head ? key.len : sizeof head;
    if (len)
        memcpy(head, key.ptr, len);
    return mr_get_be64(head);
}

static struct store_node *node_new(int height)
{
    return mr_calloc(1, sizeof(struct store_node) + (size_t)height * sizeof(struct store_node *));
}

void store_index_init(struct store_index *index)
{
    *index = (struct store_index){.random = 0x9e3779b97f4a7c15U, .height = 1};
    index->first = node_new(HEIGHT_MAX);
    pthread_mutex_init(&index->lock, NULL);
}

void store_index_clean_up(struct store_index *index)
{
    while (index->first) {
        struct store_node *next = index->first->next[0];
        free(index->first);
        index->first = next;
    }
    pthread_mutex_destroy(&index->lock);
}

static int random_height(struct store_index *index)
{
    index->random ^= index->random << 13;
    index->random ^= index->random >> 7;
    index->random ^= index->random << 17;
    int height = 1;
    for (uint64_t bits = index->random; (bits & 3) == 0 && height < HEIGHT_MAX; bits >>= 2)
        height++;
    return height;
}

static int index_compare(const struct store_node *node, uint64_t head, struct mr_bytes key)
{
    if (node->head != head)
        return node->head < head ? -1 : 1;
    return mr_bytes_compare(store_entry_key(node->entry), key);
}

/* The last node before `key` (or, with `through`, at it); `ret_path` (may be NULL) gets the node
 * before it on every level. */
static struct store_node *index_descend(
    const struct store_index *index,
    struct mr_bytes key,
    bool through,
    struct store_node *ret_path[HEIGHT_MAX])
{
    uint64_t head = head_of(key);
    struct store_node *node = index->first;
    for (int level = index->height - 1; level >= 0; level--) {
        while (node->next[level]) {
            int order = index_compare(node->next[level], head, key);
            if (order > 0 || (order == 0 && !through))
                break;
            node = node->next[level];
        }
        if (ret_path)
            ret_path[level] = node;
    }
    return node;
}

void store_index_add(struct store_index *index, struct store_entry *entry)
{
    assert(!(entry->flags & STORE_INDEXED));
    struct mr_bytes key = store_entry_key(entry);
    struct store_node *path[HEIGHT_MAX] = {0};
    index_descend(index, key, false, path);
    int height = random_height(index);
    struct store_node *node = node_new(height);
    node->head = head_of(key);
    node->entry = entry;
    pthread_mutex_lock(&index->lock);
    for (int level = 0; level < height; level++) {
        struct store_node *before = level < index->height ? path[level] : index->first;
        node->next[level] = before->next[level];
        before->next[level] = node;
    }
    if (height > index->height)
        index->height = height;
    index->version++;
    pthread_mutex_unlock(&index->lock);
    entry->flags |= STORE_INDEXED;
}

void store_index_remove(struct store_index *index, struct store_entry *entry)
{
    assert(entry->flags & STORE_INDEXED);
    struct store_node *path[HEIGHT_MAX] = {0};
    struct store_node *node = index_descend(index, store_entry_key(entry), false, path)->next[0];
    assert(node && node->entry == entry);
    pthread_mutex_lock(&index->lock);
    for (int level = 0; level < index->height && path[level]->next[level] == node; level++)
        path[level]->next[level] = node->next[level];
    index->version++;
    pthread_mutex_unlock(&index->lock);
    free(node);
    entry->flags &= (uint8_t)~STORE_INDEXED;
}

/* The lock is held for taking the nodes out; they are freed after. */
void store_index_clear(struct store_index *index)
{
    struct store_node *node = index->first->next[0];
    pthread_mutex_lock(&index->lock);
    for (int level = 0; level < HEIGHT_MAX; level++)
        index->first->next[level] = NULL;
    index->height = 1;
    index->version++;
    pthread_mutex_unlock(&index->lock);
    while (node) {
        struct store_node *next = node->next[0];
        node->entry->flags &= (uint8_t)~STORE_INDEXED;
        free(node);
        node = next;
    }
}

struct store_node *
store_index_from(const struct store_index *index, struct mr_bytes key, bool after)
{
    if (!key.ptr)
        return index->first->next[0];
    return index_descend(index, key, after, NULL)->next[0];
}

struct store_node *store_index_before(const struct store_index *index, struct mr_bytes key)
{
    struct store_node *node = index->first;
    if (key.ptr) {
        node = index_descend(index, key, false, NULL);
    } else {
        for (int level = index->height - 1; level >= 0; level--)
            while (node->next[level])
                node = node->next[level];
    }
    return node == index->first ? NULL : node;
}
