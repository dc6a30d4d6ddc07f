/* version.h - the version of these headers, for #if; CMake checks that it is the project's. */
#ifndef TOPOLOGY_VERSION_H
#define TOPOLOGY_VERSION_H

#define TOPO_VERSION_MAJOR 0
#define TOPO_VERSION_MINOR 1
#define TOPO_VERSION_PATCH 0
#define TOPO_VERSION       "0.1.0"

/* #if TOPO_VERSION_NUMBER >= TOPO_VERSION_OF(0, 2, 0) */
#define TOPO_VERSION_OF(major, minor, patch) ((major)*10000 + (minor)*100 + (patch))
#define TOPO_VERSION_NUMBER                                                                        \
    TOPO_VERSION_OF(TOPO_VERSION_MAJOR, TOPO_VERSION_MINOR, TOPO_VERSION_PATCH)

#endif
