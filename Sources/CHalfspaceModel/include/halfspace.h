// SPDX-License-Identifier: Apache-2.0
//
// Halfspace models for C, and for whatever calls C: the library is `libHalfspaceC.so`.
//
// A model may be used by any number of threads at once. What comes as `char *` is the caller's, to be
// freed with halfspace_free. A function that can fail sets `*error` to a sentence when it does, which
// is the caller's as well; `error` may be NULL.
#ifndef HALFSPACE_H
#define HALFSPACE_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A trained model: from the cells of a table to the answer.
typedef struct halfspace_model halfspace_model;

/// Reads a model file. NULL: it cannot be read, and `*error` says why.
halfspace_model *halfspace_model_open(const char *path, char **error);

/// Frees a model that no thread uses any more; NULL is none.
void halfspace_model_close(halfspace_model *model);

/// Number of network outputs for a row.
int64_t halfspace_model_output_count(const halfspace_model *model);

/// Number of columns of a row, and their names in the order of training, from 0; NULL beyond the last.
int64_t halfspace_model_column_count(const halfspace_model *model);
char *halfspace_model_column_name(const halfspace_model *model, int64_t column);

/// The labels of classes or of sets, in the order of the outputs, from 0; NULL beyond the last.
char *halfspace_model_label(const halfspace_model *model, int64_t label);

/// Network outputs `[count, outputs]` for rows of numbers `[count, columns]`, row by row; NaN is a
/// missing cell. Returns 0, or 1 when the model cannot take them: then nothing has been written.
/// A model of one output for two classes gives the score of the second.
int halfspace_model_scores(const halfspace_model *model, const double *rows, int64_t count,
                           float *scores, char **error);

/// Answers for a table in CSV, with the header if the training table had one: a line for each row, as
/// `halfspace predict` writes them, without a header. NULL: the model cannot take the table.
char *halfspace_model_predict_csv(const halfspace_model *model, const char *csv, char **error);

/// Frees a text.
void halfspace_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
