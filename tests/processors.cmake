millrace_test(shop_ids_test LABEL unit LIBS processors)
millrace_test(shop_topology_test LABEL unit LIBS processors)
millrace_test(sales_progress_test LABEL unit LIBS processors)

# The rules of one aggregate on a fake context: tests/support/fake_task.h stands for the runtime.
foreach(name sales_cart_test sales_owner_test sales_place_test sales_saga_test work_test
        payments_payment_test identity_claim_test identity_session_test identity_user_test catalog_product_test
        catalog_stock_test)
  millrace_test(${name} LABEL unit LIBS processors)
  target_sources(${name} PRIVATE support/fake_task.c)
endforeach()

# The whole write side: four services on simulated logs.
foreach(name shop_whole_test shop_late_test shop_stock_test shop_saga_test shop_bounds_test
        shop_forget_test shop_merge_test shop_replay_test shop_random_test)
  millrace_test(${name} LABEL sim LIBS views processors payment_connector api)
  target_sources(${name} PRIVATE sim/shop_harness.c)
endforeach()
target_sources(shop_random_test PRIVATE sim/shop_crowd.c sim/shop_invariants.c)

# The same on one log, with two instances of each service. One thread, so nothing for the thread
# sanitizer; with another sanitizer fewer lives.
if(NOT MILLRACE_SANITIZE MATCHES "thread")
  foreach(name shop_crash_test shop_lives_test)
    millrace_test(${name} LABEL sim LIBS views processors payment_connector api)
    target_sources(${name} PRIVATE sim/shop_cluster.c sim/shop_crowd.c sim/shop_harness.c
      sim/shop_invariants.c)
    # The engine's private headers.
    target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/topology/src)
  endforeach()
  if(MILLRACE_SANITIZE)
    set_tests_properties(sim.shop_lives_test PROPERTIES ENVIRONMENT MILLRACE_SEEDS=200)
  endif()
endif()

target_link_libraries(shop_replay_test PRIVATE dep::jansson)

# The saga's model: the aggregates with a world of a few cells in place of the runtime. It has one
# thread and millions of states: the thread sanitizer would find nothing, in many minutes.
if(NOT MILLRACE_SANITIZE MATCHES "thread")
  millrace_test(saga_model_test LABEL sim LIBS processors)
  target_sources(saga_model_test PRIVATE sim/saga_shop.c sim/saga_world.c)
endif()
