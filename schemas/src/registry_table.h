/*
 * registry_table.h - the part of the registry that the codec reads on every record, without a lock.
 *
 * A table is immutable once published, and kept until the registry is freed, because a
 * reader may still look into a replaced one.
 */
#ifndef SCHEMAS_REGISTRY_TABLE_H
#define SCHEMAS_REGISTRY_TABLE_H

#include <schemas/registry.h>
#include <schemas/shop.h>

#include <stdatomic.h>

struct registry_slot {
    int32_t schema_id; /* 0: free. Ids start at 1. */
    int32_t type_id;
};

struct registry_table {
    struct registry_table *replaced;     /* The table before this one. */
    int32_t schema_ids[SHOP_TYPE_COUNT]; /* By type, to encode with; 0: none. */
    uint32_t mask;
    struct registry_slot slots[]; /* By schema id, linear probing; never full. */
};

struct registry_state;

struct codec_registry {
    struct registry_table *_Atomic table; /* NULL until bound. */
    struct registry_state *state;         /* Behind its own lock. */
};

static inline const struct registry_table *registry_table_of(const struct codec_registry *registry)
{
    return atomic_load_explicit(&registry->table, memory_order_acquire);
}

/* The id to encode the type with; 0 when it is not bound. */
static inline int32_t registry_bound_id(const struct codec_registry *registry, enum shop_type id)
{
    const struct registry_table *table = registry_table_of(registry);
    return table ? table->schema_ids[id] : 0;
}

/* The enum shop_type whose schema text this id has, or SHOP_NONE. */
static inline int registry_bound_type(const struct codec_registry *registry, int32_t schema_id)
{
    const struct registry_table *table = registry_table_of(registry);
    if (!table || schema_id <= 0)
        return SHOP_NONE;
    for (uint32_t at = (uint32_t)schema_id;; at++) {
        const struct registry_slot *slot = &table->slots[at & table->mask];
        if (slot->schema_id == schema_id)
            return slot->type_id;
        if (slot->schema_id == 0)
            return SHOP_NONE;
    }
}

#endif
