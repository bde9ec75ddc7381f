// The functions of a thin library: each jumps to the core library's function of the same name with a prefix. Built once
// for each list of names (FORWARD_LIST).
#if defined(__CET__)
#include <cet.h>
#else
#define _CET_ENDBR
#endif

#if defined(__x86_64__)
#define X(name)                 \
  .globl name;                  \
  .type name, @function;        \
  .balign 16;                   \
  name: _CET_ENDBR;             \
  jmp bcelogits_##name@PLT;     \
  .size name, . - name;
#elif defined(__aarch64__)
#define X(name)                 \
  .globl name;                  \
  .type name, %function;        \
  .balign 16;                   \
  name: hint 34;                \
  b bcelogits_##name;           \
  .size name, . - name;
#else
#error "the C API is built for x86-64 and AArch64"
#endif

        .text
#include FORWARD_LIST

        .section .note.GNU-stack, "", %progbits
