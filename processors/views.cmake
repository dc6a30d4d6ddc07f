# The read side: views as pure folds, and the registry that every program loads at start.
add_library(views STATIC
  src/view_cart.c
  src/view_catalog.c
  src/view_commands.c
  src/view_credentials.c
  src/view_keys.c
  src/view_order.c
  src/view_state.c
  src/view_topology.c)
target_sources(views PUBLIC FILE_SET HEADERS BASE_DIRS include FILES
  include/processors/views.h)
target_link_libraries(views PUBLIC base schemas topology PRIVATE millrace_options)
set_target_properties(views PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)

add_library(shop_registry STATIC
  src/registry_load.c)
target_sources(shop_registry PUBLIC FILE_SET HEADERS BASE_DIRS include FILES
  include/processors/registry.h)
target_link_libraries(shop_registry PUBLIC base schemas topology PRIVATE millrace_options)
set_target_properties(shop_registry PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
