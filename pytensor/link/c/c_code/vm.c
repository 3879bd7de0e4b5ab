/* The interpreter of scalar programs: kernels that need no compiler. See vm.h.

   They are elementwise kernels and reductions like all others (driver_elemwise.h, driver_reduce.h), with one
   loop for all scalar programs: `vm_loop`. */
#include "vm.h"
#include "special.h"

#if defined(__GNUC__) || defined(__clang__)
#define VM_LOAD(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define VM_STORE(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELEASE)
#else
#define VM_LOAD(x) (*(volatile const int32_t *)&(x))
#define VM_STORE(x, value) (*(volatile int32_t *)&(x) = (value))
#endif

static const void *vm_at(const vm_program *p, int32_t offset)
{
    return (const char *)p + offset;
}

static inline const vm_step *vm_run(const vm_step *step, int32_t count, char *const *at, int64_t n)
{
    for (const vm_step *stop = step + count; step < stop; step++)
        vm_blocks[step->function](at[step->z], at[step->a], at[step->b], at[step->c], at[step->d], n);
    return step;
}

/* A loop in the sense of pytensor.h. It keeps its state on the stack: any number of threads may run a
 * program. */
static void vm_loop(char *const *data, int64_t n, const void *program)
{
    const vm_program *p = program;
    const vm_cell *cell = vm_at(p, p->cells);
    const int32_t n_data = p->n_in + p->n_out, memory_from = n_data + p->n_constants, n_cells = p->n_cells;
    const int64_t block = p->block;
    char space[p->memory + 64], *at[n_cells + 1];
    char *const memory = space + (-(uintptr_t)space & 63);
    int64_t m = n < block ? n : block;
    if (PT_UNLIKELY(m <= 0))
        return;
    for (int32_t i = 0; i < n_data; i++)
        at[i] = data[i];
    for (int32_t i = n_data; i < memory_from; i++)
        at[i] = (char *)vm_at(p, cell[i].offset);
    for (int32_t i = memory_from; i < n_cells; i++)
        at[i] = memory + cell[i].offset;
    const vm_step *step = vm_run(vm_at(p, p->steps), p->n_once, at, 1);
    step = vm_run(step, p->n_fill, at, m);
    for (;;) {
        vm_run(step, p->n_body, at, m);
        if ((n -= m) <= 0)
            return;
        for (int32_t i = 0; i < n_data; i++)
            at[i] += cell[i].advance;
        m = n < block ? n : block;
    }
}

/* A table of `count` items lies inside the program. */
static int vm_holds(const vm_program *p, int32_t offset, int64_t count, int64_t item)
{
    return offset >= (int32_t)sizeof *p && offset % 8 == 0 && count >= 0 && offset + count * item <= p->size;
}

static int vm_check_cells(const vm_program *p)
{
    const vm_cell *cell = vm_at(p, p->cells);
    const int32_t *itemsize = vm_at(p, p->itemsize);
    const int32_t n_data = p->n_in + p->n_out;
    for (int32_t i = 0; i < p->n_cells; i++) {
        const int64_t item = cell[i].itemsize, length = cell[i].length;
        if (item < 1 || item > 16)
            return 0;
        if (i < n_data) {
            if (item != itemsize[i] || (length != -1 && (length != 1 || i >= p->n_in)) ||
                    cell[i].advance != (length < 0 ? item * p->block : 0))
                return 0;
        } else if (length < 1 || length > VM_MAX_BLOCK || cell[i].offset < 0 || cell[i].offset % 8)
            return 0;
        else if (i < n_data + p->n_constants) {
            if (!vm_holds(p, cell[i].offset, length, item))
                return 0;
        } else if (cell[i].offset + length * item > p->memory)
            return 0;
    }
    return 1;
}

/* Every step stays within the cells it names when it runs for `n` elements. */
static int vm_check_steps(const vm_program *p, const vm_step *step, int32_t count, int64_t n)
{
    const vm_cell *cell = vm_at(p, p->cells);
    for (int32_t k = 0; k < count; k++) {
        const uint16_t operand[5] = {step[k].z, step[k].a, step[k].b, step[k].c, step[k].d};
        if (step[k].function >= vm_block_count)
            return 0;
        for (int j = 0; j < 5; j++) {
            const uint8_t size = vm_block_sizes[step[k].function][j];
            if (operand[j] >= p->n_cells)
                return 0;
            const vm_cell *c = cell + operand[j];
            if (size && (c->itemsize != (size & ~VM_ONE) ||
                                (!(size & VM_ONE) && c->length >= 0 && c->length < n)))
                return 0;
        }
        /* Inputs and constants are not written. */
        if (step[k].z < p->n_in ||
                (step[k].z >= p->n_in + p->n_out && step[k].z < p->n_in + p->n_out + p->n_constants))
            return 0;
    }
    return 1;
}

static int vm_check_name(const vm_program *p)
{
    return p->name >= (int32_t)sizeof *p && p->name < p->size &&
           memchr(vm_at(p, p->name), 0, (size_t)(p->size - p->name)) != NULL;
}

/* The size was checked by the driver; the rest is checked here, once. */
PT_UNUSED static int vm_check(const vm_program *p)
{
    const int64_t n_data = (int64_t)p->n_in + p->n_out, n_steps = (int64_t)p->n_once + p->n_fill + p->n_body;
    if (p->size < (int64_t)sizeof *p || p->build != vm_build || p->n_in < 1 || p->n_in > VM_MAX_CELLS ||
            p->n_out < 0 || p->n_out > VM_MAX_CELLS || p->ndim < 0 || p->ndim > 60 || p->block < 1 ||
            p->block > VM_MAX_BLOCK || p->memory < 0 || p->memory > VM_MAX_MEMORY || p->n_constants < 0 ||
            p->n_cells > VM_MAX_CELLS || p->n_cells < n_data + p->n_constants || p->n_once < 0 ||
            p->n_fill < 0 || p->n_body < 0 || p->reducer >= vm_reducer_count)
        return 0;
    if (!vm_check_name(p) || !vm_holds(p, p->itemsize, n_data, 4) || !vm_holds(p, p->repeats, p->n_in, 8) ||
            (p->destroys && !vm_holds(p, p->destroys, p->n_out, 4)) ||
            !vm_holds(p, p->cells, p->n_cells, sizeof(vm_cell)) ||
            !vm_holds(p, p->steps, n_steps, sizeof(vm_step)) || !vm_check_cells(p))
        return 0;
    for (int32_t j = 0; p->destroys && j < p->n_out; j++)
        if (((const int32_t *)vm_at(p, p->destroys))[j] >= p->n_in)
            return 0;
    const vm_step *step = vm_at(p, p->steps);
    return vm_check_steps(p, step, p->n_once, 1) &&
           vm_check_steps(p, step + p->n_once, p->n_fill, p->block) &&
           vm_check_steps(p, step + p->n_once + p->n_fill, p->n_body, p->block);
}

/* What a kernel must know before it may run a program. */
static int vm_usable(pt_ctx *ctx, const vm_program *p, int reduces)
{
    pt_use_special(ctx);
    if (PT_UNLIKELY(!VM_LOAD(p->checked))) {
        if (!vm_check(p))
            return pt_fail(ctx, PT_RUNTIME_ERROR, "[interpreter] the program does not fit this object");
        VM_STORE(((vm_program *)p)->checked, 1);
    }
    if (PT_UNLIKELY((p->reducer >= 0) != reduces || p->n_out < 1 - reduces ||
                    p->n_out > (reduces ? 1 : p->n_out)))
        return pt_fail(ctx, PT_RUNTIME_ERROR, "[interpreter] the program is for another kernel");
    return PT_OK;
}

static pt_elemwise vm_describe(const vm_program *p)
{
    return (pt_elemwise){vm_at(p, p->name), p->n_in, p->n_out, p->ndim, p->cost, vm_at(p, p->itemsize),
            vm_at(p, p->repeats), p->destroys ? vm_at(p, p->destroys) : NULL, p};
}

/* Elements of the loop, for the account of what interpreting costs. */
static double vm_elements(const vm_program *p, pt_array *const *args)
{
    const uint64_t *repeats = vm_at(p, p->repeats);
    double size = 1;
    for (int32_t k = 0; k < p->ndim; k++)
        for (int32_t i = 0; i < p->n_in; i++)
            if (!(repeats[i] >> k & 1)) {
                size *= (double)args[i]->shape[k];
                break;
            }
    return size;
}

static void vm_account(pt_ctx *ctx, const vm_program *p, double elements)
{
    ctx->interpreted += 10.0 + 4.0 * (double)(p->n_once + p->n_fill + p->n_body) + p->lost * elements;
}

static int pt_vm_elemwise(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const vm_program *p = program;
    int status = vm_usable(ctx, p, 0);
    if (PT_UNLIKELY(status))
        return status;
    const pt_elemwise e = vm_describe(p);
    vm_account(ctx, p, vm_elements(p, args));
    return ctx->svc->elemwise(ctx, &e, args, vm_loop);
}

static int pt_vm_reduce(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const vm_program *p = program;
    int status = vm_usable(ctx, p, 1);
    if (PT_UNLIKELY(status))
        return status;
    pt_elemwise e = vm_describe(p);
    const pt_reducer *by = vm_reducers[p->reducer];
    if (PT_UNLIKELY(e.itemsize[p->n_out ? p->n_in : 0] != by->in_size || (!p->n_out && p->n_in != 1)))
        return pt_fail(ctx, PT_RUNTIME_ERROR, "[interpreter] the reduction is of another type");
    const pt_reduction m = {&e, p->n_out ? vm_loop : NULL, by, p->axes, p->nonempty};
    if (p->n_out)
        vm_account(ctx, p, vm_elements(p, args));
    e.nout = 0;
    return ctx->svc->reduce(ctx, &m, args);
}

/* One element of each operand. */
static int pt_vm_scalar(pt_ctx *ctx, pt_array *const *args, const void *program)
{
    const vm_program *p = program;
    int status = vm_usable(ctx, p, 0);
    if (PT_UNLIKELY(status))
        return status;
    const int32_t *itemsize = vm_at(p, p->itemsize), *destroys = p->destroys ? vm_at(p, p->destroys) : NULL;
    const int32_t n_data = p->n_in + p->n_out;
    char *data[n_data];
    for (int32_t i = 0; i < p->n_in; i++)
        data[i] = args[i]->data;
    for (int32_t i = p->n_in; i < n_data; i++) {
        const int32_t from = destroys ? destroys[i - p->n_in] : -1;
        if (from >= 0)
            pt_view(args[i], args[from], 0);
        else if (PT_UNLIKELY((status = pt_alloc(ctx, args[i], 0, itemsize[i]))))
            return status;
        data[i] = args[i]->data;
    }
    vm_account(ctx, p, 1.0);
    vm_loop(data, 1, p);
    return PT_OK;
}

PT_EXPORT extern pt_kernel *const pt_kernels[];
PT_EXPORT extern const int32_t pt_kernel_count;
pt_kernel *const pt_kernels[] = {pt_vm_elemwise, pt_vm_reduce, pt_vm_scalar};
const int32_t pt_kernel_count = 3;
