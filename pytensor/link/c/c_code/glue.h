/* Names of helpers: pt_<function>_<suffix of the type>. */
#ifndef PT_GLUE_H
#define PT_GLUE_H

#define PT_GLUE_EXPANDED(f, suffix) pt_##f##_##suffix
#define PT_GLUE(f, suffix) PT_GLUE_EXPANDED(f, suffix)

#endif
