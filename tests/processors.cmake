millrace_test(shop_ids_test LABEL unit LIBS processors)
millrace_test(shop_topology_test LABEL unit LIBS processors)

# The whole write side: four services on simulated logs.
millrace_test(shop_whole_test LABEL sim LIBS processors)
target_sources(shop_whole_test PRIVATE sim/shop_harness.c)
