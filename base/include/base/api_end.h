/* api_end.h - after the declarations of a public header; ends what api_begin.h began. */
#ifdef __cplusplus
}
#endif
#pragma GCC visibility pop
