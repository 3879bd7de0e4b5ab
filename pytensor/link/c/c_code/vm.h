/* Programs of the interpreter: the parameters of the kernels in vm.c, written by interpreter.py.

   A scalar program is a list of steps over cells. A cell is an operand of the loop, a constant, or a piece of
   memory that holds one element or a block of them. Steps call block functions, each of which computes one C
   expression for up to `block` elements; what is in between stays in the first level of the cache. */
#ifndef PT_VM_H
#define PT_VM_H

#include "pytensor.h"
#include "elemwise.h"

/* z[i] = expression of a[i], b[i], c[i], d[i] (or of the one element of each) for i < n. z may be an operand
   of the same item size. */
typedef void vm_block(void *z, const void *a, const void *b, const void *c, const void *d, int64_t n);

/* z, a, b, c, d: bytes of an element, 0 for operands it does not have; VM_ONE: one element for all. */
#define VM_ONE 0x80
typedef uint8_t vm_sizes[5];

/* Made by vm.py: what this object can do. */
extern vm_block *const vm_blocks[];
extern const vm_sizes vm_block_sizes[];
extern const int32_t vm_block_count;
extern const pt_reducer *const vm_reducers[];
extern const int32_t vm_reducer_count;
extern const uint64_t vm_build;

/* Cells are numbered: inputs, outputs, constants, memory. */
typedef struct {
    int32_t offset;   /* of constants from the start of the program, of memory from the start of that */
    int32_t itemsize; /* bytes */
    int32_t length;   /* elements; -1: those of the loop */
    int32_t advance;  /* bytes from one block to the next */
} vm_cell;

typedef struct {
    uint16_t function, z, a, b, c, d;
} vm_step;

/* The head of a program; offsets are in bytes from its start. */
typedef struct {
    int64_t size;   /* of all, in bytes */
    uint64_t build; /* the object whose functions its steps name */
    double cost;    /* nanoseconds for one element */
    double lost;    /* nanoseconds for one element more than native code takes */
    uint64_t axes;  /* bit k: axis k is reduced */
    int32_t checked;
    int32_t n_in, n_out, ndim; /* of the loop */
    int32_t reducer, nonempty; /* see pt_reduction; reducer < 0: none */
    int32_t block, memory;     /* elements; bytes */
    int32_t n_cells, n_constants;
    int32_t n_once, n_fill, n_body; /* steps: for one element, for the first block, for each block */
    int32_t name, itemsize, repeats, destroys, cells, steps;
    int32_t unused;
} vm_program;

#define VM_MAX_CELLS 1024
#define VM_MAX_BLOCK 1024
#define VM_MAX_MEMORY (1 << 17)

#endif
