/* The Fortran BLAS as this package sees it: integer width, prototypes, and the table of routines.
 *
 * Routines are reached through a table of addresses filled by the provider (tensor/blas/_ldflags.py): those
 * of NumPy's library or SciPy's capsules, or of a small shared object linked against the user's library. No
 * generated unit links a BLAS.
 *
 * Fortran passes everything by address, so one prototype serves the four element types. Routines that return
 * a number by value (sdot_, cdotu_, ...) have no entry: their ABI differs between libraries (Accelerate's
 * sdot_ returns a double, complex results come back in two different ways), so a dot product is a gemv here.
 */
#ifndef PYTENSOR_FORTRAN_BLAS_H
#define PYTENSOR_FORTRAN_BLAS_H

#include <stdint.h>

/* BLAS_INT_EITHER: kept in 64 bits, but never larger than 32 bits can count. Where the low half of a number
 * comes first in memory, libraries of both widths read that right, so one compiled kernel serves all of them.
 * Elsewhere the width is the library's. */
#if defined(BLAS_INT_EITHER)
typedef int64_t blas_int;
#define BLAS_INT_MAX INT32_MAX
#elif defined(BLAS_INT64)
typedef int64_t blas_int;
#define BLAS_INT_MAX INT64_MAX
#else
typedef int32_t blas_int;
#define BLAS_INT_MAX INT32_MAX
#endif

/* The largest dimension or stride handed to the library. Tests lower it to see the splitting at work. */
#ifndef BLAS_INT_LIMIT
#define BLAS_INT_LIMIT BLAS_INT_MAX
#endif

/* A library that multiplies the old output by beta = 0 instead of ignoring it (NaN survives) gets it cleared.
 * The provider looks at its gemm once and knows; clearing always would cost a thin product up to 85 %. */
#ifdef BLAS_ZERO_FIRST
enum { BLAS_CLEARS_OUTPUT = 1 };
#else
enum { BLAS_CLEARS_OUTPUT = 0 };
#endif

#define BLAS_JOIN_(a, b) a##b
#define BLAS_JOIN(a, b) BLAS_JOIN_(a, b)

/* How a linked library spells its symbols: <prefix>dgemm<suffix>. Only probes/provider.c names symbols. */
#ifndef BLAS_PREFIX
#define BLAS_PREFIX
#endif
#ifndef BLAS_SUFFIX
#define BLAS_SUFFIX _
#endif
#define BLAS_SYMBOL_(prefix, name, suffix) prefix##name##suffix
#define BLAS_SYMBOL_EXPANDED(prefix, name, suffix) BLAS_SYMBOL_(prefix, name, suffix)
#define BLAS_SYMBOL(name) BLAS_SYMBOL_EXPANDED(BLAS_PREFIX, name, BLAS_SUFFIX)

typedef void gemm_fn(const char *transa, const char *transb, const blas_int *m, const blas_int *n,
        const blas_int *k, const void *alpha, const void *a, const blas_int *lda, const void *b,
        const blas_int *ldb, const void *beta, void *c, const blas_int *ldc);
typedef void gemv_fn(const char *trans, const blas_int *m, const blas_int *n, const void *alpha,
        const void *a, const blas_int *lda, const void *x, const blas_int *incx, const void *beta, void *y,
        const blas_int *incy);
typedef void ger_fn(const blas_int *m, const blas_int *n, const void *alpha, const void *x,
        const blas_int *incx, const void *y, const blas_int *incy, void *a, const blas_int *lda);
typedef void syrk_fn(const char *uplo, const char *trans, const blas_int *n, const blas_int *k,
        const void *alpha, const void *a, const blas_int *lda, const void *beta, void *c,
        const blas_int *ldc);
typedef void symm_fn(const char *side, const char *uplo, const blas_int *m, const blas_int *n,
        const void *alpha, const void *a, const blas_int *lda, const void *b, const blas_int *ldb,
        const void *beta, void *c, const blas_int *ldc);
typedef void trmm_fn(const char *side, const char *uplo, const char *transa, const char *diag,
        const blas_int *m, const blas_int *n, const void *alpha, const void *a, const blas_int *lda, void *b,
        const blas_int *ldb);

/* Routines that return a number by value have the return type of the library at hand. Accelerate's sdot
 * returns a double, as g77's did; the probe finds out, and here is the one place that knows. Only
 * pytensor_blas_sdot in probes/provider.c calls one, and hands the number on by address. */
#ifdef BLAS_SDOT_RETURNS_DOUBLE
#define BLAS_SDOT_RESULT double
#else
#define BLAS_SDOT_RESULT float
#endif
typedef BLAS_SDOT_RESULT sdot_fn(
        const blas_int *n, const float *x, const blas_int *incx, const float *y, const blas_int *incy);

/* The order of the table; BLAS_NAMES in _provider.py is the same list, and a test compares the two. */
/* clang-format off */
#define BLAS_ROUTINES(ENTRY) \
    ENTRY(sgemm) ENTRY(dgemm) ENTRY(cgemm) ENTRY(zgemm) \
    ENTRY(sgemv) ENTRY(dgemv) ENTRY(cgemv) ENTRY(zgemv) \
    ENTRY(sger) ENTRY(dger) ENTRY(cgeru) ENTRY(zgeru) ENTRY(cgerc) ENTRY(zgerc) \
    ENTRY(ssyrk) ENTRY(dsyrk) ENTRY(csyrk) ENTRY(zsyrk) ENTRY(cherk) ENTRY(zherk) \
    ENTRY(ssymm) ENTRY(dsymm) ENTRY(csymm) ENTRY(zsymm) \
    ENTRY(strmm) ENTRY(dtrmm) ENTRY(ctrmm) ENTRY(ztrmm) \
    ENTRY(strsm) ENTRY(dtrsm) ENTRY(ctrsm) ENTRY(ztrsm)
/* clang-format on */

#define BLAS_TABLE_INDEX(name) BLAS_##name,
enum blas_routine { BLAS_ROUTINES(BLAS_TABLE_INDEX) BLAS_ROUTINE_COUNT };

/* Names under which a body written once finds the routine of its element type: without imaginary parts there
 * is one ger and one syrk. */
#define BLAS_sgeru BLAS_sger
#define BLAS_dgeru BLAS_dger
#define BLAS_sgerc BLAS_sger
#define BLAS_dgerc BLAS_dger
#define BLAS_sherk BLAS_ssyrk
#define BLAS_dherk BLAS_dsyrk

/* Where a helper gets its routines and its scratch memory. Blocks of `scratch` live until the helper returns;
 * NULL means that memory ran out. */
typedef struct {
    void *const *routines;
    void *(*scratch)(void *owner, int64_t bytes);
    void *owner;
} blas_env;

/* What every helper returns. */
enum blas_status {
    BLAS_DONE = 0,
    BLAS_SHAPE,     /* the operands' lengths do not agree */
    BLAS_NO_MEMORY, /* an operand had to be copied and there was no room */
};

#endif
