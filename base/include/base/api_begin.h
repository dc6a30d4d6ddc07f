/* api_begin.h - before a public header's declarations: C linkage, exported by a shared library. */
#pragma GCC visibility push(default)
#ifdef __cplusplus
extern "C" {
#endif
