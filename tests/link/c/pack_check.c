/* Tiles of random sizes and strides, there and back, against element by element; run with sanitizers. */
#include <stdio.h>
#include <stdlib.h>
#include "driver_pack.h"
int main(void)
{
    srand(1);
    int sizes[] = {1, 2, 4, 8, 16};
    long checks = 0;
    for (int it = 0; it < 4000; it++) {
        int64_t size = sizes[rand() % 5];
        int64_t r = 1 + rand() % 40, c = 1 + rand() % 40;
        /* strides: element steps */
        int64_t e0, e1;
        int kind = rand() % 6;
        if (kind == 0) {
            e1 = 1;
            e0 = c + rand() % 3;
        } else if (kind == 1) {
            e0 = 1;
            e1 = r + rand() % 3;
        } else if (kind == 2) {
            e1 = 2;
            e0 = 2 * c;
        } else if (kind == 3) {
            e1 = -1;
            e0 = c;
        } else if (kind == 4) {
            e1 = 0;
            e0 = 1 + rand() % 2;
        } else {
            e0 = -(rand() % 3 + 1);
            e1 = 3 * r + rand() % 3;
        }
        int64_t lo = 0, hi = 0;
        int64_t x0 = (r - 1) * e0, x1 = (c - 1) * e1;
        if (x0 < 0)
            lo += x0;
        else
            hi += x0;
        if (x1 < 0)
            lo += x1;
        else
            hi += x1;
        int64_t n = hi - lo + 1;
        char *src = malloc((size_t)(n * size));
        for (int64_t i = 0; i < n * size; i++)
            src[i] = (char)rand();
        char *exact = malloc((size_t)(n * size));
        char *base = src - lo * size;
        char *buf = malloc((size_t)(r * c * size));
        pt_pack(buf, base, e0 * size, e1 * size, r, c, size, 0);
        for (int64_t i = 0; i < r; i++)
            for (int64_t j = 0; j < c; j++) {
                checks++;
                if (memcmp(buf + (i * c + j) * size, base + (i * e0 + j * e1) * size, (size_t)size)) {
                    printf("BAD %d size %ld r %ld c %ld\n", kind, (long)size, (long)r, (long)c);
                    return 1;
                }
            }
        if (kind != 4) {
            memcpy(exact, src, (size_t)(n * size));
            memset(src, 0, (size_t)(n * size));
            pt_pack(buf, base, e0 * size, e1 * size, r, c, size, 1);
            for (int64_t i = 0; i < r; i++)
                for (int64_t j = 0; j < c; j++)
                    if (memcmp(exact + ((i * e0 + j * e1) - lo) * size, base + (i * e0 + j * e1) * size,
                                (size_t)size)) {
                        printf("BACK BAD %d\n", kind);
                        return 1;
                    }
        }
        free(src);
        free(exact);
        free(buf);
    }
    printf("ok %ld\n", checks);
    return 0;
}
