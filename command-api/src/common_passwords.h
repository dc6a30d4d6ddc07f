/* common_passwords.h - passwords that everybody tries first; lower case, 8 bytes and more. */
#ifndef COMMAND_API_COMMON_PASSWORDS_H
#define COMMAND_API_COMMON_PASSWORDS_H

#include <stddef.h>

extern const char *const common_passwords[];
extern const size_t common_passwords_count;

#endif
