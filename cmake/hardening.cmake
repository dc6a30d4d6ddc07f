# Flags that make a memory error harder to exploit, in every build that optimises; tests/hardening.sh checks the programs.
# Sanitized builds find such errors instead, and fortified functions would hide some from them.
include(CheckCCompilerFlag)
target_link_options(millrace_options INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
foreach(flag -fstack-clash-protection -fcf-protection -mbranch-protection=standard) # The last two: x86, Arm.
  string(MAKE_C_IDENTIFIER "MILLRACE_HAS${flag}" has)
  check_c_compiler_flag(${flag} ${has})
  if(${has} AND NOT MILLRACE_SANITIZE)
    target_compile_options(millrace_options INTERFACE ${flag})
  endif()
endforeach()
if(NOT MILLRACE_SANITIZE)
  # 3 needs gcc 12 or clang 9; an older compiler takes it for 2. Debian's own flags set another one before.
  target_compile_options(millrace_options INTERFACE -fstack-protector-strong
    $<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE$<SEMICOLON>-D_FORTIFY_SOURCE=3>)
endif()
