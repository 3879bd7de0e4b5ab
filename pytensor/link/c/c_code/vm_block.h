/* Block functions of the interpreter: vm.py writes one line for each expression and types. */
#ifndef PT_VM_BLOCK_H
#define PT_VM_BLOCK_H

#include "vm.h"

/* Operand x is one element for all, or a vector. */
#define VM_S(T, x) const T x = *(const T *)x##_in;
#define VM_V(T, x) const T x = ((const T *)x##_in)[i];

#define VM_FUNCTION(number, Z, ones, vectors, ...)                                                           \
    static void vm_##number(                                                                                 \
            void *z_in, const void *a_in, const void *b_in, const void *c_in, const void *d_in, int64_t n)   \
    {                                                                                                        \
        (void)a_in, (void)b_in, (void)c_in, (void)d_in;                                                      \
        ones PT_IVDEP for (int64_t i = 0; i < n; i++)                                                        \
        {                                                                                                    \
            vectors((Z *)z_in)[i] = __VA_ARGS__;                                                             \
        }                                                                                                    \
    }

#endif
